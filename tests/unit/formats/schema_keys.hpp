// SPDX-License-Identifier: BSD-3-Clause
/// Does a JSON schema of etc/lading know the keys that the reader of such a file knows?
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "catch.hpp"
#include "lading/result.hpp"

/// A file of etc/lading.
inline std::string read_shipped(const char* name) {
    std::ifstream file(std::filesystem::path(LADING_SHIPPED) / name);
    REQUIRE(file);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Puts a value where it belongs in such a file.
using Wrap = std::function<nlohmann::json(const nlohmann::json&)>;

inline const nlohmann::json& resolve(const nlohmann::json& schema, const nlohmann::json& root) {
    return schema.contains("$ref") ? root.at(nlohmann::json::json_pointer(
                                         schema.at("$ref").get<std::string>().substr(1)))
                                   : schema;
}

class SchemaKeys {
  public:
    /// Reads such a file; of the outcome only the error counts.
    using Read = std::function<lading::Result<>(const std::string&)>;

    SchemaKeys(nlohmann::json schema, Read read)
        : schema_(std::move(schema)), read_(std::move(read)) {}

    /// Compares the objects that have named keys, recursively; returns how many there were.
    int compare() const {
        return compare(schema_, [](const nlohmann::json& top) { return top; });
    }

  private:
    int compare(const nlohmann::json& schema, const Wrap& wrap) const {
        using nlohmann::json;
        const json& object = resolve(schema, schema_);
        if (object.contains("items")) {
            return compare(object.at("items"),
                           [&](const json& item) { return wrap(json::array({item})); });
        }
        if (object.contains("anyOf")) {
            CHECK(object.at("anyOf").size() == 2);  // a text, or an object with more to say
            return compare(object.at("anyOf").at(1), wrap);
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
            objects += compare(value, [&](const json& inner) { return wrap(json{{name, inner}}); });
        }
        CHECK(object.at("additionalProperties") == false);
        CHECK(keys == known(wrap));
        return objects;
    }

    /// The keys that the reader says it knows, in the object that `wrap` puts into a file.
    std::set<std::string> known(const Wrap& wrap) const {
        const auto read = read_(wrap(nlohmann::json{{"no such key", 1}}).dump());
        REQUIRE_FALSE(read);
        std::string hint = read.error().hint;
        INFO(read.error().what);
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

    nlohmann::json schema_;
    Read read_;
};
