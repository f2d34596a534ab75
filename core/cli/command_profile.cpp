// SPDX-License-Identifier: BSD-3-Clause
// lading profile detect, lading profile list
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/app/detect_profiles.hpp"
#include "core/app/load_profiles.hpp"
#include "core/cli/commands.hpp"
#include "core/formats/nearest.hpp"
#include "core/sys/file.hpp"

namespace lading::cli {
namespace {

struct DetectOptions {
    std::vector<std::string> prefixes;
    std::vector<std::string> only;
    std::string output;
    bool force = false;
};

struct ListOptions {
    std::string directory;
    bool as_json = false;
};

std::vector<std::string> names_of(const std::vector<Profile>& profiles) {
    std::vector<std::string> names;
    std::ranges::transform(profiles, std::back_inserter(names), &Profile::name);
    return names;
}

const char* kind_name(StackKind kind) {
    switch (kind) {
        case StackKind::mpi:
            return "mpi";
        case StackKind::fabric:
            return "fabric";
        case StackKind::gpu:
            return "gpu";
    }
    return "";
}

/// Those that --only names, in the order found; all without it.
Result<std::vector<Profile>> choose(std::vector<Profile> found,
                                    const std::vector<std::string>& only) {
    for (const std::string& name : only) {
        if (std::ranges::find(found, name, &Profile::name) == found.end()) {
            return fail(Code::not_found, fmt::format("this host has no {}", name),
                        fmt::format("found: {}", fmt::join(names_of(found), ", ")));
        }
    }
    if (!only.empty()) {
        std::erase_if(found, [&](const Profile& profile) {
            return std::ranges::find(only, profile.name) == only.end();
        });
    }
    if (found.empty()) {
        return fail(Code::not_found, "no MPI, fabric or GPU stack found on this host",
                    "--prefix DIR looks below a directory of your own");
    }
    return found;
}

/// A file that is there is never written to in place: where root loads profiles meanwhile, it reads
/// the old or the new one.
Result<> write_profile(const Profile& profile, const std::string& path, bool force) {
    const std::string temporary = path + ".new";
    if (!force && access(path.c_str(), F_OK) == 0) {
        return fail(Code::refused, fmt::format("{} is there already", path),
                    "--force replaces it; `lading profile detect --only` shows what is found now");
    }
    const sys::Fd fd(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!fd.valid()) {
        return sys::fail_errno(Code::system, fmt::format("cannot write {}", temporary));
    }
    Result<> written = sys::write_all(fd.get(), format_profile(profile), temporary);
    // link() fails where the name has come into being since; rename() would replace it.
    if (written && fsync(fd.get()) != 0) {
        written = sys::fail_errno(Code::system, fmt::format("cannot write {}", temporary));
    }
    if (written && (force ? rename(temporary.c_str(), path.c_str())
                          : link(temporary.c_str(), path.c_str())) != 0) {
        written = sys::fail_errno(Code::system, fmt::format("cannot make {}", path));
    }
    unlink(temporary.c_str());
    return written;
}

/// A profile that comes with one which is not there would make every container's start an error.
void warn_of_companions(const std::vector<Profile>& chosen, const std::string& directory) {
    for (const Profile& profile : chosen) {
        for (const std::string& name : profile.with) {
            const std::string path = fmt::format("{}/{}.json", directory, name);
            if (std::ranges::find(chosen, name, &Profile::name) == chosen.end() &&
                access(path.c_str(), F_OK) != 0) {
                fmt::print(stderr,
                           "lading: {0} comes with {1}, which is not in {2}\n"
                           "        add --only {1}, or take it out of 'with'\n",
                           profile.name, name, directory);
            }
        }
    }
}

Result<> write_all_profiles(const std::vector<Profile>& chosen, const DetectOptions& options) {
    for (const Profile& profile : chosen) {
        // All or none: a half that loads is worse than an error.
        const std::string path = fmt::format("{}/{}.json", options.output, profile.name);
        if (!options.force && access(path.c_str(), F_OK) == 0) {
            return fail(Code::refused,
                        fmt::format("{} is there already; nothing was written", path),
                        "--force replaces it, --only NAME chooses others");
        }
    }
    for (const Profile& profile : chosen) {
        const std::string path = fmt::format("{}/{}.json", options.output, profile.name);
        TRY(write_profile(profile, path, options.force));
        fmt::print("{}\n", path);
    }
    warn_of_companions(chosen, options.output);
    return {};
}

Result<> run_detect(const DetectOptions& options) {
    const std::vector<Profile> chosen =
        TRY(choose(TRY(app::detect_profiles(options.prefixes)), options.only));
    if (!options.output.empty()) {
        return write_all_profiles(chosen, options);
    }
    if (chosen.size() > 1) {
        return fail(Code::usage,
                    fmt::format("found {}: one profile is printed, several are written",
                                fmt::join(names_of(chosen), ", ")),
                    "choose one by --only NAME, or a directory by --output DIR");
    }
    fmt::print("{}", format_profile(chosen.front()));
    return {};
}

void print_list(const std::vector<Profile>& profiles) {
    std::size_t width = 4;
    for (const Profile& profile : profiles) {
        width = std::max(width, profile.name.size());
    }
    fmt::print("{:<{}}  {:<6}  {:<10}  {:>8}  {}\n", "NAME", width, "KIND", "PROVIDES", "PRIORITY",
               "FILE");
    for (const Profile& profile : profiles) {
        fmt::print("{:<{}}  {:<6}  {:<10}  {:>8}  {}\n", profile.name, width,
                   kind_name(profile.kind), profile.provides, profile.priority, profile.file);
    }
}

Result<> run_list(const ListOptions& options) {
    const SiteConfig site = TRY(globals().site());
    const std::vector<Profile> profiles = TRY(app::load_profiles(
        {options.directory.empty() ? site.profiles : options.directory, site.cdi, true}));
    if (!options.as_json) {
        print_list(profiles);
        return {};
    }
    nlohmann::json list = nlohmann::json::array();
    for (const Profile& profile : profiles) {
        list.push_back({{"name", profile.name},
                        {"kind", kind_name(profile.kind)},
                        {"provides", profile.provides},
                        {"priority", profile.priority},
                        {"file", profile.file}});
    }
    fmt::print("{}\n", list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return {};
}

void add_detect_command(CLI::App& parent) {
    const auto options = std::make_shared<DetectOptions>();
    CLI::App* const command =
        parent.add_subcommand("detect", "Describe the MPI, fabric and GPU stacks of this host");
    command->add_option("--prefix", options->prefixes, "Look below this directory too")
        ->type_name("DIR");
    command->add_option("--only", options->only, "Only the stacks of these names")
        ->type_name("NAME");
    command->add_option("--output", options->output, "Write NAME.json into this directory")
        ->type_name("DIR");
    command->add_flag("--force", options->force, "Replace files that are there");
    set_body(command, [options] { return run_detect(*options); });
}

void add_list_command(CLI::App& parent) {
    const auto options = std::make_shared<ListOptions>();
    CLI::App* const command =
        parent.add_subcommand("list", "List the profiles that containers here may be given");
    command
        ->add_option("--directory", options->directory,
                     "Profiles of this directory, not of the configuration's")
        ->type_name("DIR");
    command->add_flag("--json", options->as_json, "Print JSON");
    set_body(command, [options] { return run_list(*options); });
}

}  // namespace

void add_profile_command(CLI::App& app) {
    CLI::App* const command =
        app.add_subcommand("profile", "What of this host containers may be given");
    command->require_subcommand(1);
    command->fallthrough();
    add_detect_command(*command);
    add_list_command(*command);
}

}  // namespace lading::cli
