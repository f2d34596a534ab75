// SPDX-License-Identifier: BSD-3-Clause
#include "spank/options.hpp"

#include <fmt/format.h>
#include <slurm/slurm.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "spank/pin.hpp"
#include "spank/plugin.hpp"

namespace lading::spank {
namespace {

enum Option : int {
    kContainer,
    kImage,
    kMounts,
    kWorkdir,
    kEnv,
    kWritable,
    kReadonly,
    kMountHome,
    kNoMountHome,
    kUnshare,
    kInject,
    kOnMismatch,
    kLabel,
};

struct OptionText {
    Option option;
    const char* name;
    const char* argument;  ///< nullptr: takes none
    const char* usage;
};

constexpr OptionText kOptions[] = {
    {kImage, "container-image", "IMAGE", "same as --container=IMAGE"},
    {kMounts, "container-mounts", "SRC:DST[:ro],...",
     "bind host paths into the container (repeatable; a backslash takes ':' and ',' literally)"},
    {kWorkdir, "container-workdir", "PATH",
     "working directory in the container (default: the job's, else the image's)"},
    {kEnv, "container-env", "NAME,...", "variables whose value from the job beats the image's"},
    {kWritable, "container-writable", nullptr,
     "let the tasks change the image's files; the changes are lost with the step"},
    {kReadonly, "container-readonly", nullptr, "keep the image's files read-only"},
    {kMountHome, "container-mount-home", nullptr, "bind the home directory into the container"},
    {kNoMountHome, "no-container-mount-home", nullptr,
     "do not bind the home directory into the container"},
    {kUnshare, "container-unshare", "pid,ipc,net,uts",
     "namespaces that each task takes for itself (default: shared with the node)"},
    {kInject, "container-inject", "auto|none|mpi,gpu",
     "which of the host's libraries the container gets (default: by its labels and files)"},
    {kOnMismatch, "container-on-mismatch", "refuse|warn|none",
     "what to do if the image does not fit the host's libraries"},
    {kLabel, "container-label", "KEY=VALUE",
     "a label over the image's own, as org.supercontainers.mpi=mpich (repeatable)"},
};

// Slurm has --container itself since 21.08, and says "Ignoring conflicting option" to a second.
constexpr OptionText kNative = {kContainer, "container", "IMAGE",
                                "run in a container: NAME[:TAG], NAME@DIGEST, docker://…, /path, or none"};

int on_option(int option, const char* argument, int remote) noexcept {
    return guarded("option", [&](Plugin& plugin) -> Result<> {
        // In slurmstepd the request comes whole in SLURM_LADING.
        return remote != 0 ? Result<>() : plugin.options.take(option, argument);
    });
}

Result<> register_option(spank_t spank, const OptionText& text) {
    spank_option option{};
    option.name = const_cast<char*>(text.name);
    option.arginfo = const_cast<char*>(text.argument);
    option.usage = const_cast<char*>(text.usage);
    option.has_arg = text.argument != nullptr ? 1 : 0;
    option.val = text.option;
    option.cb = on_option;
    if (const spank_err_t result = spank_option_register(spank, &option);
        result != ESPANK_SUCCESS) {
        return fail(Code::internal,
                    fmt::format("cannot register --{}: {}", text.name, spank_strerror(result)));
    }
    return {};
}

std::optional<std::string> take_variable(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr) {
        return {};
    }
    std::string text = value;
    unsetenv(name);
    return text;
}

/// Slurm's native option needs the running Slurm, not the headers: both are of one release, since
/// a plugin built for another is refused.
constexpr bool kSlurmHasContainer = SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(21, 8, 0);

/// From 23.02 on Slurm's PMIx plugin looks for a step's directory in oci.conf's where Slurm knows
/// of a container, and fails without one (seen on 24.11).  So a step that inherits its container
/// there does not tell Slurm.
constexpr bool kLendsDefault = SLURM_VERSION_NUMBER < SLURM_VERSION_NUM(23, 2, 0);

template <typename List, typename Value>
void add_once(List& list, const Value& value) {
    if (std::find(list.begin(), list.end(), value) == list.end()) {
        list.push_back(value);
    }
}

}  // namespace

Result<> Options::register_all(spank_t spank) {
    if (!kSlurmHasContainer) {
        TRY(register_option(spank, kNative));
    }
    for (const OptionText& text : kOptions) {
        TRY(register_option(spank, text));
    }
    return {};
}

void Options::set_aside_inherited(bool srun) {
    const std::optional<std::string> container = take_variable(kContainerVariable);
    inherited_request_ = take_variable(kRequestVariable);
    // A new allocation starts without a container: what its submitter's own job runs in is not
    // what the new job asked for.
    if (!srun || std::getenv("SLURM_JOB_ID") == nullptr || !container) {
        inherited_request_.reset();
        return;
    }
    inherited_container_ = container;
    // As srun's default the job's container is also seen by Slurm, in the step's Container column.
    if (kLendsDefault && std::getenv(kDefaultVariable) == nullptr) {
        setenv(kDefaultVariable, container->c_str(), 1);
        lent_default_ = true;
    }
}

Result<> Options::take(int option, const char* argument) {
    const std::string text = argument != nullptr ? argument : "";
    switch (static_cast<Option>(option)) {
        case kContainer:
        case kImage:
            TRY(parse_image_reference(text));
            container_ = text;
            return {};
        case kMounts:
            TRY(parse_mounts(text));
            add_once(mounts_, text);
            return {};
        case kWorkdir:
            TRY(parse_workdir(text));
            workdir_ = text;
            return {};
        case kEnv:
            TRY(parse_environment_names(text));
            add_once(environment_, text);
            return {};
        case kWritable:
        case kReadonly:
            writable_ = option == kWritable;
            return {};
        case kMountHome:
        case kNoMountHome:
            mount_home_ = option == kMountHome;
            return {};
        case kUnshare:
            TRY(parse_namespaces(text));
            unshare_ = text;
            return {};
        case kInject:
            TRY(parse_inject(text));
            inject_ = text;
            return {};
        case kOnMismatch:
            TRY(parse_on_mismatch(text));
            on_mismatch_ = text;
            return {};
        case kLabel:
            TRY(parse_label(text));
            add_once(labels_, text);
            return {};
    }
    return fail(Code::internal, fmt::format("unknown option {}", option));
}

Result<> Options::merge_into(Request& request) const {
    for (const std::string& text : mounts_) {
        for (MountRequest& mount : TRY(parse_mounts(text))) {
            add_once(request.mounts, mount);
        }
    }
    for (const std::string& text : environment_) {
        for (const std::string& name : TRY(parse_environment_names(text))) {
            add_once(request.environment, name);
        }
    }
    if (workdir_) {
        request.workdir = TRY(parse_workdir(*workdir_));
    }
    if (unshare_) {
        request.unshare = TRY(parse_namespaces(*unshare_));
    }
    if (inject_) {
        request.inject = TRY(parse_inject(*inject_));
    }
    if (on_mismatch_) {
        request.on_mismatch = TRY(parse_on_mismatch(*on_mismatch_));
    }
    for (const std::string& text : labels_) {
        auto [name, value] = TRY(parse_label(text));
        request.labels.insert_or_assign(std::move(name), std::move(value));
    }
    if (writable_) {
        request.writable = writable_;
    }
    if (mount_home_) {
        request.mount_home = mount_home_;
    }
    return {};
}

Result<> Options::export_request(const Arguments& arguments) {
    if (lent_default_) {
        unsetenv(kDefaultVariable);
    }
    const char* const native = std::getenv(kContainerVariable);
    std::optional<std::string> text = container_;
    if (!text) {
        text = native != nullptr ? std::optional<std::string>(native) : inherited_container_;
    }
    const bool asked = !mounts_.empty() || !environment_.empty() || workdir_ || writable_ ||
                       mount_home_ || unshare_ || inject_ || on_mismatch_ || !labels_.empty();
    if (!text) {
        return asked ? fail(Code::usage, "container options without a container",
                            "name the image with --container=IMAGE")
                     : Result<>();
    }
    if (slurm_has_oci_support()) {
        say(Error{Code::site,
                  "oci.conf is present: Slurm's own OCI support runs this container, not lading",
                  ""});
        return {};
    }
    Request request;
    // The options of the job's container belong to that container: another image starts afresh.
    if (inherited_request_) {
        if (Result<Request> inherited = parse_request(*inherited_request_);
            inherited && names_image(*inherited, *text)) {
            request = std::move(*inherited);
        }
    }
    // Within a job the name goes on to stand for what it stood for when the job was submitted.
    if (!names_image(request, *text)) {
        request.text = *text;
        request.image = TRY(pin_image(TRY(parse_image_reference(*text)), arguments));
    }
    TRY(merge_into(request));
    const std::string line = format_request(request);
    TRY(parse_request(line));  // as every node will: what is too long is better said here
    setenv(kContainerVariable, text->c_str(), 1);
    setenv(kRequestVariable, line.c_str(), 1);
    return {};
}

bool slurm_has_oci_support() {
    // Slurm reads oci.conf from the directory of slurm.conf.
    std::string file = "/etc/slurm/oci.conf";
    if (const char* const conf = std::getenv("SLURM_CONF")) {
        const std::string path = conf;
        if (const std::size_t slash = path.rfind('/'); slash != std::string::npos) {
            file = path.substr(0, slash) + "/oci.conf";
        }
    }
    return access(file.c_str(), F_OK) == 0;
}

}  // namespace lading::spank
