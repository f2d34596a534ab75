// SPDX-License-Identifier: BSD-3-Clause
/// A file of two parts: fields that are decoded, and behind them bytes that are read in place.
#pragma once

#include <string>
#include <string_view>

#include "core/formats/fields.hpp"

namespace lading::formats {

struct HeadedFile {
    Fields head;
    std::string_view rest;
};

/// The length of the head, 64-bit little-endian; the head; the rest.
std::string format_headed_file(const Fields& head, std::string_view rest);

/// `bytes` must outlive the rest.
Result<HeadedFile> parse_headed_file(std::string_view bytes);

}  // namespace lading::formats
