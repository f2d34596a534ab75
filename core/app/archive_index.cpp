// SPDX-License-Identifier: BSD-3-Clause
// Archives of images hold their layers as members: read in place, they need no room on disk.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "core/app/layered_source.hpp"
#include "core/formats/member_path.hpp"
#include "core/formats/tar_format.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::kTarBlock;
using formats::TarHeader;

/// An image has at most some thousand blobs; a root's own archive is never indexed.
constexpr std::size_t kMaxMembers = 100'000;
/// Long names and pax headers of archives of images are short.
constexpr std::uint64_t kMaxExtension = 1U << 20;
constexpr unsigned kMaxLinks = 8;

struct Member {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::string link;  ///< what it stands for instead, from the archive's root; empty: content
};

class ArchiveIndex {
  public:
    ArchiveIndex(std::shared_ptr<sys::Fd> file, std::string name)
        : file_(std::move(file)), name_(std::move(name)) {}

    Result<> read() {
        struct stat status {};
        if (fstat(file_->get(), &status) != 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read {}", name_));
        }
        bytes_ = static_cast<std::uint64_t>(status.st_size);
        std::uint64_t at = 0;
        TarHeader extension;  // what extension headers say about the next member
        while (at < bytes_) {
            const std::string block = TRY(slice(at, kTarBlock));
            if (formats::is_tar_end(block)) {
                return {};
            }
            TarHeader header = TRY(formats::parse_tar_header(block));
            at += kTarBlock;
            if (TRY(take_extension(header, at, extension))) {
                at += header.size + formats::tar_padding(header.size);
                continue;
            }
            TRY(add(header, std::exchange(extension, {}), at));
        }
        return {};
    }

    Result<Blob> open(const std::string& name) const {
        std::string at = name;
        for (unsigned links = 0; links <= kMaxLinks; ++links) {
            const auto found = members_.find(at);
            if (found == members_.end()) {
                return fail(Code::bad_image,
                            fmt::format("{} has no member '{}'", name_, formats::shown_name(at)),
                            "make the archive again: it is not complete");
            }
            if (found->second.link.empty()) {
                return Blob{file_, found->second.offset, found->second.size};
            }
            at = found->second.link;
        }
        return fail(Code::bad_image,
                    fmt::format("{}: '{}' is a link to itself", name_, formats::shown_name(name)));
    }

  private:
    Result<std::string> slice(std::uint64_t offset, std::uint64_t length) const {
        if (length > bytes_ || offset > bytes_ - length) {
            return cut_short();
        }
        std::string bytes(static_cast<std::size_t>(length), '\0');
        ssize_t got = 0;
        do {
            got = pread(file_->get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        } while (got < 0 && errno == EINTR);
        if (got < 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read {}", name_));
        }
        if (static_cast<std::size_t>(got) != bytes.size()) {
            return cut_short();
        }
        return bytes;
    }

    tl::unexpected<Error> cut_short() const {
        return fail(Code::bad_image, fmt::format("{} is cut short", name_), "copy it again");
    }

    /// GNU's long names and pax headers; true where this header was one of them.
    Result<bool> take_extension(const TarHeader& header, std::uint64_t at, TarHeader& extension) {
        if (header.type != 'L' && header.type != 'K' && header.type != 'x' && header.type != 'g') {
            return false;
        }
        if (header.size > kMaxExtension) {
            return fail(Code::bad_image, fmt::format("{} has an oversized tar header", name_));
        }
        const std::string bytes = TRY(slice(at, header.size));
        if (header.type == 'L') {
            extension.name = bytes.substr(0, bytes.find('\0'));
        } else if (header.type == 'K') {
            extension.link = bytes.substr(0, bytes.find('\0'));
        } else if (header.type == 'x') {
            TRY(formats::apply_pax_records(bytes, extension));
        }
        return true;
    }

    Result<> add(TarHeader header, const TarHeader& extension, std::uint64_t& at) {
        header.name = extension.name.empty() ? header.name : extension.name;
        header.link = extension.link.empty() ? header.link : extension.link;
        header.size = extension.size == 0 ? header.size : extension.size;
        const bool file = header.type == '0' || header.type == '7';
        const std::uint64_t size = file ? header.size : 0;
        if (size > bytes_ - at) {
            return cut_short();
        }
        std::string name = TRY(formats::normalise_member_path(header.name));
        Member member{at, size, {}};
        if (header.type == '1') {
            member.link = TRY(formats::normalise_member_path(header.link));
        } else if (header.type == '2') {
            member.link = resolve(name, header.link);
        }
        if (file || !member.link.empty()) {
            members_[std::move(name)] = std::move(member);
        }
        if (members_.size() > kMaxMembers) {
            return fail(Code::bad_image,
                        fmt::format("{} has more than {} members", name_, kMaxMembers));
        }
        at += size + formats::tar_padding(size);
        return {};
    }

    /// docker up to 24 writes a layer that it has already written as `../OTHER/layer.tar`.
    static std::string resolve(const std::string& name, const std::string& target) {
        std::vector<std::string> parts;
        const std::string text =
            target.starts_with('/') ? target : name.substr(0, name.rfind('/') + 1) + target;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = std::min(text.find('/', start), text.size());
            const std::string part = text.substr(start, end - start);
            start = end + 1;
            if (part == ".." && !parts.empty()) {
                parts.pop_back();
            } else if (part != ".." && part != "." && !part.empty()) {
                parts.push_back(part);
            }
        }
        std::string path;
        for (const std::string& part : parts) {
            path += path.empty() ? part : '/' + part;
        }
        return path;
    }

    std::shared_ptr<sys::Fd> file_;
    std::string name_;
    std::uint64_t bytes_ = 0;
    std::map<std::string, Member> members_;
};

}  // namespace

Result<OpenBlob> index_archive(std::shared_ptr<sys::Fd> file, const std::string& name) {
    auto index = std::make_shared<ArchiveIndex>(std::move(file), name);
    TRY(index->read());
    return [index](const std::string& member) { return index->open(member); };
}

}  // namespace lading::app
