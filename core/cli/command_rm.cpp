// SPDX-License-Identifier: BSD-3-Clause
// lading rm NAME
#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/app/remove_image.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

struct Options {
    std::string name;
    std::string store;
};

Result<> run(const Options& options) {
    const ImageName name = TRY(parse_image_name(options.name));
    const std::string store = TRY(app::remove_image(TRY(stores_to_read(options.store)), name));
    if (name.digest.empty()) {
        fmt::print("removed the tag {} from {}; 'lading gc' removes images without a tag\n",
                   to_string(name), store);
    } else {
        fmt::print("removed {} from {}\n", to_string(name), store);
    }
    return {};
}

}  // namespace

void add_rm_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "rm", "Remove a tag; or by digest an image with all of its tags, at once");
    command->add_option("NAME", options->name, "NAME[:TAG] or NAME@DIGEST")->required();
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
