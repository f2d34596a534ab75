// SPDX-License-Identifier: BSD-3-Clause
// lading verify [NAME…]
#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "core/app/verify_store.hpp"
#include "core/cli/commands.hpp"
#include "core/cli/sizes.hpp"
#include "core/cli/stores.hpp"
#include "core/formats/digest.hpp"
#include "core/formats/utf8.hpp"

namespace lading::cli {
namespace {

/// A store of which every file is damaged needs no line for each.
constexpr std::size_t kMostShown = 50;

struct Options {
    std::vector<std::string> names;
    std::string store;
    bool quiet = false;
};

class Report {
  public:
    explicit Report(bool quiet) : quiet_(quiet) {}

    void image(const app::VerifiedImage& image) {
        ++images_;
        if (!image.damage.empty()) {
            ++damaged_;
            damage(image.name + ' ' + formats::short_digest(image.digest), image.damage);
        } else if (!quiet_) {
            fmt::print("whole    {} {} {}\n", formats::printable(image.name),
                       formats::short_digest(image.digest), human_size(image.bytes));
            std::fflush(stdout);  // the next may take minutes
        }
    }

    void store(const std::string& path, const app::VerifiedStore& store) {
        if (!store.damage.empty()) {
            ++damaged_;
            damage(path, store.damage);
        }
        if (store.orphans > 0 && !quiet_) {
            fmt::print("{}: {} files ({}) belong to no image: 'lading gc' removes them\n", path,
                       store.orphans, human_size(store.orphan_bytes));
        }
    }

    Result<> result() const {
        if (shown_ > kMostShown) {
            fmt::print("and {} more\n", shown_ - kMostShown);
        }
        if (damaged_ > 0) {
            return fail(Code::bad_image, "the store is damaged", "each line above says what to do");
        }
        if (!quiet_) {
            fmt::print("{} image{} as imported\n", images_, images_ == 1 ? " is" : "s are");
        }
        return {};
    }

  private:
    void damage(const std::string& what, const std::vector<Error>& errors) {
        for (const Error& error : errors) {
            if (++shown_ > kMostShown) {
                return;
            }
            fmt::print("damaged  {}\n         {}\n         {}\n", formats::printable(what),
                       formats::printable(error.what), formats::printable(error.hint));
        }
    }

    bool quiet_;
    std::size_t images_ = 0;
    std::size_t damaged_ = 0;
    std::size_t shown_ = 0;
};

Result<> run(const Options& options) {
    std::vector<ImageName> names;
    for (const std::string& name : options.names) {
        names.push_back(TRY(parse_image_name(name)));
    }
    Report report(options.quiet);
    bool any = false;
    Error missing;
    for (const std::string& path : TRY(stores_to_read(options.store))) {
        const auto verified = app::verify_store(
            path, names, [&report](const app::VerifiedImage& image) { report.image(image); });
        if (verified) {
            any = true;
            report.store(path, *verified);
        } else if (verified.error().code == Code::not_found) {
            missing = verified.error();  // another store may have it
        } else {
            return tl::unexpected<Error>(verified.error());
        }
    }
    return any ? report.result() : tl::unexpected<Error>(missing);
}

}  // namespace

void add_verify_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command =
        app.add_subcommand("verify", "Read images again, and compare them with their digests");
    command->add_option("NAME", options->names, "NAME[:TAG] or NAME@DIGEST; by default all images");
    command->add_option("--store", options->store, "Only this store's directory")
        ->type_name("PATH");
    command->add_flag("-q,--quiet", options->quiet, "Print damage alone");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
