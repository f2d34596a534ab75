// SPDX-License-Identifier: BSD-3-Clause
// What the decision costs without Slurm: the calls of lading-step and of its reader, in a process
// that does nothing else.
//
//   plan_time plan INDEX [--config FILE] [--program PATH] [--rounds N]
//   plan_time index DIRECTORY [--rounds N]
//
// plan: the host's stacks, then the image's index and the judgement.  `cold`: by a process that
// never did it, with the index dropped from the page cache; `warm`: again and again in one;
// `probe`: the stacks read from the libraries themselves, as the first step of a node does. index:
// the ELF files of a directory, a first round not counted.
//
// Prints `name value` a round, in milliseconds; of plan the number of files injected and of index
// the number of ELF files as well.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "core/app/host_stacks.hpp"
#include "core/app/import_image.hpp"
#include "core/app/index_root.hpp"
#include "core/app/judge_compatibility.hpp"
#include "core/app/load_profiles.hpp"
#include "core/app/probe_stacks.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"

namespace {

using namespace lading;

constexpr std::size_t kConfigBytes = 1U << 20;
constexpr int kProbes = 3;  // a long time each

struct Options {
    std::string what;
    std::string path;
    std::string config = "/etc/lading/lading.json";
    std::string program;
    int rounds = 20;
};

struct Planned {
    double stacks = 0;
    double judge = 0;
    std::size_t files = 0;
};

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

Result<Planned> plan_once(const Options& options, const SiteConfig& site) {
    Planned planned;
    const double start = now();
    const std::string architecture = app::host_architecture();
    const auto stacks = TRY(app::HostStacks::load(site, architecture, {geteuid() == 0, ""}));
    const double loaded = now();
    app::JudgeQuestion question;
    question.architecture = architecture;
    question.path = "/usr/local/bin:/usr/bin:/bin";
    question.working_directory = "/";
    if (!options.program.empty()) {
        question.programs = {options.program};
    }
    const auto index = TRY(sys::MappedFile::open(options.path));
    const Injection injection =
        TRY(app::judge_compatibility(question, index.bytes(), stacks.side()));
    planned.stacks = loaded - start;
    planned.judge = now() - loaded;
    planned.files = injection.files.size();
    return planned;
}

void print(const char* name, const Planned& planned) {
    std::printf("%s %.3f\n%s_stacks %.3f\n%s_judge %.3f\n", name, planned.stacks + planned.judge,
                name, planned.stacks, name, planned.judge);
    std::fflush(stdout);
}

void drop_from_cache(const std::string& path) {
    const sys::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

int report(const Error& error) {
    std::fprintf(stderr, "plan_time: %s\n", error.what.c_str());
    return 1;
}

/// In a child, so that each round is a process's first.
Result<> plan_cold(const Options& options, const SiteConfig& site, bool counts) {
    drop_from_cache(options.path);
    const pid_t child = fork();
    if (child == 0) {
        const auto planned = plan_once(options, site);
        if (planned && counts) {
            print("cold", *planned);
        }
        _exit(planned ? 0 : report(planned.error()));
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        return fail(Code::system, "planning failed in a process of its own");
    }
    return {};
}

Result<> measure_plan(const Options& options) {
    const SiteConfig site =
        TRY(parse_site_config(TRY(sys::read_file(options.config, kConfigBytes)), options.config));
    for (int round = -1; round < options.rounds; ++round) {
        TRY(plan_cold(options, site, round >= 0));  // the first may have to probe
    }
    for (int round = -1; round < options.rounds; ++round) {
        const Planned planned = TRY(plan_once(options, site));
        if (round < 0) {
            std::printf("files %zu\n", planned.files);
        } else {
            print("warm", planned);
        }
    }
    for (int round = 0; round < kProbes; ++round) {
        const double start = now();
        const auto profiles = TRY(app::load_profiles({site.profiles, site.cdi, geteuid() == 0}));
        TRY(app::probe_stacks(profiles, app::host_architecture()).map([](const auto&) {}));
        std::printf("probe %.3f\n", now() - start);
    }
    return {};
}

Result<> measure_index(const Options& options) {
    const sys::Fd root(open(options.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) {
        return sys::fail_errno(Code::not_found, "cannot open " + options.path);
    }
    for (int round = -1; round < options.rounds; ++round) {
        const double start = now();
        const std::string bytes = TRY(app::index_root(root.get()));
        const double took = now() - start;
        if (round < 0) {
            std::printf("files %u\n", TRY(formats::ElfIndex::open(bytes)).size());
        } else {
            std::printf("index %.3f\n", took);
        }
    }
    return {};
}

Options read_options(int count, char** values) {
    Options options;
    for (int i = 1; i < count; ++i) {
        const std::string name = values[i];
        const char* const value = i + 1 < count ? values[i + 1] : "";
        if (name == "--config") {
            options.config = value;
        } else if (name == "--program") {
            options.program = value;
        } else if (name == "--rounds") {
            options.rounds = std::max(1, std::atoi(value));
        } else {
            (options.what.empty() ? options.what : options.path) = name;
            continue;
        }
        ++i;
    }
    return options;
}

}  // namespace

int main(int count, char** values) {
    const Options options = read_options(count, values);
    if (options.path.empty() || (options.what != "plan" && options.what != "index")) {
        std::fprintf(stderr,
                     "usage: plan_time plan INDEX [--config FILE] [--program PATH] [--rounds N]\n"
                     "       plan_time index DIRECTORY [--rounds N]\n");
        return 2;
    }
    const Result<> measured =
        options.what == "plan" ? measure_plan(options) : measure_index(options);
    return measured ? 0 : report(measured.error());
}
