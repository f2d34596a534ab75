// SPDX-License-Identifier: BSD-3-Clause
#include "core/plan/plan_text.hpp"

#include <fmt/format.h>

#include "core/formats/namespaces.hpp"
#include "core/formats/utf8.hpp"

namespace lading::plan {
namespace {

const char* name_of(MountBy way) {
    switch (way) {
        case MountBy::automatic:
            return "automatic";
        case MountBy::kernel:
            return "kernel";
        case MountBy::squashfuse:
            return "squashfuse";
    }
    return "";
}

const char* name_of(Origin origin) {
    switch (origin) {
        case Origin::lading:
            return "lading";
        case Origin::site:
            return "site";
        case Origin::user:
            return "user";
        case Origin::stack:
            return "stack";
    }
    return "";
}

struct Describe {
    std::string operator()(const Bind& bind) const {
        const bool same = bind.source.value == bind.target.value;
        return fmt::format("bind {}{}{} {}{} [{}]\n", formats::printable(bind.source.value),
                           same ? "" : " on ", same ? "" : formats::printable(bind.target.value),
                           bind.read_only ? "ro" : "rw", bind.required ? "" : ", if there",
                           name_of(bind.origin));
    }
    std::string operator()(const CopyFile& copy) const {
        return fmt::format("copy {}\n", formats::printable(copy.target.value));
    }
    std::string operator()(const WriteIdentity&) const { return "write /etc/passwd /etc/group\n"; }
    std::string operator()(const WriteLoader& loader) const {
        return fmt::format("write {} from {}\n", formats::printable(loader.target.value),
                           formats::printable(loader.source.value));
    }
    std::string operator()(const WriteLoaderCache& cache) const {
        return fmt::format("write {}, {} libraries\n", kLoaderCache, cache.libraries.size());
    }
};

}  // namespace

std::string to_text(const Plan& plan) {
    std::string text =
        fmt::format("mount by {}, {}, {} MiB of scratch\n", name_of(plan.mount_by),
                    plan.writable ? "writable" : "read-only", plan.scratch_bytes >> 20U);
    for (const RootOperation& operation : plan.operations) {
        text += std::visit(Describe{}, operation);
    }
    for (const EnvironmentEdit& edit : plan.environment) {
        text += edit.value ? fmt::format("set {}={}\n", formats::printable(edit.name),
                                         formats::printable(*edit.value))
                           : fmt::format("unset {}\n", formats::printable(edit.name));
    }
    for (const GuestPath& directory : plan.working_directories) {
        text +=
            fmt::format("{} {}\n", &directory == &plan.working_directories.front() ? "enter" : "or",
                        formats::printable(directory.value));
    }
    for (const std::string& name : formats::namespace_names(plan.unshare)) {
        text += fmt::format("unshare {}\n", name);
    }
    text += fmt::format("seccomp {}\n", formats::printable(plan.seccomp));
    return text;
}

}  // namespace lading::plan
