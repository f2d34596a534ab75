// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/verify_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/app/inspect_image.hpp"
#include "core/app/list_images.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/store_files.hpp"
#include "core/sys/store_history.hpp"
#include "core/sys/store_removal.hpp"

namespace lading::app {
namespace {

constexpr const char* kImportAgain =
    "import the image again, which mends it, or remove it by its digest: lading rm";

class Verifier {
  public:
    explicit Verifier(const sys::ImageStore& store) : store_(store) {}

    Result<> read() {
        for (const std::string& digest : TRY(store_.digests())) {
            tags_[digest];
        }
        for (const sys::StoredTag& tag : TRY(store_.tags())) {
            if (tags_.contains(tag.digest)) {
                tags_[tag.digest].push_back(fmt::format("{}:{}", tag.name, tag.tag));
            } else {
                broken_.push_back(tag);
            }
        }
        return {};
    }

    bool has(const ImageName& name) const {
        const bool broken = std::ranges::any_of(broken_, [&](const sys::StoredTag& tag) {
            return name.digest.empty() && tag.name == name.name && tag.tag == name.tag;
        });
        return broken || tags_.contains(digest_of(name));
    }

    std::string digest_of(const ImageName& name) const {
        return name.digest.empty() ? store_.digest_of(name.name, name.tag).value_or("")
                                   : name.digest;
    }

    std::vector<std::string> all() const {
        std::vector<std::string> digests;
        for (const auto& [digest, tags] : tags_) {
            digests.push_back(digest);
        }
        return digests;
    }

    VerifiedImage verify(const std::string& digest) const {
        const std::vector<std::string>& tags = tags_.at(digest);
        VerifiedImage image{
            tags.empty() ? "(no tag)" : fmt::format("{}", fmt::join(tags, ", ")), digest, 0, {}};
        const auto document = store_.document(digest);
        if (!document) {
            image.damage.push_back(document.error().error);
            image.damage.back().hint = kImportAgain;
            return image;
        }
        image.bytes = document->squashfs_bytes;
        verify_file(*document, image);
        verify_index(*document, image);
        return image;
    }

    std::vector<Error> broken_tags() const {
        std::vector<Error> errors;
        for (const sys::StoredTag& tag : broken_) {
            errors.push_back(
                {Code::bad_image,
                 tag.digest.empty()
                     ? fmt::format("the tag {}:{} holds no digest", tag.name, tag.tag)
                     : fmt::format("the tag {}:{} names {}, which is not there", tag.name, tag.tag,
                                   tag.digest),
                 fmt::format("import the image again, or remove the tag: lading rm {}:{}", tag.name,
                             tag.tag)});
        }
        if (const auto histories = sys::read_histories(store_); !histories) {
            errors.push_back(histories.error());
        }
        return errors;
    }

  private:
    void verify_file(const ImageDocument& document, VerifiedImage& image) const {
        const std::string path =
            fmt::format("{}/{}", store_.path(), sys::blob_path(document.squashfs_digest));
        const auto damaged = [&](std::string what) {
            image.damage.push_back({Code::bad_image, std::move(what), kImportAgain});
        };
        const auto file = store_.blob(document.squashfs_digest);
        struct stat status {};
        if (!file) {
            damaged(file.error().error.what);
        } else if (fstat(file->get(), &status) != 0 ||
                   static_cast<std::uint64_t>(status.st_size) != document.squashfs_bytes) {
            damaged(fmt::format("{} has {} bytes where {} were imported", path, status.st_size,
                                document.squashfs_bytes));
        } else if (const auto digest = sys::file_digest(file->get(), path); !digest) {
            damaged(digest.error().what);
        } else if (*digest != document.squashfs_digest) {
            damaged(fmt::format("{} has the digest {}", path, *digest));
        }
    }

    void verify_index(const ImageDocument& document, VerifiedImage& image) const {
        const auto index = store_.index(document.squashfs_digest);
        if (!index && index.error().failure == sys::StoreFailure::digest_unknown) {
            return;  // an older lading imported it
        }
        const auto summary =
            index ? summarise_index(*index, document.config.architecture)
                  : Result<compat::ElfSummary>(tl::unexpected<Error>(index.error().error));
        if (!summary) {
            image.damage.push_back(
                {Code::bad_image,
                 fmt::format("{}/{}: {}", store_.path(), sys::index_path(document.squashfs_digest),
                             summary.error().what),
                 "import the image again, which makes it anew"});
        }
    }

    const sys::ImageStore& store_;
    std::map<std::string, std::vector<std::string>> tags_;  ///< by digest, of every document
    std::vector<sys::StoredTag> broken_;
};

}  // namespace

Result<VerifiedStore> verify_store(const std::string& path, const std::vector<ImageName>& names,
                                   const std::function<void(const VerifiedImage&)>& report) {
    const sys::ImageStore store = TRY(sys::open_existing(path));
    Verifier verifier(store);
    TRY(verifier.read());
    std::vector<std::string> digests = verifier.all();
    if (!names.empty()) {
        digests.clear();
        for (const ImageName& name : names) {
            if (!verifier.has(name)) {
                return no_such_image({path}, name);
            }
            if (const std::string digest = verifier.digest_of(name); !digest.empty()) {
                digests.push_back(digest);
            }
        }
    }
    for (const std::string& digest : digests) {
        report(verifier.verify(digest));
    }
    VerifiedStore verified;
    verified.damage = verifier.broken_tags();
    for (const sys::OrphanFile& orphan : TRY(sys::find_orphans(store))) {
        ++verified.orphans;
        verified.orphan_bytes += orphan.bytes;
    }
    return verified;
}

}  // namespace lading::app
