// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/sif.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/formats/byte_reader.hpp"

namespace lading::formats {
namespace {

using namespace std::literals;

/// Behind the `#!` line.
constexpr std::string_view kMagic = "SIF_MAGIC\0"sv;
constexpr std::string_view kVersion = "01\0"sv;

/// Offsets in the header; all integers are little-endian.
enum Header : std::uint64_t {
    kMagicAt = 32,
    kVersionAt = 42,
    kTotalAt = 88,  ///< descriptors that there is room for
    kTableAt = 96,
};

/// Offsets in a descriptor, which is packed.
enum Descriptor : std::uint64_t {
    kType = 0,
    kUsed = 4,
    kOffset = 17,
    kSize = 25,
    kName = 73,
    kExtra = 201,
    kFileSystem = kExtra,
    kPartition = kExtra + 4,
    kArchitecture = kExtra + 8,
    kDescriptorBytes = 585,
};
constexpr std::uint64_t kNameBytes = 128;
constexpr std::uint64_t kArchitectureBytes = 2;  // and a NUL

/// Every writer makes room for 48.
constexpr std::uint64_t kMaxDescriptors = 4096;

enum Type : std::uint32_t {
    kDefinition = 0x4001,
    kLabels = 0x4003,
    kPartitionType = 0x4004,
    kGenericJson = 0x4006,
};
constexpr std::string_view kMetadataName = "inspect-metadata.json";
constexpr std::string_view kOciName = "oci-config.json";

constexpr std::uint32_t kPrimarySystem = 2;

enum FileSystem : std::uint32_t {
    kSquashfs = 1,
    kExt3 = 2,
    kEncryptedSquashfs = 5,
};

/// By the two digits of a partition's architecture, less one.
constexpr std::string_view kArchitectures[] = {"386",    "amd64",    "arm",   "arm64",
                                               "ppc64",  "ppc64le",  "mips",  "mipsle",
                                               "mips64", "mips64le", "s390x", "riscv64"};

struct Object {
    std::uint32_t type = 0;
    Extent extent;
    std::string_view name;
    std::uint32_t file_system = 0;
    std::uint32_t partition = 0;
    std::string_view architecture;
};

tl::unexpected<Error> damaged(std::string_view name, std::string_view why) {
    return fail(Code::bad_image, fmt::format("{} is a damaged SIF: {}", name, why),
                "copy the file again; `apptainer sif list` shows what it should hold");
}

std::string architecture_name(std::string_view digits) {
    unsigned number = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') {
            return {};
        }
        number = number * 10 + static_cast<unsigned>(c - '0');
    }
    return number == 0 || number > std::size(kArchitectures)
               ? std::string()
               : std::string(kArchitectures[number - 1]);
}

/// The descriptor at `at`, which lies within the table; nothing for one that is not in use.
std::optional<Object> read_object(const ByteReader& table, std::uint64_t at) {
    if (table.get<std::uint8_t>(at + kUsed).value_or(0) == 0) {
        return std::nullopt;
    }
    Object object;
    object.type = table.get<std::uint32_t>(at + kType).value_or(0);
    object.extent = {table.get<std::uint64_t>(at + kOffset).value_or(0),
                     table.get<std::uint64_t>(at + kSize).value_or(0)};
    object.name = table.slice(at + kName, kNameBytes).value_or("");
    object.name = object.name.substr(0, object.name.find('\0'));
    object.file_system = table.get<std::uint32_t>(at + kFileSystem).value_or(0);
    object.partition = table.get<std::uint32_t>(at + kPartition).value_or(0);
    object.architecture = table.slice(at + kArchitecture, kArchitectureBytes).value_or("");
    return object;
}

Result<> check_places(std::vector<Extent> extents, std::uint64_t file_bytes,
                      std::string_view name) {
    // An object without bytes may lie where the next one begins.
    std::ranges::sort(extents, {},
                      [](const Extent& extent) { return std::pair(extent.offset, extent.bytes); });
    std::uint64_t end = kSifHeaderBytes;
    for (const Extent& extent : extents) {
        if (!lies_within(extent, file_bytes)) {
            return damaged(name, fmt::format("it has {} bytes, and describes {} at {}", file_bytes,
                                             extent.bytes, extent.offset));
        }
        if (extent.offset < end) {
            return damaged(name,
                           fmt::format("the object at {} lies within another one", extent.offset));
        }
        end = extent.offset + extent.bytes;
    }
    return {};
}

Result<> check_file_system(const Object& system, std::string_view name) {
    switch (system.file_system) {
        case kSquashfs:
            return {};
        case kEncryptedSquashfs:
            return fail(Code::bad_image, fmt::format("{} is encrypted", name),
                        "lading opens no encrypted images: build it without --encrypt, and close "
                        "the file to other users instead");
        case kExt3:
            return fail(Code::bad_image,
                        fmt::format("{} holds an ext3 file system, which lading does not mount: "
                                    "a crafted one attacks the kernel",
                                    name),
                        "build it again with a present Apptainer or Singularity, which write "
                        "squashfs: apptainer build NEW.sif OLD.sif");
        default:
            return fail(Code::bad_image,
                        fmt::format("{} holds a file system of the unknown kind {}", name,
                                    system.file_system),
                        "lading runs SIFs whose root is a squashfs");
    }
}

}  // namespace

bool lies_within(const Extent& extent, std::uint64_t file_bytes) {
    return extent.bytes <= file_bytes && extent.offset <= file_bytes - extent.bytes;
}

bool looks_like_sif(std::string_view start) {
    return ByteReader(start).slice(kMagicAt, kMagic.size()) == kMagic;
}

Result<Extent> parse_sif_header(std::string_view start, std::uint64_t file_bytes,
                                std::string_view name) {
    const ByteReader header(start);
    const auto version = header.slice(kVersionAt, kVersion.size());
    if (!looks_like_sif(start) || start.size() < kSifHeaderBytes) {
        return damaged(name, "it ends within its header");
    }
    if (version != kVersion) {
        return fail(Code::bad_image, fmt::format("{} is a SIF of another version than 01", name),
                    "lading reads what Singularity 3 and Apptainer write");
    }
    const std::uint64_t total = header.get<std::uint64_t>(kTotalAt).value_or(0);
    if (total == 0 || total > kMaxDescriptors) {
        return damaged(name, fmt::format("it has room for {} descriptors", total));
    }
    const Extent table{header.get<std::uint64_t>(kTableAt).value_or(0), total * kDescriptorBytes};
    if (table.offset < kSifHeaderBytes || !lies_within(table, file_bytes)) {
        return damaged(name, fmt::format("it has {} bytes, and its descriptors are {} at {}",
                                         file_bytes, table.bytes, table.offset));
    }
    return table;
}

Result<SifContents> parse_sif_table(const Extent& place, std::string_view bytes,
                                    std::uint64_t file_bytes, std::string_view name) {
    const ByteReader table(bytes);
    SifContents contents;
    std::vector<Extent> extents{place};
    bool found = false;
    for (std::uint64_t at = 0; at + kDescriptorBytes <= bytes.size(); at += kDescriptorBytes) {
        const auto object = read_object(table, at);
        if (!object) {
            continue;
        }
        extents.push_back(object->extent);
        if (object->type == kDefinition) {
            contents.definition = object->extent;
        } else if (object->type == kLabels) {
            contents.labels = object->extent;
        } else if (object->type == kGenericJson && object->name == kMetadataName) {
            contents.metadata = object->extent;
        } else if (object->type == kGenericJson && object->name == kOciName) {
            contents.oci = object->extent;
        } else if (object->type == kPartitionType && object->partition == kPrimarySystem) {
            if (found) {
                return damaged(name, "it has two primary system partitions");
            }
            found = true;
            TRY(check_file_system(*object, name));
            contents.system = object->extent;
            contents.architecture = architecture_name(object->architecture);
        }
    }
    TRY(check_places(std::move(extents), file_bytes, name));
    if (!found) {
        return fail(Code::bad_image, fmt::format("{} holds no image to run", name),
                    "a SIF with a primary system partition is needed: `apptainer sif list` shows "
                    "what this one holds");
    }
    return contents;
}

}  // namespace lading::formats
