// SPDX-License-Identifier: BSD-3-Clause
// lading inspect NAME
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/app/inspect_image.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"
#include "core/compat/families.hpp"
#include "core/formats/digest.hpp"
#include "core/formats/utf8.hpp"

namespace lading::cli {
namespace {

using nlohmann::json;

struct Options {
    std::string name;
    std::string store;
    bool as_json = false;
};

void print_line(const char* title, const std::string& value) {
    if (!value.empty()) {
        fmt::print("{:<14}{}\n", title, formats::printable(value));
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

void print_config(const ImageConfig& config) {
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

/// The level that the files ask for; other architectures have none.
std::string cpu_of(const compat::ElfSummary& elf) {
    if (elf.isa_level > 1) {
        return fmt::format("x86-64-v{}, for {}", elf.isa_level, elf.isa_file);
    }
    return elf.architectures.contains("amd64") ? "x86-64; no file says that it needs more" : "";
}

void print_elf(const app::InspectedImage& image) {
    if (!image.elf) {
        print_line("ELF files", fmt::format("not known: {}", image.elf_missing));
        return;
    }
    std::vector<std::string> counts;
    for (const auto& [architecture, count] : image.elf->architectures) {
        counts.push_back(fmt::format("{} {}", count, architecture));
    }
    print_line("ELF files", counts.empty() ? "none" : fmt::format("{}", fmt::join(counts, ", ")));
    print_line("CPU", cpu_of(*image.elf));
    std::vector<std::string> stacks;
    for (const compat::StackUse& use : image.elf->stacks) {
        const std::string title(compat::title_of(use.provides));
        const std::string needed =
            use.users == 0 ? "" : fmt::format(", needed by {} files", use.users);
        if (use.libraries.empty()) {
            stacks.push_back(fmt::format("{}: not in the image{}", title, needed));
        }
        for (const std::string& library : use.libraries) {
            stacks.push_back(fmt::format("{}: {}{}", title, library,
                                         library == use.libraries.front() ? needed : ""));
        }
    }
    print_list("stacks", stacks);
}

/// One line of a width that terminals have.
std::string shortened(const std::string& command) {
    constexpr std::size_t kWidth = 90;
    std::string line;
    for (const char c : formats::repair_utf8(command)) {
        const bool space = c == ' ' || c == '\t' || c == '\n';
        if (!space || !line.ends_with(' ')) {
            line += space ? ' ' : c;
        }
    }
    return line.size() <= kWidth ? line : std::string(formats::utf8_prefix(line, kWidth)) + " …";
}

void print_making(const ImageDocument& document) {
    std::vector<std::string> layers;
    for (const ImageLayer& layer : document.layers) {
        layers.push_back(fmt::format("{}  {:>7}  {}", formats::short_digest(layer.digest),
                                     human_size(layer.bytes), layer.media_type));
    }
    print_list("layers", layers);
    std::vector<std::string> steps;
    for (const ImageStep& step : document.history) {
        steps.push_back(
            fmt::format("{:<10}  {}", step.created.substr(0, 10), shortened(step.created_by)));
    }
    print_list("history", steps);
}

void print_text(const app::InspectedImage& image) {
    const ImageDocument& document = image.found.document;
    print_line("digest", document.digest);
    print_line("file", image.found.file);
    print_line("size", fmt::format("{} ({} bytes)", human_size(document.squashfs_bytes),
                                   document.squashfs_bytes));
    print_line("source", document.source);
    print_line("imported", document.created);
    print_line("architecture", document.config.architecture);
    print_line("libc", image.elf && !image.elf->libc.empty() ? image.elf->libc : document.libc);
    print_elf(image);
    print_config(document.config);
    print_making(document);
}

json elf_json(const compat::ElfSummary& elf) {
    json stacks = json::array();
    for (const compat::StackUse& use : elf.stacks) {
        stacks.push_back(
            {{"provides", use.provides}, {"libraries", use.libraries}, {"users", use.users}});
    }
    json object = {{"files", elf.files},
                   {"architectures", elf.architectures},
                   {"stacks", stacks},
                   {"libc", elf.libc}};
    if (elf.isa_level > 1) {
        object["cpu"] = {{"level", fmt::format("x86-64-v{}", elf.isa_level)},
                         {"file", elf.isa_file}};
    }
    return object;
}

void print_json(const app::InspectedImage& image) {
    json object = json::parse(format_image_document(image.found.document));
    object["file"] = image.found.file;
    if (image.elf) {
        object["elf"] = elf_json(*image.elf);
    }
    fmt::print("{}\n", object.dump(2, ' ', false, json::error_handler_t::replace));
}

Result<> run(const Options& options) {
    const ImageName name = TRY(parse_image_name(options.name));
    const app::InspectedImage image =
        TRY(app::inspect_image(TRY(stores_to_read(options.store)), name));
    options.as_json ? print_json(image) : print_text(image);
    return {};
}

}  // namespace

void add_inspect_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand("inspect", "Show what is known about an image");
    command->add_option("NAME", options->name, "NAME[:TAG] or NAME@DIGEST")->required();
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    command->add_flag("--json", options->as_json,
                      "Print the image's document and its ELF files as JSON");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
