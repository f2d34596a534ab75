// SPDX-License-Identifier: BSD-3-Clause
// The host's libraries as operations of the plan.
#include <algorithm>

#include "lading/plan.hpp"

namespace lading {
namespace {

/// Where distributions keep a system's libraries.
bool is_library_directory(std::string_view path) {
    for (const std::string_view known : {"/usr", "/lib", "/lib64", "/usr/lib", "/usr/lib64"}) {
        if (path == known) {
            return true;
        }
    }
    // Debian's /usr/lib/x86_64-linux-gnu
    return (path.starts_with("/usr/lib/") || path.starts_with("/lib/")) &&
           path.find("-linux-") != std::string_view::npos &&
           path.find('/', path.find("lib/") + 4) == std::string_view::npos;
}

bool is_decided(const Plan& plan, const GuestPath& target) {
    return std::ranges::any_of(plan.operations, [&](const RootOperation& operation) {
        const Bind* const bind = std::get_if<Bind>(&operation);
        return bind != nullptr && bind->origin != Origin::stack &&
               path_covers(bind->target.value, target.value);
    });
}

void set_variable(Plan& plan, const std::string& name, const std::string& value) {
    const auto known = std::ranges::find(plan.environment, name, &EnvironmentEdit::name);
    if (known != plan.environment.end()) {
        known->value = value;
    } else {
        plan.environment.push_back({name, value});
    }
}

}  // namespace

bool hides_libraries(const Plan& plan) {
    return std::ranges::any_of(plan.operations, [](const RootOperation& operation) {
        const Bind* const bind = std::get_if<Bind>(&operation);
        return bind != nullptr && bind->origin != Origin::lading &&
               is_library_directory(bind->target.value);
    });
}

void add_injection(const Injection& injection, const Request& request, Plan& plan) {
    const auto bind = [&](const HostPath& source, const GuestPath& target, bool required) {
        if (!is_decided(plan, target)) {
            plan.operations.push_back(Bind{source, target, true, required, Origin::stack});
        }
    };
    for (const InjectedMount& mount : injection.mounts) {
        bind(mount.source, mount.target, mount.required);
    }
    for (const InjectedFile& file : injection.files) {
        for (const GuestPath& target : file.targets) {
            bind(file.source, target, true);
        }
    }
    if (!injection.libc.version.empty()) {
        plan.operations.push_back(WriteLoaderCache{injection.libc.libraries});
        for (const GuestPath& target : injection.libc.loaders) {
            plan.operations.push_back(WriteLoader{injection.libc.loader, target});
        }
    }
    for (const auto& [name, value] : injection.environment) {
        const bool users =
            std::ranges::find(request.environment, name) != request.environment.end();
        // Where the libraries lie is not the user's to know.
        if (!users || name == "LD_LIBRARY_PATH") {
            set_variable(plan, name, value);
        }
    }
}

}  // namespace lading
