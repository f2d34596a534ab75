// SPDX-License-Identifier: BSD-3-Clause
// lading copy NAME [NEWNAME]
#include <fmt/format.h>

#include <memory>
#include <string>

#include "core/app/copy_image.hpp"
#include "core/app/list_images.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/importer.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

struct Options {
    std::string name;
    std::string new_name;
    std::string from;
    std::string to;
};

Result<> run(const Options& options) {
    app::CopyRequest request;
    request.name = TRY(parse_image_name(options.name));
    request.target =
        options.new_name.empty() ? request.name : TRY(parse_image_name(options.new_name));
    if (request.target.tag.empty()) {
        return fail(Code::usage, "the copy needs a tag", "name it: lading copy NAME NEWNAME:TAG …");
    }
    request.target.digest.clear();
    request.from = TRY(absolute_path(options.from));
    request.to = TRY(store_to_write(options.to, true));
    TRY(may_import(TRY(globals().site()), request.to, nullptr));
    const ImageDocument document = TRY(app::copy_image(request));
    fmt::print("copied {} to {}:{} {} ({}) in {}\n", to_string(request.name), request.target.name,
               request.target.tag, document.digest, human_size(document.squashfs_bytes),
               request.to);
    return {};
}

}  // namespace

void add_copy_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("copy", "Copy an image into another store, packed anew");
    command->add_option("NAME", options->name, "NAME[:TAG] or NAME@DIGEST")->required();
    command->add_option("NEWNAME", options->new_name,
                        "NAME[:TAG] of the copy; the same by default");
    command->add_option("--from", options->from, "The store that has it")
        ->type_name("PATH")
        ->required();
    command->add_option("--to", options->to, "The store that gets it; by default as for import")
        ->type_name("PATH");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
