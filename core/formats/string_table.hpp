// SPDX-License-Identifier: BSD-3-Clause
/// NUL-terminated strings at offsets that a file names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace lading::formats {

/// Every entry of a hostile file may name the same long string, and to read each would then take
/// the square of the file's size: what is read in all is limited to a multiple of the table.  Files
/// of linkers and of ldconfig take no more than thrice the table (measured over Debian's /usr).
class StringTable {
  public:
    StringTable() = default;
    explicit StringTable(std::string_view bytes)
        : bytes_(bytes), allowance_(kAtLeast + kTimes * bytes.size()) {}

    /// The string at `offset`; nothing where it lies outside, does not end, or is one too many.
    std::optional<std::string_view> at(std::uint64_t offset) {
        if (offset >= bytes_.size()) {
            return std::nullopt;
        }
        const std::string_view rest =
            bytes_.substr(static_cast<std::size_t>(offset)).substr(0, allowance_);
        const std::size_t end = rest.find('\0');
        if (end == std::string_view::npos) {
            allowance_ -= rest.size();
            return std::nullopt;
        }
        allowance_ -= end + 1;
        return rest.substr(0, end);
    }

  private:
    static constexpr std::size_t kTimes = 16;
    static constexpr std::size_t kAtLeast = 65536;

    std::string_view bytes_;
    std::size_t allowance_ = 0;
};

}  // namespace lading::formats
