// SPDX-License-Identifier: BSD-3-Clause
#include "core/cli/progress_line.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "core/cli/sizes.hpp"

namespace lading::cli {
namespace {

constexpr std::size_t kBar = 24;
constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr const char* kClear = "\r\x1b[K";

std::size_t terminal_width() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80U;
}

std::string bar(std::uint64_t done, std::uint64_t total) {
    const auto filled = static_cast<std::size_t>(
        static_cast<double>(kBar) * static_cast<double>(done) / static_cast<double>(total));
    return fmt::format("[{:#<{}}{:.<{}}]", "", filled, "", kBar - filled);
}

}  // namespace

ProgressLine::ProgressLine(std::string subject)
    : subject_(std::move(subject)), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
    if (terminal_) {
        fmt::print(stderr, "{}", kClear);
    }
}

void ProgressLine::draw(std::string_view text) {
    // A line that the terminal wraps could not be written over.
    fmt::print(stderr, "{}{}", kClear, text.substr(0, terminal_width() - 1));
    std::fflush(stderr);
}

void ProgressLine::begin(std::string_view stage) {
    stage_ = stage;
    if (terminal_) {
        draw(fmt::format("{}: {}", subject_, stage_));
    } else {
        fmt::print(stderr, "lading: {}: {}\n", subject_, stage_);
    }
}

void ProgressLine::show(std::uint64_t done, std::uint64_t total) {
    const auto now = std::chrono::steady_clock::now();
    if (!terminal_ || now - drawn_ < kInterval) {
        return;
    }
    drawn_ = now;
    draw(total == 0
             ? fmt::format("{}: {} {}", subject_, stage_, human_size(done))
             : fmt::format("{}: {} {} {} of {}", subject_, stage_,
                           bar(std::min(done, total), total), human_size(done), human_size(total)));
}

}  // namespace lading::cli
