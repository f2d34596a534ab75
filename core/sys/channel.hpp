// SPDX-License-Identifier: BSD-3-Clause
/// Messages with descriptors between lading's own processes, over a socket pair.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/sys/fd.hpp"
#include "lading/result.hpp"

namespace lading::sys {

/// Most that one message may carry: a large environment and a large request fit many times over.
inline constexpr std::size_t kMessageBytes = 16U << 20;

struct Message {
    std::string bytes;
    std::vector<Fd> descriptors;
};

/// Two connected ends, both closed on exec.
struct SocketPair {
    Fd ours;
    Fd theirs;
};
Result<SocketPair> make_socket_pair();

/// Sends one message with at most a handful of descriptors, which stay the caller's.
Result<> send_message(int socket, std::string_view bytes, const std::vector<int>& descriptors = {});

/// A peer that stays silent for that long counts as gone.
Result<> set_receive_timeout(int socket, int seconds);

/// Receives one message.  Code::system with "… ended without an answer" where the peer is gone.
/// A descriptor that the peer sends beyond `most_descriptors` is closed.
Result<Message> receive_message(int socket, std::size_t most_descriptors = 8);

}  // namespace lading::sys
