// SPDX-License-Identifier: BSD-3-Clause
/// Integers of either byte order at an offset of hostile bytes, with the bounds checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace lading::formats {

class ByteReader {
  public:
    explicit ByteReader(std::string_view bytes, bool big_endian = false)
        : bytes_(bytes), big_endian_(big_endian) {}

    /// The unsigned integer at `offset`; nothing where the bytes end before it does.
    template <typename T>
    std::optional<T> get(std::uint64_t offset) const {
        static_assert(std::is_unsigned_v<T>);
        const auto part = slice(offset, sizeof(T));
        if (!part) {
            return std::nullopt;
        }
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            const std::size_t at = big_endian_ ? i : sizeof(T) - 1 - i;
            value = value << 8 | static_cast<unsigned char>((*part)[at]);
        }
        return static_cast<T>(value);
    }

    /// `length` bytes at `offset`; nothing where the bytes end before them.
    std::optional<std::string_view> slice(std::uint64_t offset, std::uint64_t length) const {
        if (length > bytes_.size() || offset > bytes_.size() - length) {
            return std::nullopt;
        }
        return bytes_.substr(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
    }

    std::uint64_t size() const { return bytes_.size(); }

  private:
    std::string_view bytes_;
    bool big_endian_;
};

}  // namespace lading::formats
