// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/store_history.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iterator>

#include "core/sys/file.hpp"
#include "core/sys/store_files.hpp"

namespace lading::sys {
namespace {

using formats::TagHistory;

constexpr const char* kTop = "history";

std::string history_path(const TagName& tag) {
    return fmt::format("{}/{}/:{}", kTop, tag.name, tag.tag);
}

Result<TagHistory> read_file_of(const ImageStore& store, const TagName& tag) {
    const std::string relative = history_path(tag);
    const Fd file = open_beneath(store.directory(), relative, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file.valid() && errno == ENOENT) {
        return TagHistory();
    }
    const std::string shown = store.path() + '/' + relative;
    if (!file.valid()) {
        return fail_errno(Code::system, fmt::format("cannot open {}", shown));
    }
    auto history =
        formats::parse_tag_history(TRY(read_all(file.get(), formats::kTagHistoryBytes, shown)));
    if (!history) {
        return fail(Code::bad_image, fmt::format("{}: {}", shown, history.error().what),
                    "remove it if no job waits that was submitted with this tag");
    }
    return history;
}

}  // namespace

Result<TagHistory> read_history(const ImageStore& store, const TagName& tag) {
    TagHistory history = TRY(read_file_of(store, tag));
    const auto digest = store.digest_of(tag.name, tag.tag);
    struct stat status {};
    if (digest && fstatat(store.directory(), tag_path(tag.name, tag.tag).c_str(), &status,
                          AT_SYMLINK_NOFOLLOW) == 0) {
        formats::add_event(history, {status.st_mtim.tv_sec, *digest});
    } else if (!digest && (digest.error().failure == StoreFailure::tag_unknown ||
                           digest.error().failure == StoreFailure::name_unknown)) {
        formats::add_event(history, {std::time(nullptr), ""});
    }
    return history;
}

Result<std::vector<TagPast>> read_histories(const ImageStore& store) {
    const std::vector<TagName> present = TRY(store.tag_names("tags"));
    const std::vector<TagName> past = TRY(store.tag_names(kTop));
    std::vector<TagName> names;
    std::ranges::set_union(present, past, std::back_inserter(names));
    std::vector<TagPast> histories;
    for (const TagName& tag : names) {
        histories.push_back({tag.name, tag.tag, TRY(read_history(store, tag))});
    }
    return histories;
}

Result<> write_history(const ImageStore& store, const TagName& tag, const TagHistory& history) {
    if (history.empty()) {
        remove_file(store, history_path(tag));
        prune_name_directories(store, kTop, tag.name);
        return {};
    }
    // A store that an older lading made has no such directory.
    TRY(make_directory(store, kTop));
    TRY(make_name_directories(store, kTop, tag.name));
    return write_durably(store, history_path(tag), formats::format_tag_history(history));
}

Result<> prune_histories(const ImageStore& store, const std::set<std::string>& known) {
    for (const TagPast& past : TRY(read_histories(store))) {
        const TagName tag{past.name, past.tag};
        const TagHistory pruned = formats::prune_history(past.history, known);
        if (pruned != TRY(read_file_of(store, tag))) {
            TRY(write_history(store, tag, pruned));
        }
    }
    return {};
}

}  // namespace lading::sys
