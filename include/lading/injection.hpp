// SPDX-License-Identifier: BSD-3-Clause
/// What an image gets of its host's libraries, decided before anything is mounted, and why.
///
/// The decision is the compatibility engine's (core/compat); `lading check` prints it, a step
/// applies it, the record keeps it, and `lading cdi` writes it for other runtimes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lading/path.hpp"
#include "lading/result.hpp"

namespace lading {

/// From good to bad: the worse of two is the greater.
enum class Verdict {
    native,     ///< nothing is needed of the host
    ok,         ///< the host's libraries are used; the image's libc stays
    ok_glibc,   ///< likewise, and the host's glibc comes with them
    unproven,   ///< used as far as can be seen: the library is loaded by name at run time
    degraded,   ///< works, but some of the image's own programs will not
    missing,    ///< this site offers none; what the image has itself is used
    translate,  ///< the host has another flavour: a translator such as Wi4MPI is needed
    no_symbol,  ///< the image's program needs a symbol that the host's library lacks
    no_glibc,   ///< neither the image's nor the host's glibc has what is needed
    conflict,   ///< both sides need a copy of their own of one library
    no_abi,     ///< the host's library has another interface version (soname)
    no_libc,    ///< musl, or a static program: nothing can be given to it
    no_cpu,     ///< built for a newer processor than this node has
    no_arch,    ///< built for another architecture
};

/// `OK`, `NO_GLIBC`, …: as `lading check` prints it.
std::string_view name_of(Verdict verdict);

/// One need of the image's, and what becomes of it: a line of `lading check`.
struct Finding {
    std::string need;    ///< `MPI`, `GPU`, `fabric`, `libc`, `CPU`
    std::string wants;   ///< what the image has or asks for
    std::string offers;  ///< what this host has for it
    Verdict verdict = Verdict::native;
    std::string reason;    ///< with file and symbol
    std::string remedy;    ///< empty where there is nothing to mend
    std::string speed;     ///< what it means for the run: `host fabric in use`
    std::string note;      ///< what does not concern the job: other programs that will not work
    bool refuses = false;  ///< the step must not start: it cannot run, or not as it demands
    bool operator==(const Finding&) const = default;
};

/// A host file that the container gets.
struct InjectedFile {
    std::string soname;
    HostPath source;                 ///< free of symbolic links
    std::vector<GuestPath> targets;  ///< every place where the image's programs would find it
    std::string build_id;
    std::string reason;
    bool operator==(const InjectedFile&) const = default;
};

/// A library that the host's stack needs and the image has well enough itself.
struct KeptFile {
    std::string soname;
    GuestPath path;
    std::string reason;
    bool operator==(const KeptFile&) const = default;
};

/// A directory or file of the host's that comes along: modules, data, programs.
struct InjectedMount {
    HostPath source;
    GuestPath target;
    bool required = true;
    std::string reason;
    bool operator==(const InjectedMount&) const = default;
};

/// The host's glibc in the container: its loader, told to read a cache of its own, in the place of
/// the image's.  Static programs of the image, which load the image's own glibc, are not disturbed.
struct InjectedLibc {
    std::string version;                           ///< `2.36`; empty: the image's glibc stays
    HostPath loader;                               ///< the host's ld.so
    std::vector<GuestPath> loaders;                ///< the image's, which programs name (PT_INTERP)
    std::map<std::string, std::string> libraries;  ///< the cache: soname and path in the container
    bool operator==(const InjectedLibc&) const = default;
};

/// Where the files of the host's glibc lie in the container, if the host's loader looks at no
/// glibc-hwcaps, and what it reads instead of /etc/ld.so.cache: as long as that name, whose place
/// in the loader's copy it takes.
inline constexpr std::string_view kLibraryDirectory = "/run/lading/lib";
inline constexpr std::string_view kLoaderCache = "/run/lading/ldso";

struct Injection {
    std::vector<Finding> findings;
    std::vector<std::string> profiles;  ///< names of those that are used
    std::vector<InjectedFile> files;
    std::vector<KeptFile> kept;
    std::vector<InjectedMount> mounts;
    std::map<std::string, std::string> environment;
    InjectedLibc libc;
    bool operator==(const Injection&) const = default;
};

/// The worst of the findings.
Verdict verdict_of(const Injection& injection);

/// The finding that forbids the start, if there is one.
const Finding* refusal_of(const Injection& injection);

/// One JSON document, and back: between the reader of images and root, and for `--json`.
std::string format_injection(const Injection& injection);
Result<Injection> parse_injection(std::string_view json);

}  // namespace lading
