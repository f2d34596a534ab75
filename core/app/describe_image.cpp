// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/describe_image.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "core/app/config_fields.hpp"
#include "core/app/guest_libc.hpp"
#include "core/app/image_file.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/child.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

/// A file may be all holes, and as large as a number: what unsquashfs writes of it has no end.
constexpr rlimit kProcessorTime{30, 30};

/// Whatever unsquashfs cannot give is not there: it has no other word for a missing file.
Result<formats::ToolFiles> unpack_tool_files(const std::string& unsquashfs, int file,
                                             std::uint64_t offset) {
    formats::ToolFiles files;
    for (const std::string_view path : formats::kToolFiles) {
        sys::ChildOutput unpacked =
            TRY(sys::run_child({.program = unsquashfs,
                                .arguments = {"-offset", fmt::format("{}", offset), "-cat",
                                              "/proc/self/fd/0", std::string(path)},
                                .environment = {"LC_ALL=C"},
                                .input = file,
                                .dies_with_parent = true,
                                .working_directory = ""},
                               formats::kMaxToolFileBytes + 1));
        if (unpacked.status == 0 && !unpacked.output.empty() &&
            unpacked.output.size() <= formats::kMaxToolFileBytes) {
            files.emplace(path, std::move(unpacked.output));
        }
    }
    return files;
}

/// In the child.
Result<ImageConfig> read_config(const FoundImage& found, const std::string& unsquashfs) {
    ImageFile image;
    formats::ToolFiles files;
    if (found.kind == ImageFacts::Kind::directory) {
        files = read_tool_files(found.file.get());
    } else {
        image = TRY(read_image_file(found.file.get(), found.side.get(), found.origin.value));
        files = TRY(unpack_tool_files(unsquashfs, found.file.get(), image.squashfs.offset));
    }
    TRY(formats::add_tool_files(files, image.config));
    return image.config;
}

}  // namespace

formats::ToolFiles read_tool_files(int root) {
    formats::ToolFiles files;
    for (const std::string_view path : formats::kToolFiles) {
        if (std::string text =
                read_in_root(root, fmt::format("/{}", path), formats::kMaxToolFileBytes);
            !text.empty()) {
            files.emplace(path, std::move(text));
        }
    }
    return files;
}

Result<ImageConfig> describe_image(const FoundImage& found) {
    const std::string unsquashfs = found.kind == ImageFacts::Kind::directory
                                       ? std::string()
                                       : TRY(sys::find_program("unsquashfs", "squashfs-tools"));
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    std::vector<int> keep{pair.theirs.get(), found.file.get()};
    if (found.side.valid()) {
        keep.push_back(found.side.get());
    }
    sys::Child child = TRY(sys::start_unprivileged(keep, [&] {
        formats::Fields fields;
        setrlimit(RLIMIT_CPU, &kProcessorTime);
        if (const auto config = read_config(found, unsquashfs)) {
            add_config(fields, *config);
        } else {
            formats::add_error(fields, config.error());
        }
        return sys::send_message(pair.theirs.get(), formats::encode_fields(fields)) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    return config_of(fields);
}

}  // namespace lading::app
