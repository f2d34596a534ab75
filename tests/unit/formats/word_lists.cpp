// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "core/formats/namespaces.hpp"
#include "lading/request.hpp"
#include "mutation.hpp"

using namespace lading;

TEST_CASE("variables are named one by one, each once") {
    CHECK(*parse_environment_names("A,_b,C1,A") == std::vector<std::string>{"A", "_b", "C1"});
}

TEST_CASE("a value given with --container-env is explained, with a caret under the spot") {
    const auto parsed = parse_environment_names("FOO,BAR=1");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().what ==
          "--container-env: '=' cannot stand in the name of a variable\n  FOO,BAR=1\n         ^");
    CHECK(parsed.error().hint == "name the variable alone: its value is the job's own");
}

TEST_CASE("what no shell can export is no variable's name") {
    for (const char* const text : {"", "A,", ",A", "1A", "A B", "A*", "A\n", "Ä"}) {
        CHECK_FALSE(parse_environment_names(text));
    }
    CHECK_FALSE(parse_environment_names(std::string(257, 'A')));
    for_each_mutation("PATH,LD_LIBRARY_PATH,MY_VAR9", 3000, [](const std::string& text) {
        if (const auto parsed = parse_environment_names(text)) {
            for (const std::string& name : *parsed) {
                CHECK(name.find_first_of("=,\n* ") == std::string::npos);
                CHECK_FALSE(name.empty());
            }
        }
    });
}

TEST_CASE("namespaces come in any order, and unknown ones are refused with what there is") {
    CHECK(*parse_namespaces("uts,pid") == Namespaces{true, false, false, true});
    CHECK(*parse_namespaces("pid,ipc,net,uts,pid") == Namespaces{true, true, true, true});
    CHECK(parse_namespaces("pid,user").error().what ==
          "--container-unshare: expected pid, ipc, net or uts, found 'user'\n"
          "  pid,user\n"
          "      ^");
    CHECK_FALSE(parse_namespaces(""));
    CHECK_FALSE(parse_namespaces("pid,"));
    CHECK(formats::namespace_names({true, false, true, false}) ==
          std::vector<std::string>{"pid", "net"});
}
