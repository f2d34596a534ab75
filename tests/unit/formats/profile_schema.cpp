// SPDX-License-Identifier: BSD-3-Clause
// The profile's schema and its reader say the same.
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "catch.hpp"
#include "formats/schema_keys.hpp"
#include "lading/profile.hpp"

using namespace lading;
using nlohmann::json;

namespace {

json read_schema() {
    return json::parse(read_shipped("profile.schema.json"));
}

json gpu_profile() {
    return {{"kind", "gpu"}, {"provides", "cuda"}};
}

bool reads(const json& profile) {
    return parse_profile(profile.dump(), "n", "f").has_value();
}

/// Do schema and reader agree on each of these texts?
void compare_pattern(const std::string& pattern, const Wrap& wrap,
                     const std::vector<std::string>& texts) {
    const std::regex regex(pattern);
    for (const std::string& text : texts) {
        INFO(pattern << " on '" << text << "'");
        CHECK(std::regex_search(text, regex) == reads(wrap(text)));
    }
}

}  // namespace

TEST_CASE("the profile's schema knows the keys that the reader knows, and no others") {
    const SchemaKeys keys(read_schema(), [](const std::string& text) {
        return parse_profile(text, "n", "f").map([](const Profile&) {});
    });
    CHECK(keys.compare() == 4);
}

TEST_CASE("the profile's schema requires what the reader requires") {
    const json schema = read_schema();
    CHECK(schema.at("required") == json({"kind", "provides"}));
    for (const char* const key : {"kind", "provides"}) {
        json profile = gpu_profile();
        CHECK(reads(profile));
        profile.erase(key);
        CHECK_FALSE(reads(profile));
    }
    for (const char* const list : {"libraries", "plugins", "data"}) {
        json profile = gpu_profile();
        profile[list] = json::array({json::object()});
        CHECK_FALSE(reads(profile));
    }
}

TEST_CASE("the profile's schema has the reader's defaults") {
    const json schema = read_schema();
    json profile = gpu_profile();
    for (const auto& [key, value] : schema.at("properties").items()) {
        const json& object = resolve(value, schema);
        if (object.contains("default")) {
            profile[key] = object.at("default");
        }
    }
    CHECK(profile.size() == 10);
    const auto read = parse_profile(profile.dump(), "n", "f");
    REQUIRE(read);
    CHECK(*read == *parse_profile(gpu_profile().dump(), "n", "f"));
}

TEST_CASE("the profile's schema takes the texts that the reader takes") {
    const json schema = read_schema();
    const json& keys = schema.at("properties");
    const auto pattern = [](const json& value) { return value.at("pattern").get<std::string>(); };
    const auto in = [](const std::string& key) {
        return [key](const json& text) {
            json profile = gpu_profile();
            profile[key] = json::array({text});
            return profile;
        };
    };
    const std::vector<std::string> kPaths = {"/a", "/a/b.c", "/", "", "a", "/a/", "/a//b"};
    const std::vector<std::string> kNames = {"a", "liba.so.1", "", "-a", "a b", ".a", "a+b", "A_1"};
    for (const char* const key : {"libraries", "plugins", "data", "programs"}) {
        compare_pattern(pattern(schema.at("$defs").at("path")), in(key), kPaths);
    }
    compare_pattern(pattern(keys.at("devices").at("items")), in("devices"),
                    {"/dev/a", "/dev/a/b", "/dev", "/dev/", "/etc/a", "/devil", "dev/a"});
    compare_pattern(pattern(keys.at("with").at("items")), in("with"), kNames);
    compare_pattern(pattern(keys.at("with").at("items")), in("with"), {"v.com/gpu=0:1", "=a"});
    compare_pattern(
        pattern(keys.at("libraries")
                    .at("items")
                    .at("anyOf")
                    .at(1)
                    .at("properties")
                    .at("names")
                    .at("items")),
        [&](const json& text) {
            return in("libraries")(json{{"path", "/a"}, {"names", json::array({text})}});
        },
        kNames);
    compare_pattern(pattern(keys.at("provides")),
                    [](const json& text) {
                        return json{{"kind", "fabric"}, {"provides", text}};
                    },
                    {"ucx", "", "UCX", "a b", "-a", "slingshot-11", "a_b.c"});
    for (const std::string kind : keys.at("kind").at("enum")) {
        const json known = {{"mpi", "mpich"}, {"fabric", "ucx"}, {"gpu", "cuda"}};
        CHECK(reads({{"kind", kind}, {"provides", known.at(kind)}, {"libraries", {"/a"}}}));
    }
    const json& priority = keys.at("priority");
    for (const char* const bound : {"minimum", "maximum"}) {
        json profile = gpu_profile();
        profile["priority"] = priority.at(bound);
        CHECK(reads(profile));
        profile["priority"] =
            priority.at(bound).get<int>() + (std::string(bound) == "minimum" ? -1 : 1);
        CHECK_FALSE(reads(profile));
    }
}
