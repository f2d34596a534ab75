// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/channel.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "core/sys/file.hpp"

namespace lading::sys {
namespace {

constexpr std::size_t kDescriptors = 8;
constexpr std::size_t kControlBytes = CMSG_SPACE(kDescriptors * sizeof(int));

tl::unexpected<Error> peer_gone() {
    return fail(Code::system, "a helper process of lading ended without an answer",
                "look for its end in the node's system log (out of memory, or killed)");
}

tl::unexpected<Error> receive_failed() {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return fail(Code::system, "a helper process of lading gave no answer in time",
                    "a file system of this node may hang: look for it in the system log");
    }
    return fail_errno(Code::system, "cannot receive from a helper process");
}

/// Sends the rest of a message; MSG_NOSIGNAL, because a SIGPIPE must never reach slurmstepd.
Result<> send_rest(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EPIPE || errno == ECONNRESET
                       ? peer_gone()
                       : fail_errno(Code::system, "cannot send to a helper process");
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<> receive_exactly(int socket, char* into, std::size_t count) {
    while (count > 0) {
        const ssize_t got = recv(socket, into, count, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return receive_failed();
        }
        if (got == 0) {
            return peer_gone();
        }
        into += got;
        count -= static_cast<std::size_t>(got);
    }
    return {};
}

void take_descriptors(const msghdr& header, std::size_t most, std::vector<Fd>& into) {
    for (const cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(const_cast<msghdr*>(&header), const_cast<cmsghdr*>(control))) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof fd);
            Fd owned(fd);
            if (into.size() < most) {
                into.push_back(std::move(owned));
            }
        }
    }
}

}  // namespace

Result<SocketPair> make_socket_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return fail_errno(Code::system, "cannot make a socket pair");
    }
    return SocketPair{Fd(ends[0]), Fd(ends[1])};
}

Result<> set_receive_timeout(int socket, int seconds) {
    const timeval time{seconds, 0};
    if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) {
        return fail_errno(Code::system, "cannot set a socket's timeout");
    }
    return {};
}

Result<> send_message(int socket, std::string_view bytes, const std::vector<int>& descriptors) {
    if (bytes.size() > kMessageBytes || descriptors.size() > kDescriptors) {
        return fail(Code::system, fmt::format("a request of {} bytes is larger than the {} allowed",
                                              bytes.size(), kMessageBytes));
    }
    std::uint32_t length = static_cast<std::uint32_t>(bytes.size());
    iovec vector{&length, sizeof length};
    alignas(cmsghdr) char control[kControlBytes] = {};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
        const std::size_t size = descriptors.size() * sizeof(int);
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(size);
        cmsghdr* const rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(size);
        std::memcpy(CMSG_DATA(rights), descriptors.data(), size);
    }
    for (;;) {
        const ssize_t sent = sendmsg(socket, &header, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == EPIPE || errno == ECONNRESET
                       ? peer_gone()
                       : fail_errno(Code::system, "cannot send to a helper process");
        }
        // A stream may take a part of the length; the descriptors went with its first byte.
        const auto part = static_cast<std::size_t>(sent);
        TRY(send_rest(socket, {reinterpret_cast<char*>(&length) + part, sizeof length - part}));
        return send_rest(socket, bytes);
    }
}

Result<Message> receive_message(int socket, std::size_t most_descriptors) {
    Message message;
    std::uint32_t length = 0;
    iovec vector{&length, sizeof length};
    alignas(cmsghdr) char control[kControlBytes] = {};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    ssize_t got = -1;
    do {
        got = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return receive_failed();
    }
    take_descriptors(header, most_descriptors, message.descriptors);
    if (got == 0) {
        return peer_gone();
    }
    const auto part = static_cast<std::size_t>(got);
    TRY(receive_exactly(socket, reinterpret_cast<char*>(&length) + part, sizeof length - part));
    if (length > kMessageBytes) {
        return fail(Code::internal, "a helper process sent a message that is too long");
    }
    message.bytes.resize(length);
    TRY(receive_exactly(socket, message.bytes.data(), length));
    return message;
}

}  // namespace lading::sys
