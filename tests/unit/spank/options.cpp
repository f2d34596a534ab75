// SPDX-License-Identifier: BSD-3-Clause
// The plugin's hooks in srun, sbatch and salloc, built for this Slurm and for one before 21.08.
#include "spank/options.hpp"

#include <slurm/slurm.h>

#include <cstdlib>
#include <optional>

#include "catch.hpp"
#include "contains.hpp"
#include "spank/fake_host.hpp"
#include "temporary_directory.hpp"

namespace {

using lading::parse_request;
using lading::Request;
using test::FakeHost;

constexpr bool kNativeOption = SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(21, 8, 0);

std::optional<std::string> variable(const char* name) {
    const char* const value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

/// A command's start, from a clean environment that the test then fills.
struct Command {
    explicit Command(spank_context_t context = S_CTX_ALLOCATOR) : host(context) {
        for (const char* name :
             {"SLURM_CONTAINER", "SLURM_LADING", "SRUN_CONTAINER", "SLURM_JOB_ID", "SLURM_CONF"}) {
            unsetenv(name);
        }
    }

    Command& with(const char* name, const char* value) {
        setenv(name, value, 1);
        return *this;
    }

    /// As srun in a job that runs in atse:1, with this request.
    void begin_within_job(const char* request) {
        with("SLURM_CONTAINER", "atse:1").with("SLURM_LADING", request).with("SLURM_JOB_ID", "7");
        begin();
    }

    void begin() { REQUIRE(slurm_spank_init(nullptr, 0, nullptr) == 0); }

    /// --container=TEXT, by Slurm's own option or by the plugin's.
    int container(const char* text) {
        return kNativeOption ? setenv("SLURM_CONTAINER", text, 1) : host.give("container", text);
    }

    int end() { return slurm_spank_init_post_opt(nullptr, 0, nullptr); }

    Request request() {
        const auto text = variable("SLURM_LADING");
        REQUIRE(text);
        const auto parsed = parse_request(*text);
        REQUIRE(parsed);
        return *parsed;
    }

    FakeHost host;
};

}  // namespace

TEST_CASE("--container is registered only where Slurm has none itself") {
    Command command;
    command.begin();
    CHECK(command.host.has_option("container") == !kNativeOption);
    for (const char* name :
         {"container-image", "container-mounts", "container-workdir", "container-env",
          "container-writable", "container-readonly", "container-mount-home",
          "no-container-mount-home", "container-unshare"}) {
        INFO(name);
        CHECK(command.host.has_option(name));
    }
}

TEST_CASE("the image and its options reach the nodes") {
    Command command;
    command.begin();
    REQUIRE(command.container("atse:1.2.4") == 0);
    // Before 24.05 srun calls back twice.
    for (int i = 0; i < 2; ++i) {
        REQUIRE(command.host.give("container-mounts", "/data:/in:ro,/a:/b") == 0);
        REQUIRE(command.host.give("container-env", "HOME") == 0);
    }
    REQUIRE(command.host.give("container-workdir", "/work") == 0);
    REQUIRE(command.host.give("container-writable", nullptr) == 0);
    REQUIRE(command.end() == 0);
    CHECK(variable("SLURM_CONTAINER") == "atse:1.2.4");
    const Request request = command.request();
    CHECK(request.text == "atse:1.2.4");
    CHECK(request.mounts.size() == 2);
    CHECK(request.environment.size() == 1);
    CHECK(request.workdir->value == "/work");
    CHECK(request.writable == true);
    CHECK(command.host.messages.empty());
}

TEST_CASE("--container-image is --container") {
    Command command;
    command.begin();
    REQUIRE(command.host.give("container-image", "/images/a.sqsh") == 0);
    REQUIRE(command.end() == 0);
    CHECK(variable("SLURM_CONTAINER") == "/images/a.sqsh");
}

TEST_CASE("a stale SLURM_CONTAINER neither wins nor starts a container") {
    SECTION("against an explicit option") {
        Command command;
        command.with("SLURM_CONTAINER", "old:1").with("SLURM_JOB_ID", "7").begin();
        REQUIRE(command.container("new:2") == 0);
        REQUIRE(command.end() == 0);
        CHECK(command.request().text == "new:2");
    }
    SECTION("in a new allocation") {
        Command command;
        command.with("SLURM_CONTAINER", "old:1").begin();
        REQUIRE(command.end() == 0);
        CHECK_FALSE(variable("SLURM_CONTAINER"));
        CHECK_FALSE(variable("SLURM_LADING"));
    }
}

TEST_CASE("srun within a job inherits its container with its options") {
    const char* const inherited =
        R"({"v":1,"image":"atse:1","mounts":["/data:/in"],"writable":true})";
    SECTION("as it is") {
        Command command(S_CTX_LOCAL);
        command.begin_within_job(inherited);
        if (SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 2, 0)) {
            CHECK(variable("SRUN_CONTAINER") ==
                  "atse:1");  // Slurm reads it as the option's default
            REQUIRE(command.container("atse:1") == 0);
        }
        REQUIRE(command.end() == 0);
        CHECK_FALSE(variable("SRUN_CONTAINER"));
        CHECK(variable("SLURM_CONTAINER") == "atse:1");
        CHECK(command.request().mounts.size() == 1);
        CHECK(command.request().writable == true);
    }
    SECTION("but another image starts afresh") {
        Command command(S_CTX_LOCAL);
        command.begin_within_job(inherited);
        REQUIRE(command.container("other:2") == 0);
        REQUIRE(command.end() == 0);
        CHECK(command.request().mounts.empty());
        CHECK_FALSE(command.request().writable);
    }
    SECTION("and none is the host") {
        Command command(S_CTX_LOCAL);
        command.begin_within_job(inherited);
        REQUIRE(command.container("none") == 0);
        REQUIRE(command.end() == 0);
        CHECK(variable("SLURM_CONTAINER") == "none");
    }
}

TEST_CASE("a malformed option ends the command, with the reason") {
    Command command;
    command.begin();
    CHECK(command.host.give("container-mounts", "/data:relative") < 0);
    CHECK(contains(command.host.messages, "^"));
    CHECK(command.host.give("container-unshare", "user") < 0);
    // By the plugin's own option at once, by Slurm's when all are known.
    CHECK((command.container("Not An Image") < 0 || command.end() < 0));
}

TEST_CASE("container options without a container are a mistake") {
    Command command;
    command.begin();
    REQUIRE(command.host.give("container-workdir", "/work") == 0);
    CHECK(command.end() < 0);
    CHECK(contains(command.host.messages, "without a container"));
}

TEST_CASE("a request that the nodes would refuse is refused here") {
    Command command;
    command.begin();
    REQUIRE(command.container("atse") == 0);
    const std::string directory(3000, 'd');
    for (int i = 0; i < 24; ++i) {
        const std::string mount = "/" + directory + ":/m" + std::to_string(i);
        REQUIRE(command.host.give("container-mounts", mount.c_str()) == 0);
    }
    CHECK(command.end() < 0);
    CHECK_FALSE(variable("SLURM_LADING"));
}

TEST_CASE("where oci.conf is present lading stays out, and says so once") {
    const TemporaryDirectory etc;
    etc.write("oci.conf", "");
    Command command;
    command.with("SLURM_CONF", (etc / "slurm.conf").c_str()).begin();
    REQUIRE(command.container("atse") == 0);
    REQUIRE(command.end() == 0);
    CHECK_FALSE(variable("SLURM_LADING"));
    const std::string& said = command.host.messages;
    REQUIRE(contains(said, "oci.conf"));
    CHECK(said.find("oci.conf") == said.rfind("oci.conf"));
}
