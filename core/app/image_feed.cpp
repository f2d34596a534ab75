// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_feed.hpp"

#include <algorithm>

#include "core/formats/elf_libc.hpp"
#include "core/formats/layer_tree.hpp"
#include "core/formats/tar_format.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::EntryType;
using formats::LibcFile;

constexpr std::size_t kWriteBytes = 256U << 10;
constexpr std::uint64_t kMaxLibcBytes = 16U << 20;  // glibc 2.36: 2 MiB
constexpr std::size_t kMaxLibcs = 8;
constexpr std::size_t kStartBytes = 64;
constexpr std::size_t kMaxStarts = 64;

bool is_program(const formats::LayerEntry& entry) {
    return entry.type == EntryType::file && (entry.mode & 0111) != 0 &&
           (entry.path.starts_with("bin/") || entry.path.starts_with("usr/bin/"));
}

bool is_tool_file(const formats::LayerEntry& entry) {
    return entry.type == EntryType::file && entry.size <= formats::kMaxToolFileBytes &&
           std::ranges::find(formats::kToolFiles, entry.path) != std::end(formats::kToolFiles);
}

}  // namespace

Result<> ImageFeed::flush() {
    auto written = sys::write_all(tar_.get(), waiting_, "the image");
    broken_ = !written;
    waiting_.clear();
    return written;
}

Result<> ImageFeed::write(std::string_view bytes) {
    waiting_ += bytes;
    return waiting_.size() < kWriteBytes ? Result<>() : flush();
}

Result<> ImageFeed::entry(const formats::LayerEntry& entry) {
    if (left_ != 0 || ++entries_ > formats::kMaxEntries ||
        entry.size > formats::kMaxContentBytes - bytes_) {
        return fail(Code::bad_image, "the image has more members or bytes than lading imports");
    }
    capture_ = nullptr;
    if (entry.type == EntryType::file) {
        bytes_ += entry.size;
        left_ = entry.size;
        padding_ = formats::tar_padding(entry.size);
    }
    const LibcFile libc = formats::libc_file(entry.path);
    evidence_.musl = evidence_.musl || libc == LibcFile::musl;
    if (libc == LibcFile::glibc && entry.type == EntryType::file && entry.size <= kMaxLibcBytes &&
        evidence_.libcs.size() < kMaxLibcs) {
        capture_ = &evidence_.libcs.emplace_back(entry.path, std::string()).second;
        capture_limit_ = static_cast<std::size_t>(entry.size);
    } else if (is_tool_file(entry)) {
        capture_ = &evidence_.tool_files[entry.path];
        capture_limit_ = static_cast<std::size_t>(entry.size);
    } else if (is_program(entry) && evidence_.program_starts.size() < kMaxStarts) {
        capture_ = &evidence_.program_starts.emplace_back();
        capture_limit_ = kStartBytes;
    }
    if (indexer_ != nullptr) {
        TRY(indexer_->entry(entry));
    }
    return write(formats::format_tar_entry(entry));
}

Result<> ImageFeed::content(std::string_view bytes) {
    if (bytes.size() > left_) {
        return fail(Code::bad_image, "the image has a file with more content than it announced");
    }
    if (capture_ != nullptr) {
        capture_->append(
            bytes.substr(0, capture_limit_ - std::min(capture_limit_, capture_->size())));
    }
    if (indexer_ != nullptr) {
        TRY(indexer_->content(bytes));
    }
    TRY(write(bytes));
    left_ -= bytes.size();
    if (left_ == 0) {
        TRY(write(std::string(static_cast<std::size_t>(padding_), '\0')));
        if (progress_) {
            progress_(bytes_);
        }
    }
    return {};
}

Result<> ImageFeed::finish() {
    if (left_ != 0) {
        return fail(Code::bad_image, "the image has a file with less content than it announced");
    }
    waiting_.append(2 * formats::kTarBlock, '\0');
    TRY(flush());
    tar_.reset();
    return {};
}

}  // namespace lading::app
