// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_packer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/sys/file.hpp"

namespace lading::app {
namespace {

/// See docs/decisions/0004-zstd-images.md.  Level 6 rather than the default 15, which takes ten
/// times as long for a file smaller by a few per cent; reading does not depend on it.
constexpr const char* kCompressor = "zstd";
constexpr const char* kCompressorOptions = "level=6";

/// errno of writing at the file's end; 0 where that works.
int write_errno(int file) {
    const std::string block(1U << 20, 'x');
    const off_t end = lseek(file, 0, SEEK_END);
    for (std::size_t done = 0; end >= 0 && done < block.size();) {
        const ssize_t put =
            pwrite(file, block.data(), block.size() - done, end + static_cast<off_t>(done));
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        done += static_cast<std::size_t>(std::max<ssize_t>(put, 0));
    }
    return 0;
}

}  // namespace

Result<ImagePacker> ImagePacker::start(sys::Fd file, const std::string& destination) {
    const std::string program = TRY(sys::find_program("tar2sqfs", "squashfs-tools-ng"));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return sys::fail_errno(Code::system, "cannot make a pipe");
    }
    const sys::Fd read_end(ends[0]);
    sys::Fd write_end(ends[1]);
    fcntl(write_end.get(), F_SETPIPE_SZ, 1 << 20);  // fewer switches; a smaller pipe does as well
    sys::Fd messages = TRY(sys::message_file());
    sys::Child child = TRY(sys::start_child(
        {.program = program,
         .arguments = {"--compressor", kCompressor, "--comp-extra", kCompressorOptions, "--no-skip",
                       "--num-jobs", std::to_string(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN))),
                       "--quiet", "--force", destination},
         .environment = {"LC_ALL=C"},
         .input = read_end.get(),
         .error = messages.get(),
         .dies_with_parent = true,
         .working_directory = ""}));
    return ImagePacker(std::move(child), std::move(file), std::move(write_end),
                       std::move(messages));
}

tl::unexpected<Error> ImagePacker::failure(int status) const {
    const std::string why =
        sys::last_message(messages_.get(), fmt::format("tar2sqfs ended with status {}", status));
    // tar2sqfs says "I/O error" of every failed write, and removes its file.  Here the file is
    // still open and keeps its blocks, so that one more write fails for the same reason.
    const int number = write_errno(file_.get());
    if (number == ENOSPC) {
        return fail(Code::system, "cannot write the image: the store's file system is full",
                    "free space, or remove what is not needed: `lading rm`, then `lading gc`");
    }
    if (number == EDQUOT) {
        return fail(Code::system, "cannot write the image: the quota in the store is used up",
                    "remove what is not needed (`lading rm`, then `lading gc`), or ask for more");
    }
    return fail(number != 0 ? Code::system : Code::bad_image,
                fmt::format("cannot pack the image: {}", why));
}

Result<> ImagePacker::finish() {
    const int status = TRY(child_.wait());
    return status == 0 ? Result<>() : failure(status);
}

}  // namespace lading::app
