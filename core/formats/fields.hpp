// SPDX-License-Identifier: BSD-3-Clause
/// A flat list of named byte strings: what slurmstepd, the step helper and its reader say to each
/// other.  Deliberately poor: a parser this small can be read in one sitting, and it runs as root.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lading/result.hpp"

namespace lading::formats {

/// Names may repeat: a list is written as one field for each element.
class Fields {
  public:
    void add(std::string_view name, std::string_view value);
    void add(std::string_view name, std::uint64_t value) { add(name, std::to_string(value)); }
    void add(std::string_view name, const std::vector<std::string>& values);

    /// The first value of that name; empty where there is none.
    std::string_view get(std::string_view name) const;
    std::uint64_t number(std::string_view name) const;  ///< 0 where it is missing or no number
    std::vector<std::string> all(std::string_view name) const;

    const std::vector<std::pair<std::string, std::string>>& entries() const { return entries_; }

  private:
    std::vector<std::pair<std::string, std::string>> entries_;
};

/// Each field: two 32-bit little-endian lengths, then the name's and the value's bytes.
std::string encode_fields(const Fields& fields);
Result<Fields> decode_fields(std::string_view bytes);

/// An Error as fields `error`, `what`, `hint`, and back.
void add_error(Fields& fields, const Error& error);
Result<> check_error(const Fields& fields);

}  // namespace lading::formats
