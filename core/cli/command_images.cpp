// SPDX-License-Identifier: BSD-3-Clause
// lading images
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/app/list_images.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/slurm_environment.hpp"
#include "core/cli/stores.hpp"
#include "core/cli/table.hpp"
#include "core/formats/digest.hpp"
#include "core/formats/utc_time.hpp"

namespace lading::cli {
namespace {

using nlohmann::json;

struct Options {
    std::string store;
    bool labels = false;
    bool as_json = false;
};

/// `alice 2, bob 1`: how many of their jobs run the image or wait for it.
std::string users_of(const app::ListedImage& image) {
    std::map<std::string, unsigned> jobs;
    for (const record::ImageUser& user : image.users) {
        ++jobs[user.user];
    }
    std::string text;
    for (const auto& [user, count] : jobs) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", user, count);
    }
    return text;
}

std::string age_of(const ImageDocument& document) {
    const auto created = formats::parse_utc_time(document.created);
    return created
               ? formats::human_duration(std::max<std::int64_t>(std::time(nullptr) - *created, 0))
               : std::string();
}

void print_json(const app::ImageList& list) {
    json images = json::array();
    for (const app::ListedImage& image : list.images) {
        json object = {{"store", image.store},
                       {"name", image.name},
                       {"tag", image.tag},
                       {"digest", image.document.digest},
                       {"bytes", image.document.squashfs_bytes},
                       {"created", image.document.created},
                       {"architecture", image.document.config.architecture},
                       {"libc", image.document.libc},
                       {"labels", json(image.document.config.labels)},
                       {"error", image.error}};
        if (list.users_known) {
            object["jobs"] = json::array();
            for (const record::ImageUser& user : image.users) {
                object["jobs"].push_back({{"job", user.job}, {"user", user.user}});
            }
        }
        images.push_back(std::move(object));
    }
    fmt::print("{}\n", images.dump(2, ' ', false, json::error_handler_t::replace));
}

void print_table(const app::ImageList& list, bool labels) {
    std::vector<std::vector<std::string>> rows = {
        {"NAME", "TAG", "DIGEST", "SIZE", "AGE", "ARCH", "LIBC"}};
    if (list.users_known) {
        rows.front().emplace_back("JOBS");
    }
    if (labels) {
        rows.front().emplace_back("LABELS");
    }
    for (const app::ListedImage& image : list.images) {
        if (!image.error.empty()) {
            rows.push_back({image.name, image.tag, "damaged"});
            continue;
        }
        const ImageDocument& document = image.document;
        auto& row = rows.emplace_back(
            std::vector<std::string>{image.name, image.tag, formats::short_digest(document.digest),
                                     human_size(document.squashfs_bytes), age_of(document),
                                     document.config.architecture, document.libc});
        if (list.users_known) {
            row.push_back(users_of(image));
        }
        if (labels) {
            std::string& text = row.emplace_back();
            for (const auto& [name, value] : document.config.labels) {
                text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
            }
        }
    }
    print_aligned(std::move(rows));
}

Result<> run(const Options& options) {
    const std::vector<std::string> stores = TRY(stores_to_read(options.store));
    app::ImageList list = TRY(app::list_images(stores));
    // A store that was asked for by name, and stores of which none is there, are no empty list.
    if (list.missing.size() == stores.size()) {
        return tl::unexpected<Error>(list.missing.front());
    }
    app::find_users(list, slurm_environment());
    options.as_json ? print_json(list) : print_table(list, options.labels);
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
    command->add_flag("--labels", options->labels, "Show the images' labels as well");
    command->add_flag("--json", options->as_json, "Print JSON");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
