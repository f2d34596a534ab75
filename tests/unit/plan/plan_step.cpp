// SPDX-License-Identifier: BSD-3-Clause
#include "facts.hpp"

using namespace lading;

TEST_CASE("the plan of an ordinary step") {
    CHECK(plan::to_text(Facts().plan()) == R"(mount by kernel, read-only, 6553 MiB of scratch
copy /etc/resolv.conf
copy /etc/hosts
write /etc/passwd /etc/group
bind /dev rw [lading]
bind /home/alice rw, if there [lading]
bind /proc rw [lading]
bind /scratch/run1 rw, if there [user]
bind /sys ro [lading]
bind /tmp rw [lading]
bind /var/tmp rw, if there [lading]
set LANG=C.UTF-8
set PATH=/opt/atse/bin:/bin
enter /scratch/run1
or /
seccomp default
)");
}

TEST_CASE("the plan of a batch step with everything asked for") {
    Facts facts;
    facts.mounts("/data:/tmp:ro,/home/alice/in:/opt/in");
    facts.request.workdir = GuestPath{"/opt/in"};
    facts.request.environment = {"PATH"};
    facts.request.writable = true;
    facts.request.mount_home = false;
    facts.request.unshare = Namespaces{true, false, false, true};
    facts.image.kernel_may_parse = false;
    facts.host.step.batch = true;
    facts.host.step.argv = {"/var/spool/slurmd/job00007/slurm_script", "x"};
    facts.host.pmi_directories = {{"/var/spool/slurmd/pmix.7.0"}};
    facts.site.mounts = {{{"/opt/site"}, {"/opt/site"}, true, false}};
    facts.site.scratch_bytes = std::uint64_t{1} << 30U;
    facts.site.environment = {{"SITE", "here"}};
    facts.site.unshare.ipc = true;
    facts.site.seccomp = "none";
    CHECK(plan::to_text(facts.plan()) == R"(mount by squashfuse, writable, 1024 MiB of scratch
copy /etc/resolv.conf
copy /etc/hosts
write /etc/passwd /etc/group
bind /dev rw [lading]
bind /home/alice/in on /opt/in rw [user]
bind /opt/site ro, if there [site]
bind /proc rw [lading]
bind /scratch/run1 rw, if there [user]
bind /sys ro [lading]
bind /data on /tmp ro [user]
bind /var/spool/slurmd/job00007/slurm_script ro [lading]
bind /var/spool/slurmd/pmix.7.0 rw, if there [user]
bind /var/tmp rw, if there [lading]
set LANG=C.UTF-8
set SITE=here
enter /opt/in
unshare pid
unshare ipc
unshare uts
seccomp none
)");
}

TEST_CASE("a plan is the same each time") {
    CHECK(plan::to_text(Facts().plan()) == plan::to_text(Facts().plan()));
}

TEST_CASE("an image of another architecture is refused, with both names") {
    Facts facts;
    facts.image.document.config.architecture = "arm64";
    CHECK(facts.error().code == Code::mismatch);
    CHECK(facts.error().what == "image atse:1.2.4 is built for arm64, this node is amd64");
    facts.image.document.config.architecture = "386";
    facts.plan();
    facts.image.document.config.architecture = "";
    facts.plan();
}

TEST_CASE("the kernel mounts what only root could have written, unless the site says otherwise") {
    Facts facts;
    CHECK(facts.plan().mount_by == MountBy::kernel);
    facts.image.mount_by = MountBy::squashfuse;
    CHECK(facts.plan().mount_by == MountBy::squashfuse);
    facts.image.kernel_may_parse = false;
    facts.image.mount_by = MountBy::automatic;
    CHECK(facts.plan().mount_by == MountBy::squashfuse);
    facts.image.mount_by = MountBy::kernel;
    CHECK(facts.plan().mount_by == MountBy::kernel);
}

TEST_CASE("a directory is bound: there is nothing to parse") {
    Facts facts;
    facts.image.kind = ImageFacts::Kind::directory;
    facts.image.kernel_may_parse = false;
    CHECK(facts.plan().mount_by == MountBy::kernel);
}

TEST_CASE("a site without image files refuses a path, whatever the reader found") {
    Facts facts;
    facts.request.text = "/data/x.sqsh";
    facts.request.image = *parse_image_reference(facts.request.text);
    facts.plan();
    facts.site.path_images = false;
    CHECK(facts.error().code == Code::refused);
    CHECK(facts.error().what == "this site runs images of its stores only, not /data/x.sqsh");
}

TEST_CASE("writable is the user's word, else the site's, and never against the site") {
    Facts facts;
    facts.site.writable = true;
    CHECK(facts.plan().writable);
    facts.request.writable = false;
    CHECK_FALSE(facts.plan().writable);
    facts.site.writable = false;
    facts.site.allow_writable = false;
    facts.plan();
    facts.request.writable = true;
    CHECK(facts.error().code == Code::refused);
    CHECK(facts.error().what == "--container-writable: this site does not allow it");
}

TEST_CASE("the scratch space is always bounded") {
    Facts facts;
    facts.site.scratch_percent = 50;
    CHECK(facts.plan().scratch_bytes == std::uint64_t{32} << 30U);
    facts.host.memory_bytes = 0;
    CHECK(facts.plan().scratch_bytes == std::uint64_t{16} << 20U);
    facts.site.scratch_bytes = 1U << 20U;
    CHECK(facts.plan().scratch_bytes == 1U << 20U);
}

TEST_CASE("the working directory is the job's, else the image's, else the root") {
    Facts facts;
    facts.image.document.config.workdir = "/opt/work/";
    CHECK(facts.lines("enter") == "/scratch/run1\n");
    CHECK(facts.lines("or") == "/opt/work\n/\n");
    facts.host.step.working_directory = "";
    facts.image.document.config.workdir = "relative";
    CHECK(facts.lines("enter") == "/\n");
    CHECK(facts.lines("or").empty());
}

TEST_CASE("a working directory that was asked for has no substitute") {
    Facts facts;
    facts.request.workdir = GuestPath{"/there"};
    CHECK(facts.lines("enter") == "/there\n");
    CHECK(facts.lines("or").empty());
}

TEST_CASE("a task gets the namespaces that the user or the site wants") {
    Facts facts;
    CHECK(facts.plan().unshare == Namespaces{});
    facts.site.unshare = {false, true, false, false};
    facts.request.unshare = Namespaces{false, false, false, true};
    CHECK(facts.plan().unshare == Namespaces{false, true, false, true});
    facts.request.unshare = Namespaces{};
    CHECK(facts.plan().unshare == Namespaces{false, true, false, false});
}

TEST_CASE("a step on the bare host has no plan") {
    Facts facts;
    facts.request.image = NoImage{};
    CHECK(facts.error().code == Code::internal);
}
