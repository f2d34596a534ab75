// SPDX-License-Identifier: BSD-3-Clause
// lading import SOURCE NAME[:TAG]
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/app/import_image.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/importer.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

struct Options {
    std::string source;
    std::string name;
    std::string store;
    std::string architecture;
    std::vector<std::string> labels;
};

Result<std::map<std::string, std::string>> parse_labels(const std::vector<std::string>& texts) {
    std::map<std::string, std::string> labels;
    for (const std::string& text : texts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            return fail(Code::usage, fmt::format("--label {}: expected NAME=VALUE", text));
        }
        labels[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return labels;
}

Result<> run(const Options& options) {
    app::ImportRequest request;
    request.source = options.source;
    request.target = TRY(parse_new_name(options.name));
    request.labels = TRY(parse_labels(options.labels));
    request.architecture = options.architecture;
    request.store = TRY(store_to_write(options.store, true));
    TRY(may_import(TRY(globals().site()), request.store, nullptr));
    const ImageDocument document = TRY(app::import_image(request));
    fmt::print("imported {}:{} {} ({}{}{}) into {}\n", request.target.name, request.target.tag,
               document.digest, human_size(document.squashfs_bytes),
               document.libc.empty() ? "" : ", ", document.libc, request.store);
    return {};
}

}  // namespace

void add_import_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("import", "Put an image into a store, under a name");
    command
        ->add_option(
            "SOURCE", options->source,
            "A directory, a tar archive, a squashfs file, a SIF, an OCI layout or archive, or "
            "what podman save writes; SOURCE:REFERENCE chooses among several images")
        ->required();
    command->add_option("NAME", options->name, "NAME[:TAG]; the tag is `latest` by default")
        ->required();
    command->add_option("--store", options->store, "The store's directory")->type_name("PATH");
    command
        ->add_option("--arch", options->architecture,
                     "Of an image for several architectures, take this one (amd64, arm64, …)")
        ->type_name("ARCH");
    command->add_option("--label", options->labels, "Add a label to the image's own")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
