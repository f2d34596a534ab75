// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/check_program.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <optional>

#include "core/formats/elf_libc.hpp"
#include "core/formats/script.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

/// As much as the kernel itself looks at (BINPRM_BUF_SIZE), and more than an ELF header.
constexpr std::size_t kHeadBytes = 256;

/// A node runs its own programs and, on these two, the 32-bit ones of its predecessor.
bool runs_on(const std::string& machine, const std::string& architecture) {
    return machine.empty() || machine == architecture ||
           (architecture == "amd64" && machine == "386") ||
           (architecture == "arm64" && machine == "arm");
}

/// Calls `visit` with each directory of a PATH; an empty one is the working directory.
template <typename Visit>
void for_each_directory(std::string_view path, const Visit& visit) {
    for (std::size_t start = 0; start <= path.size();) {
        const std::size_t end = std::min(path.find(':', start), path.size());
        const std::string_view directory = path.substr(start, end - start);
        if (!visit(directory.empty() ? std::string_view(".") : directory)) {
            return;
        }
        start = end + 1;
    }
}

std::string join(std::string_view directory, std::string_view name,
                 const std::string& working_directory) {
    return directory.starts_with('/') ? fmt::format("{}/{}", directory, name)
                                      : fmt::format("{}/{}/{}", working_directory, directory, name);
}

bool is_executable_file(int fd) {
    struct stat status {};
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 0111) != 0;
}

struct Found {
    sys::Fd fd;
    std::string path;
};

std::optional<Found> look_up(int root, const ProgramQuestion& question) {
    std::optional<Found> found;
    const auto try_path = [&](std::string path) {
        sys::Fd fd = sys::open_in_root(root, path, O_PATH);
        if (fd.valid() && (!found || is_executable_file(fd.get()))) {
            found = Found{std::move(fd), std::move(path)};
        }
        return !found || !is_executable_file(found->fd.get());
    };
    if (question.command.find('/') != std::string::npos) {
        try_path(question.command.starts_with('/')
                     ? question.command
                     : question.working_directory + "/" + question.command);
    } else {
        for_each_directory(question.path, [&](std::string_view directory) {
            return try_path(join(directory, question.command, question.working_directory));
        });
    }
    return found;
}

std::string where_on_host(const ProgramQuestion& question) {
    std::string where;
    if (question.command.find('/') != std::string::npos) {
        return access(question.command.c_str(), X_OK) == 0 ? question.command : "";
    }
    for_each_directory(question.host_path, [&](std::string_view directory) {
        const std::string path = fmt::format("{}/{}", directory, question.command);
        struct stat status {};
        if (stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
            where = path;
        }
        return where.empty();
    });
    return where;
}

tl::unexpected<Error> not_found(const ProgramQuestion& question) {
    const bool by_path = question.command.find('/') != std::string::npos;
    const std::string what =
        by_path ? fmt::format("the command {} is not in the container {}", question.command,
                              question.image)
                : fmt::format("the command '{}' is not in the container {} (PATH={})",
                              question.command, question.image, question.path);
    const std::string host = where_on_host(question);
    if (host.empty()) {
        return fail(Code::not_found, what, "check its name, or install it in the image");
    }
    return fail(Code::not_found, fmt::format("{}; this node itself has {}", what, host),
                "install it in the image, bind it with --container-mounts, or run it on the host "
                "with --container=none");
}

Result<> check_head(int root, const std::string& head, const Found& found,
                    const ProgramQuestion& question) {
    if (const std::string machine = formats::elf_architecture(head);
        !runs_on(machine, question.architecture)) {
        return fail(Code::mismatch,
                    fmt::format("{} in the container {} is built for {}, this node is {}",
                                found.path, question.image, machine, question.architecture),
                    "use an image built for this node's architecture");
    }
    const std::string interpreter = formats::script_interpreter(head);
    if (interpreter.starts_with('/') && !sys::open_in_root(root, interpreter, O_PATH).valid() &&
        errno == ENOENT) {
        return fail(Code::not_found,
                    fmt::format("{} asks for the interpreter {}, which is not in the container {}",
                                found.path, interpreter, question.image),
                    "change its first line, or install the interpreter in the image");
    }
    return {};
}

}  // namespace

Result<std::string> check_program(int root, const ProgramQuestion& question) {
    if (question.command.empty()) {
        return "";
    }
    const std::optional<Found> found = look_up(root, question);
    if (!found) {
        return not_found(question);
    }
    if (!is_executable_file(found->fd.get())) {
        return fail(Code::refused,
                    fmt::format("{} in the container {} is not an executable file", found->path,
                                question.image),
                    "check its type and mode in the image");
    }
    // A program that may be run but not read is the kernel's to judge.
    const sys::Fd fd = sys::open_in_root(root, found->path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    TRY(check_head(root, sys::read_start(fd.get(), kHeadBytes), *found, question));
    return found->path;
}

bool is_multi_prog(const std::vector<std::string>& argv) {
    if (argv.size() != 2) {
        return false;
    }
    // Each line is empty, a comment, or begins with task ranks: `0`, `1-3`, `*` (srun(1),
    // MULTIPLE PROGRAM CONFIGURATION).
    bool ranks = false;
    for (std::string_view text = argv[1]; !text.empty();) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::size_t start = line.find_first_not_of(" \t");
        if (start == std::string_view::npos || line[start] == '#') {
            continue;
        }
        const char first = line[start];
        if (first != '*' && std::isdigit(static_cast<unsigned char>(first)) == 0) {
            return false;
        }
        ranks = ranks || line.find_first_of(" \t", start) != std::string_view::npos;
    }
    return ranks;
}

}  // namespace lading::app
