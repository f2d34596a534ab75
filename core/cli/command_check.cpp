// SPDX-License-Identifier: BSD-3-Clause
// lading check IMAGE [PROGRAM…]
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/cli/check_options.hpp"
#include "core/cli/commands.hpp"
#include "core/formats/utf8.hpp"
#include "core/sys/file.hpp"

namespace lading::cli {
namespace {

/// The step starts, but not with what the image asks for.
constexpr int kFallsBack = 9;

struct Options {
    CheckOptions asked;
    std::string partition;
    bool as_json = false;
    bool verbose = false;
};

struct Meaning {
    Verdict verdict;
    const char* words;
};
/// For those who have never heard of sonames.
constexpr Meaning kMeanings[] = {
    {Verdict::native, "It runs; it needs nothing of this host's libraries."},
    {Verdict::ok, "It runs with this host's libraries."},
    {Verdict::ok_glibc, "It runs with this host's libraries and this host's C library."},
    {Verdict::unproven,
     "It runs with this host's libraries, as far as can be seen without starting it."},
    {Verdict::degraded, "It runs with this host's libraries; some programs of the image do not."},
    {Verdict::missing, "It runs with what it has itself."},
};

std::string words_of(const Injection& injection, bool none) {
    if (none) {
        return "It gets nothing of this host's libraries, as asked.";
    }
    if (const Finding* const refusal = refusal_of(injection)) {
        return fmt::format("It does not start: {}.", refusal->reason);
    }
    Verdict verdict = Verdict::native;
    for (const Finding& finding : injection.findings) {
        // How ranks find each other is no question of libraries.
        verdict = finding.need == "PMI" ? verdict : std::max(verdict, finding.verdict);
    }
    const auto known = std::ranges::find(kMeanings, verdict, &Meaning::verdict);
    return known == std::end(kMeanings) ? "It starts, without this host's libraries."
                                        : known->words;
}

int status_of(const Injection& injection) {
    if (refusal_of(injection) != nullptr) {
        return static_cast<int>(Code::mismatch);
    }
    return verdict_of(injection) > Verdict::missing ? kFallsBack : 0;
}

void print_row(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        line += i + 1 == cells.size() ? cells[i] : fmt::format("{:<{}}  ", cells[i], widths[i]);
    }
    fmt::print("{}\n", line);
}

void print_findings(const std::vector<Finding>& findings) {
    std::vector<std::vector<std::string>> rows{{"NEED", "IMAGE", "THIS HOST", "VERDICT"}};
    for (const Finding& finding : findings) {
        rows.push_back({finding.need, formats::printable(finding.wants),
                        formats::printable(finding.offers), std::string(name_of(finding.verdict))});
    }
    std::vector<std::size_t> widths(4, 0);
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    print_row(rows.front(), widths);
    for (std::size_t i = 0; i < findings.size(); ++i) {
        print_row(rows[i + 1], widths);
        for (const auto& [title, text] :
             {std::pair("why:    ", &findings[i].reason),
              std::pair("remedy: ", &findings[i].remedy), std::pair("speed:  ", &findings[i].speed),
              std::pair("note:   ", &findings[i].note)}) {
            if (!text->empty()) {
                fmt::print("{:<{}}  {}{}\n", "", widths[0], title, formats::printable(*text));
            }
        }
    }
}

void print_files(const Injection& injection) {
    fmt::print("\n");
    for (const InjectedFile& file : injection.files) {
        fmt::print("inject  {} = {}\n", file.soname, file.source.value);
        for (const GuestPath& target : file.targets) {
            fmt::print("          at {}\n", formats::printable(target.value));
        }
        fmt::print("          {}\n", formats::printable(file.reason));
    }
    for (const KeptFile& file : injection.kept) {
        fmt::print("keep    {} = {}\n          {}\n", file.soname,
                   formats::printable(file.path.value), formats::printable(file.reason));
    }
    for (const InjectedMount& mount : injection.mounts) {
        fmt::print("show    {}\n          {}\n", mount.source.value, mount.reason);
    }
    for (const auto& [name, value] : injection.environment) {
        fmt::print("set     {}={}\n", name, formats::printable(value));
    }
}

/// As contrib/bench/mounts measured it.
constexpr const char* kSquashfuseCosts = "files take about 2 to 10 times as long to read";

std::string mount_words(const app::CheckedImage& checked) {
    const ImageFacts& image = checked.image;
    if (image.kind == ImageFacts::Kind::directory) {
        return "bound as it is: a directory";
    }
    const bool chosen = image.mount_by != MountBy::automatic;
    if (checked.plan.mount_by == MountBy::kernel) {
        return fmt::format("by the kernel, as {}",
                           chosen ? "the site says" : "only root could have written the image");
    }
    return fmt::format("by squashfuse, as {}: {}",
                       chosen ? "the site says"
                       : checked.image.document.digest.empty()
                           ? "it is a file of a user's"
                           : "others than root could have written the image",
                       kSquashfuseCosts);
}

void print_text(const app::CheckedImage& checked, bool none, bool verbose) {
    const ImageDocument& document = checked.image.document;
    fmt::print("image {}{}{}\n", checked.image.reference, document.digest.empty() ? "" : " ",
               document.digest);
    fmt::print("host  {}, {}\n", checked.host.hostname, checked.host.libc);
    fmt::print("mount {}\n\n", mount_words(checked));
    print_findings(checked.injection.findings);
    if (verbose) {
        print_files(checked.injection);
    }
    const Injection& injection = checked.injection;
    fmt::print("\n{}\n", formats::printable(words_of(injection, none)));
    if (!injection.files.empty() && !verbose) {
        fmt::print("It gets {} of this host's files and keeps {} of its own (--verbose: which).\n",
                   injection.files.size(), injection.kept.size());
    }
    if (!checked.any_profile) {
        fmt::print("This site has no profiles: 'lading profile detect' writes some.\n");
    }
}

/// A partition's nodes are other machines: ask one of them.
Result<> check_on(const Options& options) {
    std::vector<std::string> words = {"srun",
                                      "--quiet",
                                      "--nodes=1",
                                      "--ntasks=1",
                                      "--partition=" + options.partition,
                                      "--container=none",
                                      "lading",
                                      "--config",
                                      globals().config_file,
                                      "check"};
    for (const std::string& label : options.asked.labels) {
        words.insert(words.end(), {"--label", label});
    }
    if (!options.asked.inject.empty()) {
        words.insert(words.end(), {"--inject", options.asked.inject});
    }
    if (!options.asked.host_cpu.empty()) {
        words.insert(words.end(), {"--host-cpu", options.asked.host_cpu});
    }
    if (options.as_json) {
        words.emplace_back("--json");
    }
    if (options.verbose) {
        words.emplace_back("--verbose");
    }
    words.push_back(options.asked.image);
    words.insert(words.end(), options.asked.programs.begin(), options.asked.programs.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    execvp(argv.front(), argv.data());
    return sys::fail_errno(Code::system, "cannot run srun", "--on needs Slurm's client commands");
}

Result<> run(const Options& options) {
    if (!options.partition.empty()) {
        return check_on(options);
    }
    const app::CheckedImage checked = TRY(app::check_image(TRY(read_check_order(options.asked))));
    if (options.as_json) {
        fmt::print("{}", format_injection(checked.injection));
    } else {
        print_text(checked, options.asked.inject == "none", options.verbose);
    }
    if (const int status = status_of(checked.injection); status != 0) {
        std::fflush(stdout);
        throw CLI::RuntimeError(status);
    }
    return {};
}

}  // namespace

void add_check_command(CLI::App& app) {
    const auto options = std::make_shared<Options>();
    CLI::App* const command = app.add_subcommand(
        "check", "Say what an image gets of this host's libraries, and whether it will run");
    add_check_options(*command, options->asked);
    command->add_option("--on", options->partition, "Ask a compute node of this partition (srun)")
        ->type_name("PARTITION");
    command->add_flag("--json", options->as_json, "Print the plan as JSON");
    command->add_flag("-v,--verbose", options->verbose, "Name every file, with the reason");
    set_body(command, [options] { return run(*options); });
}

}  // namespace lading::cli
