// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/nearest.hpp"

#include "catch.hpp"

using lading::formats::edit_distance;
using lading::formats::nearest_names;
using Names = std::vector<std::string>;

TEST_CASE("the edit distance counts changes, insertions, deletions and swaps of neighbours") {
    CHECK(edit_distance("atse", "atse") == 0);
    CHECK(edit_distance("atse", "ates") == 1);
    CHECK(edit_distance("atse", "atsé") == 2);  // two bytes
    CHECK(edit_distance("atse", "tse") == 1);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("a mistyped name is answered with the nearest ones, nearest first") {
    const Names names = {"atse:1.2.4", "atse:1.2.5", "openfoam:11", "group/atse:1.2.4"};
    CHECK(nearest_names("ates:1.2.4", names) == Names{"atse:1.2.4", "atse:1.2.5"});
    CHECK(nearest_names("atse:1.2.4", Names{"group/atse:1.2.4"}) == Names{"group/atse:1.2.4"});
    CHECK(nearest_names("atse:1.2.6", names, 1) == Names{"atse:1.2.4"});
}

TEST_CASE("a name that is like no other gets no suggestion") {
    CHECK(nearest_names("tensorflow:2", Names{"atse:1.2.4"}).empty());
    CHECK(nearest_names("x", Names{}).empty());
}

TEST_CASE("a name that two stores have is suggested once") {
    CHECK(nearest_names("atse:1", Names{"atse:2", "atse:2"}) == Names{"atse:2"});
}

TEST_CASE("endless names do not cost endless time") {
    const std::string endless(1'000'000, 'a');
    CHECK(edit_distance(endless, endless + "b") == 0);
}
