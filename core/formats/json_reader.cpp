// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/json_reader.hpp"

#include <fmt/format.h>

namespace lading::formats {
namespace {

using nlohmann::json;

tl::unexpected<Error> wrong_type(std::string_view what, const char* name, const char* wanted,
                                 const json& found) {
    return fail(Code::bad_image, fmt::format("{}: member '{}': expected {}, found {}", what, name,
                                             wanted, found.type_name()));
}

Result<std::string> text_of(const json& value, const char* name, std::string_view what) {
    if (!value.is_string()) {
        return wrong_type(what, name, "a string", value);
    }
    const auto& text = value.get_ref<const std::string&>();
    if (text.find('\0') != std::string::npos) {
        return fail(Code::bad_image,
                    fmt::format("{}: member '{}' has a NUL character", what, name));
    }
    return text;
}

}  // namespace

Result<json> parse_json_object(std::string_view text, std::string_view what) {
    if (text.size() > kMaxJsonBytes) {
        return fail(Code::bad_image,
                    fmt::format("{} is larger than {} MiB", what, kMaxJsonBytes >> 20));
    }
    // Without exceptions: the parser hands back a discarded value instead.
    json value = json::parse(text, nullptr, false);
    if (value.is_discarded()) {
        return fail(Code::bad_image, fmt::format("{} is not valid JSON", what));
    }
    if (!value.is_object()) {
        return fail(Code::bad_image,
                    fmt::format("{}: expected an object, found {}", what, value.type_name()));
    }
    return value;
}

Result<const json*> json_member(const json& object, const char* name, json::value_t type,
                                std::string_view what) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return nullptr;
    }
    if (found->type() != type) {
        return wrong_type(what, name, json(type).type_name(), *found);
    }
    return &*found;
}

Result<std::string> json_text(const json& object, const char* name, std::string_view what) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return std::string();
    }
    return text_of(*found, name, what);
}

Result<std::uint64_t> json_number(const json& object, const char* name, std::string_view what) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) {
        return 0U;
    }
    if (!found->is_number_unsigned()) {
        return wrong_type(what, name, "a number that is not negative", *found);
    }
    return found->get<std::uint64_t>();
}

Result<std::vector<std::string>> json_texts(const json& object, const char* name,
                                            std::string_view what) {
    std::vector<std::string> texts;
    const json* const list = TRY(json_member(object, name, json::value_t::array, what));
    if (list != nullptr) {
        for (const json& item : *list) {
            texts.push_back(TRY(text_of(item, name, what)));
        }
    }
    return texts;
}

}  // namespace lading::formats
