// SPDX-License-Identifier: BSD-3-Clause
/// A child that has become the job's user and answers questions: what the user may open, and what
/// hostile bytes say.  It works with the user's own rights, so it can do nothing for the user that
/// the user could not do, and its answers are believed no further than that.
#pragma once

#include <functional>
#include <vector>

#include "core/formats/fields.hpp"
#include "core/formats/seccomp_profile.hpp"
#include "core/sys/fd.hpp"
#include "lading/host.hpp"
#include "lading/result.hpp"

namespace lading::sys {

struct Exchange {
    formats::Fields fields;
    std::vector<Fd> descriptors;
};

class UserProcess {
  public:
    /// Runs in the child for each question; an error is sent back as the answer.
    using Answer = std::function<Result<Exchange>(Exchange question)>;

    /// `profile` is what the child may do once it is the user.
    static Result<UserProcess> start(const User& user, const formats::SeccompProfile& profile,
                                     const Answer& answer);

    UserProcess(UserProcess&& other) noexcept
        : pid_(std::exchange(other.pid_, -1)),
          socket_(std::move(other.socket_)),
          unread_(other.unread_) {}
    UserProcess& operator=(UserProcess&&) = delete;
    ~UserProcess();  ///< closes the connection, by which the child ends, and reaps it

    /// Asks and waits.  `descriptors` stay the caller's.
    Result<Exchange> ask(const formats::Fields& question, const std::vector<int>& descriptors = {});

    /// Asks for work whose answer nobody needs, and does not wait.
    Result<> tell(const formats::Fields& question, const std::vector<int>& descriptors = {});

  private:
    UserProcess(pid_t pid, Fd socket) : pid_(pid), socket_(std::move(socket)) {}

    pid_t pid_ = -1;
    Fd socket_;
    unsigned unread_ = 0;  ///< answers that nobody waited for
};

}  // namespace lading::sys
