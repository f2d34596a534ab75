// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/seccomp.hpp"

#include <fmt/format.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <memory>

#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

using formats::SeccompAction;
using formats::SeccompArgument;
using formats::SeccompCompare;

struct FilterRelease {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterRelease>;

std::uint32_t to_action(SeccompAction action, int error) {
    switch (action) {
        case SeccompAction::allow:
            return SCMP_ACT_ALLOW;
        case SeccompAction::fail:
            return SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error));
        case SeccompAction::kill_process:
            return SCMP_ACT_KILL_PROCESS;
        case SeccompAction::log:
            return SCMP_ACT_LOG;
    }
    return SCMP_ACT_KILL_PROCESS;
}

scmp_arg_cmp to_comparison(const SeccompArgument& argument) {
    constexpr scmp_compare kCompares[] = {SCMP_CMP_NE, SCMP_CMP_LT, SCMP_CMP_LE,       SCMP_CMP_EQ,
                                          SCMP_CMP_GE, SCMP_CMP_GT, SCMP_CMP_MASKED_EQ};
    return {argument.index, kCompares[static_cast<std::size_t>(argument.compare)], argument.value,
            argument.value_two};
}

tl::unexpected<Error> fail_seccomp(int result, std::string_view what) {
    errno = -result;
    return fail_errno(Code::system, fmt::format("cannot build the seccomp filter: {}", what));
}

Result<> add_rule(scmp_filter_ctx filter, const formats::SeccompRule& rule,
                  std::uint32_t default_action) {
    const std::uint32_t action = to_action(rule.action, rule.error);
    if (action == default_action) {
        return {};  // libseccomp refuses a rule that changes nothing
    }
    std::vector<scmp_arg_cmp> comparisons;
    for (const SeccompArgument& argument : rule.arguments) {
        comparisons.push_back(to_comparison(argument));
    }
    for (const std::string& name : rule.names) {
        const int number = seccomp_syscall_resolve_name(name.c_str());
        if (number == __NR_SCMP_ERROR) {
            continue;
        }
        const int result = seccomp_rule_add_array(
            filter, action, number, static_cast<unsigned>(comparisons.size()), comparisons.data());
        // A call of another architecture only (-EDOM) has no place in this one's filter.
        if (result != 0 && result != -EDOM && result != -EEXIST) {
            return fail_seccomp(result, name);
        }
    }
    return {};
}

}  // namespace

Result<std::string> compile_seccomp(const formats::SeccompProfile& profile) {
    const std::uint32_t default_action = to_action(profile.default_action, profile.default_error);
    const Filter filter(seccomp_init(default_action));
    if (!filter) {
        return fail(Code::system, "cannot build a seccomp filter: out of memory");
    }
    // no_new_privs is set, and checked, by drop_all_capabilities().
    seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_NNP, 0);
#if defined(__x86_64__)
    // 32-bit programs call under other numbers: without them the filter would end such programs.
    for (const auto architecture : {std::uint32_t{SCMP_ARCH_X86}, std::uint32_t{SCMP_ARCH_X32}}) {
        if (profile.native_only) {
            break;
        }
        if (const int result = seccomp_arch_add(filter.get(), architecture);
            result != 0 && result != -EEXIST) {
            return fail_seccomp(result, "32-bit system calls");
        }
    }
#endif
    for (const formats::SeccompRule& rule : profile.rules) {
        TRY(add_rule(filter.get(), rule, default_action));
    }
    const Fd file(memfd_create("seccomp", MFD_CLOEXEC));
    if (!file.valid()) {
        return fail_errno(Code::system, "cannot build a seccomp filter");
    }
    if (const int result = seccomp_export_bpf(filter.get(), file.get()); result != 0) {
        return fail_seccomp(result, "export");
    }
    if (lseek(file.get(), 0, SEEK_SET) != 0) {
        return fail_errno(Code::system, "cannot read the seccomp filter");
    }
    return read_all(file.get(), 1 << 20, "the seccomp filter");
}

}  // namespace lading::sys
