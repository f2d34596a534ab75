// SPDX-License-Identifier: BSD-3-Clause
// The schema, the shipped configuration and the reader say the same.
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "catch.hpp"
#include "lading/site.hpp"

using namespace lading;
using nlohmann::json;

namespace {

std::string read_shipped(const char* name) {
    const std::filesystem::path tests = std::filesystem::path(__FILE__).parent_path();
    std::ifstream file(tests / "../../../etc/lading" / name);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

const json& resolve(const json& schema, const json& root) {
    if (schema.contains("$ref")) {
        return root.at(json::json_pointer(schema.at("$ref").get<std::string>().substr(1)));
    }
    return schema;
}

/// Puts an object where it belongs in a configuration.
using Wrap = std::function<json(const json&)>;

/// The keys that the reader says it knows, in the object that `wrap` puts into a configuration.
std::set<std::string> known_keys(const Wrap& wrap) {
    const auto parsed = parse_site_config(wrap(json{{"no such key", 1}}).dump(), "f");
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
    if (!object.contains("properties")) {
        return 0;
    }
    std::set<std::string> keys;
    int objects = 1;
    for (const auto& [key, value] : object.at("properties").items()) {
        keys.insert(key);
        CHECK((value.contains("description") || key == "$schema"));
        const std::string name = key;
        objects += compare_keys(value, root, [&](const json& inner) {
            return wrap(json{{name, inner}});
        });
    }
    CHECK(object.at("additionalProperties") == false);
    CHECK(keys == known_keys(wrap));
    return objects;
}

/// The configuration that writes out every default of the schema.
json defaults(const json& schema, const json& root) {
    const json& object = resolve(schema, root);
    if (schema.contains("default")) {
        return schema.at("default");
    }
    json value = json::object();
    for (const auto& [key, member] : object.at("properties").items()) {
        if (key != "$schema") {
            value[key] = defaults(member, root);
        }
    }
    return value;
}

}  // namespace

TEST_CASE("the schema knows the keys that the reader knows, and no others") {
    const json schema = json::parse(read_shipped("lading.schema.json"));
    CHECK(compare_keys(schema, schema, [](const json& top) { return top; }) == 10);
}

TEST_CASE("the schema's defaults are the reader's") {
    const json schema = json::parse(read_shipped("lading.schema.json"));
    const auto site = parse_site_config(defaults(schema, schema).dump(), "f");
    INFO((site ? "" : site.error().what));
    REQUIRE(site);
    CHECK(*site == SiteConfig{});
}

TEST_CASE("the shipped configuration shows every key and does what an empty one does") {
    const std::string text = read_shipped("lading.json");
    const auto site = parse_site_config(text, "lading.json");
    INFO((site ? "" : site.error().what));
    REQUIRE(site);
    CHECK(*site == SiteConfig{});

    const json schema = json::parse(read_shipped("lading.schema.json"));
    json shipped = json::parse(text, nullptr, true, true);
    shipped.erase("$schema");
    CHECK(shipped == defaults(schema, schema));
}
