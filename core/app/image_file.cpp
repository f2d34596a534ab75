// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/app/config_fields.hpp"
#include "core/formats/squashfs_header.hpp"
#include "core/formats/tool_files.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::Extent;

Result<std::uint64_t> size_of(int file, const std::string& name) {
    struct stat status {};
    if (fstat(file, &status) != 0) {
        return sys::fail_errno(Code::system, fmt::format("cannot read {}", name));
    }
    return static_cast<std::uint64_t>(status.st_size);
}

/// The extent was found to lie within the file.
Result<std::string> read_extent(int file, const Extent& extent, const std::string& name) {
    std::string bytes(static_cast<std::size_t>(extent.bytes), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = pread(file, bytes.data() + done, bytes.size() - done,
                                  static_cast<off_t>(extent.offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return sys::fail_errno(Code::system, fmt::format("cannot read {}", name));
        }
        if (got == 0) {
            return fail(Code::bad_image, fmt::format("{} was cut short while it was read", name));
        }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

Result<std::string> read_text(int file, const std::optional<Extent>& extent,
                              const std::string& name) {
    if (!extent) {
        return std::string();
    }
    if (extent->bytes > formats::kMaxSifTextBytes) {
        return fail(Code::bad_image,
                    fmt::format("{} describes itself in {} bytes, more than the {} allowed", name,
                                extent->bytes, formats::kMaxSifTextBytes));
    }
    std::string text = TRY(read_extent(file, *extent, name));
    // Some writers count the NUL that ends it, or fill it up.
    text.resize(text.find_last_not_of('\0') + 1);
    return text;
}

Result<ImageFile> read_sif(int file, std::uint64_t bytes, const std::string& name) {
    const Extent table = TRY(
        formats::parse_sif_header(sys::read_start(file, formats::kSifHeaderBytes), bytes, name));
    const formats::SifContents contents =
        TRY(formats::parse_sif_table(table, TRY(read_extent(file, table, name)), bytes, name));
    ImageFile image;
    image.squashfs = contents.system;
    image.config.architecture = contents.architecture;
    image.config.definition = TRY(read_text(file, contents.definition, name));
    if (image.config.definition.find('\0') != std::string::npos) {
        return fail(Code::bad_image, fmt::format("the definition file of {} is no text", name));
    }
    const struct {
        const std::optional<Extent>& extent;
        Result<> (*add)(std::string_view json, ImageConfig& config);
    } texts[] = {{contents.labels, formats::add_sif_labels},
                 {contents.metadata, formats::add_sif_metadata},
                 {contents.oci, formats::add_sif_oci}};
    for (const auto& text : texts) {
        const std::string json = TRY(read_text(file, text.extent, name));
        if (!json.empty()) {
            TRY(text.add(json, image.config));
        }
    }
    return image;
}

}  // namespace

bool is_sif(int file) {
    return formats::looks_like_sif(sys::read_start(file, formats::kSifHeaderBytes));
}

sys::Fd open_side_file(const std::string& path) {
    const std::string side = formats::side_file_of(path);
    return side.empty() ? sys::Fd()
                        : sys::Fd(open(side.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

Result<ImageFile> read_image_file(int file, int side, const std::string& name) {
    const std::uint64_t bytes = TRY(size_of(file, name));
    ImageFile image;
    if (is_sif(file)) {
        image = TRY(read_sif(file, bytes, name));
    } else {
        image.squashfs = {0, bytes};
    }
    const std::string start = TRY(
        read_extent(file,
                    {image.squashfs.offset,
                     std::min<std::uint64_t>(image.squashfs.bytes, formats::kSquashfsHeaderBytes)},
                    name));
    if (image.squashfs.offset == 0 && !formats::looks_like_squashfs(start)) {
        return fail(Code::bad_image, fmt::format("{} is neither a squashfs file nor a SIF", name),
                    fmt::format("archives are imported before they are run: lading import {} "
                                "NAME[:TAG]",
                                name));
    }
    TRY(formats::parse_squashfs_header(start, image.squashfs.bytes, name).map([](const auto&) {}));
    if (side >= 0) {
        TRY(formats::add_side_file(
            TRY(sys::read_all(side, formats::kMaxToolFileBytes, "the file beside " + name)),
            image.config));
    }
    return image;
}

void add_image_file(formats::Fields& fields, const ImageFile& image) {
    fields.add("offset", image.squashfs.offset);
    fields.add("bytes", image.squashfs.bytes);
    add_config(fields, image.config);
}

ImageFile image_file_of(const formats::Fields& fields) {
    return {{fields.number("offset"), fields.number("bytes")}, config_of(fields)};
}

Result<> check_squashfs_place(int file, const Extent& place, const std::string& name) {
    if (!formats::lies_within(place, TRY(size_of(file, name))) ||
        place.bytes < formats::kSquashfsHeaderBytes ||
        !formats::looks_like_squashfs(
            TRY(read_extent(file, {place.offset, formats::kSquashfsMagic.size()}, name)))) {
        return fail(Code::bad_image, fmt::format("{} has no squashfs of {} bytes at {}", name,
                                                 place.bytes, place.offset));
    }
    return {};
}

}  // namespace lading::app
