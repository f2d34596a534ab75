// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/load_profiles.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "core/formats/cdi.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20;
constexpr std::size_t kMaxFiles = 1000;

struct DirectoryClose {
    void operator()(DIR* directory) const { closedir(directory); }
};

/// What is in it decides what root mounts: nobody else may have written it.
Result<> check_owner(int fd, const std::string& path, bool root_only) {
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        return sys::fail_errno(Code::site, fmt::format("cannot look at {}", path));
    }
    if (root_only && (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)) {
        return fail(Code::site, fmt::format("{} can be written by others than root", path),
                    "tell the administrator (chown root, chmod go-w)");
    }
    return {};
}

struct FoundFile {
    std::string name;  ///< in its directory
    std::string path;
    std::string text;
};

/// The directory's descriptor; none where it does not exist.
Result<std::optional<sys::Fd>> open_directory(const std::string& path, bool root_only) {
    sys::Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.valid()) {
        if (errno == ENOENT) {
            return std::nullopt;
        }
        return sys::fail_errno(Code::site, fmt::format("cannot read {}", path));
    }
    TRY(check_owner(fd.get(), path, root_only));
    return fd;
}

/// Names that end in one of `endings`, sorted.  Hidden ones are what editors leave behind.
Result<std::vector<std::string>> list_names(sys::Fd fd, const std::string& path,
                                            const std::vector<std::string>& endings) {
    const std::unique_ptr<DIR, DirectoryClose> directory(fdopendir(fd.get()));
    if (!directory) {
        return sys::fail_errno(Code::site, fmt::format("cannot read {}", path));
    }
    fd.release();  // closedir() closes it
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = readdir(directory.get())) {
        const std::string name = entry->d_name;
        const bool wanted = std::ranges::any_of(endings, [&](const std::string& ending) {
            return name.size() > ending.size() && name.ends_with(ending);
        });
        if (wanted && name.front() != '.') {
            names.push_back(name);
        }
        if (names.size() > kMaxFiles) {
            return fail(Code::site, fmt::format("{}: more than {} files", path, kMaxFiles));
        }
        errno = 0;
    }
    if (errno != 0) {
        return sys::fail_errno(Code::site, fmt::format("cannot read {}", path));
    }
    std::ranges::sort(names);
    return names;
}

Result<std::vector<FoundFile>> read_files(const std::string& path,
                                          const std::vector<std::string>& endings, bool root_only) {
    std::optional<sys::Fd> directory = TRY(open_directory(path, root_only));
    std::vector<FoundFile> files;
    if (!directory) {
        return files;
    }
    const sys::Fd base(fcntl(directory->get(), F_DUPFD_CLOEXEC, 0));
    for (std::string& name : TRY(list_names(std::move(*directory), path, endings))) {
        FoundFile file{std::move(name), {}, {}};
        file.path = path + '/' + file.name;
        const sys::Fd fd(
            openat(base.get(), file.name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!fd.valid()) {
            return sys::fail_errno(Code::site, fmt::format("cannot read {}", file.path));
        }
        TRY(check_owner(fd.get(), file.path, root_only));
        Result<std::string> text = sys::read_all(fd.get(), kMaxFileBytes, file.path);
        if (!text) {
            Error error = std::move(text).error();
            error.code = Code::site;
            return tl::unexpected<Error>(std::move(error));
        }
        file.text = std::move(*text);
        files.push_back(std::move(file));
    }
    return files;
}

/// The devices of all specifications.  Each takes the place of one of the same name that came from
/// an earlier directory; in one directory nobody could say which is meant.
Result<std::vector<Profile>> load_devices(const ProfileSources& sources) {
    std::vector<Profile> devices;
    for (const std::string& directory : sources.cdi_directories) {
        std::vector<Profile> here;
        for (const FoundFile& file :
             TRY(read_files(directory, {".json", ".yaml", ".yml"}, sources.root_only))) {
            const formats::CdiSpec spec = TRY(formats::parse_cdi(file.text, file.path));
            for (Profile& device : TRY(formats::profiles_of(spec, file.path))) {
                const auto known = std::ranges::find(here, device.name, &Profile::name);
                if (known != here.end()) {
                    return fail(Code::site, fmt::format("{}: the device {} is in {} as well",
                                                        file.path, device.name, known->file));
                }
                here.push_back(std::move(device));
            }
        }
        std::erase_if(devices, [&](const Profile& earlier) {
            return std::ranges::find(here, earlier.name, &Profile::name) != here.end();
        });
        std::ranges::move(here, std::back_inserter(devices));
    }
    return devices;
}

/// A site's file names its companions.  Devices of CDI come and go with the node's hardware; a
/// name of one is no promise.
Result<> check_companions(const std::vector<Profile>& profiles) {
    for (const Profile& profile : profiles) {
        for (const std::string& name : profile.with) {
            if (name.find('=') == std::string::npos &&
                std::ranges::find(profiles, name, &Profile::name) == profiles.end()) {
                return fail(Code::site,
                            fmt::format("{}: $.with: there is no profile '{}'", profile.file, name),
                            "`lading profile list` lists what there is");
            }
        }
    }
    return {};
}

}  // namespace

Result<std::vector<Profile>> load_profiles(const ProfileSources& sources) {
    std::vector<Profile> profiles;
    for (const FoundFile& file : TRY(read_files(sources.directory, {".json"}, sources.root_only))) {
        const std::string name = file.name.substr(0, file.name.size() - 5);
        profiles.push_back(TRY(parse_profile(file.text, name, file.path)));
    }
    TRY(check_companions(profiles));
    std::ranges::move(TRY(load_devices(sources)), std::back_inserter(profiles));
    return profiles;
}

}  // namespace lading::app
