// SPDX-License-Identifier: BSD-3-Clause
// The command line: see lading(1).
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "core/cli/commands.hpp"
#include "core/sys/file.hpp"

namespace lading::cli {
namespace {

constexpr std::size_t kConfigBytes = 1U << 20;

Globals& global_values() {
    static Globals values{LADING_CONFIG_FILE, false};
    return values;
}

int run(int argc, char** argv) {
    CLI::App app{"Containers on supercomputers, by Slurm: the images.", "lading"};
    app.set_version_flag("--version", "lading " LADING_VERSION);
    app.require_subcommand(1);
    Globals& values = global_values();
    CLI::Option* const config =
        app.add_option("--config", values.config_file, "The site's configuration")
            ->type_name("FILE")
            ->capture_default_str();
    app.fallthrough();
    app.parse_complete_callback([&] { values.config_given = config->count() > 0; });
    add_import_command(app);
    add_pull_command(app);
    add_check_command(app);
    add_cdi_command(app);
    add_images_command(app);
    add_inspect_command(app);
    add_resolve_command(app);
    add_rm_command(app);
    add_gc_command(app);
    add_verify_command(app);
    add_copy_command(app);
    add_record_command(app);
    add_profile_command(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::RuntimeError& ended) {
        return ended.get_exit_code();
    } catch (const CLI::ParseError& error) {
        const int status = app.exit(error);  // help and version end here too, with 0
        return status == 0 ? 0 : static_cast<int>(Code::usage);
    }
    return std::fflush(stdout) == 0 ? 0 : static_cast<int>(Code::system);
}

}  // namespace

const Globals& globals() {
    return global_values();
}

Result<SiteConfig> Globals::site() const {
    auto text = sys::read_file(config_file, kConfigBytes);
    if (!text && text.error().code == Code::not_found && !config_given) {
        return parse_site_config("{}", config_file);
    }
    if (!text) {
        Error error = std::move(text).error();
        error.code = config_given ? error.code : Code::site;
        return tl::unexpected<Error>(std::move(error));
    }
    return parse_site_config(*text, config_file);
}

void print_error(const Error& error) {
    fmt::print(stderr, "lading: {}\n", error.what);
    if (!error.hint.empty()) {
        fmt::print(stderr, "        {}\n", error.hint);
    }
}

void set_body(CLI::App* command, std::function<Result<>()> body) {
    command->final_callback([body = std::move(body)] {
        if (const auto done = body(); !done) {
            print_error(done.error());
            throw CLI::RuntimeError(static_cast<int>(done.error().code));
        }
    });
}

}  // namespace lading::cli

int main(int argc, char** argv) {
    // A packer that dies early must show as a failed write, with its reason.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return lading::cli::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "lading: {}\n", error.what());
        return static_cast<int>(lading::Code::internal);
    }
}
