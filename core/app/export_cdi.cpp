// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/export_cdi.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "core/app/load_profiles.hpp"
#include "core/formats/injection_cdi.hpp"
#include "core/formats/ld_cache.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::CdiSurroundings;

constexpr std::size_t kLoaderBytes = 8 << 20;
constexpr std::size_t kSpecBytes = 1 << 20;

Result<> check_refusal(const Injection& injection, const std::string& image) {
    if (const Finding* const refusal = refusal_of(injection)) {
        return fail(Code::mismatch,
                    fmt::format("{} of image {}: {} ({})", refusal->need, image, refusal->reason,
                                name_of(refusal->verdict)),
                    refusal->remedy);
    }
    return {};
}

/// A profile may name a directory of nodes; CDI knows nodes alone.
void add_nodes(const HostPath& path, std::vector<HostPath>& nodes) {
    std::error_code error;
    if (!std::filesystem::is_directory(path.value, error)) {
        nodes.push_back(path);
        return;
    }
    std::vector<HostPath> found;
    for (const auto& entry : std::filesystem::directory_iterator(path.value, error)) {
        if (entry.is_character_file(error) || entry.is_block_file(error)) {
            found.push_back({entry.path().string()});
        }
    }
    std::ranges::sort(found);
    nodes.insert(nodes.end(), found.begin(), found.end());
}

Result<std::vector<HostPath>> nodes_of(const Injection& injection, const SiteConfig& site) {
    std::vector<HostPath> nodes;
    for (const Profile& profile : TRY(load_profiles({site.profiles, site.cdi, false}))) {
        if (std::ranges::find(injection.profiles, profile.name) != injection.profiles.end()) {
            for (const HostPath& device : profile.devices) {
                add_nodes(device, nodes);
            }
        }
    }
    return nodes;
}

/// What this node lacks of what it need not have is left out, as for a step.
std::set<HostPath> look_at_mounts(Injection& injection) {
    std::erase_if(injection.mounts, [](const InjectedMount& mount) {
        return !mount.required && access(mount.source.value.c_str(), F_OK) != 0;
    });
    std::set<HostPath> directories;
    for (const InjectedMount& mount : injection.mounts) {
        std::error_code error;
        if (std::filesystem::is_directory(mount.source.value, error)) {
            directories.insert(mount.source);
        }
    }
    return directories;
}

Result<std::string> make_directory(const std::string& path) {
    if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
        return sys::fail_errno(errno == EACCES ? Code::refused : Code::system,
                               fmt::format("cannot make {}", path));
    }
    char real[PATH_MAX];
    if (realpath(path.c_str(), real) == nullptr) {
        return sys::fail_errno(Code::system, fmt::format("cannot find {}", path));
    }
    return std::string(real);
}

/// A container that starts meanwhile reads the old file or the new one; one that runs keeps the
/// old.
Result<> replace_file(const std::string& path, std::string_view bytes, mode_t mode) {
    const std::string fresh = fmt::format("{}.{}.new", path, getpid());
    const sys::Fd fd(
        open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (!fd.valid()) {
        return sys::fail_errno(errno == EACCES ? Code::refused : Code::system,
                               fmt::format("cannot write {}", fresh));
    }
    Result<> written = sys::write_all(fd.get(), bytes, fresh);
    if (written && (fchmod(fd.get(), mode) != 0 || rename(fresh.c_str(), path.c_str()) != 0)) {
        written = sys::fail_errno(Code::system, fmt::format("cannot make {}", path));
    }
    if (!written) {
        unlink(fresh.c_str());
    }
    return written;
}

/// `--name nvidia --output /etc/cdi` must not take the vendor's file away.
Result<> check_replaceable(const std::string& path) {
    const Result<std::string> text = sys::read_file(path, kSpecBytes);
    if (!text && text.error().code == Code::not_found) {
        return {};
    }
    const auto spec = text ? formats::parse_cdi(*text, path) : fail(Code::site, "");
    if (!spec || spec->kind != formats::kOwnCdiKind) {
        return fail(Code::refused, fmt::format("{} is there already, and not lading's", path),
                    "--name NAME writes another file");
    }
    return {};
}

Result<> write_loader(const InjectedLibc& libc, const std::string& architecture,
                      const std::string& directory, CdiSurroundings& around) {
    around.loader = {directory + "/ld.so"};
    around.loader_cache = {directory + "/ldso"};
    std::vector<formats::CacheEntry> entries;
    for (const auto& [soname, path] : libc.libraries) {
        entries.push_back({soname, path, ""});
    }
    TRY(make_directory(directory));
    TRY(replace_file(around.loader_cache.value, formats::format_ld_cache(entries, architecture),
                     0644));
    std::string loader = TRY(sys::read_file(libc.loader.value, kLoaderBytes));
    return replace_file(around.loader.value,
                        TRY(formats::redirect_loader(std::move(loader), kLoaderCache)), 0755);
}

}  // namespace

Result<ExportedCdi> export_cdi(const CdiOrder& order) {
    CdiSurroundings around;
    around.device =
        order.name.empty() ? formats::cdi_device_name(order.check.request.text) : order.name;
    if (!formats::is_cdi_device_name(around.device)) {
        return fail(Code::usage, fmt::format("'{}' is no name for a CDI device", order.name),
                    "letters, digits and _ - . : between them");
    }
    CheckedImage checked = TRY(check_image(order.check));
    TRY(check_refusal(checked.injection, order.check.request.text));
    const bool libc = !checked.injection.libc.version.empty();
    if (libc && order.directory.empty()) {
        return fail(Code::usage,
                    fmt::format("image {} needs this host's C library, whose loader must be "
                                "written to a file",
                                order.check.request.text),
                    "--output DIR says where");
    }
    ExportedCdi exported;
    std::string directory;
    if (!order.directory.empty()) {
        directory = TRY(make_directory(order.directory));
        exported.file = fmt::format("{}/{}.json", directory, around.device);
        TRY(check_replaceable(exported.file));
    }
    if (libc) {
        TRY(write_loader(checked.injection.libc, checked.host.architecture,
                         fmt::format("{}/{}.files", directory, around.device), around));
    }
    around.nodes = TRY(nodes_of(checked.injection, order.check.site));
    around.directories = look_at_mounts(checked.injection);
    exported.text = formats::format_cdi(formats::cdi_of(checked.injection, around));
    if (!exported.file.empty()) {
        TRY(replace_file(exported.file, exported.text, 0644));
    }
    exported.device = fmt::format("{}={}", formats::kOwnCdiKind, around.device);
    exported.injection = std::move(checked.injection);
    return exported;
}

}  // namespace lading::app
