// SPDX-License-Identifier: BSD-3-Clause
// lading gc
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/app/collect_garbage.hpp"
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
    std::string older_than = "1d";
    std::vector<std::string> slurm_conf;
    bool dry_run = false;
    bool without_slurm = false;
    bool as_json = false;
};

json to_json(const std::string& store, const app::Garbage& garbage) {
    json images = json::array();
    for (const app::UntaggedImage& image : garbage.images) {
        images.push_back({{"digest", image.digest},
                          {"name", image.name},
                          {"bytes", image.bytes},
                          {"untagged", formats::format_utc_time(image.since)},
                          {"removed", image.kept.empty()},
                          {"kept", image.kept}});
    }
    return {
        {"store", store},           {"images", images},           {"freed", garbage.freed},
        {"layers", garbage.layers}, {"orphans", garbage.orphans}, {"problems", garbage.problems}};
}

void print_text(const std::string& store, const app::Garbage& garbage, bool dry_run) {
    std::vector<std::vector<std::string>> rows;
    std::uint64_t kept = 0;
    for (const app::UntaggedImage& image : garbage.images) {
        const bool gone = image.kept.empty();
        kept += gone ? 0 : image.bytes;
        const std::string since =
            fmt::format("without a tag since {}", formats::format_utc_time(image.since));
        rows.push_back({gone ? dry_run ? "would remove" : "removed" : "kept",
                        formats::short_digest(image.digest), human_size(image.bytes), image.name,
                        gone ? since : image.kept});
    }
    print_aligned(std::move(rows));
    for (const std::string& problem : garbage.problems) {
        fmt::print("{}\n", formats::printable(problem));
    }
    const auto print_count = [&](std::size_t count, const char* what, const char* why) {
        if (count > 0) {
            fmt::print("{} {} {}{} {}\n", dry_run ? "would remove" : "removed", count, what,
                       count == 1 ? "" : "s", why);
        }
    };
    print_count(garbage.orphans, "file", "that killed imports left");
    print_count(garbage.layers, "layer", "that no pull has used since");
    fmt::print("{}: {} {}{}\n", store, dry_run ? "would free" : "freed", human_size(garbage.freed),
               kept == 0 ? "" : fmt::format(", kept {} without a tag", human_size(kept)));
}

/// A store below the home of its only user.
bool is_private(const std::string& store) {
    const std::string home = home_directory();
    return geteuid() != 0 && !home.empty() && store.starts_with(home + '/');
}

Result<app::GarbageRequest> read_request(const Options& options) {
    app::GarbageRequest request;
    const auto age = formats::parse_duration(options.older_than);
    if (!age) {
        return fail(Code::usage,
                    fmt::format("--older-than {}: expected a number and one of s, m, h, d, w",
                                options.older_than));
    }
    request.older_than = *age;
    request.dry_run = options.dry_run;
    if (options.without_slurm) {
        return request;
    }
    for (const std::string& file : options.slurm_conf) {
        request.clusters.push_back(slurm_environment(TRY(absolute_path(file))));
    }
    if (request.clusters.empty()) {
        request.clusters.push_back(slurm_environment());
    }
    return request;
}

Result<> run(const Options& options) {
    app::GarbageRequest request = TRY(read_request(options));
    json all = json::array();
    std::string shared = TRY(globals().site()).shared_layers;
    for (const std::string& store : TRY(stores_to_clean(options.store))) {
        request.store = store;
        request.layers = {store + "/layers"};
        if (options.store.empty() && !shared.empty()) {
            request.layers.push_back(std::exchange(shared, ""));
        }
        request.private_store = is_private(store);
        auto garbage = app::collect_garbage(request);
        if (!garbage) {
            Error error = std::move(garbage).error();
            error.what = fmt::format("nothing was removed from {}: {}", store, error.what);
            return tl::unexpected<Error>(std::move(error));
        }
        if (options.as_json) {
            all.push_back(to_json(store, *garbage));
        } else {
            print_text(store, *garbage, options.dry_run);
        }
    }
    if (options.as_json) {
        fmt::print("{}\n", all.dump(2, ' ', false, json::error_handler_t::replace));
    }
    return {};
}

}  // namespace

void add_gc_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "gc", "Remove images without a tag that no running or waiting job needs");
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    command
        ->add_option("--older-than", options->older_than,
                     "Leave what lost its tag, or layers that were pulled, within this time (90m, "
                     "12h, 1d, 2w)")
        ->type_name("AGE")
        ->capture_default_str();
    command->add_flag("--dry-run", options->dry_run, "Only say what would be removed");
    CLI::Option* const conf =
        command
            ->add_option("--slurm-conf", options->slurm_conf,
                         "The slurm.conf of a cluster that uses the store (repeatable)")
            ->type_name("FILE")
            ->allow_extra_args(false);
    command
        ->add_flag("--without-slurm", options->without_slurm, "Ask no Slurm: no job uses the store")
        ->excludes(conf);
    command->add_flag("--json", options->as_json, "Print JSON");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
