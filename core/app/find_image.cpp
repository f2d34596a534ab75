// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/find_image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/app/image_file.hpp"
#include "core/formats/nearest.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"

namespace lading::app {
namespace {

constexpr std::size_t kSuggestions = 3;

std::string host_name() {
    std::array<char, 256> name{};
    return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "this node";
}

/// A store that is not there is no error as long as another one has the image; but it is the
/// likeliest reason where none has.
tl::unexpected<Error> unknown_image(const ImageReference& reference, const SiteConfig& site,
                                    const std::string& home,
                                    const std::vector<std::string>& missing) {
    std::vector<std::string> stores;
    std::vector<std::string> names;
    for (const StoreConfig& store : site.stores) {
        const std::string path = store_path(store, home);
        stores.push_back(path);
        if (const auto known = sys::list_image_names(path)) {
            names.insert(names.end(), known->begin(), known->end());
        }
    }
    std::string what = fmt::format("no image {} on {} (looked in {})", to_string(reference),
                                   host_name(), fmt::join(stores, ", "));
    if (!missing.empty()) {
        what += fmt::format("; not there on this node: {}", fmt::join(missing, ", "));
    }
    const std::vector<std::string> near =
        formats::nearest_names(to_string(reference), names, kSuggestions);
    std::string hint = near.empty() ? std::string("'lading images' lists what there is")
                                    : fmt::format("did you mean {}?  'lading images' lists all",
                                                  fmt::join(near, " or "));
    return fail(Code::not_found, std::move(what), std::move(hint));
}

Result<FoundImage> find_by_name(const ImageName& name, const SiteConfig& site,
                                const std::string& home) {
    std::vector<std::string> missing;
    for (const StoreConfig& store : site.stores) {
        const std::string path = store_path(store, home);
        if (path.empty()) {
            continue;
        }
        Result<sys::StoredImage> stored = sys::find_stored_image(path, name);
        if (stored) {
            HostPath origin{TRY(sys::descriptor_path(stored->blob.get()))};
            return FoundImage{ImageFacts::Kind::squashfs,
                              std::move(origin),
                              path,
                              std::move(stored->document),
                              std::move(stored->index),
                              std::move(stored->blob),
                              sys::Fd()};
        }
        if (stored.error().code != Code::not_found) {
            return tl::unexpected(stored.error());
        }
        if (access(path.c_str(), F_OK) != 0) {
            missing.push_back(path);
        }
    }
    return unknown_image(name, site, home, missing);
}

Result<FoundImage> find_by_path(const ImagePath& image, const SiteConfig& site) {
    const std::string& path = image.path.value;
    if (!site.path_images) {
        return fail(Code::refused,
                    fmt::format("this site runs images of its stores only, not {}", path),
                    "import the image with 'lading import', or ask the administrator to");
    }
    sys::Fd file(open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!file.valid() || fstat(file.get(), &status) != 0) {
        return sys::fail_errno(errno == ENOENT ? Code::not_found : Code::refused,
                               fmt::format("cannot open the image {} on {}", path, host_name()),
                               "check the path: it must be open to you on every node of the step");
    }
    HostPath origin{TRY(sys::descriptor_path(file.get()))};
    if (S_ISDIR(status.st_mode)) {
        if (sys::open_beneath(file.get(), "oci-layout", O_PATH).valid() &&
            sys::open_beneath(file.get(), "index.json", O_PATH).valid()) {
            return fail(Code::bad_image, fmt::format("{} is an OCI layout", path),
                        fmt::format("layouts are imported before they are run: lading import {} "
                                    "NAME[:TAG]",
                                    path));
        }
        return FoundImage{
            ImageFacts::Kind::directory, std::move(origin), "", {}, {}, std::move(file), {}};
    }
    // By the descriptor, so that the file is the one that was looked at.
    sys::Fd readable(open(fmt::format("/proc/self/fd/{}", file.get()).c_str(),
                          O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!readable.valid() || !S_ISREG(status.st_mode)) {
        return sys::fail_errno(Code::refused, fmt::format("cannot read the image {}", path),
                               "an image is a squashfs file, a SIF or an unpacked directory");
    }
    sys::Fd side = open_side_file(origin.value);
    return FoundImage{ImageFacts::Kind::squashfs, std::move(origin), "", {}, {},
                      std::move(readable),        std::move(side)};
}

}  // namespace

Result<FoundImage> find_image(const ImageReference& reference, const SiteConfig& site,
                              const std::string& home) {
    if (const ImageName* const name = std::get_if<ImageName>(&reference)) {
        return find_by_name(*name, site, home);
    }
    if (const ImagePath* const path = std::get_if<ImagePath>(&reference)) {
        return find_by_path(*path, site);
    }
    if (const RegistryImage* const image = std::get_if<RegistryImage>(&reference)) {
        // What submits a job fetches it and names its digest; a thousand nodes must not.
        auto pulled = find_by_name(stored_name(*image), site, home);
        if (!pulled && pulled.error().code == Code::not_found) {
            return fail(Code::not_found,
                        fmt::format("no store on {} has {}, and nodes fetch nothing", host_name(),
                                    to_string(reference)),
                        fmt::format("fetch it first, where you submit jobs: lading pull {}",
                                    to_string(reference)));
        }
        return pulled;
    }
    return fail(Code::internal, "a step without an image has no container");
}

}  // namespace lading::app
