// SPDX-License-Identifier: BSD-3-Clause
// The schema, the shipped configuration and the reader say the same.
#include <nlohmann/json.hpp>

#include "catch.hpp"
#include "formats/schema_keys.hpp"
#include "lading/site.hpp"

using namespace lading;
using nlohmann::json;

namespace {

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
    const SchemaKeys keys(json::parse(read_shipped("lading.schema.json")),
                          [](const std::string& text) {
                              return parse_site_config(text, "f").map([](const SiteConfig&) {});
                          });
    CHECK(keys.compare() == 10);
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
