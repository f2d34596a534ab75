// SPDX-License-Identifier: BSD-3-Clause
/// JSON documents in which every member counts: the configuration, the request, the record.
/// For the readers of this floor and the next: it brings nlohmann/json with it.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

struct JsonRules {
    std::string_view document;  ///< names it in errors: `/etc/lading/lading.json`
    Code code = Code::usage;    ///< of every error
    std::size_t max_bytes = 64U << 10;
    bool comments = false;  ///< are `//` and `/* */` allowed
};

/// Parses a whole document.  A key that an object has twice is an error, since readers differ in
/// which one they take; so is nesting that no document of lading's has.  Errors name line and
/// column, or the JSON path.
Result<nlohmann::json> parse_strict_json(std::string_view text, const JsonRules& rules);

/// One value of a parsed document, that knows where it is.
class JsonNode {
  public:
    JsonNode(const nlohmann::json& value, const JsonRules& rules) : JsonNode(value, "$", rules) {}

    const std::string& path() const { return path_; }

    /// The error `document: path: what`.
    tl::unexpected<Error> fail(std::string_view what, std::string hint = {}) const;

    Result<bool> boolean() const;
    Result<std::string> text() const;  ///< without NUL: it ends up in C strings
    Result<std::uint64_t> number() const;
    Result<std::vector<JsonNode>> items() const;                            ///< of an array
    Result<std::vector<std::pair<std::string, JsonNode>>> members() const;  ///< of an object
    Result<std::vector<std::string>> texts() const;

    /// Reads an object by its known keys.  Unknown keys are refused, with the nearest known one,
    /// and all of them in the hint.
    struct Key {
        const char* name;
        std::function<Result<>(const JsonNode&)> read;
        bool required = false;
    };
    Result<> read_object(const std::vector<Key>& keys) const;

  private:
    JsonNode(const nlohmann::json& value, std::string path, const JsonRules& rules)
        : value_(&value), path_(std::move(path)), rules_(rules) {}
    tl::unexpected<Error> wrong_type(std::string_view expected) const;

    const nlohmann::json* value_;
    std::string path_;
    JsonRules rules_;
};

/// `object.key`, or `object["odd key"]`.
std::string json_path(std::string_view object, std::string_view key);

}  // namespace lading::formats
