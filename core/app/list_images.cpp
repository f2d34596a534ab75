// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/list_images.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "core/app/slurm_command.hpp"
#include "core/app/store_uses.hpp"
#include "core/formats/nearest.hpp"
#include "core/sys/image_store.hpp"

namespace lading::app {
namespace {

/// A list that waits longer for Slurm is better without it.
constexpr unsigned kSeconds = 5;

}  // namespace

Result<ImageList> list_images(const std::vector<std::string>& stores) {
    ImageList list;
    for (const std::string& path : stores) {
        const auto store = sys::ImageStore::open(path);
        if (!store) {
            const bool missing = store.error().failure == sys::StoreFailure::store_missing;
            (missing ? list.missing : list.problems).push_back(store.error().error);
            continue;
        }
        const auto tags = store->tags();
        if (!tags) {
            list.problems.push_back(tags.error());
            continue;
        }
        for (const sys::StoredTag& tag : *tags) {
            auto document = store->document(tag.digest);
            ListedImage image{path, tag.name, tag.tag, {}, {}, {}};
            if (document) {
                image.document = std::move(*document);
            } else {
                image.error = document.error().error.what;
            }
            list.images.push_back(std::move(image));
        }
    }
    return list;
}

void find_users(ImageList& list, const std::vector<std::string>& environment) {
    const auto queue = load_queue(environment, kSeconds);
    if (!queue) {
        return;
    }
    std::map<std::string, record::ImageUses> uses;
    for (ListedImage& image : list.images) {
        if (!uses.contains(image.store)) {
            const auto store = sys::ImageStore::open(image.store);
            const auto facts = store ? load_store_facts(*store) : Result<record::StoreFacts>();
            if (!facts) {
                return;
            }
            uses[image.store] = record::find_uses(*queue, *facts, 0);
        }
        image.users = uses[image.store].users[image.document.digest];
    }
    list.users_known = true;
}

tl::unexpected<Error> no_such_image(const std::vector<std::string>& stores, const ImageName& name) {
    std::vector<std::string> names;
    std::vector<std::string> missing;
    for (const std::string& path : stores) {
        if (const auto listed = sys::list_image_names(path)) {
            names.insert(names.end(), listed->begin(), listed->end());
        } else {
            missing.push_back(path);
        }
    }
    const std::string wanted = to_string(name);
    std::string what = fmt::format("no image {} in {}", wanted, fmt::join(stores, ", "));
    if (!missing.empty()) {
        what += fmt::format("; not there on this machine: {}", fmt::join(missing, ", "));
    }
    const auto near = formats::nearest_names(wanted, names);
    return fail(Code::not_found, std::move(what),
                near.empty() ? std::string("`lading images` lists what there is")
                             : fmt::format("did you mean {}?", fmt::join(near, " or ")));
}

Result<FoundDocument> find_document(const std::vector<std::string>& stores, const ImageName& name) {
    for (const std::string& path : stores) {
        auto image = sys::find_stored_image(path, name);
        if (image) {
            std::string file = path + '/' + sys::blob_path(image->document.squashfs_digest);
            return FoundDocument{std::move(image->document), path, std::move(file)};
        }
        if (image.error().code != Code::not_found) {
            return tl::unexpected<Error>(std::move(image).error());
        }
    }
    return no_such_image(stores, name);
}

}  // namespace lading::app
