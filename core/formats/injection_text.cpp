// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/formats/strict_json.hpp"
#include "lading/injection.hpp"

namespace lading {
namespace {

using formats::JsonNode;
using nlohmann::ordered_json;

/// In the order of the enumeration.
constexpr std::string_view kVerdicts[] = {
    "NATIVE",    "OK",       "OK_GLIBC", "UNPROVEN", "DEGRADED", "MISSING", "TRANSLATE",
    "NO_SYMBOL", "NO_GLIBC", "CONFLICT", "NO_ABI",   "NO_LIBC",  "NO_CPU",  "NO_ARCH",
};

/// An Open MPI with all its modules has some 200 files.
constexpr std::size_t kMaxBytes = 4U << 20;

ordered_json finding_json(const Finding& finding) {
    ordered_json json = {{"need", finding.need},      {"wants", finding.wants},
                         {"offers", finding.offers},  {"verdict", name_of(finding.verdict)},
                         {"reason", finding.reason},  {"remedy", finding.remedy},
                         {"speed", finding.speed},    {"note", finding.note},
                         {"refuses", finding.refuses}};
    return json;
}

template <typename List>
ordered_json values(const List& paths) {
    ordered_json list = ordered_json::array();
    for (const auto& path : paths) {
        list.push_back(path.value);
    }
    return list;
}

ordered_json libc_json(const InjectedLibc& libc) {
    return {{"version", libc.version},
            {"loader", libc.loader.value},
            {"loaders", values(libc.loaders)},
            {"libraries", libc.libraries}};
}

Result<> read(const JsonNode& node, std::string& into) {
    into = TRY(node.text());
    return {};
}

template <typename Path>
Result<> read(const JsonNode& node, Path& into) requires requires {
    into.value;
}
{ return read(node, into.value); }

Result<> read(const JsonNode& node, bool& into) {
    into = TRY(node.boolean());
    return {};
}

Result<> read(const JsonNode& node, std::map<std::string, std::string>& into) {
    for (const auto& [name, value] : TRY(node.members())) {
        TRY(read(value, into[name]));
    }
    return {};
}

Result<> read(const JsonNode& node, Finding& finding);
Result<> read(const JsonNode& node, InjectedFile& file);
Result<> read(const JsonNode& node, KeptFile& file);
Result<> read(const JsonNode& node, InjectedMount& mount);
Result<> read(const JsonNode& node, InjectedLibc& libc);

template <typename Element>
Result<> read(const JsonNode& node, std::vector<Element>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        TRY(read(item, into.emplace_back()));
    }
    return {};
}

template <typename Value>
JsonNode::Key key(const char* name, Value& into) {
    return {name, [&into](const JsonNode& node) { return read(node, into); }, true};
}

Result<> read(const JsonNode& node, Finding& finding) {
    std::string verdict;
    TRY(node.read_object(
        {key("need", finding.need), key("wants", finding.wants), key("offers", finding.offers),
         key("verdict", verdict), key("reason", finding.reason), key("remedy", finding.remedy),
         key("speed", finding.speed), key("note", finding.note), key("refuses", finding.refuses)}));
    const auto known = std::ranges::find(kVerdicts, verdict);
    if (known == std::end(kVerdicts)) {
        return node.fail("unknown verdict");
    }
    finding.verdict = static_cast<Verdict>(known - std::begin(kVerdicts));
    return {};
}

Result<> read(const JsonNode& node, InjectedFile& file) {
    return node.read_object({key("soname", file.soname), key("source", file.source),
                             key("targets", file.targets), key("build_id", file.build_id),
                             key("reason", file.reason)});
}

Result<> read(const JsonNode& node, KeptFile& file) {
    return node.read_object(
        {key("soname", file.soname), key("path", file.path), key("reason", file.reason)});
}

Result<> read(const JsonNode& node, InjectedMount& mount) {
    return node.read_object({key("source", mount.source), key("target", mount.target),
                             key("required", mount.required), key("reason", mount.reason)});
}

Result<> read(const JsonNode& node, InjectedLibc& libc) {
    return node.read_object({key("version", libc.version), key("loader", libc.loader),
                             key("loaders", libc.loaders), key("libraries", libc.libraries)});
}

}  // namespace

std::string_view name_of(Verdict verdict) {
    return kVerdicts[static_cast<std::size_t>(verdict)];
}

Verdict verdict_of(const Injection& injection) {
    Verdict worst = Verdict::native;
    for (const Finding& finding : injection.findings) {
        worst = std::max(worst, finding.verdict);
    }
    return worst;
}

const Finding* refusal_of(const Injection& injection) {
    const auto found = std::ranges::find_if(injection.findings, &Finding::refuses);
    return found == injection.findings.end() ? nullptr : &*found;
}

std::string format_injection(const Injection& injection) {
    ordered_json json = {{"verdict", name_of(verdict_of(injection))},
                         {"findings", ordered_json::array()},
                         {"profiles", injection.profiles},
                         {"files", ordered_json::array()},
                         {"kept", ordered_json::array()},
                         {"mounts", ordered_json::array()},
                         {"environment", injection.environment},
                         {"libc", libc_json(injection.libc)}};
    for (const Finding& finding : injection.findings) {
        json["findings"].push_back(finding_json(finding));
    }
    for (const InjectedFile& file : injection.files) {
        json["files"].push_back({{"soname", file.soname},
                                 {"source", file.source.value},
                                 {"targets", values(file.targets)},
                                 {"build_id", file.build_id},
                                 {"reason", file.reason}});
    }
    for (const KeptFile& file : injection.kept) {
        json["kept"].push_back(
            {{"soname", file.soname}, {"path", file.path.value}, {"reason", file.reason}});
    }
    for (const InjectedMount& mount : injection.mounts) {
        json["mounts"].push_back({{"source", mount.source.value},
                                  {"target", mount.target.value},
                                  {"required", mount.required},
                                  {"reason", mount.reason}});
    }
    // Names come from the image's files, which need not be UTF-8.
    return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<Injection> parse_injection(std::string_view text) {
    const formats::JsonRules rules{"the injection", Code::internal, kMaxBytes, false};
    const nlohmann::json document = TRY(formats::parse_strict_json(text, rules));
    Injection injection;
    std::string verdict;
    TRY(JsonNode(document, rules)
            .read_object({key("verdict", verdict), key("findings", injection.findings),
                          key("profiles", injection.profiles), key("files", injection.files),
                          key("kept", injection.kept), key("mounts", injection.mounts),
                          key("environment", injection.environment), key("libc", injection.libc)}));
    return injection;
}

}  // namespace lading
