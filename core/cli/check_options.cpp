// SPDX-License-Identifier: BSD-3-Clause
#include "core/cli/check_options.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

#include "core/cli/commands.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {

void add_check_options(CLI::App& command, CheckOptions& options) {
    command.add_option("IMAGE", options.image, "NAME[:TAG], NAME@DIGEST or /path")->required();
    command.add_option("PROGRAM", options.programs,
                       "Programs that must run (default: those of the image that use MPI or a "
                       "GPU)");
    command.add_option("--label", options.labels, "A label over the image's own (repeatable)")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command.add_option("--inject", options.inject, "As --container-inject: auto, none, mpi, gpu")
        ->type_name("WHAT");
    command
        .add_option("--host-cpu", options.host_cpu,
                    "As on a node with this processor: x86-64-v1 to x86-64-v4")
        ->type_name("LEVEL");
}

namespace {

Result<unsigned> parse_level(const std::string& text) {
    constexpr std::string_view kStart = "x86-64-v";
    if (text.size() != kStart.size() + 1 || !text.starts_with(kStart) || text.back() < '1' ||
        text.back() > '4') {
        return fail(Code::usage, fmt::format("--host-cpu: '{}' is no level of a processor", text),
                    "x86-64-v1 to x86-64-v4; `ld.so --help` says which a machine has");
    }
    return static_cast<unsigned>(text.back() - '0');
}

}  // namespace

Result<app::CheckOrder> read_check_order(const CheckOptions& options) {
    app::CheckOrder order;
    order.site = TRY(globals().site());
    order.request.text = options.image;
    order.request.image = TRY(parse_image_reference(options.image));
    for (const std::string& text : options.labels) {
        order.request.labels.insert(TRY(parse_label(text)));
    }
    if (!options.inject.empty()) {
        order.request.inject = TRY(parse_inject(options.inject));
    }
    if (!options.host_cpu.empty()) {
        order.isa_level = TRY(parse_level(options.host_cpu));
    }
    order.programs = options.programs;
    order.working_directory = TRY(absolute_path("."));
    order.working_directory.resize(order.working_directory.size() - 2);
    for (char** entry = environ; *entry != nullptr; ++entry) {
        order.environment.emplace_back(*entry);
    }
    return order;
}

}  // namespace lading::cli
