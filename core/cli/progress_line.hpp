// SPDX-License-Identifier: BSD-3-Clause
/// One line on a terminal that is written over until its work is done; elsewhere one line a stage.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace lading::cli {

class ProgressLine {
  public:
    /// `subject` begins each line.  On stderr, so that a command's output stays its own.
    explicit ProgressLine(std::string subject);
    ~ProgressLine();
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    /// A new stage.
    void begin(std::string_view stage);

    /// Bytes of the stage; `total` is 0 where it is not known.
    void show(std::uint64_t done, std::uint64_t total);

  private:
    void draw(std::string_view text);
    std::string subject_;
    std::string stage_;
    bool terminal_;
    std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace lading::cli
