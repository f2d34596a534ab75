// SPDX-License-Identifier: BSD-3-Clause
// lading resolve IMAGE
#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/app/list_images.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

Result<> run(const std::string& text) {
    const ImageReference reference = TRY(parse_image_reference(text));
    ImageName name;
    if (const auto* const remote = std::get_if<RegistryImage>(&reference)) {
        name = stored_name(*remote);
    } else if (const auto* const local = std::get_if<ImageName>(&reference)) {
        name = *local;
    } else {
        fmt::print("{}\n", to_string(reference));
        return {};
    }
    name.digest = TRY(app::find_document(TRY(stores_to_read("")), name)).document.digest;
    fmt::print("{}\n", to_string(name));
    return {};
}

}  // namespace

void add_resolve_command(CLI::App& app) {
    const auto image = std::make_shared<std::string>();
    CLI::App* const command =
        app.add_subcommand("resolve", "Print which image a name stands for now, by its digest");
    command
        ->add_option("IMAGE", *image, "As for --container: NAME[:TAG], docker://…, a path or none")
        ->required();
    set_body(command, [image] { return run(*image); });
}

}  // namespace lading::cli
