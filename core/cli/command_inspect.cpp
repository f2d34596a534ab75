// SPDX-License-Identifier: BSD-3-Clause
// lading inspect NAME
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "core/app/list_images.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"

namespace lading::cli {
namespace {

struct Options {
    std::string name;
    std::string store;
    bool as_json = false;
};

void print_line(const char* title, const std::string& value) {
    if (!value.empty()) {
        fmt::print("{:<14}{}\n", title, value);
    }
}

void print_list(const char* title, const std::vector<std::string>& values) {
    for (const std::string& value : values) {
        print_line(title, value);
        title = "";
    }
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

void print_text(const app::FoundDocument& found) {
    const ImageDocument& document = found.document;
    const ImageConfig& config = document.config;
    print_line("digest", document.digest);
    print_line("file", found.file);
    print_line("size", fmt::format("{} ({} bytes)", human_size(document.squashfs_bytes),
                                   document.squashfs_bytes));
    print_line("source", document.source);
    print_line("imported", document.created);
    print_line("architecture", config.architecture);
    print_line("libc", document.libc);
    print_line("entrypoint", fmt::format("{}", fmt::join(config.entrypoint, " ")));
    print_line("command", fmt::format("{}", fmt::join(config.command, " ")));
    print_line("workdir", config.workdir);
    print_line("user", config.user);
    print_list("environment", config.environment);
    std::vector<std::string> labels;
    for (const auto& [name, value] : config.labels) {
        labels.push_back(fmt::format("{}={}", name, value));
    }
    print_list("labels", labels);
    print_list("definition", lines_of(config.definition));
}

Result<> run(const Options& options) {
    const ImageName name = TRY(parse_image_name(options.name));
    const app::FoundDocument found =
        TRY(app::find_document(TRY(stores_to_read(options.store)), name));
    if (options.as_json) {
        fmt::print("{}", format_image_document(found.document));
    } else {
        print_text(found);
    }
    return {};
}

}  // namespace

void add_inspect_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand("inspect", "Show what is known about an image");
    command->add_option("NAME", options->name, "NAME[:TAG] or NAME@DIGEST")->required();
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    command->add_flag("--json", options->as_json, "Print the image document");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
