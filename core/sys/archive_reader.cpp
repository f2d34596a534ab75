// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/archive_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

using formats::EntryType;
using formats::LayerEntry;

constexpr std::size_t kBufferBytes = 256U << 10;

struct FreeArchive {
    void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};

std::string text_of(const char* text) {
    return text == nullptr ? std::string() : text;
}

std::optional<EntryType> type_of(archive_entry* entry) {
    if (archive_entry_hardlink(entry) != nullptr) {
        return EntryType::hardlink;
    }
    switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
            return EntryType::file;
        case AE_IFDIR:
            return EntryType::directory;
        case AE_IFLNK:
            return EntryType::symlink;
        case AE_IFIFO:
            return EntryType::fifo;
        case AE_IFCHR:
        case AE_IFBLK:
            return EntryType::device;
        default:
            return std::nullopt;
    }
}

void read_xattrs(archive_entry* from, LayerEntry& into) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    archive_entry_xattr_reset(from);
    while (archive_entry_xattr_next(from, &name, &value, &size) == ARCHIVE_OK) {
        into.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
    }
    std::ranges::sort(into.xattrs);
}

}  // namespace

struct ArchiveReader::State {
    ArchiveInput input;
    std::uint64_t position = 0;  ///< within the archive's bytes
    std::vector<char> buffer = std::vector<char>(kBufferBytes);
    std::optional<Sha256> hash;
    int read_errno = 0;
    std::unique_ptr<archive, FreeArchive> handle;

    /// The next bytes of the input; -1 and errno.
    ssize_t fill() {
        const std::uint64_t left = input.size - std::min(input.size, position);
        const std::size_t wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
        ssize_t got = 0;
        do {
            got = input.stream ? read(input.fd, buffer.data(), wanted)
                               : pread(input.fd, buffer.data(), wanted,
                                       static_cast<off_t>(input.offset + position));
        } while (got < 0 && errno == EINTR);
        if (got > 0) {
            position += static_cast<std::uint64_t>(got);
            if (hash) {
                hash->add({buffer.data(), static_cast<std::size_t>(got)});
            }
        }
        return got;
    }

    static la_ssize_t read_callback(archive* handle, void* self, const void** bytes) {
        auto* const state = static_cast<State*>(self);
        const ssize_t got = state->fill();
        if (got < 0) {
            state->read_errno = errno;
            archive_set_error(handle, errno, "read failed");
        }
        *bytes = state->buffer.data();
        return got;
    }

    /// Not to be read is not to be hashed, so a digest forbids it; in a pipe nothing can be
    /// skipped.
    static la_int64_t skip_callback(archive*, void* self, la_int64_t request) {
        auto* const state = static_cast<State*>(self);
        if (state->input.stream || state->hash || request <= 0) {
            return 0;
        }
        const std::uint64_t left = state->input.size - std::min(state->input.size, state->position);
        const auto skipped = std::min(static_cast<std::uint64_t>(request), left);
        state->position += skipped;
        return static_cast<la_int64_t>(skipped);
    }

    /// Is the warning about a name in a pax header that is no UTF-8?  GNU tar writes such names as
    /// they are, and libarchive hands out their bytes.  Any other warning means that something else
    /// would be imported than was packed.
    bool only_odd_name(archive_entry* entry) const {
        const std::string why = text_of(archive_error_string(handle.get()));
        return why.find("can't be converted") != std::string::npos &&
               archive_entry_pathname(entry) != nullptr &&
               (archive_entry_filetype(entry) != AE_IFLNK ||
                archive_entry_symlink(entry) != nullptr);
    }

    tl::unexpected<Error> failure() const {
        if (read_errno != 0) {
            errno = read_errno;
            return fail_errno(Code::system, fmt::format("cannot read {}", input.name));
        }
        const char* const why = archive_error_string(handle.get());
        return fail(Code::bad_image,
                    fmt::format("{} is damaged or no archive that lading reads: {}", input.name,
                                why != nullptr ? why : "unknown format"),
                    "lading imports directories, tar archives, squashfs files, OCI layouts and "
                    "what podman and docker save");
    }
};

ArchiveReader::ArchiveReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;
ArchiveReader::~ArchiveReader() = default;

namespace {

/// Filters that libarchive runs in its own process; those that would start a program are left out.
void support_filters(archive* handle) {
    archive_read_support_filter_gzip(handle);
    archive_read_support_filter_zstd(handle);
    archive_read_support_filter_xz(handle);
    archive_read_support_filter_bzip2(handle);
    archive_read_support_filter_lz4(handle);
    archive_read_support_filter_lzma(handle);
}

}  // namespace

Result<ArchiveReader> ArchiveReader::open(ArchiveInput input) {
    auto state = std::make_unique<State>();
    state->input = std::move(input);
    if (state->input.hash) {
        state->hash = TRY(Sha256::start());
    }
    state->handle.reset(archive_read_new());
    archive* const handle = state->handle.get();
    if (handle == nullptr) {
        return fail(Code::system, "libarchive is out of memory");
    }
    support_filters(handle);
    archive_read_support_format_tar(handle);
    archive_read_support_format_empty(handle);
    // Names are bytes: the caller's locale must not decide which of them can be imported.
    archive_read_set_options(handle, "hdrcharset=BINARY");
    archive_read_set_callback_data(handle, state.get());
    archive_read_set_read_callback(handle, State::read_callback);
    archive_read_set_skip_callback(handle, State::skip_callback);
    if (archive_read_open1(handle) < ARCHIVE_WARN) {
        return state->failure();
    }
    return ArchiveReader(std::move(state));
}

Result<std::optional<LayerEntry>> ArchiveReader::next() {
    for (;;) {
        archive_entry* entry = nullptr;
        const int status = archive_read_next_header(state_->handle.get(), &entry);
        if (status == ARCHIVE_EOF) {
            return std::optional<LayerEntry>();
        }
        if (status == ARCHIVE_RETRY) {
            continue;
        }
        if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && state_->only_odd_name(entry))) {
            return state_->failure();
        }
        const auto type = type_of(entry);
        if (!type) {
            continue;
        }
        LayerEntry read;
        read.path = text_of(archive_entry_pathname(entry));
        read.type = *type;
        read.mode = static_cast<std::uint32_t>(archive_entry_perm(entry)) & 07777;
        read.uid = static_cast<std::uint32_t>(archive_entry_uid(entry));
        read.gid = static_cast<std::uint32_t>(archive_entry_gid(entry));
        read.mtime = archive_entry_mtime(entry);
        if (*type == EntryType::hardlink) {
            read.link = text_of(archive_entry_hardlink(entry));
        } else if (*type == EntryType::symlink) {
            read.link = text_of(archive_entry_symlink(entry));
        } else if (*type == EntryType::file) {
            read.size =
                static_cast<std::uint64_t>(std::max<la_int64_t>(0, archive_entry_size(entry)));
        }
        read_xattrs(entry, read);
        return read;
    }
}

Result<> ArchiveReader::content(std::uint64_t size, const Sink& sink) {
    static const std::string kHole(64U << 10, '\0');
    std::uint64_t done = 0;
    const auto fill_to = [&](std::uint64_t offset) -> Result<> {
        while (done < offset) {
            const auto part = std::min<std::uint64_t>(offset - done, kHole.size());
            TRY(sink(std::string_view(kHole).substr(0, static_cast<std::size_t>(part))));
            done += part;
        }
        return {};
    };
    for (;;) {
        const void* bytes = nullptr;
        std::size_t length = 0;
        la_int64_t offset = 0;
        const int status = archive_read_data_block(state_->handle.get(), &bytes, &length, &offset);
        if (status == ARCHIVE_EOF) {
            return fill_to(size);
        }
        if (status != ARCHIVE_OK) {
            return state_->failure();
        }
        const auto start = static_cast<std::uint64_t>(offset);
        if (offset < 0 || start < done || start > size || length > size - start) {
            return fail(Code::bad_image, fmt::format("{} has a member whose content does not fit "
                                                     "its size",
                                                     state_->input.name));
        }
        TRY(fill_to(start));
        TRY(sink({static_cast<const char*>(bytes), length}));
        done += length;
    }
}

Result<std::string> ArchiveReader::finish() {
    ssize_t got = 0;
    do {
        got = state_->fill();
    } while (got > 0);
    if (got < 0) {
        return fail_errno(Code::system, fmt::format("cannot read {}", state_->input.name));
    }
    return state_->hash ? state_->hash->digest() : Result<std::string>(std::string());
}

Result<> decompress(const ArchiveInput& input, const ArchiveReader::Sink& sink) {
    std::unique_ptr<archive, FreeArchive> handle(archive_read_new());
    if (!handle) {
        return fail(Code::system, "libarchive is out of memory");
    }
    support_filters(handle.get());
    archive_read_support_format_raw(handle.get());
    archive_entry* entry = nullptr;
    const auto failure = [&] {
        const char* const why = archive_error_string(handle.get());
        return fail(Code::bad_image, fmt::format("cannot decompress {}: {}", input.name,
                                                 why != nullptr ? why : "damaged"));
    };
    if (archive_read_open_fd(handle.get(), input.fd, kBufferBytes) != ARCHIVE_OK ||
        archive_read_next_header(handle.get(), &entry) != ARCHIVE_OK) {
        return failure();
    }
    std::vector<char> buffer(kBufferBytes);
    for (;;) {
        const la_ssize_t got = archive_read_data(handle.get(), buffer.data(), buffer.size());
        if (got < 0) {
            return failure();
        }
        if (got == 0) {
            return {};
        }
        TRY(sink({buffer.data(), static_cast<std::size_t>(got)}));
    }
}

}  // namespace lading::sys
