// SPDX-License-Identifier: BSD-3-Clause
// lading cdi IMAGE [PROGRAM…]
#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/app/export_cdi.hpp"
#include "core/cli/check_options.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/stores.hpp"
#include "core/formats/utf8.hpp"

namespace lading::cli {
namespace {

struct Options {
    CheckOptions check;
    std::string directory;
    std::string name;
};

/// What a step's user would read as it starts.
void print_words(const Injection& injection) {
    for (const Finding& finding : injection.findings) {
        if (finding.verdict > Verdict::missing) {
            fmt::print(stderr, "lading: {}: {}: {}\n", finding.need, name_of(finding.verdict),
                       formats::printable(finding.reason));
        }
    }
}

Result<> run(const Options& options) {
    app::CdiOrder order;
    order.check = TRY(read_check_order(options.check));
    order.name = options.name;
    if (!options.directory.empty()) {
        order.directory = TRY(absolute_path(options.directory));
    }
    const app::ExportedCdi exported = TRY(app::export_cdi(order));
    print_words(exported.injection);
    if (exported.file.empty()) {
        fmt::print("{}", exported.text);
    } else {
        fmt::print("{} {}\n", exported.device, exported.file);
    }
    return {};
}

}  // namespace

void add_cdi_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "cdi", "Write what an image gets of this host's libraries for other runtimes, as CDI");
    add_check_options(*command, options->check);
    command->add_option("--output", options->directory, "Write DIR/NAME.json instead of printing")
        ->type_name("DIR");
    command->add_option("--name", options->name, "The device's name (default: after the image)")
        ->type_name("NAME");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
