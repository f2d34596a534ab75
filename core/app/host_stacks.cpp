// SPDX-License-Identifier: BSD-3-Clause
// /run/lading/stacks: a headed file (core/formats/headed_file.hpp).  Its head says what it was read
// from, with a stamp each, and format_stacks(); the rest is the index.  It is gone with
// the node's next boot, and made anew when a file of it is not what it was.
#include "core/app/host_stacks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/app/file_stamp.hpp"
#include "core/app/index_root.hpp"
#include "core/app/load_profiles.hpp"
#include "core/app/stacks_text.hpp"
#include "core/formats/fields.hpp"
#include "core/formats/headed_file.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

using formats::Fields;

constexpr const char* kDirectory = "/run/lading";
constexpr const char* kFile = "/run/lading/stacks";

constexpr std::string_view kNowhere = "none";

/// Is what a path leads to still what it was?  A path that leads nowhere has a stamp as well.
bool is_unchanged(const std::string& path, std::string_view stamp) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0 ? stamp == FileStamp(status).bytes()
                                            : stamp == kNowhere;
}

std::string key_of(const std::vector<Profile>& profiles, const std::string& architecture) {
    std::string key =
        fmt::format("{} {} {}", LADING_VERSION, formats::kElfIndexVersion, architecture);
    for (const Profile& profile : profiles) {
        key += fmt::format("\n{}\n{}", profile.name, format_profile(profile));
    }
    return key;
}

/// Everything whose change would change the answer.
std::set<std::string> sources(const ProbedHost& host, const std::vector<Profile>& profiles) {
    std::set<std::string> paths{std::string(kLoaderCachePath)};
    for (const Profile& profile : profiles) {
        for (const ProfileLibrary& library : profile.libraries) {
            paths.insert(library.path.value);
        }
        for (const ProfileMount& mount : profile.plugins) {
            paths.insert(mount.source.value);
        }
    }
    if (const auto index = formats::ElfIndex::open(host.index)) {
        for (std::uint32_t id = 0; id < index->size(); ++id) {
            paths.emplace(index->file(id).path);
        }
    }
    return paths;
}

struct Kept {
    sys::MappedFile file;
    ProbedHost host;         ///< without its index
    std::string_view index;  ///< in the file
};

/// What an earlier reading kept, if it still holds.  Only root's word counts, and one's own.
Result<Kept> read_kept(const std::string& path, uid_t owner, const std::vector<Profile>& profiles,
                       const std::string& architecture) {
    const auto stale = [] { return fail(Code::not_found, "nothing kept of the host's stacks"); };
    const sys::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0 || status.st_uid != owner ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return stale();
    }
    Kept kept;
    kept.file = TRY(sys::MappedFile::open(fd.get(), path));
    const auto [fields, index] = TRY(formats::parse_headed_file(kept.file.bytes()));
    const auto paths = fields.all("path");
    const auto stamps = fields.all("stamp");
    if (fields.get("key") != key_of(profiles, architecture) || paths.size() != stamps.size()) {
        return stale();
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (!is_unchanged(paths[i], stamps[i])) {
            return stale();
        }
    }
    kept.host = TRY(parse_stacks(fields.get("stacks"), profiles));
    kept.index = index;
    return kept;
}

/// By a new file in the old one's place: who reads meanwhile has one of them whole.  Where this
/// fails everybody probes for himself.
void keep(const std::string& path, const ProbedHost& host, const std::vector<Profile>& profiles,
          const std::string& architecture) {
    Fields fields;
    fields.add("key", key_of(profiles, architecture));
    for (const std::string& source : sources(host, profiles)) {
        fields.add("path", source);
        struct stat status {};
        fields.add("stamp",
                   stat(source.c_str(), &status) == 0 ? FileStamp(status).bytes() : kNowhere);
    }
    fields.add("stacks", format_stacks(host));
    const std::string bytes = formats::format_headed_file(fields, host.index);
    const std::string fresh = fmt::format("{}.{}", path, getpid());
    const sys::Fd fd(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    const bool written = fd.valid() && sys::write_all(fd.get(), bytes, fresh).has_value();
    if (!written || rename(fresh.c_str(), path.c_str()) != 0) {
        unlink(fresh.c_str());
    }
}

/// Where somebody who is not root keeps it: homes are shared between nodes.
std::string own_file(const std::string& home) {
    char host[65] = {};
    if (!home.starts_with('/') || home == "/" || gethostname(host, sizeof host - 1) != 0) {
        return {};
    }
    return fmt::format("{}/.cache/lading/stacks-{}", home, host);
}

/// Root does not read libraries itself: their bytes are a software department's, or a package's.
Result<ProbedHost> probe_by_child(const std::vector<Profile>& profiles,
                                  const std::string& architecture) {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child = TRY(sys::start_unprivileged({pair.theirs.get()}, [&] {
        Fields fields;
        if (const auto host = probe_stacks(profiles, architecture)) {
            fields.add("stacks", format_stacks(*host));
            fields.add("index", host->index);
        } else {
            formats::add_error(fields, host.error());
        }
        return sys::send_message(pair.theirs.get(), formats::encode_fields(fields)) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    ProbedHost host = TRY(parse_stacks(fields.get("stacks"), profiles));
    host.index = fields.get("index");
    return host;
}

}  // namespace

Result<HostStacks> HostStacks::load(const SiteConfig& site, const std::string& architecture,
                                    const Caller& caller) {
    HostStacks stacks;
    const std::vector<Profile> profiles =
        TRY(load_profiles({site.profiles, site.cdi, caller.as_root}));
    if (profiles.empty()) {
        stacks.host_.index = formats::ElfIndexBuilder().finish();
        TRY(stacks.open(stacks.host_.index, architecture));
        return stacks;
    }
    const std::string own = caller.as_root ? "" : own_file(caller.home);
    auto kept = read_kept(kFile, 0, profiles, architecture);
    if (!kept && !own.empty()) {
        kept = read_kept(own, geteuid(), profiles, architecture);
    }
    if (kept) {
        stacks.host_ = std::move(kept->host);
        stacks.kept_ = std::move(kept->file);
        TRY(stacks.open(kept->index, architecture));
        return stacks;
    }
    stacks.host_ = TRY(caller.as_root ? probe_by_child(profiles, architecture)
                                      : probe_stacks(profiles, architecture));
    if (caller.as_root) {
        mkdir(kDirectory, 0755);
        keep(kFile, stacks.host_, profiles, architecture);
    } else if (!own.empty()) {
        mkdir((caller.home + "/.cache").c_str(), 0700);
        mkdir((caller.home + "/.cache/lading").c_str(), 0700);
        keep(own, stacks.host_, profiles, architecture);
    }
    TRY(stacks.open(stacks.host_.index, architecture));
    return stacks;
}

/// A HostStacks may be moved afterwards: what the index reads stays where it is, unless it is so
/// short that std::string keeps it within itself, and no index is.
Result<> HostStacks::open(std::string_view index, const std::string& architecture) {
    index_ = std::make_unique<formats::ElfIndex>(TRY(formats::ElfIndex::open(index)));
    side_ = std::make_unique<compat::HostSide>();
    side_->index = index_.get();
    side_->stacks = std::move(host_.stacks);
    side_->libc = host_.libc;
    side_->architecture = architecture;
    side_->isa_level = probe_isa_level();
    side_->pmi = probe_pmi(LADING_SLURM_PLUGINS);
    return {};
}

}  // namespace lading::app
