// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/image_uses.hpp"

#include <set>

#include "catch.hpp"
#include "lading/record.hpp"

using namespace lading;
using namespace lading::record;
using formats::QueuedJob;

namespace {

std::string digest(char c) {
    return "sha256:" + std::string(64, c);
}

const std::string kOld = digest('0');
const std::string kNew = digest('1');
const std::string kPulled = digest('2');

/// atse:1 was the old image from 10,000 s, and is the new one from 20,000 s.
StoreFacts store() {
    return {{{kOld, digest('a'), "atse-1.tar"},
             {kNew, digest('b'), "atse-2.tar"},
             {kPulled, digest('c'), "docker://docker.io/library/atse:3"}},
            {{"atse", "1", {{10'000, kOld}, {20'000, kNew}}},
             {"host-5000/atse", "1", {{10'000, kOld}, {20'000, kNew}}}}};
}

QueuedJob job(const std::string& container, std::int64_t submitted,
              const std::string& state = "PENDING") {
    return {"7", "alice", state, submitted, 0, container, ""};
}

std::set<std::string> needed(const QueuedJob& queued, std::int64_t margin = 100) {
    std::set<std::string> digests;
    for (const auto& [digest, users] : find_uses({queued}, store(), margin).users) {
        REQUIRE(users == std::vector<ImageUser>{{"7", "alice"}});
        digests.insert(digest);
    }
    return digests;
}

using Digests = std::set<std::string>;

}  // namespace

TEST_CASE("a waiting job needs the image that its tag named when it was submitted") {
    CHECK(needed(job("atse:1", 15'000)) == Digests{kOld});
    CHECK(needed(job("atse:1", 25'000)) == Digests{kNew});
    CHECK(needed(job("atse:1", 20'050)) == Digests{kOld, kNew});  // clocks may differ
    CHECK(needed(job("atse:1", 20'050), 0) == Digests{kNew});
    CHECK(needed(job("atse:2", 15'000)).empty());
    CHECK(needed(job("other", 15'000)).empty());
    CHECK(needed(job("", 15'000)).empty());
    CHECK(needed(job("none", 15'000)).empty());
}

TEST_CASE("a job that has ended needs no image") {
    CHECK(needed(job("atse:1", 15'000, "COMPLETED")).empty());
    CHECK(needed(job("atse:1", 15'000, "COMPLETING")) == Digests{kOld});
    CHECK(needed(job("atse:1", 15'000, "SUSPENDED")) == Digests{kOld});
}

TEST_CASE("a job names its image by digest, by the file's path, or as it was pulled") {
    CHECK(needed(job("atse:1@" + kPulled, 15'000)) == Digests{kPulled});
    CHECK(needed(job("atse@" + digest('f'), 15'000)).empty());
    CHECK(needed(job("/store/blobs/sha256/" + std::string(64, 'b'), 1)) == Digests{kNew});
    CHECK(needed(job("docker://atse:3", 15'000)) == Digests{kPulled});
    CHECK(needed(job("docker://atse:4", 15'000)).empty());
    CHECK(needed(job("docker://host:5000/atse:1", 15'000)) == Digests{kOld});
    CHECK(needed(job("docker://host:5000/atse@" + kNew, 15'000)) == Digests{kNew});
}

TEST_CASE("where the submission's time says nothing, all that the tag has named is needed") {
    QueuedJob requeued = job("atse:1", 25'000);
    requeued.restarts = 1;
    CHECK(needed(requeued) == Digests{kOld, kNew});
    QueuedJob unknown = job("atse:1", 0);
    unknown.submitted.reset();
    CHECK(needed(unknown) == Digests{kOld, kNew});
    CHECK(needed(job("atse:1", 5'000)) == Digests{kOld, kNew});  // older than the history
}

TEST_CASE("a running job needs what its record names, besides what it asked for") {
    QueuedJob running = job("none", 25'000, "RUNNING");
    JobRecord record;
    record.images.push_back({"atse:1", kOld, "", {}, {"0"}, 1});
    running.admin_comment = "a site's own words " + format_admin_comment({"", record});
    CHECK(needed(running) == Digests{kOld});
    running.container = "atse:1";
    CHECK(needed(running) == Digests{kOld, kNew});
    CHECK(find_uses({running}, store(), 0).doubtful.empty());
}

TEST_CASE("a record that had no room for all images says that any may be needed") {
    QueuedJob running = job("", 25'000, "RUNNING");
    running.admin_comment = R"({"lading":{"v":1,"images":[],"omitted":["images"]}})";
    CHECK(find_uses({running}, store(), 0).doubtful == std::vector<std::string>{"7"});
    running.state = "COMPLETED";
    CHECK(find_uses({running}, store(), 0).doubtful.empty());
}
