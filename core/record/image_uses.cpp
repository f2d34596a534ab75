// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/image_uses.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <variant>

#include "core/formats/digest.hpp"
#include "lading/record.hpp"
#include "lading/request.hpp"

namespace lading::record {
namespace {

using formats::QueuedJob;
using Digests = std::set<std::string>;

constexpr std::size_t kDigestBytes = formats::kDigestPrefix.size() + 64;

/// Every digest that is written in a text, wherever.
void add_written(std::string_view text, Digests& digests) {
    for (std::size_t at = text.find(formats::kDigestPrefix); at != std::string_view::npos;
         at = text.find(formats::kDigestPrefix, at + 1)) {
        if (const std::string_view digest = text.substr(at, kDigestBytes); is_digest(digest)) {
            digests.emplace(digest);
        }
    }
}

Digests named_by_tag(const ImageName& name, const QueuedJob& job, const StoreFacts& store,
                     std::int64_t margin) {
    const auto tag = std::ranges::find_if(store.tags, [&](const TagFacts& facts) {
        return facts.name == name.name && facts.tag == name.tag;
    });
    if (tag == store.tags.end()) {
        return {};
    }
    // A job that is requeued carries what it was submitted with, and may have a new SubmitTime.
    const bool certain = job.submitted && job.restarts == 0;
    const std::int64_t from = certain ? *job.submitted - margin : INT64_MIN;
    const std::int64_t until = job.submitted ? *job.submitted + margin : INT64_MAX;
    return formats::digests_between(tag->history, from, until);
}

/// Under which name a store has what a text names without a digest.
std::optional<ImageName> name_in_store(const std::string& container) {
    const auto reference = parse_image_reference(container);
    if (!reference) {
        return {};
    }
    if (const RegistryImage* const remote = std::get_if<RegistryImage>(&*reference)) {
        return remote->digest.empty() ? std::optional(stored_name(*remote)) : std::nullopt;
    }
    const ImageName* const name = std::get_if<ImageName>(&*reference);
    return name != nullptr && name->digest.empty() ? std::optional(*name) : std::nullopt;
}

Digests asked_for(const QueuedJob& job, const StoreFacts& store, std::int64_t margin) {
    Digests digests;
    add_written(job.container, digests);
    const auto reference = parse_image_reference(job.container);
    const std::string source = reference ? to_string(*reference) : std::string();
    for (const StoredImageFacts& image : store.images) {
        // As it was pulled, or by the path of its file.
        if ((!source.empty() && image.source == source) ||
            job.container.find(formats::digest_hex(image.squashfs_digest)) != std::string::npos) {
            digests.insert(image.digest);
        }
    }
    if (const auto name = name_in_store(job.container)) {
        digests.merge(named_by_tag(*name, job, store, margin));
    }
    return digests;
}

}  // namespace

ImageUses find_uses(const std::vector<QueuedJob>& jobs, const StoreFacts& store,
                    std::int64_t margin) {
    Digests known;
    for (const StoredImageFacts& image : store.images) {
        known.insert(image.digest);
    }
    ImageUses uses;
    for (const QueuedJob& job : jobs) {
        if (formats::has_ended(job.state)) {
            continue;
        }
        Digests digests;
        if (!job.container.empty()) {
            digests = asked_for(job, store, margin);
        }
        add_written(job.admin_comment, digests);
        const auto record = parse_admin_comment(job.admin_comment).record;
        if (record && record->images_omitted) {
            uses.doubtful.push_back(job.id);
        }
        for (const std::string& digest : digests) {
            if (known.contains(digest)) {
                uses.users[digest].push_back({job.id, job.user});
            }
        }
    }
    return uses;
}

}  // namespace lading::record
