// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/check_image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/app/describe_image.hpp"
#include "core/app/find_image.hpp"
#include "core/app/import_source.hpp"
#include "core/app/index_cache.hpp"
#include "core/app/judge_compatibility.hpp"
#include "core/app/usable_index.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/mapped_file.hpp"
#include "core/sys/unprivileged.hpp"
#include "core/sys/user.hpp"

namespace lading::app {
namespace {

/// A directory that is removed with the object.
class TemporaryDirectory {
  public:
    static Result<TemporaryDirectory> make() {
        const char* const base = std::getenv("TMPDIR");
        std::string path =
            fmt::format("{}/lading-check.XXXXXX", base != nullptr && *base == '/' ? base : "/tmp");
        if (mkdtemp(path.data()) == nullptr) {
            return sys::fail_errno(Code::system, fmt::format("cannot make {}", path));
        }
        return TemporaryDirectory(std::move(path));
    }
    TemporaryDirectory(TemporaryDirectory&& other) noexcept
        : path_(std::exchange(other.path_, {})) {}
    TemporaryDirectory& operator=(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory() {
        std::error_code ignored;
        if (!path_.empty()) {
            std::filesystem::remove_all(path_, ignored);
        }
    }
    const std::string& path() const { return path_; }

  private:
    explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

/// A squashfs file that was never imported is read as an import would, and thrown away.
Result<sys::Fd> index_squashfs(const std::string& path) {
    const TemporaryDirectory directory = TRY(TemporaryDirectory::make());
    const sys::Staging staging = TRY(sys::Staging::open(directory.path()));
    sys::Fd index = TRY(staging.temporary_file());
    ImageIndexer indexer =
        TRY(ImageIndexer::start(staging, sys::Fd(fcntl(index.get(), F_DUPFD_CLOEXEC, 0))));
    ImageFeed feed(sys::Fd(open("/dev/null", O_WRONLY | O_CLOEXEC)), &indexer);
    ImportSource source = TRY(ImportSource::open(path));
    TRY(source.read(feed, staging, "", false).map([](const SourceFacts&) {}));
    TRY(feed.finish());
    TRY(indexer.finish());
    return index;
}

Result<sys::Fd> find_index(FoundImage& found, const std::string& home) {
    if (found.kind == ImageFacts::Kind::directory) {
        // Whether it holds still, and else the directory, is the child's to read.
        return open_cached_index(cached_index_path(home, found.file.get()));
    }
    if (is_current_index(found.index)) {
        return std::move(found.index);
    }
    const std::string kept = cached_index_path(home, found.file.get());
    if (sys::Fd index = open_cached_index(kept); is_current_index(index)) {
        return index;
    }
    sys::Fd index = TRY(index_squashfs(found.origin.value));
    if (!kept.empty()) {
        const sys::MappedFile fresh = TRY(sys::MappedFile::open(index.get(), "the index"));
        static_cast<void>(keep_index(kept, fresh.bytes()));  // else it is made again next time
    }
    return index;
}

/// In the child: the index, or the directory, holds hostile bytes.
Result<formats::Fields> judge(const JudgeQuestion& question, const sys::Fd& stored,
                              const FoundImage& image, const compat::HostSide& host) {
    const UsableIndex index =
        TRY(UsableIndex::open(stored.valid() ? stored.get() : -1, image.file.get(),
                              image.kind == ImageFacts::Kind::directory));
    formats::Fields fields;
    fields.add("injection",
               format_injection(TRY(judge_compatibility(question, index.bytes(), host))));
    fields.add("index", index.keep);
    return fields;
}

Result<Injection> judge_by_child(const JudgeQuestion& question, const sys::Fd& index,
                                 const FoundImage& image, const compat::HostSide& host,
                                 const std::string& home) {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    std::vector<int> keep{pair.theirs.get(), image.file.get()};
    if (index.valid()) {
        keep.push_back(index.get());
    }
    sys::Child child = TRY(sys::start_unprivileged(keep, [&] {
        formats::Fields fields;
        if (auto judged = judge(question, index, image, host)) {
            fields = std::move(*judged);
        } else {
            formats::add_error(fields, judged.error());
        }
        return sys::send_message(pair.theirs.get(), formats::encode_fields(fields)) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    const std::string path = cached_index_path(home, image.file.get());
    if (const std::string_view fresh = fields.get("index"); !fresh.empty() && !path.empty()) {
        static_cast<void>(keep_index(path, fresh));  // else it is made again next time
    }
    return parse_injection(fields.get("injection"));
}

/// As root will judge on the node, with this host's eyes.
void judge_mount(const FoundImage& found, const SiteConfig& site, const std::string& home,
                 ImageFacts& image) {
    if (found.store.empty()) {
        image.mount_by = site.path_images_by;
        return;
    }
    const auto configured = std::ranges::find_if(site.stores, [&](const StoreConfig& store) {
        return store_path(store, home) == found.store;
    });
    const auto store = sys::ImageStore::open(found.store);
    if (configured != site.stores.end() && store) {
        image.mount_by = configured->mount_by;
        image.kernel_may_parse = store->only_trusted_write(found.file);
    }
}

Result<HostFacts> facts_of_caller(const CheckOrder& order) {
    HostFacts host = TRY(sys::probe_host());
    host.user = TRY(sys::look_up_user(geteuid(), getegid(), {}));
    host.step.working_directory = order.working_directory;
    host.step.environment = order.environment;
    host.step.argv = order.programs;
    return host;
}

}  // namespace

Result<CheckedImage> check_image(const CheckOrder& order) {
    CheckedImage checked;
    checked.host = TRY(facts_of_caller(order));
    FoundImage found = TRY(find_image(order.request.image, order.site, checked.host.user.home));
    checked.image.reference = order.request.text;
    checked.image.kind = found.kind;
    checked.image.origin = found.origin;
    if (found.document) {
        checked.image.document = *found.document;
    } else {
        checked.image.document.config = TRY(describe_image(found));
    }
    judge_mount(found, order.site, checked.host.user.home, checked.image);
    checked.plan = TRY(plan_step(order.request, checked.image, checked.host, order.site));
    const HostStacks stacks = TRY(
        HostStacks::load(order.site, checked.host.architecture, {false, checked.host.user.home}));
    checked.any_profile = !stacks.empty();
    JudgeQuestion question =
        judge_question(order.request, order.site, checked.image, checked.host, checked.plan);
    question.programs = order.programs;
    question.insist = true;
    const sys::Fd index = TRY(find_index(found, checked.host.user.home));
    compat::HostSide side = stacks.side();
    side.isa_level = order.isa_level.value_or(side.isa_level);
    checked.injection = TRY(judge_by_child(question, index, found, side, checked.host.user.home));
    add_injection(checked.injection, order.request, checked.plan);
    return checked;
}

}  // namespace lading::app
