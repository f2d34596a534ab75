// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/store_uses.hpp"

#include "core/sys/store_history.hpp"

namespace lading::app {

Result<record::StoreFacts> load_store_facts(const sys::ImageStore& store) {
    record::StoreFacts facts;
    for (sys::TagPast& past : TRY(sys::read_histories(store))) {
        facts.tags.push_back({std::move(past.name), std::move(past.tag), std::move(past.history)});
    }
    for (const std::string& digest : TRY(store.digests())) {
        if (auto document = store.document(digest)) {
            facts.images.push_back(
                {digest, std::move(document->squashfs_digest), std::move(document->source)});
        }
    }
    return facts;
}

}  // namespace lading::app
