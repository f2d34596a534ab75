// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/probe_nature.hpp"

#include <algorithm>

#include "core/app/config_fields.hpp"
#include "core/formats/elf_libc.hpp"
#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

/// In the child.
Result<formats::Fields> read_evidence(const Evidence& evidence, const SourceFacts& facts) {
    ImageConfig config = facts.config;
    if (!facts.configured) {
        TRY(formats::add_tool_files(evidence.tool_files, config));
    }
    std::string architecture = config.architecture;
    for (const std::string& start : evidence.program_starts) {
        if (architecture.empty()) {
            architecture = formats::elf_architecture(start);
        }
    }
    std::string libc;
    for (const auto& [path, bytes] : evidence.libcs) {
        const std::string machine = formats::elf_architecture(bytes);
        const auto version = formats::parse_glibc_version(bytes);
        // An image for amd64 may hold the 32-bit library too.
        const bool fits = architecture.empty() || machine == architecture;
        if (version && (fits || libc.empty())) {
            libc = "glibc " + *version;
            architecture = architecture.empty() ? machine : architecture;
        }
    }
    formats::Fields answer;
    answer.add("libc", libc.empty() && evidence.musl ? "musl" : libc);
    answer.add("nature", architecture);
    add_config(answer, config);
    return answer;
}

}  // namespace

Result<ImageNature> probe_nature(const Evidence& evidence, const SourceFacts& facts) {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child = TRY(sys::start_unprivileged({pair.theirs.get()}, [&] {
        formats::Fields answer;
        if (auto read = read_evidence(evidence, facts)) {
            answer = std::move(*read);
        } else {
            formats::add_error(answer, read.error());
        }
        return sys::send_message(pair.theirs.get(), formats::encode_fields(answer)) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    return ImageNature{std::string(fields.get("libc")), std::string(fields.get("nature")),
                       config_of(fields)};
}

}  // namespace lading::app
