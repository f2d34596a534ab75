// SPDX-License-Identifier: BSD-3-Clause
#include "namespace_child.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace lading::test {

std::string in_child(const std::function<std::string()>& work) {
    int ends[2];
    if (pipe(ends) != 0) {
        throw std::runtime_error("pipe");
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        std::string said;
        try {
            said = work();
        } catch (const std::exception& exception) {
            said = std::string("exception: ") + exception.what();
        }
        const bool told =
            write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size());
        _exit(told ? 0 : 1);
    }
    close(ends[1]);
    std::string said;
    char buffer[4096];
    for (ssize_t got; (got = read(ends[0], buffer, sizeof buffer)) > 0;) {
        said.append(buffer, static_cast<std::size_t>(got));
    }
    close(ends[0]);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0 ? said : "died: " + std::to_string(status) + " " + said;
}

ScratchDirectory::ScratchDirectory() {
    char name[] = "/tmp/lading-test.XXXXXX";
    if (mkdtemp(name) == nullptr) {
        throw std::runtime_error("mkdtemp");
    }
    path_ = name;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
}

ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
}

void make_squashfs(const std::string& directory, const std::string& file) {
    const std::string command =
        "mksquashfs '" + directory + "' '" + file + "' -quiet -no-progress -noappend >/dev/null";
    if (std::system(command.c_str()) != 0) {
        throw std::runtime_error(command);
    }
}

int loop_devices_in_use() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/sys/block")) {
        if (std::filesystem::exists(entry.path() / "loop" / "backing_file")) {
            ++count;
        }
    }
    return count;
}

}  // namespace lading::test
