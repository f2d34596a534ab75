// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/pull_image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "core/app/import_image.hpp"
#include "core/app/registry.hpp"
#include "core/formats/digest.hpp"
#include "core/formats/registry_document.hpp"
#include "core/sys/file.hpp"
#include "core/sys/layer_cache.hpp"
#include "core/sys/store_writer.hpp"

namespace lading::app {
namespace {

class Pull {
  public:
    Pull(const PullRequest& request, const PullEvents& events)
        : request_(request),
          events_(events),
          name_(request.name.value_or(stored_name(request.source))) {
        name_.digest.clear();
        if (name_.tag.empty()) {
            // A pull by digest: any tag is true of it, and this one says where it came from.
            name_.tag = fmt::format("sha256-{}", formats::digest_hex(request.source.digest));
        }
    }

    Result<PulledImage> run() {
        events_.begins(fmt::format("asking {}", request_.source.host));
        const bool may_share = !request_.shared_layers.empty();
        RegistryAccess access{may_share, request_.signatures};
        auto manifest = find_manifest(request_.source, architecture(), access);
        if (!manifest && may_share) {
            // Not for everybody, so that nothing of it goes where everybody reads.
            access.anonymous = false;
            manifest = find_manifest(request_.source, architecture(), access);
        }
        manifest_ = TRY(std::move(manifest));
        if (auto found = find_published()) {
            return std::move(*found);
        }
        TRY(sys::create_store(request_.store));
        if (access.anonymous) {
            auto pulled = pull_through(request_.shared_layers, true, access);
            if (pulled || pulled.error().code != Code::bad_image) {
                return pulled;
            }
            // Somebody put other bytes there: they are nobody's loss but the cache's.
            events_.begins("the shared layers are damaged: fetching anew");
        }
        return pull_through(request_.store + "/layers", false, access);
    }

  private:
    std::string architecture() const {
        return request_.architecture.empty() ? host_architecture() : request_.architecture;
    }

    std::optional<PulledImage> found_in(const std::string& path) const {
        const auto store = sys::ImageStore::open(path);
        if (!store || store->digest_of(name_.name, name_.tag) != manifest_.digest) {
            return {};
        }
        auto document = store->document(manifest_.digest);
        if (!document || !store->blob(document->squashfs_digest)) {
            return {};
        }
        return PulledImage{identity(), path, std::move(*document), true};
    }

    std::optional<PulledImage> find_published() const {
        for (const std::string& path : request_.stores) {
            if (auto found = found_in(path)) {
                return found;
            }
        }
        return {};
    }

    ImageName identity() const { return {name_.name, name_.tag, manifest_.digest}; }

    Result<PulledImage> pull_through(const std::string& layers, bool shared,
                                     const RegistryAccess& access) {
        const sys::LayerCache cache = TRY(sys::LayerCache::open(layers, shared));
        const auto lock = TRY(cache.lock(manifest_.digest, [this] {
            events_.begins("waiting for somebody who pulls the same image");
        }));
        // He may have put it into this very store.
        if (auto found = found_in(request_.store)) {
            return std::move(*found);
        }
        if (TRY(TRY(sys::Staging::open(request_.store)).tag(identity()))) {
            if (auto found = found_in(request_.store)) {
                return std::move(*found);
            }
        }
        const auto incoming = TRY(cache.start());
        TRY(fetch(cache, incoming, lock, access));
        events_.begins("packing");
        auto document = import(cache, incoming, lock);
        if (!document && document.error().code == Code::bad_image) {
            for (const formats::Descriptor& blob : manifest_.blobs) {
                cache.drop(blob.digest);
            }
        }
        return PulledImage{identity(), request_.store, TRY(std::move(document)), false};
    }

    Result<> fetch(const sys::LayerCache& cache, const sys::LayerCache::Incoming& incoming,
                   const sys::LayerCache::Lock& lock, const RegistryAccess& access) {
        std::uint64_t bytes = 0;
        std::size_t missing = 0;
        for (const formats::Descriptor& blob : manifest_.blobs) {
            if (cache.size_of(blob.digest) != blob.size) {
                cache.drop(blob.digest);
                bytes += blob.size;
                ++missing;
            }
        }
        events_.begins(
            missing == 0 ? "all layers are there"
                         : fmt::format("fetching {} of {} blobs", missing, manifest_.blobs.size()));
        return fetch_blobs(request_.source, manifest_, access, cache, incoming,
                           [&](std::uint64_t done) {
                               lock.beat();
                               events_.progress(std::min(done, bytes), bytes);
                           });
    }

    Result<ImageDocument> import(const sys::LayerCache& cache,
                                 const sys::LayerCache::Incoming& incoming,
                                 const sys::LayerCache::Lock& lock) {
        TRY(write_layout(incoming.directory()));
        ImportRequest import;
        import.source = incoming.path() + "/layout";
        import.blobs = cache.blobs();
        import.origin = to_string(request_.source);
        import.target = name_;
        import.store = request_.store;
        import.architecture = request_.architecture;
        import.progress = [&](std::uint64_t bytes) { lock.beat();
        events_.progress(bytes, 0);
    };
    return import_image(import);
}

/// A layout with the registry's own manifest; its blobs are in the cache.
Result<>
write_layout(int directory) const {
    const auto write = [&](const std::string& name, std::string_view bytes) -> Result<> {
        const sys::Fd file =
            sys::open_beneath(directory, "layout/" + name, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (!file.valid()) {
            return sys::fail_errno(Code::system, fmt::format("cannot write {}", name));
        }
        return sys::write_all(file.get(), bytes, name);
    };
    for (const char* const name : {"layout", "layout/blobs", "layout/blobs/sha256"}) {
        if (mkdirat(directory, name, 0700) != 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot make {}", name));
        }
    }
    TRY(write("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    TRY(write("index.json", formats::format_layout_index(manifest_.media_type, manifest_.digest,
                                                         manifest_.bytes.size())));
    return write("blobs/sha256/" + std::string(formats::digest_hex(manifest_.digest)),
                 manifest_.bytes);
}

const PullRequest& request_;
const PullEvents& events_;
ImageName name_;
RegistryManifest manifest_;
};  // namespace

}  // namespace lading::app

Result<PulledImage> pull_image(const PullRequest& request, const PullEvents& events) {
    return Pull(request, events).run();
}

}  // namespace lading::app
