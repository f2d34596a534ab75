// SPDX-License-Identifier: BSD-3-Clause
// The profile's schema and its reader say the same.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>

#include "catch.hpp"
#include "lading/profile.hpp"

using namespace lading;
using nlohmann::json;

namespace {

json read_schema() {
    const std::filesystem::path tests = std::filesystem::path(__FILE__).parent_path();
    std::ifstream file(tests / "../../../etc/lading/profile.schema.json");
    REQUIRE(file);
    return json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
}

const json& resolve(const json& schema, const json& root) {
    return schema.contains("$ref")
               ? root.at(json::json_pointer(schema.at("$ref").get<std::string>().substr(1)))
               : schema;
}

/// Puts a value where it belongs in a profile.
using Wrap = std::function<json(const json&)>;

json gpu_profile() {
    return {{"kind", "gpu"}, {"provides", "cuda"}};
}

bool reads(const json& profile) {
    return parse_profile(profile.dump(), "n", "f").has_value();
}

/// The keys that the reader says it knows, in the object that `wrap` puts into a profile.
std::set<std::string> known_keys(const Wrap& wrap) {
    const auto parsed = parse_profile(wrap(json{{"no such key", 1}}).dump(), "n", "f");
    REQUIRE_FALSE(parsed);
    std::string hint = parsed.error().hint;
    INFO(parsed.error().what);
    REQUIRE(hint.starts_with("known here: "));
    hint.erase(0, std::string("known here: ").size());
    std::set<std::string> keys;
    for (std::size_t start = 0; start < hint.size();) {
        const std::size_t end = std::min(hint.find(", ", start), hint.size());
        keys.insert(hint.substr(start, end - start));
        start = end + 2;
    }
    return keys;
}

/// Compares the objects that have named keys, recursively; returns how many there were.
int compare_keys(const json& schema, const json& root, const Wrap& wrap) {
    const json& object = resolve(schema, root);
    if (object.contains("items")) {
        return compare_keys(object.at("items"), root,
                            [&](const json& item) { return wrap(json::array({item})); });
    }
    if (object.contains("anyOf")) {
        CHECK(object.at("anyOf").size() == 2);  // a path, or an object with more to say
        return compare_keys(object.at("anyOf").at(1), root, wrap);
    }
    if (!object.contains("properties")) {
        return 0;
    }
    std::set<std::string> keys;
    int objects = 1;
    for (const auto& [key, value] : object.at("properties").items()) {
        keys.insert(key);
        CHECK((value.contains("description")));
        const std::string name = key;
        objects += compare_keys(value, root, [&](const json& inner) {
            return wrap(json{{name, inner}});
        });
    }
    CHECK(object.at("additionalProperties") == false);
    CHECK(keys == known_keys(wrap));
    return objects;
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
    const json schema = read_schema();
    CHECK(compare_keys(schema, schema, [](const json& top) { return top; }) == 4);
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
