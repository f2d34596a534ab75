// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/source_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstring>
#include <optional>
#include <utility>

#include "core/app/image_file.hpp"
#include "core/app/layered_source.hpp"
#include "core/formats/layer_tree.hpp"
#include "core/formats/member_path.hpp"
#include "core/formats/tar_format.hpp"
#include "core/sys/archive_reader.hpp"
#include "core/sys/child.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::EntryPlace;
using formats::EntryType;
using formats::FlatImage;
using formats::LayerEntry;
using formats::LayerTree;
using sys::ArchiveReader;

constexpr std::size_t kContentBytes = 256U << 10;

/// Holes and zeros cost who makes them nothing, and who reads them time: beyond some GiB an image
/// holds no more than this many times the bytes that it takes itself.
constexpr std::uint64_t kUnquestionedBytes = 8ULL << 30;
constexpr std::uint64_t kMaxRatio = 1024;

/// What the layers really take on disk, whatever they say of their size.
std::uint64_t bytes_held(const LayeredSource& source) {
    std::uint64_t bytes = 0;
    for (const Layer& layer : source.layers) {
        struct stat status {};
        if (fstat(layer.blob.file->get(), &status) == 0) {
            bytes += std::min(layer.blob.size, static_cast<std::uint64_t>(status.st_blocks) * 512);
        }
    }
    return bytes;
}

/// sqfs2tar at work: a squashfs source is one layer, which it writes into a pipe.
struct Converter {
    sys::Child child;
    sys::Fd pipe;
    sys::Fd messages;
};

class SourceReader {
  public:
    explicit SourceReader(const SourceJob& job)
        : job_(job), file_(std::make_shared<sys::Fd>(job.file)) {}

    Result<> run() {
        LayeredSource source;
        LayerTree tree;
        if (job_.kind == SourceJob::Kind::layout) {
            source = TRY(
                find_oci_image([this](const std::string& name) { return ask(name); }, choice()));
        } else if (job_.kind == SourceJob::Kind::flat) {
            source = TRY(
                find_flat_image([this](const std::string& name) { return ask(name); }, choice()));
        } else if (job_.kind == SourceJob::Kind::squashfs) {
            source = TRY(read_squashfs());
        } else {
            source.layers.push_back({{file_, 0, UINT64_MAX}, "", job_.name});
        }
        TRY(read_entries(source, tree));
        if (job_.kind == SourceJob::Kind::archive) {
            if (auto inner = TRY(find_inner_image(tree))) {
                source = std::move(*inner);
                tree = LayerTree();
                TRY(read_entries(source, tree));
            }
        }
        const FlatImage image = tree.flatten();
        TRY(send_part(job_.channel, Part::image, encode_facts(source.facts)));
        for (const LayerEntry& entry : image.entries) {
            TRY(send_part(job_.channel, Part::entry, encode_entry(entry)));
        }
        TRY(send_files(source, image));
        return send_part(job_.channel, Part::end);
    }

  private:
    ImageChoice choice() const { return {job_.reference, job_.architecture, job_.insist}; }

    Result<sys::Fd> ask_for(Part part, const std::string& name) {
        TRY(send_part(job_.channel, part, name));
        ReceivedPart answer = TRY(receive_part(job_.channel));
        TRY(formats::check_error(TRY(formats::decode_fields(answer.bytes))));
        if (answer.descriptors.size() != 1) {
            return fail(Code::internal, "the importer sent no file");
        }
        return std::move(answer.descriptors.front());
    }

    Result<Blob> ask(const std::string& name) {
        auto file = std::make_shared<sys::Fd>(TRY(ask_for(Part::open, name)));
        struct stat status {};
        if (fstat(file->get(), &status) != 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read {}", name));
        }
        return Blob{std::move(file), 0, static_cast<std::uint64_t>(status.st_size)};
    }

    /// An archive of an image looks like one of a root until its members are known: docker writes
    /// its manifest.json last.
    Result<std::optional<LayeredSource>> find_inner_image(const LayerTree& tree) {
        const bool root = tree.has("usr") || tree.has("bin") || tree.has("etc");
        const bool oci = !root && tree.has_file("oci-layout") && tree.has_file("index.json");
        const bool docker = !root && tree.has_file("manifest.json");
        if (!oci && !docker) {
            if (!job_.reference.empty()) {
                return fail(Code::usage,
                            fmt::format("{} holds no images of which '{}' could be one", job_.name,
                                        job_.reference));
            }
            return std::optional<LayeredSource>();
        }
        const OpenBlob open = TRY(index_archive(TRY(plain_archive()), job_.name));
        return std::optional(oci ? TRY(find_oci_image(open, choice()))
                                 : TRY(find_docker_image(open, choice())));
    }

    /// The archive itself where it is not compressed; else decompressed, because its members are
    /// read in place.
    Result<std::shared_ptr<sys::Fd>> plain_archive() {
        std::string block(formats::kTarBlock, '\0');
        if (pread(file_->get(), block.data(), block.size(), 0) ==
                static_cast<ssize_t>(block.size()) &&
            formats::parse_tar_header(block)) {
            return file_;
        }
        auto plain = std::make_shared<sys::Fd>(TRY(ask_for(Part::temporary, "")));
        std::uint64_t bytes = 0;
        lseek(file_->get(), 0, SEEK_SET);
        TRY(sys::decompress(
            {.fd = file_->get(), .name = job_.name}, [&](std::string_view piece) -> Result<> {
                bytes += piece.size();
                if (bytes > formats::kMaxContentBytes) {
                    return fail(Code::bad_image,
                                fmt::format("{} decompresses to more than {} GiB", job_.name,
                                            formats::kMaxContentBytes >> 30));
                }
                return sys::write_all(plain->get(), piece, "a temporary file");
            }));
        return plain;
    }

    /// sqfs2tar reads whole files: what lies within a SIF is copied.
    Result<LayeredSource> read_squashfs() {
        const ImageFile image = TRY(read_image_file(file_->get(), job_.side, job_.name));
        std::shared_ptr<sys::Fd> file = file_;
        if (image.squashfs.offset != 0) {
            file = std::make_shared<sys::Fd>(TRY(ask_for(Part::temporary, "")));
            TRY(sys::copy_extent(file_->get(), image.squashfs.offset, image.squashfs.bytes,
                                 file->get(), job_.name));
        }
        LayeredSource source;
        source.facts.config = image.config;
        source.layers.push_back({{std::move(file), 0, UINT64_MAX}, "", job_.name});
        return source;
    }

    Result<std::optional<Converter>> start_converter(const Layer& layer) {
        if (job_.kind != SourceJob::Kind::squashfs) {
            return std::optional<Converter>();
        }
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            return sys::fail_errno(Code::system, "cannot make a pipe");
        }
        sys::Fd from(ends[0]);
        const sys::Fd to(ends[1]);  // closed on return, or the pipe would have no end
        sys::Fd messages = TRY(sys::message_file());
        // By its descriptor: the file's own directories may be closed to nobody.  `.` keeps the
        // attributes of the root directory; -s stops at what tar cannot hold instead of leaving it
        // out.
        sys::Child child = TRY(sys::start_child({.program = job_.sqfs2tar,
                                                 .arguments = {"-s", "-r", ".", "/proc/self/fd/0"},
                                                 .environment = {"LC_ALL=C"},
                                                 .input = layer.blob.file->get(),
                                                 .output = to.get(),
                                                 .error = messages.get(),
                                                 .dies_with_parent = true,
                                                 .working_directory = ""}));
        return Converter{std::move(child), std::move(from), std::move(messages)};
    }

    using Visit = std::function<Result<>(LayerEntry, ArchiveReader&, std::uint32_t index)>;

    Result<> read_layer(const Layer& layer, const Visit& visit) {
        std::optional<Converter> converter = TRY(start_converter(layer));
        auto read = read_members(layer, converter, visit);
        if (converter) {
            converter->pipe.reset();
            const int status = TRY(converter->child.wait());
            // Its word is better than what libarchive thinks of an unfinished tar; a converter that
            // was stopped by the closed pipe has none.
            if (status != 0 && status < 128) {
                return fail(
                    Code::bad_image,
                    fmt::format("{} is damaged: {}", layer.name,
                                sys::last_message(converter->messages.get(),
                                                  fmt::format("sqfs2tar ended with {}", status))),
                    "copy or make the file again");
            }
            if (status != 0 && read) {
                return fail(Code::bad_image,
                            fmt::format("{} is damaged: sqfs2tar was ended by signal {}",
                                        layer.name, status - 128),
                            "copy or make the file again");
            }
        }
        return read;
    }

    Result<> read_members(const Layer& layer, const std::optional<Converter>& converter,
                          const Visit& visit) {
        ArchiveReader reader = TRY(
            ArchiveReader::open({.fd = converter ? converter->pipe.get() : layer.blob.file->get(),
                                 .stream = converter.has_value(),
                                 .offset = converter ? 0 : layer.blob.offset,
                                 .size = converter ? UINT64_MAX : layer.blob.size,
                                 .hash = !layer.digest.empty(),
                                 .name = layer.name}));
        for (std::uint32_t index = 0;; ++index) {
            auto entry = TRY(reader.next());
            if (!entry) {
                break;
            }
            TRY(visit(std::move(*entry), reader, index));
        }
        const std::string digest = TRY(reader.finish());
        if (!layer.digest.empty() && digest != layer.digest) {
            return fail(Code::bad_image,
                        fmt::format("{} is damaged: its digest is {}", layer.name, digest),
                        "copy the image again");
        }
        return {};
    }

    static Result<LayerEntry> normalise(LayerEntry entry) {
        entry.path = TRY(formats::normalise_member_path(entry.path));
        if (entry.type == EntryType::hardlink) {
            entry.link = TRY(formats::normalise_member_path(entry.link));
        }
        if (entry.type == EntryType::symlink &&
            (entry.link.empty() || entry.link.size() > formats::kMaxPathBytes)) {
            return fail(Code::bad_image, fmt::format("'{}' in the image is a symbolic link that "
                                                     "leads nowhere",
                                                     formats::shown_name(entry.path)));
        }
        std::erase_if(entry.xattrs,
                      [](const auto& xattr) { return !formats::is_kept_xattr(xattr.first); });
        return entry;
    }

    tl::unexpected<Error> implausible(std::uint64_t bytes) const {
        return fail(Code::bad_image,
                    fmt::format("{} says that it holds more than {} GiB, over {} times its size",
                                job_.name, bytes >> 30, kMaxRatio),
                    "pack the image again without its huge sparse files");
    }

    /// First pass: which member of which layer is left in the end.
    Result<> read_entries(const LayeredSource& source, LayerTree& tree) {
        const std::uint64_t plausible =
            std::max(kUnquestionedBytes, bytes_held(source) * kMaxRatio);
        std::uint64_t claimed = 0;
        for (std::uint32_t number = 0; number < source.layers.size(); ++number) {
            TRY(read_layer(source.layers[number],
                           [&](LayerEntry entry, ArchiveReader&, std::uint32_t index) -> Result<> {
                               const std::uint64_t bytes = entry.size;
                               TRY(tree.add(TRY(normalise(std::move(entry))), {number, index}));
                               claimed += bytes;
                               return claimed <= plausible ? Result<>()
                                                           : Result<>(implausible(plausible));
                           }));
        }
        return {};
    }

    /// Second pass: the content of what is left.
    Result<> send_files(const LayeredSource& source, const FlatImage& image) {
        auto next = image.files.begin();
        for (std::uint32_t number = 0; number < source.layers.size(); ++number) {
            if (next == image.files.end() || next->place.layer != number) {
                continue;
            }
            TRY(read_layer(
                source.layers[number],
                [&](const LayerEntry& entry, ArchiveReader& reader,
                    std::uint32_t index) -> Result<> {
                    if (next == image.files.end() || next->place != EntryPlace{number, index}) {
                        return {};
                    }
                    if (entry.type != EntryType::file || entry.size != next->entry.size) {
                        return changed();
                    }
                    TRY(send_file(*next++, reader));
                    return {};
                }));
        }
        return next == image.files.end() ? Result<>() : changed();
    }

    tl::unexpected<Error> changed() const {
        return fail(Code::bad_image, fmt::format("{} changed while it was read", job_.name),
                    "import it again");
    }

    Result<> send_file(const formats::PlacedFile& file, ArchiveReader& reader) {
        TRY(send_part(job_.channel, Part::entry, encode_entry(file.entry)));
        TRY(reader.content(file.entry.size, [this](std::string_view bytes) -> Result<> {
            for (std::size_t at = 0; at < bytes.size(); at += kContentBytes) {
                TRY(send_part(job_.channel, Part::content, bytes.substr(at, kContentBytes)));
            }
            return {};
        }));
        for (const std::string& name : file.others) {
            LayerEntry link = file.entry;
            link.path = name;
            link.type = EntryType::hardlink;
            link.link = file.entry.path;
            link.size = 0;
            link.xattrs.clear();
            TRY(send_part(job_.channel, Part::entry, encode_entry(link)));
        }
        return {};
    }

    const SourceJob& job_;
    std::shared_ptr<sys::Fd> file_;
};

}  // namespace

int read_source(const SourceJob& job) {
    // Names in pax headers are UTF-8, and libarchive gives them in the locale's characters; in the
    // plain C locale it has none but ASCII.
    std::setlocale(LC_CTYPE, "C.UTF-8");
    const auto done = SourceReader(job).run();
    if (done) {
        return 0;
    }
    formats::Fields fields;
    formats::add_error(fields, done.error());
    // Where the importer is gone as well there is nobody left to tell.
    return send_part(job.channel, Part::error, formats::encode_fields(fields)) ? 0 : 1;
}

}  // namespace lading::app
