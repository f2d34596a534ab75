// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "core/formats/utf8.hpp"

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;
/// No document has more nodes than bytes, but aliases count each time that they are met.
constexpr std::size_t kMaxNodes = 1U << 18;
constexpr std::size_t kShownBytes = 60;

/// A scalar without quotes, `0x1f`, `0o17` and `017` with the base's digits left in `digits`.
bool split_base(std::string_view& digits, int& base) {
    struct Prefix {
        std::string_view text;
        int base;
    };
    constexpr Prefix kPrefixes[] = {{"0x", 16}, {"0o", 8}, {"0", 8}};
    base = 10;
    for (const Prefix& prefix : kPrefixes) {
        if (digits.size() > prefix.text.size() && digits.starts_with(prefix.text)) {
            digits.remove_prefix(prefix.text.size());
            base = prefix.base;
            break;
        }
    }
    return !digits.empty() && digits.front() != '+' && digits.front() != '-';
}

bool read_integer(std::string_view text, json& value) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) {
        digits.remove_prefix(1);
    }
    int base = 10;
    if (!split_base(digits, base)) {
        return false;
    }
    std::uint64_t number = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, error] = std::from_chars(digits.data(), end, number, base);
    if (error != std::errc{} || rest != end) {
        return false;
    }
    if (!negative) {
        value = number;
        return true;
    }
    if (number > static_cast<std::uint64_t>(INT64_MAX)) {
        return false;
    }
    value = -static_cast<std::int64_t>(number);
    return true;
}

bool read_fraction(std::string_view text, json& value) {
    if (text.find_first_not_of("0123456789.eE+-") != std::string_view::npos ||
        text.find_first_of("0123456789") == std::string_view::npos) {
        return false;
    }
    double number = 0;
    text.remove_prefix(text.starts_with('+') ? 1 : 0);
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    value = number;
    return error == std::errc{} && rest == end;
}

json plain_value(const std::string& text) {
    for (const std::string_view null : {"", "~", "null", "Null", "NULL"}) {
        if (text == null) {
            return nullptr;
        }
    }
    for (const std::string_view yes : {"true", "True", "TRUE"}) {
        if (text == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"false", "False", "FALSE"}) {
        if (text == no) {
            return false;
        }
    }
    json number;
    return read_integer(text, number) || read_fraction(text, number) ? number : json(text);
}

class Converter {
  public:
    explicit Converter(const JsonRules& rules) : rules_(rules) {}

    Result<json> convert(const YAML::Node& node, const std::string& path, int depth) {
        if (depth > kMaxDepth) {
            return refuse(path, "nested too deeply");
        }
        if (++nodes_ > kMaxNodes) {
            return refuse(path, "too large, by its aliases or of itself");
        }
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                return scalar(node, path);
            case YAML::NodeType::Sequence:
                return sequence(node, path, depth);
            case YAML::NodeType::Map:
                return map(node, path, depth);
            default:
                return json(nullptr);
        }
    }

  private:
    tl::unexpected<Error> refuse(const std::string& path, std::string_view what) const {
        return lading::fail(rules_.code, fmt::format("{}: {}: {}", rules_.document, path, what));
    }

    Result<json> scalar(const YAML::Node& node, const std::string& path) const {
        const std::string& tag = node.Tag();
        const std::string& text = node.Scalar();
        if (first_invalid(text)) {
            return refuse(path, "not UTF-8");
        }
        if (tag == "?" || tag.empty()) {  // plain
            return plain_value(text);
        }
        if (tag == "!" || tag == "tag:yaml.org,2002:str") {  // quoted, or said to be text
            return json(text);
        }
        return refuse(path, fmt::format("the tag {} is not known here",
                                        printable(utf8_prefix(tag, kShownBytes))));
    }

    static bool first_invalid(const std::string& text) { return repair_utf8(text) != text; }

    Result<json> sequence(const YAML::Node& node, const std::string& path, int depth) {
        json list = json::array();
        for (const YAML::Node& item : node) {
            list.push_back(TRY(convert(item, fmt::format("{}[{}]", path, list.size()), depth + 1)));
        }
        return list;
    }

    Result<json> map(const YAML::Node& node, const std::string& path, int depth) {
        json object = json::object();
        for (const auto& member : node) {
            if (!member.first.IsScalar() || first_invalid(member.first.Scalar())) {
                return refuse(path, "a key that is no text");
            }
            const std::string& key = member.first.Scalar();
            const std::string below = json_path(path, key);
            if (object.contains(key)) {
                return refuse(below, "given twice");
            }
            object[key] = TRY(convert(member.second, below, depth + 1));
        }
        return object;
    }

    const JsonRules& rules_;
    std::size_t nodes_ = 0;
};

}  // namespace

Result<json> parse_strict_yaml(std::string_view text, const JsonRules& rules) {
    const auto refuse = [&](std::string_view what) {
        return lading::fail(rules.code, fmt::format("{}: {}", rules.document, what));
    };
    if (text.size() > rules.max_bytes) {
        return refuse(fmt::format("larger than {} KiB", rules.max_bytes >> 10U));
    }
    try {
        const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
        if (documents.size() != 1) {
            return refuse(fmt::format("expected one document, found {}", documents.size()));
        }
        return Converter(rules).convert(documents.front(), "$", 0);
    } catch (const YAML::Exception& error) {
        const std::string what = printable(utf8_prefix(repair_utf8(error.msg), kShownBytes * 3));
        return error.mark.is_null()
                   ? refuse(what)
                   : refuse(fmt::format("line {}, column {}: {}", error.mark.line + 1,
                                        error.mark.column + 1, what));
    }
}

}  // namespace lading::formats
