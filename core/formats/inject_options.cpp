// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/formats/option_list.hpp"
#include "core/formats/utf8.hpp"
#include "lading/request.hpp"

namespace lading {
namespace {

struct ActionName {
    std::string_view name;
    OnMismatch action;
};
constexpr ActionName kActions[] = {
    {"refuse", OnMismatch::refuse}, {"warn", OnMismatch::warn}, {"none", OnMismatch::none}};

constexpr std::size_t kLongestLabel = 4096;

}  // namespace

Result<Inject> parse_inject(std::string_view text) {
    if (text == "auto") {
        return Inject{};
    }
    if (text == "none") {
        return Inject{Inject::What::none, false, false};
    }
    Inject inject{Inject::What::these, false, false};
    const auto read = formats::for_each_word(
        text, [&](std::string_view word, std::size_t at) -> tl::expected<void, formats::Fault> {
            if (word != "mpi" && word != "gpu") {
                return tl::unexpected(formats::Fault{
                    at, fmt::format("expected auto, none, mpi or gpu, found '{}'",
                                    formats::printable(formats::utf8_prefix(word, 40)))});
            }
            (word == "mpi" ? inject.mpi : inject.gpu) = true;
            return {};
        });
    if (!read) {
        return formats::fail_at("--container-inject", text, read.error());
    }
    return inject;
}

std::string to_string(const Inject& inject) {
    switch (inject.what) {
        case Inject::What::automatic:
            return "auto";
        case Inject::What::none:
            return "none";
        case Inject::What::these:
            break;
    }
    return inject.mpi && inject.gpu ? "mpi,gpu" : inject.mpi ? "mpi" : "gpu";
}

Result<OnMismatch> parse_on_mismatch(std::string_view text) {
    const auto known = std::ranges::find(kActions, text, &ActionName::name);
    if (known == std::end(kActions)) {
        return fail(Code::usage,
                    fmt::format("--container-on-mismatch: expected refuse, warn or none, found "
                                "'{}'",
                                formats::printable(text)));
    }
    return known->action;
}

std::string_view to_string(OnMismatch action) {
    return std::ranges::find(kActions, action, &ActionName::action)->name;
}

Result<std::pair<std::string, std::string>> parse_label(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos || text.size() > kLongestLabel ||
        text.find('\0') != std::string_view::npos || formats::repair_utf8(text) != text) {
        return fail(Code::usage,
                    fmt::format("a label: expected KEY=VALUE, found '{}'",
                                formats::printable(formats::utf8_prefix(text, 80))),
                    "for instance org.supercontainers.mpi=mpich");
    }
    return std::pair(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
}

}  // namespace lading
