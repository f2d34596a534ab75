// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/seccomp_profile.hpp"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace lading::formats {
namespace {

using nlohmann::json;

constexpr std::pair<const char*, SeccompAction> kActions[] = {
    {"SCMP_ACT_ALLOW", SeccompAction::allow},
    {"SCMP_ACT_ERRNO", SeccompAction::fail},
    {"SCMP_ACT_KILL", SeccompAction::kill_process},
    {"SCMP_ACT_KILL_PROCESS", SeccompAction::kill_process},
    {"SCMP_ACT_LOG", SeccompAction::log},
};

constexpr std::pair<const char*, SeccompCompare> kCompares[] = {
    {"SCMP_CMP_NE", SeccompCompare::not_equal},           {"SCMP_CMP_LT", SeccompCompare::less},
    {"SCMP_CMP_LE", SeccompCompare::less_equal},          {"SCMP_CMP_EQ", SeccompCompare::equal},
    {"SCMP_CMP_GE", SeccompCompare::greater_equal},       {"SCMP_CMP_GT", SeccompCompare::greater},
    {"SCMP_CMP_MASKED_EQ", SeccompCompare::masked_equal},
};

/// Ends inside parse_seccomp_profile: the reader below is plain because errors leave by it.
struct Malformed {
    std::string path;
    std::string what;
};

template <typename Value, std::size_t N>
Value look_up(const std::pair<const char*, Value> (&table)[N], const json& value,
              const std::string& path) {
    if (!value.is_string()) {
        throw Malformed{path, "expected a string"};
    }
    for (const auto& [name, known] : table) {
        if (value.get_ref<const std::string&>() == name) {
            return known;
        }
    }
    throw Malformed{path,
                    fmt::format("'{}' is not supported", value.get_ref<const std::string&>())};
}

std::uint64_t number(const json& object, const char* key, const std::string& path,
                     std::optional<std::uint64_t> fallback = {}) {
    const auto found = object.find(key);
    if (found == object.end() && fallback) {
        return *fallback;
    }
    if (found == object.end() || !found->is_number_unsigned()) {
        throw Malformed{fmt::format("{}.{}", path, key), "expected a number, not negative"};
    }
    return found->get<std::uint64_t>();
}

const json& array_at(const json& object, const char* key, const std::string& path) {
    static const json empty = json::array();
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) {
        return empty;
    }
    if (!found->is_array()) {
        throw Malformed{fmt::format("{}.{}", path, key), "expected an array"};
    }
    return *found;
}

SeccompArgument parse_argument(const json& value, const std::string& path) {
    if (!value.is_object()) {
        throw Malformed{path, "expected an object"};
    }
    SeccompArgument argument;
    argument.index = static_cast<unsigned>(number(value, "index", path));
    if (argument.index > 5) {
        throw Malformed{path + ".index", "a system call has the arguments 0 to 5"};
    }
    argument.value = number(value, "value", path);
    argument.value_two = number(value, "valueTwo", path, 0);
    argument.compare = look_up(kCompares, value.value("op", json()), path + ".op");
    return argument;
}

/// Docker's extended rules: `includes` with capabilities never hold for a task of lading.
bool applies(const json& rule, const std::string& path) {
    const auto includes = rule.find("includes");
    if (includes == rule.end() || !includes->is_object()) {
        return true;
    }
    if (!array_at(*includes, "caps", path + ".includes").empty()) {
        return false;
    }
    const json& architectures = array_at(*includes, "arches", path + ".includes");
    if (architectures.empty()) {
        return true;
    }
#if defined(__x86_64__)
    constexpr std::array<std::string_view, 2> ours{"amd64", "x86_64"};
#elif defined(__aarch64__)
    constexpr std::array<std::string_view, 2> ours{"arm64", "aarch64"};
#else
    constexpr std::array<std::string_view, 0> ours{};
#endif
    for (const json& name : architectures) {
        for (const std::string_view our : ours) {
            if (name == our) {
                return true;
            }
        }
    }
    return false;
}

SeccompRule parse_rule(const json& value, const std::string& path, int default_error) {
    SeccompRule rule;
    const auto add = [&rule, &path](const json& name) {
        if (!name.is_string()) {
            throw Malformed{path + ".names", "expected strings"};
        }
        rule.names.push_back(name.get<std::string>());
    };
    if (const auto name = value.find("name"); name != value.end()) {
        add(*name);
    }
    for (const json& name : array_at(value, "names", path)) {
        add(name);
    }
    rule.action = look_up(kActions, value.value("action", json()), path + ".action");
    rule.error = static_cast<int>(
        number(value, "errnoRet", path, static_cast<std::uint64_t>(default_error)) & 0xfff);
    const json& arguments = array_at(value, "args", path);
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        rule.arguments.push_back(parse_argument(arguments[i], fmt::format("{}.args[{}]", path, i)));
    }
    return rule;
}

SeccompProfile parse(const json& root) {
    if (!root.is_object()) {
        throw Malformed{"$", "expected an object"};
    }
    SeccompProfile profile;
    profile.default_action =
        look_up(kActions, root.value("defaultAction", json()), "$.defaultAction");
    profile.default_error = static_cast<int>(number(root, "defaultErrnoRet", "$", 1) & 0xfff);
    const json& rules = array_at(root, "syscalls", "$");
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const std::string path = fmt::format("$.syscalls[{}]", i);
        if (!rules[i].is_object()) {
            throw Malformed{path, "expected an object"};
        }
        if (applies(rules[i], path)) {
            profile.rules.push_back(parse_rule(rules[i], path, profile.default_error));
        }
    }
    return profile;
}

}  // namespace

Result<SeccompProfile> parse_seccomp_profile(std::string_view text, std::string_view file) {
    try {
        return parse(json::parse(text));
    } catch (const Malformed& error) {
        return fail(Code::site, fmt::format("{}: {}: {}", file, error.path, error.what),
                    "the profile must follow the OCI runtime specification, as Podman's "
                    "/usr/share/containers/seccomp.json does");
    } catch (const json::exception& error) {
        return fail(Code::site, fmt::format("{}: {}", file, error.what()));
    }
}

}  // namespace lading::formats
