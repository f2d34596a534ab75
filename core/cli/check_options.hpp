// SPDX-License-Identifier: BSD-3-Clause
/// The question that `lading check` and `lading cdi` ask alike.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "core/app/check_image.hpp"

namespace lading::cli {

struct CheckOptions {
    std::string image;
    std::vector<std::string> programs;
    std::vector<std::string> labels;
    std::string inject;
    std::string host_cpu;
};

/// IMAGE, PROGRAM…, --label, --inject and --host-cpu.
void add_check_options(CLI::App& command, CheckOptions& options);

Result<app::CheckOrder> read_check_order(const CheckOptions& options);

}  // namespace lading::cli
