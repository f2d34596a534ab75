// SPDX-License-Identifier: BSD-3-Clause
// fmt, compiled once.
//
// Header-only, fmt is half of the time to build, in each file anew; and distributions' library is a
// shared one, which slurmstepd, srun and sbatch would have to load for the plugin.  So this file
// alone is compiled with FMT_HEADER_ONLY, and uses what the others call: their calls end here.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>

namespace lading {

struct FmtFunctions {
    std::string (*format)(fmt::string_view, fmt::format_args) = fmt::vformat;
    void (*print)(fmt::string_view, fmt::format_args) = fmt::vprint;
    void (*print_to)(std::FILE*, fmt::string_view, fmt::format_args) = fmt::vprint;
    bool (*is_printable)(std::uint32_t) = fmt::detail::is_printable;
    char (*decimal_point)(fmt::detail::locale_ref) = fmt::detail::decimal_point_impl<char>;
    fmt::detail::thousands_sep_result<char> (*thousands_sep)(fmt::detail::locale_ref) =
        fmt::detail::thousands_sep_impl<char>;
};
extern const FmtFunctions kFmtFunctions;
const FmtFunctions kFmtFunctions;

}  // namespace lading
