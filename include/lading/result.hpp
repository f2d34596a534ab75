// SPDX-License-Identifier: BSD-3-Clause
/// How lading reports failure: a value that says what went wrong, where, and what to do next.
///
/// Nothing below the front doors (spank/, core/cli/) logs or prints; it returns an Error, and the
/// front door decides who reads it.  No function of the public headers throws, except for
/// std::bad_alloc, which the front doors catch.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace lading {

/// Who has to act.  The value is the exit status of the `lading` command (see lading(1)).
enum class Code : int {
    internal = 1,   ///< a defect of lading itself
    usage = 2,      ///< the request is malformed; the user mends the command line
    not_found = 3,  ///< no such image, file or job
    refused = 4,    ///< the site's policy or the file's permissions forbid it
    bad_image = 5,  ///< the image is damaged, or of a format that lading does not read
    mismatch = 6,   ///< the image cannot run on this host (architecture, kernel, library)
    site = 7,       ///< the site's configuration is wrong; an administrator mends it
    system = 8,     ///< the operating system refused: out of space, devices, memory
};

/// An error in the user's words.  Owns its text.
struct Error {
    Code code = Code::internal;
    std::string what;  ///< what happened, and where: one line without a trailing period
    std::string hint;  ///< what to do next; empty when nothing helps
};

template <typename T = void>
using Result = tl::expected<T, Error>;

/// Shorthand for returning an error: `return fail(Code::not_found, "no image …", "…");`
inline tl::unexpected<Error> fail(Code code, std::string what, std::string hint = {}) {
    return tl::unexpected<Error>(Error{code, std::move(what), std::move(hint)});
}

}  // namespace lading

/// Unwraps a Result, or returns its error from the enclosing function:
/// `auto plan = TRY(plan_step(request, image, host, site));`
/// A statement expression, which g++ and clang++ both have; a failing Result<void> returns
/// likewise.
#define TRY(expression) LADING_TRY_AS(LADING_TRY_NAME(__COUNTER__), expression)
#define LADING_TRY_NAME(number) LADING_TRY_JOIN(lading_result_, number)
#define LADING_TRY_JOIN(prefix, number) prefix##number
#define LADING_TRY_AS(result, expression)                                        \
    __extension__({                                                              \
        auto result = (expression);                                              \
        if (!result) {                                                           \
            return ::tl::unexpected<::lading::Error>(std::move(result).error()); \
        }                                                                        \
        ::lading::detail::take(std::move(result));                               \
    })

namespace lading::detail {
template <typename T>
T take(tl::expected<T, Error>&& result) {
    return std::move(*result);
}
inline void take(tl::expected<void, Error>&&) {}
}  // namespace lading::detail
