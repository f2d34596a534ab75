// SPDX-License-Identifier: BSD-3-Clause
#include "core/cli/check_options.hpp"

#include <unistd.h>

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
}

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
    order.programs = options.programs;
    order.working_directory = TRY(absolute_path("."));
    order.working_directory.resize(order.working_directory.size() - 2);
    for (char** entry = environ; *entry != nullptr; ++entry) {
        order.environment.emplace_back(*entry);
    }
    return order;
}

}  // namespace lading::cli
