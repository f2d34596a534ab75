// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/index_cache.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

#include "catch.hpp"
#include "core/sys/mount.hpp"
#include "namespace_child.hpp"

namespace {

using namespace lading;

constexpr unsigned kHangs = 30;  // seconds after which the test is lost

}  // namespace

TEST_CASE("a home that does not answer keeps a step for some seconds, not for ever") {
    const test::ScratchDirectory home;
    const std::string said = test::in_child([&]() -> std::string {
        const auto work = [&]() -> Result<std::string> {
            TRY(sys::enter_private_mount_namespace());
            // A server that never says a word.
            const sys::Fd server(open("/dev/fuse", O_RDWR | O_CLOEXEC));
            const sys::Fd tree = TRY(sys::make_fuse(server.get(), 1234, 1234, "a home"));
            const sys::Fd point(open(home.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
            TRY(sys::attach(tree.get(), point.get(), "a home"));
            setpgid(0, 0);
            signal(SIGALRM, [](int) { kill(0, SIGKILL); });  // with whoever waits for the home
            alarm(kHangs);
            const User user{1234, 1234, "u", "", home.path(), "/bin/sh", {{1234, "u"}}};
            app::keep_index_as(user, home.path(".cache/lading/indexes/x"), "an index");
            return std::string("went on");
        };
        const Result<std::string> outcome = work();
        return outcome ? *outcome : outcome.error().what;
    });
    CHECK(said == "went on");
}
