// SPDX-License-Identifier: BSD-3-Clause
/// The steps of a job as a set, and its short text: `batch,0-15,17`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading::record {

/// Sorted and without repetition: names first, then numbers by value.  What is no step's name
/// (letters, digits and `_-+.`, at most 32) is dropped.
std::vector<std::string> sorted_steps(const std::vector<std::string>& steps);

/// The numeric steps' smallest value; the largest number there is where there is none.
std::uint32_t first_number(const std::vector<std::string>& steps);

/// Is it a number, and below `bound`?
bool is_before(const std::string& step, std::uint32_t bound);

/// The parts of the short text, in order: `batch`, `0-15`, `17`.
std::vector<std::string> step_ranges(const std::vector<std::string>& sorted);

/// Reads the short text.  Bounded: a few bytes must not become millions of steps.
Result<std::vector<std::string>> parse_steps(std::string_view text);

}  // namespace lading::record
