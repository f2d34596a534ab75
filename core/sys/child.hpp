// SPDX-License-Identifier: BSD-3-Clause
/// Helper programs: absolute path, explicit environment, no descriptor but those named.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// What to start.  The child gets stdin, stdout and stderr as given here and no other descriptor.
struct ChildSpec {
    std::string program;                   ///< absolute path; the PATH is never searched
    std::vector<std::string> arguments;    ///< without argv[0]
    std::vector<std::string> environment;  ///< `NAME=value`; nothing is inherited
    int input = -1;                        ///< descriptor for stdin, -1: /dev/null
    int output = -1;                       ///< for stdout, -1: /dev/null
    int error = -1;                        ///< for stderr, -1: /dev/null
    bool dies_with_parent = false;         ///< SIGKILL when the thread that started it ends
    bool in_background = false;            ///< runs only where a CPU is idle (SCHED_IDLE)
    std::string working_directory;         ///< absolute; empty: the caller's
};

/// A started child.  The destructor kills (SIGKILL) and reaps one that was not waited for.
class Child {
  public:
    explicit Child(pid_t pid) noexcept : pid_(pid) {}
    Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
    Child& operator=(Child&& other) noexcept {
        std::swap(pid_, other.pid_);
        return *this;
    }
    ~Child();

    pid_t pid() const noexcept { return pid_; }

    /// Ends in_background: from now on it runs as any other process.
    void to_foreground() const noexcept;

    /// Waits for the end for so long at most, and leaves the status; false where it has not ended.
    bool ends_within(int milliseconds) const noexcept;

    /// Waits for the end: the exit status, or 128 + N where signal N ended it, as a shell says it.
    Result<int> wait();

  private:
    pid_t pid_ = -1;
};

Result<Child> start_child(const ChildSpec& spec);

/// Runs a program to its end and collects what it prints, up to `limit` bytes of each stream.
struct ChildOutput {
    int status = 0;
    std::string output;
    std::string error;
};
Result<ChildOutput> run_child(ChildSpec spec, std::size_t limit);

/// Where `name` lies in the system's program directories (/usr/local/bin, /usr/bin, /bin, …; the
/// caller's PATH is not asked); Code::not_found with the package that brings it as the hint.
Result<std::string> find_program(const std::string& name, const std::string& package);

/// An unnamed file in memory for a child's stderr: no pipe that it could fill while nobody reads,
/// no disk that could be full.
Result<Fd> message_file();

/// The last line that was written to such a file, made printable; `otherwise` where there is none.
std::string last_message(int file, std::string otherwise);

}  // namespace lading::sys
