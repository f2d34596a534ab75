// SPDX-License-Identifier: BSD-3-Clause
#include "facts.hpp"

using namespace lading;

TEST_CASE("a path covers itself and what lies below, by whole components") {
    CHECK(path_covers("/data", "/data"));
    CHECK(path_covers("/data", "/data/x"));
    CHECK(path_covers("/data/", "/data/x"));
    CHECK(path_covers("/", "/anything"));
    CHECK(path_covers("/", "/"));
    CHECK_FALSE(path_covers("/data", "/database"));
    CHECK_FALSE(path_covers("/data/x", "/data"));
    CHECK_FALSE(path_covers("", "/data"));
    CHECK_FALSE(path_covers("data", "data/x"));
}

TEST_CASE("a user's mount takes the place of lading's and of the site's own") {
    Facts facts;
    facts.site.mounts = {{{"/site"}, {"/opt/x"}, true, true}};
    facts.mounts("/mine:/opt/x,/scratch/tmp:/tmp");
    CHECK(facts.has("bind /mine on /opt/x rw [user]"));
    CHECK(facts.has("bind /scratch/tmp on /tmp rw [user]"));
    CHECK_FALSE(facts.has("bind /tmp rw [lading]"));
    CHECK(facts.lines("bind").find("/site") == std::string::npos);
}

TEST_CASE("the site's mount takes the place of lading's own") {
    Facts facts;
    facts.site.mounts = {{{"/local/tmp"}, {"/tmp"}, false, true}};
    CHECK(facts.has("bind /local/tmp on /tmp rw [site]"));
    CHECK_FALSE(facts.has("bind /tmp rw [lading]"));
}

TEST_CASE("no mount hides another: parents come before what lies below them") {
    Facts facts;
    facts.mounts("/c:/a/b/c,/d:/a-b,/e:/a/b,/f:/a");
    const std::string binds = facts.lines("bind");
    const auto at = [&](const std::string& text) { return binds.find(text); };
    CHECK(at("/f on /a ") < at("/e on /a/b "));
    CHECK(at("/e on /a/b ") < at("/c on /a/b/c "));
    CHECK(at("/d on /a-b ") != std::string::npos);
}

TEST_CASE("two mounts on one target are an error, the same one twice is not") {
    Facts facts;
    facts.mounts("/a:/x,/b:/x");
    CHECK(facts.error().code == Code::usage);
    CHECK(facts.error().what == "--container-mounts: /a and /b are both mounted on /x");
    facts.mounts("/a:/x,/a:/x");
    CHECK(facts.lines("bind").find("/a on /x") == facts.lines("bind").rfind("/a on /x"));
}

TEST_CASE("what is shown already is not bound again") {
    Facts facts;
    SECTION("the working directory below the home") {
        facts.host.step.working_directory = "/home/alice/run";
    }
    SECTION("the working directory is the home") {
        facts.host.step.working_directory = "/home/alice";
    }
    SECTION("the working directory in /tmp") {
        facts.host.step.working_directory = "/tmp/run";
    }
    SECTION("the working directory below a user's mount") {
        facts.host.step.working_directory = "/data/run";
        facts.mounts("/data:/data:ro");
    }
    SECTION("the home and the working directory in /tmp") {
        facts.host.user.home = "/tmp/alice";
        facts.host.step.working_directory = "/tmp/alice/x";
        CHECK(facts.lines("bind").find("alice") == std::string::npos);
    }
    CHECK(facts.lines("bind").find("run") == std::string::npos);
}

TEST_CASE("what the user mounts over the home or the working directory is what lies there") {
    Facts facts;
    facts.mounts("/fake:/home,/other:/scratch");
    CHECK(facts.lines("bind").find("/home/alice") == std::string::npos);
    CHECK(facts.lines("bind").find("/scratch/run1") == std::string::npos);
    facts.mounts("/other:/scratch/run1/in");
    CHECK(facts.has("bind /scratch/run1 rw, if there [user]"));
}

TEST_CASE("the host's system directories never cover the image's") {
    Facts facts;
    for (const std::string directory :
         {"/",        "/usr",    "/usr/share/x",   "/bin",      "/sbin",      "/lib",
          "/lib64/x", "/etc",    "/etc/slurm",     "/opt/tool", "/boot",      "/dev/shm",
          "/proc/1",  "/sys/fs", "/run/user/1000", "/var",      "/var/lib/x", "",
          "relative", "/a/../b"}) {
        facts.host.step.working_directory = directory;
        facts.host.user.home = directory;
        INFO(directory);
        CHECK(facts.lines("bind") ==
              "/dev rw [lading]\n/proc rw [lading]\n/sys ro [lading]\n/tmp rw [lading]\n"
              "/var/tmp rw, if there [lading]\n");
    }
    for (const std::string directory : {"/usrlocal", "/var/home/alice", "/root", "/srv/x"}) {
        facts.host.step.working_directory = directory;
        CHECK(facts.has("bind " + directory + " rw, if there [user]"));
    }
}

TEST_CASE("the home is the user's choice, else the site's") {
    Facts facts;
    facts.request.mount_home = false;
    CHECK(facts.lines("bind").find("/home/alice") == std::string::npos);
    facts.site.mount_home = false;
    facts.request.mount_home.reset();
    CHECK(facts.lines("bind").find("/home/alice") == std::string::npos);
    facts.request.mount_home = true;
    CHECK(facts.has("bind /home/alice rw, if there [user]"));
    facts.host.user.home = "/home//alice/";
    CHECK(facts.has("bind /home/alice rw, if there [user]"));
}

TEST_CASE("a batch step gets Slurm's copy of its script, read-only") {
    Facts facts;
    facts.host.step.argv = {"/var/spool/slurmd/job7/slurm_script"};
    CHECK(facts.lines("bind").find("slurm_script") == std::string::npos);
    facts.host.step.batch = true;
    CHECK(facts.has("bind /var/spool/slurmd/job7/slurm_script ro [lading]"));
    facts.host.step.argv = {};
    facts.plan();
}

TEST_CASE("a task with its own processes finds a /proc to mount its own over") {
    Facts facts;
    facts.request.unshare = Namespaces{true, false, false, false};
    CHECK(facts.lines("bind").find("/proc") != std::string::npos);
}

TEST_CASE("a file that the user mounts is not replaced by the node's") {
    Facts facts;
    facts.mounts("/my/hosts:/etc/hosts");
    CHECK(facts.lines("copy") == "/etc/resolv.conf\n");
    facts.mounts("/my/etc:/etc");
    CHECK(facts.lines("copy").empty());
}

TEST_CASE("a PMI directory that the environment names cannot replace the image's files") {
    Facts facts;
    facts.host.pmi_directories = {{"/usr/bin"}, {"/etc"}, {"pmix"}, {"/run/pmix.7"}, {"/tmp/p"}};
    CHECK(facts.has("bind /run/pmix.7 rw, if there [user]"));
    CHECK(facts.lines("bind").find("/usr") == std::string::npos);
    CHECK(facts.lines("bind").find("/etc") == std::string::npos);
    CHECK(facts.lines("bind").find("/tmp/p") == std::string::npos);  // shown already
    facts.site.forbidden_sources = {{"/run"}};
    CHECK(facts.error().code == Code::refused);
    CHECK(facts.error().what.find("/run/pmix.7") != std::string::npos);
}
