// SPDX-License-Identifier: BSD-3-Clause
// The host's libraries as part of a plan.
#include <algorithm>

#include "facts.hpp"

using namespace lading;

namespace {

Injection mpich() {
    Injection injection;
    injection.files = {{"libmpich.so.12",
                        {"/opt/mpich/libmpich.so.12"},
                        {{"/opt/app/lib/libmpich.so.12"}, {"/usr/lib/libmpich.so.12"}},
                        "",
                        ""}};
    injection.mounts = {{{"/opt/ucx"}, {"/usr/lib/ucx"}, true, ""},
                        {{"/opt/doc"}, {"/usr/share/doc"}, false, ""}};
    injection.environment = {{"MPICH", "1"}};
    return injection;
}

/// What add_injection() adds, as text.
std::string added(const Facts& facts, const Injection& injection) {
    Plan plan = facts.plan();
    const std::string before = plan::to_text(plan);
    add_injection(injection, facts.request, plan);
    const std::string after = plan::to_text(plan);
    std::string lines;
    for (std::size_t start = 0; start < after.size();) {
        const std::size_t end = after.find('\n', start) + 1;
        const std::string line = after.substr(start, end - start);
        if (("\n" + before).find("\n" + line) == std::string::npos) {
            lines += line;
        }
        start = end;
    }
    return lines;
}

}  // namespace

TEST_CASE("the host's libraries are bound read-only, behind everything else") {
    Facts facts;
    CHECK(added(facts, mpich()) == R"(bind /opt/ucx on /usr/lib/ucx ro [stack]
bind /opt/doc on /usr/share/doc ro, if there [stack]
bind /opt/mpich/libmpich.so.12 on /opt/app/lib/libmpich.so.12 ro [stack]
bind /opt/mpich/libmpich.so.12 on /usr/lib/libmpich.so.12 ro [stack]
set MPICH=1
)");
    Plan plan = facts.plan();
    const std::size_t before = plan.operations.size();
    add_injection(mpich(), facts.request, plan);
    for (std::size_t i = 0; i < plan.operations.size(); ++i) {
        const Bind* const bind = std::get_if<Bind>(&plan.operations[i]);
        CHECK((bind != nullptr && bind->origin == Origin::stack) == (i >= before));
    }
}

TEST_CASE("nothing to inject changes nothing") {
    CHECK(added(Facts(), Injection{}).empty());
}

TEST_CASE("what the user or the site has mounted there stays") {
    Facts facts;
    facts.mounts("/home/alice/mpi:/opt/app/lib,/home/alice/x.so:/usr/lib/libmpich.so.12");
    facts.site.mounts = {{{"/opt/site"}, {"/usr/lib/ucx"}, true, true}};
    CHECK(added(facts, mpich()) == R"(bind /opt/doc on /usr/share/doc ro, if there [stack]
set MPICH=1
)");
}

TEST_CASE("a mount beside or below a library's place does not keep it away") {
    Facts facts;
    facts.mounts("/a:/opt/app/li,/b:/usr/lib/ucx/deeper");
    const std::string lines = added(facts, mpich());
    CHECK(lines.find("on /opt/app/lib/libmpich.so.12") != std::string::npos);
    CHECK(lines.find("on /usr/lib/ucx ") != std::string::npos);
}

TEST_CASE("the host's glibc comes with a cache, and with a loader for each of the image's") {
    Injection injection = mpich();
    injection.libc = {"2.36",
                      {"/lib/ld-2.36.so"},
                      {{"/usr/lib/ld-linux.so.2"}, {"/usr/lib32/ld-linux.so.2"}},
                      {{"libc.so.6", "/run/lading/lib/libc.so.6"}}};
    Facts facts;
    Plan plan = facts.plan();
    add_injection(injection, facts.request, plan);
    std::vector<WriteLoader> loaders;
    std::vector<WriteLoaderCache> caches;
    for (const RootOperation& operation : plan.operations) {
        if (const auto* const loader = std::get_if<WriteLoader>(&operation)) {
            loaders.push_back(*loader);
        } else if (const auto* const cache = std::get_if<WriteLoaderCache>(&operation)) {
            caches.push_back(*cache);
        }
    }
    CHECK(caches == std::vector<WriteLoaderCache>{{injection.libc.libraries}});
    CHECK(loaders == std::vector<WriteLoader>{{{"/lib/ld-2.36.so"}, {"/usr/lib/ld-linux.so.2"}},
                                              {{"/lib/ld-2.36.so"}, {"/usr/lib32/ld-linux.so.2"}}});
}

TEST_CASE("a profile's variable gives way to what the user passes, LD_LIBRARY_PATH does not") {
    Facts facts;
    facts.request.environment = {"MPICH", "LD_LIBRARY_PATH"};
    Injection injection;
    injection.environment = {{"MPICH", "1"}, {"LD_LIBRARY_PATH", "/run/lading/lib:/x"}};
    CHECK(added(facts, injection) == "set LD_LIBRARY_PATH=/run/lading/lib:/x\n");
}

TEST_CASE("a profile's variable replaces the image's of that name") {
    Facts facts;
    Injection injection;
    injection.environment = {{"LANG", "de_DE"}};
    Plan plan = facts.plan();
    add_injection(injection, facts.request, plan);
    CHECK(std::ranges::count(plan.environment, std::string("LANG"), &EnvironmentEdit::name) == 1);
    CHECK(added(facts, injection) == "set LANG=de_DE\n");
}

TEST_CASE("a mount over the image's library directories hides what its index says") {
    for (const std::string target : {"/usr", "/lib", "/lib64", "/usr/lib", "/usr/lib64",
                                     "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu"}) {
        INFO(target);
        CHECK(hides_libraries(Facts().mounts("/opt/a:" + target).plan()));
    }
    for (const std::string target : {"/opt/lib", "/usr/lib/ucx", "/usr/libexec", "/usr/local",
                                     "/usr/lib/x86_64-linux-gnu/ucx", "/library"}) {
        INFO(target);
        CHECK_FALSE(hides_libraries(Facts().mounts("/opt/a:" + target).plan()));
    }
    CHECK_FALSE(hides_libraries(Facts().plan()));
    Facts site;
    site.site.mounts = {{{"/opt/site"}, {"/usr/lib"}, true, true}};
    CHECK(hides_libraries(site.plan()));
}
