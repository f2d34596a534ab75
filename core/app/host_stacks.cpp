// SPDX-License-Identifier: BSD-3-Clause
// /run/lading/stacks: what it was read from, with a stamp each, then format_stacks().  It is gone
// with the node's next boot, and made anew when a file of it is not what it was.
#include "core/app/host_stacks.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/app/index_root.hpp"
#include "core/app/load_profiles.hpp"
#include "core/app/stacks_text.hpp"
#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

using formats::Fields;

constexpr const char* kDirectory = "/run/lading";
constexpr const char* kFile = "/run/lading/stacks";

/// Of what a path leads to; a path that leads nowhere has a stamp as well.
std::string stamp(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return "none";
    }
    return fmt::format("{}.{}.{}.{}.{:09}", status.st_dev, status.st_ino, status.st_size,
                       status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
}

std::string key_of(const std::vector<Profile>& profiles, const std::string& architecture) {
    std::string key = fmt::format("{} {} {}", LADING_VERSION, formats::kElfIndexVersion,
                                  architecture);
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

/// What the last step kept, if it still holds.  Only root's word counts.
Result<ProbedHost> read_kept(const std::vector<Profile>& profiles,
                             const std::string& architecture) {
    const auto stale = [] { return fail(Code::not_found, "nothing kept of the host's stacks"); };
    const sys::Fd fd(open(kFile, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0 || status.st_uid != 0 ||
        (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return stale();
    }
    const sys::MappedFile file = TRY(sys::MappedFile::open(fd.get(), kFile));
    const Fields fields = TRY(formats::decode_fields(file.bytes()));
    const auto paths = fields.all("path");
    const auto stamps = fields.all("stamp");
    if (fields.get("key") != key_of(profiles, architecture) || paths.size() != stamps.size()) {
        return stale();
    }
    for (std::size_t i = 0; i < paths.size(); ++i) {
        if (stamp(paths[i]) != stamps[i]) {
            return stale();
        }
    }
    return parse_stacks(fields.get("stacks"), profiles);
}

/// By a new file in the old one's place: who reads meanwhile has one of them whole.  A node where
/// this fails probes for each step.
void keep(const ProbedHost& host, const std::vector<Profile>& profiles,
          const std::string& architecture) {
    Fields fields;
    fields.add("key", key_of(profiles, architecture));
    for (const std::string& path : sources(host, profiles)) {
        fields.add("path", path);
        fields.add("stamp", stamp(path));
    }
    fields.add("stacks", format_stacks(host));
    mkdir(kDirectory, 0755);
    const std::string fresh = fmt::format("{}.{}", kFile, getpid());
    const sys::Fd fd(open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    const bool written =
        fd.valid() && sys::write_all(fd.get(), formats::encode_fields(fields), fresh).has_value();
    if (!written || rename(fresh.c_str(), kFile) != 0) {
        unlink(fresh.c_str());
    }
}

/// Root does not read libraries itself: their bytes are a software department's, or a package's.
Result<ProbedHost> probe_by_child(const std::vector<Profile>& profiles,
                                  const std::string& architecture) {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child = TRY(sys::start_unprivileged({pair.theirs.get()}, [&] {
        Fields fields;
        if (const auto host = probe_stacks(profiles, architecture)) {
            fields.add("stacks", format_stacks(*host));
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
    return parse_stacks(fields.get("stacks"), profiles);
}

}  // namespace

Result<HostStacks> HostStacks::load(const SiteConfig& site, const std::string& architecture,
                                    bool as_root) {
    HostStacks stacks;
    const std::vector<Profile> profiles = TRY(load_profiles({site.profiles, site.cdi, as_root}));
    if (profiles.empty()) {
        TRY(stacks.open(architecture));
        return stacks;
    }
    if (auto kept = read_kept(profiles, architecture)) {
        stacks.host_ = std::move(*kept);
    } else if (as_root) {
        stacks.host_ = TRY(probe_by_child(profiles, architecture));
        keep(stacks.host_, profiles, architecture);
    } else {
        stacks.host_ = TRY(probe_stacks(profiles, architecture));
    }
    TRY(stacks.open(architecture));
    return stacks;
}

Result<> HostStacks::open(const std::string& architecture) {
    if (host_.index.empty()) {
        host_.index = formats::ElfIndexBuilder().finish();
    }
    index_ = std::make_unique<formats::ElfIndex>(TRY(formats::ElfIndex::open(host_.index)));
    side_ = std::make_unique<compat::HostSide>();
    side_->index = index_.get();
    side_->stacks = host_.stacks;
    side_->libc = host_.libc;
    side_->architecture = architecture;
    side_->isa_level = probe_isa_level();
    return {};
}

}  // namespace lading::app
