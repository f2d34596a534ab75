// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/user.hpp"

#include <gnu/libc-version.h>
#include <grp.h>
#include <pwd.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cerrno>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

/// Entries of large groups need room; a name service that wants more than this is broken.
constexpr std::size_t kEntryBytes = 16U << 20;

/// Calls a *_r function of the name service with a buffer that grows until the entry fits.
template <typename Entry, typename Look>
bool look_up(Entry& entry, std::vector<char>& buffer, const Look& look) {
    for (;;) {
        Entry* found = nullptr;
        const int result = look(&entry, buffer.data(), buffer.size(), &found);
        if (result == EINTR) {
            continue;
        }
        if (result != ERANGE || buffer.size() >= kEntryBytes) {
            return result == 0 && found != nullptr;
        }
        buffer.resize(buffer.size() * 4);
    }
}

/// `uname -m` in the words of OCI images, which are Go's.
std::string goarch(const std::string& machine) {
    constexpr std::pair<const char*, const char*> kNames[] = {
        {"x86_64", "amd64"}, {"aarch64", "arm64"},   {"ppc64le", "ppc64le"},
        {"s390x", "s390x"},  {"riscv64", "riscv64"}, {"loongarch64", "loong64"},
    };
    for (const auto& [name, arch] : kNames) {
        if (machine == name) {
            return arch;
        }
    }
    return machine;
}

}  // namespace

Result<User> look_up_user(uid_t uid, gid_t gid, const std::vector<gid_t>& groups) {
    std::vector<char> buffer(16384);
    User user{uid, gid, std::to_string(uid), "", "/", "/bin/sh", {}};
    passwd account{};
    if (look_up(account, buffer,
                [uid](passwd* entry, char* text, std::size_t size, passwd** found) {
                    return getpwuid_r(uid, entry, text, size, found);
                })) {
        const auto text = [](const char* value) { return std::string(value ? value : ""); };
        user.name = text(account.pw_name);
        user.gecos = text(account.pw_gecos);
        user.home = text(account.pw_dir);
        user.shell = text(account.pw_shell);
    }
    std::vector<gid_t> all = groups;
    all.push_back(gid);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (const gid_t id : all) {
        group entry{};
        const bool known =
            look_up(entry, buffer, [id](group* into, char* text, std::size_t size, group** found) {
                return getgrgid_r(id, into, text, size, found);
            });
        user.groups.push_back({id, known ? entry.gr_name : ""});
    }
    return user;
}

Result<HostFacts> probe_host() {
    utsname names{};
    struct sysinfo info {};
    if (uname(&names) != 0 || sysinfo(&info) != 0) {
        return fail_errno(Code::system, "cannot read this node's facts");
    }
    HostFacts host;
    host.kernel = names.release;
    host.architecture = goarch(names.machine);
    host.libc = std::string("glibc ") + gnu_get_libc_version();
    host.hostname = names.nodename;
    host.memory_bytes = static_cast<std::uint64_t>(info.totalram) * info.mem_unit;
    return host;
}

}  // namespace lading::sys
