// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/headed_file.hpp"

#include "core/formats/byte_reader.hpp"

namespace lading::formats {

std::string format_headed_file(const Fields& head, std::string_view rest) {
    const std::string encoded = encode_fields(head);
    std::string bytes;
    bytes.reserve(sizeof(std::uint64_t) + encoded.size() + rest.size());
    for (unsigned i = 0; i < sizeof(std::uint64_t); ++i) {
        bytes.push_back(static_cast<char>(std::uint64_t{encoded.size()} >> 8 * i));
    }
    return bytes.append(encoded).append(rest);
}

Result<HeadedFile> parse_headed_file(std::string_view bytes) {
    const ByteReader reader(bytes);
    const auto length = reader.get<std::uint64_t>(0);
    const auto head = length ? reader.slice(sizeof *length, *length) : std::nullopt;
    if (!head) {
        return fail(Code::internal, "a file that lading kept is damaged");
    }
    return HeadedFile{TRY(decode_fields(*head)), bytes.substr(sizeof *length + head->size())};
}

}  // namespace lading::formats
