// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/strict_json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/formats/environment_names.hpp"
#include "core/formats/nearest.hpp"
#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kShownKey = 60;

std::string shown(std::string_view key) {
    return printable(key.substr(0, kShownKey));
}

/// Watches the parser for what a finished document no longer shows.
class Watch {
  public:
    bool operator()(int, json::parse_event_t event, json& parsed) {
        switch (event) {
            case json::parse_event_t::object_start:
            case json::parse_event_t::array_start:
                too_deep_ = too_deep_ || open_.size() >= kMaxDepth;
                open_.push_back({});
                break;
            case json::parse_event_t::object_end:
            case json::parse_event_t::array_end:
                open_.pop_back();
                break;
            case json::parse_event_t::key:
                take_key(parsed.get_ref<const std::string&>());
                break;
            case json::parse_event_t::value:
                break;
        }
        // Nothing more is kept of a document that will be refused.
        return !too_deep_;
    }

    const std::string& repeated() const { return repeated_; }
    bool too_deep() const { return too_deep_; }

  private:
    struct Open {
        std::set<std::string> keys;
        std::string key;
    };

    void take_key(const std::string& key) {
        open_.back().key = key;
        if (open_.back().keys.insert(key).second || !repeated_.empty()) {
            return;
        }
        repeated_ = "$";
        for (const Open& level : open_) {
            // Elements of an array are not counted here: the key is what one looks for.
            repeated_ = level.key.empty() ? repeated_ + "[]" : json_path(repeated_, level.key);
        }
    }

    std::vector<Open> open_;
    std::string repeated_;
    bool too_deep_ = false;
};

/// `line 3, column 14`, both from 1, of the byte where the parser stopped.
std::string place(std::string_view text, std::size_t byte) {
    const std::string_view before = text.substr(0, std::min(byte > 0 ? byte - 1 : 0, text.size()));
    const std::size_t newline = before.rfind('\n');
    const std::size_t column =
        newline == std::string_view::npos ? before.size() : before.size() - newline - 1;
    return fmt::format("line {}, column {}", std::ranges::count(before, '\n') + 1, column + 1);
}

/// nlohmann says `[json.exception.parse_error.101] parse error at line 1, column 2: syntax error
/// while parsing X - unexpected Y; expected Z`: what follows the place is for people.
std::string reason(std::string_view what) {
    const std::size_t dash = what.find(" - ");
    if (dash != std::string_view::npos) {
        what.remove_prefix(dash + 3);
    } else if (const std::size_t colon = what.rfind(": "); colon != std::string_view::npos) {
        what.remove_prefix(colon + 2);
    }
    return printable(utf8_prefix(repair_utf8(what), 200));
}

std::string_view kind(const json& value) {
    switch (value.type()) {
        case json::value_t::null:
            return "null";
        case json::value_t::object:
            return "an object";
        case json::value_t::array:
            return "an array";
        case json::value_t::string:
            return "a string";
        case json::value_t::boolean:
            return "a boolean";
        default:
            return "a number";
    }
}

}  // namespace

std::string json_path(std::string_view object, std::string_view key) {
    return is_environment_name(key) || key == "$schema"
               ? fmt::format("{}.{}", object, key)
               : fmt::format("{}[\"{}\"]", object, shown(key));
}

Result<json> parse_strict_json(std::string_view text, const JsonRules& rules) {
    const auto refuse = [&](std::string_view what) {
        return lading::fail(rules.code, fmt::format("{}: {}", rules.document, what));
    };
    if (text.size() > rules.max_bytes) {
        return refuse(fmt::format("larger than {} KiB", rules.max_bytes >> 10U));
    }
    Watch watch;
    try {
        json value = json::parse(text, std::ref(watch), true, rules.comments);
        if (watch.too_deep()) {
            return refuse("nested too deeply");
        }
        if (!watch.repeated().empty()) {
            return refuse(watch.repeated() + ": given twice");
        }
        return value;
    } catch (const json::parse_error& error) {
        return refuse(fmt::format("{}: {}", place(text, error.byte), reason(error.what())));
    } catch (const json::exception& error) {  // a number that no double holds
        return refuse(reason(error.what()));
    }
}

tl::unexpected<Error> JsonNode::fail(std::string_view what, std::string hint) const {
    return lading::fail(rules_.code, fmt::format("{}: {}: {}", rules_.document, path_, what),
                        std::move(hint));
}

tl::unexpected<Error> JsonNode::wrong_type(std::string_view expected) const {
    return fail(fmt::format("expected {}, found {}", expected, kind(*value_)));
}

Result<bool> JsonNode::boolean() const {
    if (!value_->is_boolean()) {
        return wrong_type("true or false");
    }
    return value_->get<bool>();
}

Result<std::string> JsonNode::text() const {
    if (!value_->is_string()) {
        return wrong_type("a string");
    }
    const auto& text = value_->get_ref<const std::string&>();
    if (text.find('\0') != std::string::npos) {
        return fail("a NUL character");
    }
    return text;
}

Result<std::uint64_t> JsonNode::number() const {
    if (!value_->is_number_unsigned()) {
        return value_->is_number() ? fail("expected a whole number that is not negative")
                                   : wrong_type("a number");
    }
    return value_->get<std::uint64_t>();
}

Result<std::vector<JsonNode>> JsonNode::items() const {
    if (!value_->is_array()) {
        return wrong_type("an array");
    }
    std::vector<JsonNode> items;
    for (const json& item : *value_) {
        items.push_back(JsonNode(item, fmt::format("{}[{}]", path_, items.size()), rules_));
    }
    return items;
}

Result<std::vector<std::string>> JsonNode::texts() const {
    std::vector<std::string> texts;
    for (const JsonNode& item : TRY(items())) {
        texts.push_back(TRY(item.text()));
    }
    return texts;
}

Result<std::vector<std::pair<std::string, JsonNode>>> JsonNode::members() const {
    if (!value_->is_object()) {
        return wrong_type("an object");
    }
    std::vector<std::pair<std::string, JsonNode>> members;
    for (const auto& [key, value] : value_->items()) {
        members.emplace_back(key, JsonNode(value, json_path(path_, key), rules_));
    }
    return members;
}

Result<> JsonNode::read_object(const std::vector<Key>& keys) const {
    std::set<std::string> found;
    for (const auto& [name, node] : TRY(members())) {
        const auto key =
            std::ranges::find(keys, name, [](const Key& k) { return std::string(k.name); });
        if (key == keys.end()) {
            std::vector<std::string> names;
            std::ranges::transform(keys, std::back_inserter(names),
                                   [](const Key& k) { return std::string(k.name); });
            const std::vector<std::string> near = nearest_names(name, names, 1);
            const std::string what =
                near.empty() ? "unknown key"
                             : fmt::format("unknown key; did you mean '{}'?", near.front());
            return node.fail(what, fmt::format("known here: {}", fmt::join(names, ", ")));
        }
        TRY(key->read(node));
        found.insert(name);
    }
    for (const Key& key : keys) {
        if (key.required && !found.contains(key.name)) {
            return fail(fmt::format("'{}' is missing", key.name));
        }
    }
    return {};
}

}  // namespace lading::formats
