// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/fields.hpp"

#include <charconv>

namespace lading::formats {
namespace {

void put_length(std::string& bytes, std::size_t length) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        bytes.push_back(static_cast<char>(length >> shift & 0xff));
    }
}

/// Takes a length off the front; false where the bytes end first.
bool take_length(std::string_view& bytes, std::size_t& length) {
    if (bytes.size() < 4) {
        return false;
    }
    length = 0;
    for (unsigned i = 0; i < 4; ++i) {
        length |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    }
    bytes.remove_prefix(4);
    return true;
}

}  // namespace

void Fields::add(std::string_view name, std::string_view value) {
    entries_.emplace_back(name, value);
}

void Fields::add(std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        add(name, value);
    }
}

std::string_view Fields::get(std::string_view name) const {
    for (const auto& [key, value] : entries_) {
        if (key == name) {
            return value;
        }
    }
    return {};
}

std::uint64_t Fields::number(std::string_view name) const {
    const std::string_view text = get(name);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
}

std::vector<std::string> Fields::all(std::string_view name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : entries_) {
        if (key == name) {
            values.push_back(value);
        }
    }
    return values;
}

std::string encode_fields(const Fields& fields) {
    std::string bytes;
    for (const auto& [name, value] : fields.entries()) {
        put_length(bytes, name.size());
        put_length(bytes, value.size());
        bytes += name;
        bytes += value;
    }
    return bytes;
}

Result<Fields> decode_fields(std::string_view bytes) {
    Fields fields;
    while (!bytes.empty()) {
        std::size_t name = 0;
        std::size_t value = 0;
        if (!take_length(bytes, name) || !take_length(bytes, value) || name > bytes.size() ||
            value > bytes.size() - name) {
            return fail(Code::internal, "a message between lading's processes is damaged");
        }
        fields.add(bytes.substr(0, name), bytes.substr(name, value));
        bytes.remove_prefix(name + value);
    }
    return fields;
}

void add_error(Fields& fields, const Error& error) {
    fields.add("error", static_cast<std::uint64_t>(error.code));
    fields.add("what", error.what);
    fields.add("hint", error.hint);
}

Result<> check_error(const Fields& fields) {
    const std::uint64_t code = fields.number("error");
    if (code == 0) {
        return {};
    }
    const bool known = code <= static_cast<std::uint64_t>(Code::system);
    return fail(known ? static_cast<Code>(code) : Code::internal, std::string(fields.get("what")),
                std::string(fields.get("hint")));
}

}  // namespace lading::formats
