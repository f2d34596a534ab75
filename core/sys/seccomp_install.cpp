// SPDX-License-Identifier: BSD-3-Clause
// Apart from the compiler, so that slurmstepd does not load libseccomp.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <vector>

#include "core/sys/file.hpp"
#include "core/sys/seccomp.hpp"

namespace lading::sys {

Result<> install_seccomp(const std::string& program) {
    if (program.empty()) {
        return {};
    }
    std::vector<sock_filter> filter(program.size() / sizeof(sock_filter));
    if (filter.size() * sizeof(sock_filter) != program.size() || filter.size() > BPF_MAXINSNS) {
        return fail(Code::internal, "the seccomp filter is damaged");
    }
    program.copy(reinterpret_cast<char*>(filter.data()), program.size());
    sock_fprog description{static_cast<unsigned short>(filter.size()), filter.data()};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &description, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot load the seccomp filter");
    }
    return {};
}

}  // namespace lading::sys
