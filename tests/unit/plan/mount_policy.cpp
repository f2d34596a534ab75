// SPDX-License-Identifier: BSD-3-Clause
#include "facts.hpp"

using namespace lading;

TEST_CASE("a site without user mounts refuses them, and still shows the working directory") {
    Facts facts;
    facts.site.user_mounts = false;
    CHECK(facts.has("bind /scratch/run1 rw, if there [user]"));
    facts.mounts("/a:/b");
    CHECK(facts.error().code == Code::refused);
    CHECK(facts.error().what == "--container-mounts: this site forbids users to bind anything");
}

TEST_CASE("nothing is mounted over what lading relies on") {
    for (const std::string target :
         {"/proc", "/proc/self/attr", "/run/lading", "/run/lading/lib"}) {
        Facts facts;
        facts.mounts("/a:" + target);
        INFO(target);
        CHECK(facts.error().code == Code::refused);
        CHECK(facts.error().what.find(target) != std::string::npos);
    }
    Facts facts;
    facts.request.mounts = {{{"/a"}, {"/"}, false}};
    CHECK(facts.error().code == Code::refused);
    for (const std::string target : {"/dev", "/sys", "/etc/passwd", "/run", "/processes", "/etc"}) {
        facts.mounts("/a:" + target);
        INFO(target);
        facts.plan();
    }
}

TEST_CASE("a forbidden source is refused itself, from within and from above") {
    Facts facts;
    facts.site.forbidden_sources = {{"/data/secret"}};
    facts.mounts("/data/secret:/x");
    CHECK(facts.error().code == Code::refused);
    CHECK(facts.error().what == "--container-mounts: this site forbids to bind /data/secret");
    facts.mounts("/data/secret/a:/x");
    CHECK(facts.error().code == Code::refused);
    facts.mounts("/data:/x");
    CHECK(facts.error().what ==
          "--container-mounts: this site forbids to bind /data, which holds /data/secret");
    facts.mounts("/:/x");
    CHECK(facts.error().code == Code::refused);
    facts.mounts("/data/secrets:/x,/data/other:/y");
    facts.plan();
}

TEST_CASE("a forbidden target is refused itself, from within and from above") {
    Facts facts;
    facts.site.forbidden_targets = {{"/etc/slurm"}};
    facts.mounts("/a:/etc/slurm");
    CHECK(facts.error().what == "--container-mounts: nothing may be mounted over /etc/slurm");
    facts.mounts("/a:/etc/slurm/x");
    CHECK(facts.error().what ==
          "--container-mounts: nothing may be mounted over /etc/slurm/x, which lies below "
          "/etc/slurm");
    facts.mounts("/a:/etc");
    CHECK(facts.error().what ==
          "--container-mounts: nothing may be mounted over /etc, which would hide /etc/slurm");
    facts.mounts("/a:/etc/slurmx");
    facts.plan();
}

TEST_CASE("--chdir and --container-mount-home open nothing that the site forbids to bind") {
    Facts facts;
    facts.site.forbidden_sources = {{"/scratch"}, {"/home"}};
    CHECK(facts.lines("bind").find("/scratch") == std::string::npos);
    CHECK(facts.lines("bind").find("/home") == std::string::npos);
    facts.request.mount_home = true;
    CHECK(facts.error().code == Code::refused);
}

TEST_CASE("the site's own mounts are not the user's") {
    Facts facts;
    facts.site.user_mounts = false;
    facts.site.forbidden_sources = {{"/opt/site"}};
    facts.site.forbidden_targets = {{"/opt/site"}};
    facts.site.mounts = {{{"/opt/site"}, {"/opt/site"}, true, true}};
    CHECK(facts.has("bind /opt/site ro [site]"));
}

TEST_CASE("a symbolic link opens nothing that the site forbids") {
    SiteConfig site;
    site.forbidden_sources = {{"/data/secret"}};
    site.forbidden_targets = {{"/etc/slurm"}};
    const Bind bind{{"/home/alice/link"}, {"/link"}, false, true, Origin::user};
    CHECK(check_resolved_source(bind, {"/home/alice/dir"}, site));
    const auto source = check_resolved_source(bind, {"/data/secret/x"}, site);
    REQUIRE_FALSE(source);
    CHECK(source.error().code == Code::refused);
    CHECK(source.error().what ==
          "this site forbids to bind /home/alice/link (which is /data/secret/x)");
    CHECK_FALSE(check_resolved_source(bind, {"/data"}, site));
    CHECK(check_resolved_source(bind, {"/data/secrets"}, site));

    CHECK(check_resolved_target(bind, {"/srv"}, site));
    CHECK_FALSE(check_resolved_target(bind, {"/etc/slurm"}, site));
    CHECK(check_resolved_target(bind, {"/proc/sys"}, site).error().what ==
          "nothing may be mounted over /link (which is /proc/sys), which lies below /proc");
    CHECK_FALSE(check_resolved_target(bind, {"/"}, site));
}
