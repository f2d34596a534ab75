// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// The three sets of this thread, 64 bits each (capget(2), version 3).
struct Capabilities {
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
};

Result<Capabilities> get_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (syscall(SYS_capget, &header, data) != 0) {
        return fail_errno(Code::system, "cannot read the capabilities");
    }
    const auto join = [](std::uint32_t low, std::uint32_t high) {
        return static_cast<std::uint64_t>(high) << 32 | low;
    };
    return Capabilities{join(data[0].effective, data[1].effective),
                        join(data[0].permitted, data[1].permitted),
                        join(data[0].inheritable, data[1].inheritable)};
}

Result<> set_capabilities(const Capabilities& sets) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    for (unsigned i = 0; i < 2; ++i) {
        data[i].effective = static_cast<std::uint32_t>(sets.effective >> (32 * i));
        data[i].permitted = static_cast<std::uint32_t>(sets.permitted >> (32 * i));
        data[i].inheritable = static_cast<std::uint32_t>(sets.inheritable >> (32 * i));
    }
    if (syscall(SYS_capset, &header, data) != 0) {
        return fail_errno(Code::system, "cannot set the capabilities");
    }
    return {};
}

/// The kernel's highest capability is found by asking: EINVAL marks the end.
Result<> clear_bounding_set() {
    for (unsigned long capability = 0; capability < 64; ++capability) {
        const int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
        if (held < 0) {
            break;
        }
        if (held == 1 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            return fail_errno(Code::system, "cannot clear the capability bounding set");
        }
    }
    return {};
}

}  // namespace

Result<> become_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
    if (setgroups(groups.size(), groups.data()) != 0 || setresgid(gid, gid, gid) != 0) {
        return fail_errno(Code::system, "cannot take the groups of the job's user");
    }
    TRY(clear_bounding_set());
    if (setresuid(uid, uid, uid) != 0) {
        return fail_errno(Code::system, "cannot become the job's user");
    }
    TRY(drop_all_capabilities());
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid ||
        saved != uid) {
        return fail(Code::internal, "the change to the job's user did not hold");
    }
    return {};
}

Result<> raise_entry_capabilities() {
    const std::uint64_t needed = 1ULL << CAP_SYS_ADMIN | 1ULL << CAP_SYS_CHROOT |
                                 1ULL << CAP_SETPCAP | 1ULL << CAP_NET_ADMIN;
    Capabilities sets = TRY(get_capabilities());
    sets.effective = sets.permitted & needed;
    if ((sets.effective & 1ULL << CAP_SYS_ADMIN) == 0) {
        return fail(Code::system, "the task has lost the right to enter a container",
                    "another SPANK plugin may drop capabilities before lading: "
                    "list lading first in plugstack.conf");
    }
    return set_capabilities(sets);
}

Result<> drop_all_capabilities() {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot clear the ambient capabilities");
    }
    // The bounding set needs CAP_SETPCAP, so it goes before the rest; become_user() has cleared it
    // already and then this finds nothing to drop.
    TRY(clear_bounding_set());
    TRY(set_capabilities({}));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot set no_new_privs");
    }
    const Capabilities left = TRY(get_capabilities());
    if ((left.effective | left.permitted | left.inheritable) != 0 ||
        prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) {
        return fail(Code::internal, "a capability is left where none may be");
    }
    return {};
}

}  // namespace lading::sys
