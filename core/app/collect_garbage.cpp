// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/collect_garbage.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "core/app/slurm_command.hpp"
#include "core/app/store_uses.hpp"
#include "core/formats/digest.hpp"
#include "core/formats/utc_time.hpp"
#include "core/sys/layer_cache.hpp"
#include "core/sys/store_files.hpp"
#include "core/sys/store_history.hpp"
#include "core/sys/store_removal.hpp"

namespace lading::app {
namespace {

/// By which the clocks of submit hosts, slurmctld and importers may differ, with the time that a
/// submission takes: an image too much for an hour is cheaper than a job whose image is gone.
constexpr std::int64_t kMargin = 3600;
/// While imports wait for the store's lock.
constexpr unsigned kSeconds = 120;
constexpr std::size_t kShownJobs = 3;

class Collector {
  public:
    Collector(const GarbageRequest& request, const sys::ImageStore& store)
        : request_(request), store_(store), now_(std::time(nullptr)) {}

    Result<Garbage> run() {
        facts_ = TRY(load_store_facts(store_));
        TRY(find_untagged());
        TRY(keep_what_is_needed());
        if (!request_.dry_run) {
            for (const UntaggedImage& image : garbage_.images) {
                if (image.kept.empty()) {
                    TRY(sys::remove_document(store_, image.digest));
                }
            }
        }
        TRY(count_files());
        if (!request_.dry_run) {
            TRY(sys::sweep_orphans(store_));
            const std::vector<std::string> digests = TRY(store_.digests());
            TRY(sys::prune_histories(store_, {digests.begin(), digests.end()}));
        }
        return std::move(garbage_);
    }

  private:
    Result<> find_untagged() {
        std::set<std::string> tagged;
        for (const sys::StoredTag& tag : TRY(store_.tags())) {
            tagged.insert(tag.digest);
            if (tag.digest.empty()) {
                unknown_tag_ = fmt::format("the tag {}:{} is damaged, and may have named it",
                                           tag.name, tag.tag);
                garbage_.problems.push_back(fmt::format(
                    "the tag {}:{} is damaged: import it again, or remove it by lading rm",
                    tag.name, tag.tag));
            }
        }
        for (const std::string& digest : TRY(store_.digests())) {
            if (tagged.contains(digest)) {
                continue;
            }
            const auto document = store_.document(digest);
            if (!document) {
                garbage_.problems.push_back(fmt::format("{}; remove it by lading rm any@{}",
                                                        document.error().error.what, digest));
                continue;
            }
            garbage_.images.push_back(describe(*document));
        }
        return {};
    }

    UntaggedImage describe(const ImageDocument& document) const {
        UntaggedImage image{document.digest,         {}, document.squashfs_digest,
                            document.squashfs_bytes, 0,  unknown_tag_};
        for (const record::TagFacts& tag : facts_.tags) {
            if (const auto left = formats::left_at(tag.history, document.digest)) {
                if (*left >= image.since) {
                    image.name = fmt::format("{}:{}", tag.name, tag.tag);
                    image.since = *left;
                }
            }
        }
        struct stat status {};
        if (image.name.empty() &&
            fstatat(store_.directory(), sys::document_path(document.digest).c_str(), &status,
                    AT_SYMLINK_NOFOLLOW) == 0) {
            image.since = status.st_mtim.tv_sec;  // its import was killed before it got a tag
        }
        if (image.kept.empty() && now_ - image.since < request_.older_than) {
            image.kept =
                fmt::format("without a tag for {} only",
                            formats::human_duration(std::max<std::int64_t>(now_ - image.since, 0)));
        }
        return image;
    }

    Result<> keep_what_is_needed() {
        if (std::ranges::none_of(garbage_.images,
                                 [](const UntaggedImage& image) { return image.kept.empty(); })) {
            return {};  // nothing to ask about
        }
        for (const std::vector<std::string>& cluster : request_.clusters) {
            const auto uses = ask(cluster);
            if (!uses) {
                Error error = uses.error();
                error.what = "Slurm cannot be asked which images its jobs need: " + error.what;
                error.hint += error.hint.empty() ? "" : "; ";
                error.hint += "--without-slurm is for stores that no job uses";
                return tl::unexpected<Error>(std::move(error));
            }
            for (UntaggedImage& image : garbage_.images) {
                keep(image, *uses);
            }
        }
        return {};
    }

    Result<record::ImageUses> ask(const std::vector<std::string>& cluster) const {
        if (!request_.private_store) {
            TRY(check_sees_all_jobs(cluster, kSeconds));
        }
        return record::find_uses(TRY(load_queue(cluster, kSeconds)), facts_, kMargin);
    }

    static void keep(UntaggedImage& image, const record::ImageUses& uses) {
        if (!image.kept.empty()) {
            return;
        }
        if (const auto users = uses.users.find(image.digest); users != uses.users.end()) {
            std::string jobs;
            for (std::size_t i = 0; i < std::min(users->second.size(), kShownJobs); ++i) {
                jobs += fmt::format("{}{} of {}", i == 0 ? "" : ", ", users->second[i].job,
                                    users->second[i].user);
            }
            if (users->second.size() > kShownJobs) {
                jobs += fmt::format(" and {} more", users->second.size() - kShownJobs);
            }
            image.kept =
                fmt::format("needed by job{} {}", users->second.size() == 1 ? "" : "s", jobs);
        } else if (!uses.doubtful.empty()) {
            image.kept = fmt::format("job {} ran more images than its record has room for",
                                     uses.doubtful.front());
        }
    }

    /// What goes with the documents, and what killed imports left.
    Result<> count_files() {
        std::set<std::string> removed;
        std::map<std::string, std::uint64_t> going;
        for (const UntaggedImage& image : garbage_.images) {
            if (image.kept.empty()) {
                removed.insert(image.digest);
                going[image.file] = image.bytes;
            }
        }
        for (const record::StoredImageFacts& image : facts_.images) {
            if (!removed.contains(image.digest)) {
                going.erase(image.squashfs_digest);
            }
        }
        for (const auto& [file, bytes] : going) {
            garbage_.freed += bytes;
        }
        for (const sys::OrphanFile& orphan : TRY(sys::find_orphans(store_))) {
            if (!going.contains("sha256:" + orphan.path.substr(orphan.path.rfind('/') + 1))) {
                garbage_.freed += orphan.bytes;
                ++garbage_.orphans;
            }
        }
        return {};
    }

    const GarbageRequest& request_;
    const sys::ImageStore& store_;
    std::int64_t now_;
    record::StoreFacts facts_;
    std::string unknown_tag_;
    Garbage garbage_;
};

/// A layer that goes is fetched again by the next pull that needs it: no image does.
Result<> clean_layers(const GarbageRequest& request, Garbage& garbage) {
    for (const std::string& path : request.layers) {
        if (access(path.c_str(), F_OK) != 0) {
            continue;  // nothing was pulled
        }
        const auto cache = TRY(sys::LayerCache::open(path, true));
        const auto unused = TRY(cache.remove_unused(request.older_than, request.dry_run));
        garbage.layers += unused.blobs;
        garbage.freed += unused.bytes;
    }
    return {};
}

}  // namespace

Result<Garbage> collect_garbage(const GarbageRequest& request) {
    const sys::ImageStore store = TRY(sys::open_existing(request.store));
    sys::Fd lock;
    if (!request.dry_run) {
        lock = TRY(sys::lock_store(store));
        sys::sweep_staging(store);
    }
    Garbage garbage = TRY(Collector(request, store).run());
    TRY(clean_layers(request, garbage));
    return garbage;
}

}  // namespace lading::app
