// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/prepare_step.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>

#include "core/app/check_program.hpp"
#include "core/app/find_image.hpp"
#include "core/app/image_reader.hpp"
#include "core/app/step_libraries.hpp"
#include "core/formats/environment_names.hpp"
#include "core/formats/ld_cache.hpp"
#include "core/formats/seccomp_profile.hpp"
#include "core/sys/file.hpp"
#include "core/sys/idmap.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/loop_device.hpp"
#include "core/sys/mount.hpp"
#include "core/sys/seccomp.hpp"
#include "core/sys/squashfuse.hpp"
#include "core/sys/step_root.hpp"
#include "core/sys/user.hpp"

namespace lading::app {
namespace {

constexpr std::size_t kConfigBytes = 1 << 20;
constexpr std::size_t kCopiedFileBytes = 1 << 20;
constexpr std::size_t kLoaderBytes = 8 << 20;  // glibc 2.36: 210 kB

/// The configuration decides what root does: nobody else may have written it.
Result<std::string> read_root_file(const std::string& path) {
    const sys::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0) {
        return sys::fail_errno(Code::site, fmt::format("cannot read {}", path),
                               "tell the administrator: lading is not configured on this node");
    }
    if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return fail(Code::site, fmt::format("{} can be written by others than root", path),
                    "tell the administrator (chown root, chmod go-w)");
    }
    return sys::read_all(fd.get(), kConfigBytes, path);
}

Result<std::string> compile_filter(const std::string& profile) {
    if (profile == "none") {
        return "";
    }
    if (profile == "default") {
        return sys::compile_seccomp(formats::default_seccomp_profile());
    }
    const std::string text = TRY(read_root_file(profile));
    return sys::compile_seccomp(TRY(formats::parse_seccomp_profile(text, profile)));
}

Result<Request> read_request(const StepOrder& order) {
    if (!order.request.empty()) {
        Request request = TRY(parse_request(order.request));
        // A site's cli_filter may have told Slurm the digest instead.
        if (names_image(request, order.container)) {
            return request;
        }
    }
    // The client had no lading, or the variable is an older container's: Slurm's own word holds.
    Request request;
    request.text = order.container;
    request.image = TRY(parse_image_reference(order.container));
    return request;
}

struct ClonedBind {
    sys::Fd tree;
    bool directory = false;
    const Bind* bind = nullptr;
};

bool same_file(int a, int b) {
    struct stat first {};
    struct stat second {};
    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/// How may the image be mounted?  Root looks for itself: the reader's word, which hostile bytes may
/// have bent, only says where.
void judge_image(const Request& request, const SiteConfig& site, const std::string& home,
                 OpenedImage& image) {
    if (std::holds_alternative<ImagePath>(request.image)) {
        image.facts.mount_by = site.path_images_by;
        return;
    }
    // A file that is not the store's own, or that root cannot find there, has nobody's trust.
    image.facts.mount_by = MountBy::squashfuse;
    const auto configured = std::ranges::find_if(site.stores, [&](const StoreConfig& store) {
        return store_path(store, home) == image.store;
    });
    if (configured == site.stores.end()) {
        return;
    }
    const auto store = sys::ImageStore::open(image.store);
    if (!store) {
        return;
    }
    const auto blob = store->blob(image.facts.document.squashfs_digest);
    if (blob && same_file(blob->get(), image.file.get())) {
        image.facts.mount_by = configured->mount_by;
        image.facts.kernel_may_parse = store->only_trusted_write(*blob);
    }
}

/// Who opens the source: the user, so that nobody mounts what he could not read; but what the site
/// adds is the site's decision.
Result<OpenedSource> open_source(const Bind& bind, ImageReader& reader) {
    if (bind.origin == Origin::site || bind.origin == Origin::stack) {
        if (Result<OpenedSource> opened = open_bind_source(bind.source)) {
            return opened;
        }
        // Root may be nobody on a parallel file system, where the user is somebody.
    }
    return reader.open_source(bind.source);
}

Result<std::vector<ClonedBind>> clone_binds(const Plan& plan, const SiteConfig& site,
                                            ImageReader& reader) {
    std::vector<ClonedBind> cloned;
    for (const RootOperation& operation : plan.operations) {
        const Bind* const bind = std::get_if<Bind>(&operation);
        if (bind == nullptr) {
            continue;
        }
        Result<OpenedSource> source = open_source(*bind, reader);
        if (!source && !bind->required) {
            continue;
        }
        TRY(source.map([](const OpenedSource&) {}));
        // Where a library of a stack leads makes no difference: to the policy, which is a user's,
        // and to its flags, since no regular file is a device.
        HostPath resolved;
        if (bind->origin == Origin::user || !source->regular) {
            resolved = TRY(source->where());
        }
        if (bind->origin == Origin::user) {
            TRY(check_resolved_source(*bind, resolved, site));
        }
        sys::Fd tree = TRY(sys::clone_tree(source->fd.get(), bind->source.value));
        // Device nodes work only where the host itself keeps them.
        const bool devices = path_covers("/dev", resolved.value);
        TRY(sys::set_mount_flags(tree.get(),
                                 MOUNT_ATTR_NOSUID | (devices ? 0 : MOUNT_ATTR_NODEV) |
                                     (bind->read_only ? MOUNT_ATTR_RDONLY : 0),
                                 true, bind->source.value));
        cloned.push_back({std::move(tree), source->directory, bind});
    }
    return cloned;
}

Result<sys::Fd> mount_image(const OpenedImage& image, const Plan& plan, const SiteConfig& site,
                            const User& user, int outer_namespace) {
    const std::string& name = image.facts.origin.value;
    if (image.facts.kind == ImageFacts::Kind::directory) {
        sys::Fd tree = TRY(sys::clone_tree(image.file.get(), name));
        TRY(sys::set_mount_flags(
            tree.get(), MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, true, name));
        return tree;
    }
    const formats::Extent& place = image.squashfs;
    if (plan.mount_by == MountBy::squashfuse) {
        return sys::mount_by_squashfuse(site.squashfuse, image.file.get(), place.offset, user,
                                        outer_namespace, name);
    }
    const sys::LoopDevice loop =
        TRY(sys::attach_loop_device(image.file.get(), name, place.offset, place.bytes));
    return sys::make_squashfs(loop.path, name);
}

/// The remaining operations, in the plan's order.
Result<> apply_operations(const Plan& plan, const SiteConfig& site,
                          const std::vector<ClonedBind>& binds, const RootFacts& facts,
                          const HostFacts& host, sys::StepRoot& root) {
    const User& user = host.user;
    const std::string& architecture = host.architecture;
    auto next = binds.begin();
    for (const RootOperation& operation : plan.operations) {
        if (const Bind* const bind = std::get_if<Bind>(&operation)) {
            if (next != binds.end() && next->bind == bind) {
                const sys::MountPoint point = TRY(root.mount_point(bind->target, next->directory));
                if (bind->origin == Origin::user || bind->origin == Origin::stack) {
                    TRY(check_resolved_target(*bind, point.where, site));
                }
                TRY(root.mount(next->tree.get(), point));
                ++next;
            }
        } else if (const CopyFile* const copy = std::get_if<CopyFile>(&operation)) {
            if (const Result<std::string> bytes =
                    sys::read_file(copy->source.value, kCopiedFileBytes)) {
                TRY(root.write(copy->target, *bytes));
            }
        } else if (const WriteLoader* const loader = std::get_if<WriteLoader>(&operation)) {
            std::string bytes = TRY(sys::read_file(loader->source.value, kLoaderBytes));
            TRY(root.write(loader->target,
                           TRY(formats::redirect_loader(std::move(bytes), kLoaderCache)), 0755));
        } else if (const auto* const cache = std::get_if<WriteLoaderCache>(&operation)) {
            std::vector<formats::CacheEntry> entries;
            for (const auto& [soname, path] : cache->libraries) {
                entries.push_back({soname, path, ""});
            }
            TRY(root.write({std::string(kLoaderCache)},
                           formats::format_ld_cache(entries, architecture)));
        } else {
            const IdentityFiles files = plan_identity(user, facts.passwd, facts.group);
            TRY(root.write({"/etc/passwd"}, files.passwd));
            TRY(root.write({"/etc/group"}, files.group));
        }
    }
    return {};
}

ProgramQuestion program_question(const Plan& plan, const HostFacts& host, const Request& request,
                                 int root) {
    ProgramQuestion question;
    const std::vector<std::string>& argv = host.step.argv;
    question.command = argv.empty() || is_multi_prog(argv) ? "" : argv.front();
    question.host_path = formats::environment_value(host.step.environment, "PATH");
    question.path = question.host_path;
    for (const EnvironmentEdit& edit : plan.environment) {
        if (edit.name == "PATH") {
            question.path = edit.value.value_or("");
        }
    }
    question.architecture = host.architecture;
    question.image = request.text;
    for (const GuestPath& directory : plan.working_directories) {
        if (sys::open_in_root(root, directory.value, O_PATH | O_DIRECTORY).valid()) {
            question.working_directory = directory.value;
            break;
        }
    }
    return question;
}

JobRecord make_record(const OpenedImage& image, const RootFacts& facts, const HostFacts& host,
                      const Injection& injection, const std::string& step_name) {
    JobRecord record;
    record.plugin = LADING_VERSION;
    record.kernel = host.kernel;
    record.host_libc = host.libc;
    const ImageDocument& document = image.facts.document;
    record.images.push_back({image.facts.reference,
                             document.digest,
                             document.libc.empty() ? facts.libc : document.libc,
                             document.config.labels,
                             {step_name},
                             host.step.node_count,
                             false,
                             false,
                             libraries_record(injection)});
    return record;
}

/// Directories in which Slurm's PMIx plugin keeps what its clients open: see docs/slurm.md.
std::vector<HostPath> pmi_directories(const StepFacts& step) {
    std::vector<HostPath> directories;
    for (std::string path : {step.pmix_directory,
                             formats::environment_value(step.environment, "SLURM_PMIXP_TMPDIR")}) {
        if (path.starts_with('/')) {
            directories.push_back({std::move(path)});
        }
    }
    return directories;
}

/// What does not depend on the job's working directory.
struct Ingredients {
    Request request;
    SiteConfig site;
    HostStacks stacks;
    HostFacts host;
    OpenedImage image;
    sys::Fd outer_namespace;
    sys::Fd outer_root;
};

/// A container that is whole but for being entered.  This process is in it.
struct Assembled {
    Plan plan;
    Injection injection;
    RootFacts facts;
    std::vector<std::string> words;
    sys::Fd mounts;
    sys::Fd root;
};

Result<Assembled> assemble(Ingredients& of, ImageReader& reader) {
    Assembled assembled;
    Plan& plan = assembled.plan = TRY(plan_step(of.request, of.image.facts, of.host, of.site));
    sys::Fd lower =
        TRY(mount_image(of.image, plan, of.site, of.host.user, of.outer_namespace.get()));
    if (std::holds_alternative<ImagePath>(of.request.image)) {
        // No import has read it: what it says of itself is known only now.
        ImageConfig& config = of.image.facts.document.config;
        config = TRY(reader.complete_config(lower.get(), config));
        plan = TRY(plan_step(of.request, of.image.facts, of.host, of.site));
    }
    assembled.injection = TRY(plan_libraries(
        {of.request, of.site, of.image.facts, of.image.file.get(), of.host, of.stacks, plan},
        lower.get(), reader, assembled.words));
    add_injection(assembled.injection, of.request, plan);
    const std::vector<ClonedBind> binds = TRY(clone_binds(plan, of.site, reader));
    if (plan.writable &&
        !TRY(sys::give_root_files_to(of.host.user, lower.get(), of.image.facts.origin.value))) {
        assembled.words.push_back(
            "this node cannot give you the image's own files: only what its modes let you write "
            "is writable");
    }
    sys::StepRoot root = TRY(sys::StepRoot::assemble(std::move(lower), plan.scratch_bytes));
    assembled.facts = TRY(reader.inspect_root(root.root(), of.image.facts.document.libc.empty()));
    TRY(apply_operations(plan, of.site, binds, assembled.facts, of.host, root));
    const std::string program = TRY(reader.check_program(
        root.root(), program_question(plan, of.host, of.request, root.root())));
    TRY(reader.warm_program(root.root(), program));
    assembled.mounts = TRY(root.finish(plan.writable));
    assembled.root = sys::Fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    return assembled;
}

Result<> open_image(Ingredients& of, ImageReader& reader) {
    of.image = TRY(reader.open_image(of.request));
    judge_image(of.request, of.site, of.host.user.home, of.image);
    return {};
}

/// The directory that the job's environment names, as the kernel would say it; empty where it names
/// none.
std::string guess_directory(const StepFacts& step, ImageReader& reader) {
    const std::string path = formats::environment_value(step.environment, "PWD");
    if (!path.starts_with('/')) {
        return {};
    }
    const Result<OpenedSource> opened = reader.open_source({path});
    const Result<HostPath> where = opened ? opened->where() : Result<HostPath>();
    return where ? where->value : "";
}

}  // namespace

Result<PreparedStep> prepare_step(StepOrder order,
                                  const std::function<Result<std::string>()>& await_directory) {
    Ingredients of;
    of.request = TRY(read_request(order));
    of.site = TRY(parse_site_config(TRY(read_root_file(order.config_file)), order.config_file));
    of.host = TRY(sys::probe_host());
    of.host.user = TRY(sys::look_up_user(order.uid, order.gid, order.groups));
    if (of.request.inject.value_or(of.site.inject).what != Inject::What::none) {
        of.stacks = TRY(HostStacks::load(of.site, of.host.architecture, {true, ""}));
    }
    of.host.step = std::move(order.step);
    of.host.pmi_directories = pmi_directories(of.host.step);

    of.outer_namespace = sys::Fd(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC));
    of.outer_root = sys::Fd(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
    TRY(sys::enter_private_mount_namespace());
    PreparedStep prepared;
    prepared.reader.emplace(TRY(ImageReader::start(of.host.user, of.site, of.stacks)));
    prepared.seccomp = TRY(compile_filter(of.site.seccomp));
    TRY(open_image(of, *prepared.reader));

    // slurmstepd tells the working directory last, milliseconds after the rest.  Nearly always it
    // is the one that the environment names, and the container is whole by then; where it is not,
    // all is done again.
    std::string& directory = of.host.step.working_directory;
    directory = guess_directory(of.host.step, *prepared.reader);
    Result<Assembled> assembled = assemble(of, *prepared.reader);
    if (std::string told = TRY(await_directory()); told != directory) {
        directory = std::move(told);
        prepared.reader.reset();
        TRY(sys::return_to_mount_namespace(of.outer_namespace.get(), of.outer_root.get()));
        TRY(sys::enter_private_mount_namespace());
        prepared.reader.emplace(TRY(ImageReader::start(of.host.user, of.site, of.stacks)));
        // A directory's descriptor belongs to the namespace that it was opened in.
        TRY(open_image(of, *prepared.reader));
        assembled = assemble(of, *prepared.reader);
    }
    TRY(assembled.map([](const Assembled&) {}));
    prepared.plan = std::move(assembled->plan);
    prepared.injection = std::move(assembled->injection);
    prepared.words = std::move(assembled->words);
    prepared.record =
        make_record(of.image, assembled->facts, of.host, prepared.injection, order.step_name);
    prepared.report = of.site.record;
    prepared.mounts = std::move(assembled->mounts);
    prepared.root = std::move(assembled->root);
    return prepared;
}

}  // namespace lading::app
