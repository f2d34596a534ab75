// SPDX-License-Identifier: BSD-3-Clause
// A Request as one line of JSON, in an environment variable from srun to slurmstepd.
//
// Anybody can write that variable.  So nothing in it is a decision: it repeats the options' own
// texts, and what comes back goes through the same grammar as the command line.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/formats/mount_request.hpp"
#include "core/formats/namespaces.hpp"
#include "core/formats/strict_json.hpp"
#include "lading/request.hpp"

namespace lading {
namespace {

using formats::JsonNode;
using nlohmann::json;

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kMaxBytes = 64U << 10;
constexpr std::string_view kName = "container request";

/// An error of the grammar, with the place in the request in front of it.
tl::unexpected<Error> refuse(const JsonNode& node, const Error& error) {
    return node.fail(error.what, error.hint);
}

Result<> read_image(const JsonNode& node, Request& request) {
    request.text = TRY(node.text());
    auto image = parse_image_reference(request.text);
    if (!image) {
        return refuse(node, image.error());
    }
    request.image = std::move(*image);
    return {};
}

/// What the image's name stood for when the job was submitted.
Result<> read_pin(const JsonNode& node, Request& request) {
    auto image = parse_image_reference(TRY(node.text()));
    if (!image) {
        return refuse(node, image.error());
    }
    const ImageName* const name = std::get_if<ImageName>(&*image);
    if (name == nullptr || name->digest.empty()) {
        return node.fail("expected NAME@sha256:DIGEST");
    }
    request.image = std::move(*image);
    return {};
}

Result<> read_mounts(const JsonNode& node, Request& request) {
    for (const JsonNode& item : TRY(node.items())) {
        auto mounts = parse_mounts(TRY(item.text()));
        if (!mounts) {
            return refuse(item, mounts.error());
        }
        request.mounts.insert(request.mounts.end(), mounts->begin(), mounts->end());
    }
    return {};
}

Result<> read_workdir(const JsonNode& node, Request& request) {
    auto workdir = parse_workdir(TRY(node.text()));
    if (!workdir) {
        return refuse(node, workdir.error());
    }
    request.workdir = std::move(*workdir);
    return {};
}

Result<> read_environment(const JsonNode& node, Request& request) {
    auto names = parse_environment_names(TRY(node.text()));
    if (!names) {
        return refuse(node, names.error());
    }
    request.environment = std::move(*names);
    return {};
}

Result<> read_unshare(const JsonNode& node, Request& request) {
    const std::string text = TRY(node.text());
    if (text.empty()) {  // asked for none, which is not the same as not asked
        request.unshare = Namespaces{};
        return {};
    }
    auto namespaces = parse_namespaces(text);
    if (!namespaces) {
        return refuse(node, namespaces.error());
    }
    request.unshare = *namespaces;
    return {};
}

Result<> read_inject(const JsonNode& node, Request& request) {
    auto inject = parse_inject(TRY(node.text()));
    if (!inject) {
        return refuse(node, inject.error());
    }
    request.inject = *inject;
    return {};
}

Result<> read_on_mismatch(const JsonNode& node, Request& request) {
    auto action = parse_on_mismatch(TRY(node.text()));
    if (!action) {
        return refuse(node, action.error());
    }
    request.on_mismatch = *action;
    return {};
}

Result<> read_labels(const JsonNode& node, Request& request) {
    for (const auto& [name, value] : TRY(node.members())) {
        auto label = parse_label(fmt::format("{}={}", name, TRY(value.text())));
        if (!label) {
            return refuse(value, label.error());
        }
        request.labels.insert(std::move(*label));
    }
    return {};
}

Result<> read_version(const JsonNode& node) {
    if (TRY(node.number()) != kVersion) {
        return node.fail(fmt::format("expected version {}", kVersion),
                         "the submit host and this node have different versions of lading");
    }
    return {};
}

}  // namespace

bool names_image(const Request& request, std::string_view container) {
    return container == request.text || container == to_string(request.image);
}

std::string format_request(const Request& request) {
    json object = {{"v", kVersion},
                   {"image", request.text.empty() ? to_string(request.image) : request.text}};
    if (const ImageName* const name = std::get_if<ImageName>(&request.image);
        name != nullptr && !name->digest.empty() && object["image"] != to_string(*name)) {
        object["pin"] = to_string(*name);
    }
    for (const MountRequest& mount : request.mounts) {
        object["mounts"].push_back(formats::format_mount(mount));
    }
    if (request.workdir) {
        object["workdir"] = request.workdir->value;
    }
    if (!request.environment.empty()) {
        object["env"] = fmt::format("{}", fmt::join(request.environment, ","));
    }
    if (request.writable) {
        object["writable"] = *request.writable;
    }
    if (request.mount_home) {
        object["home"] = *request.mount_home;
    }
    if (request.unshare) {
        object["unshare"] =
            fmt::format("{}", fmt::join(formats::namespace_names(*request.unshare), ","));
    }
    if (request.inject) {
        object["inject"] = to_string(*request.inject);
    }
    if (request.on_mismatch) {
        object["on_mismatch"] = to_string(*request.on_mismatch);
    }
    if (!request.labels.empty()) {
        object["labels"] = request.labels;
    }
    // The grammar lets only UTF-8 through; a Request made otherwise must still not throw.
    return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Request> parse_request(std::string_view text) {
    const formats::JsonRules rules{kName, Code::usage, kMaxBytes, false};
    const json document = TRY(formats::parse_strict_json(text, rules));
    Request request;
    TRY(JsonNode(document, rules)
            .read_object({
                {"v", read_version, true},
                {"image", [&](const JsonNode& n) { return read_image(n, request); }, true},
                {"pin", [&](const JsonNode& n) { return read_pin(n, request); }},
                {"mounts", [&](const JsonNode& n) { return read_mounts(n, request); }},
                {"workdir", [&](const JsonNode& n) { return read_workdir(n, request); }},
                {"env", [&](const JsonNode& n) { return read_environment(n, request); }},
                {"writable",
                 [&](const JsonNode& n) -> Result<> {
                     request.writable = TRY(n.boolean());
                     return {};
                 }},
                {"home",
                 [&](const JsonNode& n) -> Result<> {
                     request.mount_home = TRY(n.boolean());
                     return {};
                 }},
                {"unshare", [&](const JsonNode& n) { return read_unshare(n, request); }},
                {"inject", [&](const JsonNode& n) { return read_inject(n, request); }},
                {"on_mismatch", [&](const JsonNode& n) { return read_on_mismatch(n, request); }},
                {"labels", [&](const JsonNode& n) { return read_labels(n, request); }},
            }));
    return request;
}

}  // namespace lading
