// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_indexer.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/app/index_root.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

using formats::EntryType;
using formats::Fields;

constexpr std::size_t kLinksAtOnce = 500;
/// Larger than any library: what is larger is no ELF file that a loader maps.
constexpr std::uint64_t kMostBytes = 8ULL << 30;
/// As much as the kernel reads of a script.
constexpr std::uint64_t kScriptBytes = 256;

/// In the child: one message a file, answered when it has been read, so that its place is free.
Result<> serve(int socket, int file, int index) {
    formats::ElfIndexBuilder builder;
    for (;;) {
        const sys::Message message = TRY(sys::receive_message(socket, 0));
        const Fields fields = TRY(formats::decode_fields(message.bytes));
        const std::vector<std::string> links = fields.all("link");
        const std::vector<std::string> targets = fields.all("target");
        for (std::size_t i = 0; i < std::min(links.size(), targets.size()); ++i) {
            builder.add_link(links[i], targets[i]);
        }
        const std::string path(fields.get("path"));
        if (!path.empty()) {
            if (const auto mapped = sys::MappedFile::open(file, path)) {
                if (path == kLoaderCachePath) {
                    index_loader_cache(builder, mapped->bytes());
                } else {
                    index_file(builder, path, fields.number("executable") != 0, mapped->bytes());
                }
            }
        }
        if (fields.number("end") != 0) {
            TRY(sys::write_all(index, std::move(builder).finish(), "the image's index"));
        }
        TRY(sys::send_message(socket, formats::encode_fields({})));
        if (fields.number("end") != 0) {
            return {};
        }
    }
}

}  // namespace

Result<ImageIndexer> ImageIndexer::start(const sys::Staging& staging, sys::Fd index) {
    sys::Fd file = TRY(staging.temporary_file());
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child =
        TRY(sys::start_unprivileged({pair.theirs.get(), file.get(), index.get()}, [&] {
            return serve(pair.theirs.get(), file.get(), index.get()) ? 0 : 1;
        }));
    return ImageIndexer(std::move(child), std::move(pair.ours), std::move(file));
}

Result<> ImageIndexer::flush_links() {
    if (link_count_ == 0) {
        return {};
    }
    TRY(sys::send_message(socket_.get(), formats::encode_fields(links_)));
    TRY(sys::receive_message(socket_.get(), 0));
    links_ = {};
    link_count_ = 0;
    return {};
}

Result<> ImageIndexer::entry(const formats::LayerEntry& entry) {
    current_ = entry;
    left_ = entry.type == EntryType::file ? entry.size : 0;
    head_.clear();
    decided_ = false;
    wanted_ = false;
    const bool hard = entry.type == EntryType::hardlink;
    if (hard || entry.type == EntryType::symlink) {
        links_.add("link", "/" + entry.path);
        // To the index a second name of a file is as good as a link to it.
        links_.add("target", (hard ? "/" : "") + entry.link);
        if (++link_count_ == kLinksAtOnce) {
            return flush_links();
        }
    }
    return {};
}

Result<> ImageIndexer::content(std::string_view bytes) {
    left_ -= std::min<std::uint64_t>(left_, bytes.size());
    if (!decided_) {
        // Pieces are as small as the archive's compressor left them.
        head_.append(bytes);
        if (head_.size() < SELFMAG && left_ > 0) {
            return {};
        }
        TRY(decide());
    } else if (wanted_) {
        TRY(sys::write_all(file_.get(), bytes, "a temporary file of the image store"));
    }
    return left_ == 0 && wanted_ ? file_done() : Result<>();
}

/// By the file's first bytes.
Result<> ImageIndexer::decide() {
    decided_ = true;
    const bool elf = head_.starts_with(ELFMAG) && current_.size <= kMostBytes;
    const bool script = head_.starts_with("#!") && (current_.mode & 0111) != 0;
    wanted_ = elf || script || "/" + current_.path == kLoaderCachePath;
    if (!wanted_) {
        return {};
    }
    if (ftruncate(file_.get(), 0) != 0 || lseek(file_.get(), 0, SEEK_SET) != 0) {
        return sys::fail_errno(Code::system, "cannot empty a temporary file of the image store");
    }
    const std::string_view first =
        std::string_view(head_).substr(0, script ? kScriptBytes : std::string_view::npos);
    TRY(sys::write_all(file_.get(), first, "a temporary file of the image store"));
    return script ? file_done() : Result<>();  // its first line is all that counts
}

Result<> ImageIndexer::file_done() {
    wanted_ = false;
    Fields fields;
    fields.add("path", "/" + current_.path);
    fields.add("executable", (current_.mode & 0111) != 0 ? 1U : 0U);
    TRY(sys::send_message(socket_.get(), formats::encode_fields(fields)));
    return sys::receive_message(socket_.get(), 0).map([](const sys::Message&) {});
}

Result<> ImageIndexer::finish() {
    TRY(flush_links());
    Fields fields;
    fields.add("end", 1U);
    TRY(sys::send_message(socket_.get(), formats::encode_fields(fields)));
    TRY(sys::receive_message(socket_.get(), 0));
    const int status = TRY(child_.wait());
    return status == 0 ? Result<>()
                       : fail(Code::internal, "the indexer of the image's files ended early");
}

}  // namespace lading::app
