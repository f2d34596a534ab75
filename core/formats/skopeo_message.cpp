// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/skopeo_message.hpp"

#include <fmt/format.h>

#include "core/formats/member_path.hpp"

namespace lading::formats {
namespace {

constexpr std::size_t kMaxShown = 400;

struct Reason {
    std::string_view words;  ///< in skopeo's message
    Code code;
    std::string_view hint;  ///< `{}` is the registry's host
};

/// The first that fits.
constexpr Reason kReasons[] = {
    {"manifest unknown", Code::not_found, "check the name and the tag"},
    {"name unknown", Code::not_found, "check the name and the tag"},
    {"unauthorized", Code::refused,
     "log in first, with `skopeo login {}` or `podman login {}`; or the name may be wrong"},
    {"authentication required", Code::refused, "log in first: `skopeo login {}`"},
    {"access to the resource is denied", Code::refused,
     "log in first, with `skopeo login {}` or `podman login {}`; or the name may be wrong"},
    {"Source image rejected", Code::refused,
     "the signature policy does not let it in: see containers-policy.json(5)"},
    {"server gave HTTP response to HTTPS client", Code::system,
     "{} speaks no TLS: registries.conf(5) can say `insecure = true` of it"},
    {"certificate", Code::system,
     "certificates of {} belong into /etc/containers/certs.d/{}: see containers-certs.d(5)"},
    {"no such host", Code::system, "check the name of the registry, and the network"},
    {"connection refused", Code::system, "{} does not answer: check its name and port"},
    {"timeout", Code::system, "{} does not answer: check the network and the proxy"},
    {"no space left on device", Code::system, "free space, or choose another store: --store PATH"},
    {"disk quota exceeded", Code::system,
     "your quota is used up: `lading rm` images that are not needed, or ask for more"},
    {"toomanyrequests", Code::system, "{} limits how often it may be asked: wait, or log in"},
};

/// The text of the last `msg="…"`, or the last line where there is none.
std::string message_in(std::string_view said) {
    while (!said.empty() && (said.back() == '\n' || said.back() == ' ')) {
        said.remove_suffix(1);
    }
    const std::string_view line = said.substr(said.rfind('\n') + 1);
    constexpr std::string_view kStart = "msg=\"";
    const std::size_t start = line.rfind(kStart);
    if (start == std::string_view::npos) {
        return std::string(line);
    }
    std::string message;
    for (std::size_t at = start + kStart.size(); at < line.size() && line[at] != '"'; ++at) {
        if (line[at] == '\\' && at + 1 < line.size()) {
            ++at;
        }
        message += line[at];
    }
    return message;
}

std::string with_host(std::string_view text, const std::string& host) {
    std::string done;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text.substr(at).starts_with("{}")) {
            done += host;
            ++at;
        } else {
            done += text[at];
        }
    }
    return done;
}

}  // namespace

Error explain_skopeo(std::string_view said, const RegistryImage& image) {
    const std::string message = message_in(said);
    Error error{Code::system,
                fmt::format("cannot pull {}: {}", to_string(image),
                            message.empty() ? "skopeo failed without a word"
                                            : shown_name(message.substr(0, kMaxShown))),
                ""};
    for (const Reason& reason : kReasons) {
        if (message.find(reason.words) != std::string::npos) {
            error.code = reason.code;
            error.hint = with_host(reason.hint, image.host);
            break;
        }
    }
    return error;
}

}  // namespace lading::formats
