// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/user_process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <exception>

#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/privileges.hpp"
#include "core/sys/seccomp.hpp"

namespace lading::sys {
namespace {

/// A parser led astray ends here instead of taking the node's memory or a core for ever.  What it
/// maps to read is the page cache's, and as large as libraries are: CUDA's have gigabytes.
constexpr rlim_t kMemoryBytes = 1UL << 30;
constexpr rlim_t kMappedBytes = 64UL << 30;
constexpr rlim_t kCpuSeconds = 60;

Result<> confine(const User& user, const formats::SeccompProfile& profile) {
    const std::string filter = TRY(compile_seccomp(profile));
    std::vector<gid_t> groups;
    for (const Group& group : user.groups) {
        groups.push_back(group.gid);
    }
    TRY(become_user(user.uid, user.gid, groups));
    const rlimit memory{kMemoryBytes, kMemoryBytes};
    const rlimit mapped{kMappedBytes, kMappedBytes};
    const rlimit cpu{kCpuSeconds, kCpuSeconds};
    const rlimit none{0, 0};
    // Not dumpable: the user's own processes must not trace it and speak in its name.
    if (setrlimit(RLIMIT_DATA, &memory) != 0 || setrlimit(RLIMIT_AS, &mapped) != 0 ||
        setrlimit(RLIMIT_CPU, &cpu) != 0 || setrlimit(RLIMIT_CORE, &none) != 0 ||
        setrlimit(RLIMIT_FSIZE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        return fail_errno(Code::system, "cannot confine the process that reads the image");
    }
    return install_seccomp(filter);
}

Exchange failed(const Error& error) {
    Exchange answer;
    formats::add_error(answer.fields, error);
    return answer;
}

Exchange answer_safely(const UserProcess::Answer& answer, Exchange question) {
    try {
        Result<Exchange> result = answer(std::move(question));
        return result ? std::move(*result) : failed(result.error());
    } catch (const std::exception& exception) {
        return failed(
            {Code::bad_image, std::string("cannot read the image: ") + exception.what(), {}});
    }
}

[[noreturn]] void serve(int socket, const User& user, const formats::SeccompProfile& profile,
                        const UserProcess::Answer& answer) {
    const Result<> confined = confine(user, profile);
    for (;;) {
        Result<Message> message = receive_message(socket);
        if (!message) {
            _exit(0);
        }
        Exchange reply;
        if (!confined) {
            reply = failed(confined.error());
        } else if (Result<formats::Fields> fields = formats::decode_fields(message->bytes);
                   fields) {
            reply = answer_safely(answer, {std::move(*fields), std::move(message->descriptors)});
        } else {
            reply = failed(fields.error());
        }
        std::vector<int> descriptors;
        for (const Fd& fd : reply.descriptors) {
            descriptors.push_back(fd.get());
        }
        if (!send_message(socket, formats::encode_fields(reply.fields), descriptors)) {
            _exit(0);
        }
    }
}

}  // namespace

Result<UserProcess> UserProcess::start(const User& user, const formats::SeccompProfile& profile,
                                       const Answer& answer) {
    SocketPair sockets = TRY(make_socket_pair());
    const pid_t pid = fork();
    if (pid < 0) {
        return fail_errno(Code::system, "cannot start the process that reads the image");
    }
    if (pid == 0) {
        sockets.ours.reset();
        serve(sockets.theirs.get(), user, profile, answer);
    }
    return UserProcess(pid, std::move(sockets.ours));
}

UserProcess::~UserProcess() {
    if (pid_ > 0) {
        socket_.reset();
        kill(pid_, SIGKILL);
        while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
}

Result<Exchange> UserProcess::ask(const formats::Fields& question,
                                  const std::vector<int>& descriptors) {
    TRY(send_message(socket_.get(), formats::encode_fields(question), descriptors));
    for (; unread_ > 0; --unread_) {
        TRY(receive_message(socket_.get()));
    }
    Message message = TRY(receive_message(socket_.get()));
    Exchange answer{TRY(formats::decode_fields(message.bytes)), std::move(message.descriptors)};
    TRY(formats::check_error(answer.fields));
    return answer;
}

Result<> UserProcess::tell(const formats::Fields& question, const std::vector<int>& descriptors) {
    TRY(send_message(socket_.get(), formats::encode_fields(question), descriptors));
    ++unread_;
    return {};
}

}  // namespace lading::sys
