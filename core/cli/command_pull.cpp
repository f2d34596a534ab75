// SPDX-License-Identifier: BSD-3-Clause
// lading pull [docker://]HOST/REPOSITORY[:TAG|@DIGEST] [NAME[:TAG]]
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/app/pull_image.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/importer.hpp"
#include "core/cli/progress_line.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

constexpr std::string_view kRegistry = "docker://";

struct Options {
    std::string source;
    std::string name;
    std::string store;
    std::string architecture;
    bool quiet = false;
};

Result<RegistryImage> parse_source(const std::string& text) {
    const bool scheme = text.find("://") != std::string::npos;
    const ImageReference reference =
        TRY(parse_image_reference(scheme ? text : std::string(kRegistry) + text));
    const RegistryImage* const image = std::get_if<RegistryImage>(&reference);
    if (image == nullptr) {
        return fail(Code::usage, fmt::format("'{}' is not an image of a registry", text),
                    "write docker://HOST/REPOSITORY:TAG; files come by way of `lading import`");
    }
    return *image;
}

void print_result(const app::PulledImage& pulled, bool quiet) {
    if (quiet) {
        fmt::print("{}\n", to_string(pulled.name));
        return;
    }
    const ImageDocument& document = pulled.document;
    fmt::print("{} {}:{} {} ({}{}{}) {} {}\n", pulled.was_there ? "there is" : "pulled",
               pulled.name.name, pulled.name.tag, document.digest,
               human_size(document.squashfs_bytes), document.libc.empty() ? "" : ", ",
               document.libc, pulled.was_there ? "in" : "into", pulled.store);
}

Result<> run(const Options& options) {
    const SiteConfig site = TRY(globals().site());
    app::PullRequest request;
    request.source = TRY(parse_source(options.source));
    if (!options.name.empty()) {
        request.name = TRY(parse_new_name(options.name));
    }
    request.store = TRY(store_to_write(options.store, true));
    request.stores = options.store.empty() ? TRY(stores_to_read("")) : std::vector{request.store};
    request.architecture = options.architecture;
    request.shared_layers = site.shared_layers;
    request.signatures = TRY(may_import(site, request.store, &request.source)).signatures;
    ProgressLine line(to_string(request.source));
    app::PullEvents events;
    events.begins = [&](std::string_view stage) { line.begin(stage); };
    events.progress = [&](std::uint64_t done, std::uint64_t total) { line.show(done, total); };
    print_result(TRY(app::pull_image(request, events)), options.quiet);
    return {};
}

}  // namespace

void add_pull_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("pull", "Fetch an image from a registry into a store");
    command
        ->add_option("SOURCE", options->source,
                     "[docker://]HOST[:PORT]/REPOSITORY[:TAG|@DIGEST]; without a host: docker.io")
        ->required();
    command->add_option("NAME", options->name,
                        "NAME[:TAG] in the store; HOST/REPOSITORY:TAG by default");
    command->add_option("--store", options->store, "The store's directory")->type_name("PATH");
    command
        ->add_option("--arch", options->architecture,
                     "Of an image for several architectures, take this one (amd64, arm64, …)")
        ->type_name("ARCH");
    command->add_flag("-q,--quiet", options->quiet, "Print NAME:TAG@DIGEST and nothing else");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
