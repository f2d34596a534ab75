// SPDX-License-Identifier: BSD-3-Clause
/// Showing the user the spot in what he wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "lading/result.hpp"

namespace lading::formats {

/// Where a text is wrong, and how.
struct Fault {
    std::size_t at = 0;  ///< byte in the text; its size for "something is missing at the end"
    std::string what;
};

/// Three lines: the message, the text, and a caret under its byte `at`.  Of a long text the part
/// around the spot is shown; control characters are not passed on to the terminal.
std::string show_spot(std::string_view message, std::string_view text, std::size_t at);

/// The usage error `subject: fault.what`, with the text and the caret.
tl::unexpected<Error> fail_at(std::string_view subject, std::string_view text, const Fault& fault,
                              std::string hint = {});

}  // namespace lading::formats
