// SPDX-License-Identifier: BSD-3-Clause
// lading images
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/app/list_images.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"
#include "core/formats/digest.hpp"

namespace lading::cli {
namespace {

using nlohmann::json;

struct Options {
    std::string store;
    bool as_json = false;
};

void print_json(const std::vector<app::ListedImage>& images) {
    json list = json::array();
    for (const app::ListedImage& image : images) {
        list.push_back({{"store", image.store},
                        {"name", image.name},
                        {"tag", image.tag},
                        {"digest", image.document.digest},
                        {"bytes", image.document.squashfs_bytes},
                        {"created", image.document.created},
                        {"architecture", image.document.config.architecture},
                        {"libc", image.document.libc},
                        {"labels", json(image.document.config.labels)},
                        {"error", image.error}});
    }
    fmt::print("{}\n", list.dump(2, ' ', false, json::error_handler_t::replace));
}

void print_table(const std::vector<app::ListedImage>& images) {
    std::vector<std::vector<std::string>> rows = {
        {"NAME", "TAG", "DIGEST", "SIZE", "CREATED", "ARCH", "LIBC"}};
    for (const app::ListedImage& image : images) {
        const ImageDocument& document = image.document;
        if (image.error.empty()) {
            rows.push_back({image.name, image.tag, formats::short_digest(document.digest),
                            human_size(document.squashfs_bytes), document.created,
                            document.config.architecture, document.libc});
        } else {
            rows.push_back({image.name, image.tag, "damaged", "", "", "", ""});
        }
    }
    std::vector<std::size_t> widths(rows.front().size());
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += fmt::format("{:<{}}", row[i], widths[i] + 2);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        fmt::print("{}\n", line);
    }
}

Result<> run(const Options& options) {
    const std::vector<std::string> stores = TRY(stores_to_read(options.store));
    const app::ImageList list = TRY(app::list_images(stores));
    // A store that was asked for by name, and stores of which none is there, are no empty list.
    if (list.missing.size() == stores.size()) {
        return tl::unexpected<Error>(list.missing.front());
    }
    options.as_json ? print_json(list.images) : print_table(list.images);
    if (list.problems.empty()) {
        return {};
    }
    for (std::size_t i = 0; i + 1 < list.problems.size(); ++i) {
        print_error(list.problems[i]);
    }
    return tl::unexpected<Error>(list.problems.back());
}

}  // namespace

void add_images_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand("images", "List the images of the stores");
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    command->add_flag("--json", options->as_json, "Print JSON");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
