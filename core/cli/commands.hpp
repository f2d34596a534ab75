// SPDX-License-Identifier: BSD-3-Clause
/// The sub-commands of `lading`.  Each lives in its own command_NAME.cpp and adds itself; what it
/// does happens in the callback that CLI11 runs while it parses.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "lading/result.hpp"
#include "lading/site.hpp"

namespace lading::cli {

/// Options of the whole command.
struct Globals {
    std::string config_file;
    bool config_given = false;  ///< by --config: a missing file is an error then

    /// The site's configuration; the defaults where the file is not there, unless it was asked for.
    Result<SiteConfig> site() const;
};

void add_import_command(CLI::App& app);
void add_pull_command(CLI::App& app);
void add_images_command(CLI::App& app);
void add_inspect_command(CLI::App& app);
void add_check_command(CLI::App& app);
void add_cdi_command(CLI::App& app);
void add_resolve_command(CLI::App& app);
void add_rm_command(CLI::App& app);
void add_gc_command(CLI::App& app);
void add_verify_command(CLI::App& app);
void add_copy_command(CLI::App& app);
void add_record_command(CLI::App& app);
void add_profile_command(CLI::App& app);

/// What --config said.
const Globals& globals();

/// Prints an error as `lading: WHAT` and an indented hint.
void print_error(const Error& error);

/// Makes a command's body its callback: an Error is printed, and its code becomes the exit status.
void set_body(CLI::App* command, std::function<Result<>()> body);

}  // namespace lading::cli
