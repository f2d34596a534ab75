// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/search_path.hpp"

#include "catch.hpp"

using namespace lading::formats;

TEST_CASE("a list of directories is split, and empty ones are left out") {
    CHECK(split_search_path(":/a::/b:") == std::vector<std::string>{"/a", "/b"});
    CHECK(split_search_path("").empty());
}

TEST_CASE("$ORIGIN is the file's own directory, however often it stands there") {
    CHECK(split_run_path("$ORIGIN/../lib:${ORIGIN}:/x", "/opt/bin/app") ==
          std::vector<std::string>{"/opt/bin/../lib", "/opt/bin", "/x"});
    CHECK(split_run_path("$ORIGIN$ORIGIN", "/a/app") == std::vector<std::string>{"/a/a"});
    // A directory that is called like the token does not grow for ever.
    CHECK(split_run_path("$ORIGIN", "/$ORIGIN/app") == std::vector<std::string>{"/$ORIGIN"});
}
