// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/import_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/app/image_file.hpp"
#include "core/app/source_reader.hpp"
#include "core/formats/squashfs_header.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/child.hpp"
#include "core/sys/directory_walk.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

constexpr const char* kKinds =
    "lading imports directories, tar archives, squashfs files, SIFs, OCI layouts and what podman "
    "and docker save";

sys::Fd open_source(const std::string& path) {
    return sys::Fd(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

/// A temporary file that the reader, who is nobody, may open by its name in /proc as well.
Result<sys::Fd> readers_file(const sys::Staging& staging) {
    sys::Fd file = TRY(staging.temporary_file());
    if (geteuid() == 0 && fchown(file.get(), sys::kNobody, sys::kNogroup) != 0) {
        return sys::fail_errno(Code::system, "cannot hand on a temporary file");
    }
    return file;
}

/// The source and the reference behind it.  A path may have colons of its own, so the longest one
/// that exists is it.
struct Located {
    sys::Fd file;
    std::string path;
    std::string reference;
};

Result<Located> locate(const std::string& source) {
    sys::Fd whole = open_source(source);
    const int error = errno;
    if (whole.valid()) {
        return Located{std::move(whole), source, {}};
    }
    for (std::size_t colon = source.rfind(':'); colon != std::string::npos && colon > 0;
         colon = source.rfind(':', colon - 1)) {
        const std::string path = source.substr(0, colon);
        if (sys::Fd file = open_source(path); file.valid()) {
            return Located{std::move(file), path, source.substr(colon + 1)};
        }
    }
    errno = error;
    return sys::fail_errno(error == ENOENT || error == ENOTDIR ? Code::not_found : Code::refused,
                           fmt::format("cannot open {}", source),
                           error == ENOENT ? "check the path; images of registries come by way of "
                                             "`lading pull`"
                                           : "");
}

}  // namespace

ImportSource::Kind ImportSource::directory_kind(int directory) {
    if (sys::open_beneath(directory, "oci-layout", O_PATH).valid() &&
        sys::open_beneath(directory, "index.json", O_PATH).valid()) {
        return Kind::layout;
    }
    constexpr std::string_view kFlat = "Directory Transport Version: 1.";
    const sys::Fd version = sys::open_beneath(directory, "version", O_RDONLY | O_NONBLOCK);
    return version.valid() && sys::read_start(version.get(), kFlat.size()) == kFlat
               ? Kind::flat
               : Kind::directory;
}

Result<ImportSource> ImportSource::open(const std::string& source) {
    Located located = TRY(locate(source));
    struct stat status {};
    if (fstat(located.file.get(), &status) != 0) {
        return sys::fail_errno(Code::system, fmt::format("cannot read {}", located.path));
    }
    Kind kind = Kind::archive;
    if (S_ISDIR(status.st_mode)) {
        kind = directory_kind(located.file.get());
    } else if (!S_ISREG(status.st_mode)) {
        return fail(Code::usage, fmt::format("{} is neither a file nor a directory", located.path),
                    kKinds);
    } else {
        std::array<char, formats::kSquashfsHeaderBytes> start{};
        const ssize_t got = pread(located.file.get(), start.data(), start.size(), 0);
        const std::string_view bytes(start.data(),
                                     static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (bytes.empty()) {
            return fail(Code::bad_image, fmt::format("{} is empty", located.path), kKinds);
        }
        if (formats::looks_like_squashfs(bytes)) {
            TRY(formats::parse_squashfs_header(bytes, static_cast<std::uint64_t>(status.st_size),
                                               located.path));
            kind = Kind::squashfs;
        } else if (is_sif(located.file.get())) {
            kind = Kind::sif;
        }
    }
    if (!located.reference.empty() && kind != Kind::layout && kind != Kind::archive) {
        return fail(Code::usage, fmt::format("{} holds no images of which '{}' could be one",
                                             located.path, located.reference));
    }
    return ImportSource(kind, std::move(located.file), std::move(located.path),
                        std::move(located.reference));
}

Result<> ImportSource::add_blobs(const std::string& path) {
    blobs_ = sys::Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return blobs_.valid() ? Result<>()
                          : sys::fail_errno(Code::system, fmt::format("cannot open {}", path));
}

Result<ImportSource> ImportSource::of_squashfs(sys::Fd file, std::string name) {
    struct stat status {};
    if (fstat(file.get(), &status) != 0) {
        return sys::fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    TRY(formats::parse_squashfs_header(sys::read_start(file.get(), formats::kSquashfsHeaderBytes),
                                       static_cast<std::uint64_t>(status.st_size), name));
    return ImportSource(Kind::squashfs, std::move(file), std::move(name), {});
}

Result<SourceFacts> ImportSource::read(ImageFeed& feed, const sys::Staging& staging,
                                       const std::string& architecture, bool insist) {
    if (kind_ != Kind::directory) {
        return read_by_child(feed, staging, architecture, insist);
    }
    // Walking a tree parses nothing, and needs the caller's rights all the way.
    TRY(sys::walk_directory(
        file_.get(), path_,
        {.entry = [&feed](const formats::LayerEntry& entry) { return feed.entry(entry); },
         .content = [&feed](std::string_view bytes) { return feed.content(bytes); }}));
    if (feed.entries() <= 1) {
        return fail(Code::bad_image, fmt::format("the directory {} is empty", path_), kKinds);
    }
    return SourceFacts{};
}

/// sqfs2tar opens the file by name, as nobody: one that others may not read is copied first.
Result<> ImportSource::make_readable(const sys::Staging& staging) {
    struct stat status {};
    if (kind_ != Kind::squashfs || geteuid() != 0 || fstat(file_.get(), &status) != 0 ||
        (status.st_mode & S_IROTH) != 0) {
        return {};
    }
    const sys::Fd copy = TRY(readers_file(staging));
    TRY(sys::copy_extent(file_.get(), 0, static_cast<std::uint64_t>(status.st_size), copy.get(),
                         path_));
    // Opened again, read-only, so that nobody cannot change it between the two readings.
    file_ =
        sys::Fd(::open(fmt::format("/proc/self/fd/{}", copy.get()).c_str(), O_RDONLY | O_CLOEXEC));
    return file_.valid() ? Result<>()
                         : sys::fail_errno(Code::system, fmt::format("cannot read {}", path_));
}

/// The files of a layout that its reader may ask for, and no others.
Result<sys::Fd> ImportSource::open_member(const std::string& name) const {
    const std::string_view blobs = kind_ == Kind::layout ? "blobs/sha256/" : "";
    const bool blob = name.starts_with(blobs) && is_digest("sha256:" + name.substr(blobs.size()));
    const bool index = kind_ == Kind::layout ? name == "oci-layout" || name == "index.json"
                                             : name == "manifest.json";
    if (!has_members() || (!blob && !index)) {
        return fail(Code::internal,
                    "the reader of the layout asked for a file that is not its own");
    }
    constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
    sys::Fd file = sys::open_beneath(file_.get(), name, kFlags);
    if (!file.valid() && errno == ENOENT && blob && blobs_.valid()) {
        file =
            sys::open_beneath(blobs_.get(), name.substr(std::string_view("blobs/").size()), kFlags);
    }
    struct stat status {};
    if (!file.valid() || fstat(file.get(), &status) != 0) {
        return sys::fail_errno(errno == ENOENT ? Code::bad_image : Code::refused,
                               fmt::format("cannot open {}/{}", path_, name),
                               errno == ENOENT  ? "the layout is not complete: copy it again"
                               : errno == ELOOP ? "lading follows no symbolic links inside a layout"
                                                : "");
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(Code::bad_image, fmt::format("{}/{} is not a regular file", path_, name));
    }
    return file;
}

Result<> ImportSource::answer(const ReceivedPart& question, int socket,
                              const sys::Staging& staging) const {
    auto file = question.part == Part::open ? open_member(question.bytes) : readers_file(staging);
    formats::Fields fields;
    if (!file) {
        formats::add_error(fields, file.error());
        return send_part(socket, Part::answer, formats::encode_fields(fields));
    }
    return send_part(socket, Part::answer, "", {file->get()});
}

Result<SourceFacts> ImportSource::read_by_child(ImageFeed& feed, const sys::Staging& staging,
                                                const std::string& architecture, bool insist) {
    TRY(make_readable(staging));
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    SourceJob job;
    const bool squashfs = kind_ == Kind::squashfs || kind_ == Kind::sif;
    job.kind = squashfs                ? SourceJob::Kind::squashfs
               : kind_ == Kind::layout ? SourceJob::Kind::layout
               : kind_ == Kind::flat   ? SourceJob::Kind::flat
                                       : SourceJob::Kind::archive;
    job.channel = pair.theirs.get();
    job.file = has_members() ? -1 : file_.get();
    job.name = path_;
    job.reference = reference_;
    job.architecture = architecture;
    job.insist = insist;
    const sys::Fd side = kind_ == Kind::squashfs ? open_side_file(path_) : sys::Fd();
    job.side = side.get();
    if (squashfs) {
        job.sqfs2tar = TRY(sys::find_program("sqfs2tar", "squashfs-tools-ng"));
    }
    std::vector<int> keep = {job.channel};
    for (const int file : {job.file, job.side}) {
        if (file >= 0) {
            keep.push_back(file);
        }
    }
    const sys::Child reader =
        TRY(sys::start_unprivileged(keep, [&job] { return read_source(job); }));
    pair.theirs.reset();
    SourceFacts facts;
    for (;;) {
        const ReceivedPart part = TRY(receive_part(pair.ours.get()));
        switch (part.part) {
            case Part::image:
                facts = TRY(decode_facts(part.bytes));
                break;
            case Part::entry:
                TRY(feed.entry(TRY(decode_entry(part.bytes))));
                break;
            case Part::content:
                TRY(feed.content(part.bytes));
                break;
            case Part::open:
            case Part::temporary:
                TRY(answer(part, pair.ours.get(), staging));
                break;
            case Part::end:
                return facts;
            case Part::error:
                TRY(formats::check_error(TRY(formats::decode_fields(part.bytes))));
                [[fallthrough]];
            case Part::answer:
            default:
                return fail(Code::internal, "the reader of the image sent no known message");
        }
    }
}

}  // namespace lading::app
