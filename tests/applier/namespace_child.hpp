// SPDX-License-Identifier: BSD-3-Clause
/// Runs a part of a test in a process of its own, because it changes that process for good.
#pragma once

#include <functional>
#include <string>

namespace lading::test {

/// What the child's function returned, or `died: …`.  The function runs after fork() and may change
/// namespaces, root and identity at will.
std::string in_child(const std::function<std::string()>& work);

/// A directory below /tmp that is removed at the end, without following what is mounted there.
class ScratchDirectory {
  public:
    ScratchDirectory();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;

    std::string path(const std::string& name = "") const {
        return name.empty() ? path_ : path_ + "/" + name;
    }

  private:
    std::string path_;
};

/// Writes a file, making its directories.
void write_file(const std::string& path, const std::string& text);

/// Packs a directory with mksquashfs.
void make_squashfs(const std::string& directory, const std::string& file);

/// How many loop devices have a file attached.
int loop_devices_in_use();

}  // namespace lading::test
