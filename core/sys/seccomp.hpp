// SPDX-License-Identifier: BSD-3-Clause
/// From a seccomp profile to the kernel's filter program.
#pragma once

#include <string>

#include "core/formats/seccomp_profile.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Compiles a profile with libseccomp: the bytes of an array of struct sock_filter.  System calls
/// that this machine's libseccomp does not know are left out.
Result<std::string> compile_seccomp(const formats::SeccompProfile& profile);

/// Loads a compiled filter into the calling thread; needs PR_SET_NO_NEW_PRIVS.
Result<> install_seccomp(const std::string& program);

}  // namespace lading::sys
