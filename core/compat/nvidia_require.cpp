// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/nvidia_require.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace lading::compat {
namespace {

using formats::IndexedFile;

constexpr std::string_view kRequire = "NVIDIA_REQUIRE_";
constexpr std::string_view kDisable = "NVIDIA_DISABLE_REQUIRE";
constexpr std::string_view kLibrary = "libcuda.so.1";

struct Release {
    std::string_view cuda;
    std::string_view driver;  ///< the oldest that it came with, Linux x86_64
};
/// NVIDIA CUDA Toolkit Release Notes 13.4, "CUDA Toolkit and Corresponding Driver Versions"
/// (docs.nvidia.com/cuda/cuda-toolkit-release-notes); of 13.0 and later they name the branch alone.
/// Not the other table there, of minor version compatibility: it says what a program may get along
/// with, not which CUDA a driver has.
constexpr Release kReleases[] = {
    {"13.4", "615"},       {"13.3", "610"},       {"13.2", "595"},       {"13.1", "590"},
    {"13.0", "580"},       {"12.9", "575.51.03"}, {"12.8", "570.26"},    {"12.6", "560.28.03"},
    {"12.5", "555.42.02"}, {"12.4", "550.54.14"}, {"12.3", "545.23.06"}, {"12.2", "535.54.03"},
    {"12.1", "530.30.02"}, {"12.0", "525.60.13"}, {"11.8", "520.61.05"}, {"11.7", "515.43.04"},
    {"11.6", "510.39.01"}, {"11.5", "495.29.05"}, {"11.4", "470.42.01"}, {"11.3", "465.19.01"},
    {"11.2", "460.27.03"}, {"11.1", "455.23"},    {"11.0", "450.36.06"}, {"10.2", "440.33"},
    {"10.1", "418.39"},    {"10.0", "410.48"},    {"9.2", "396.26"},     {"9.1", "390.46"},
    {"9.0", "384.81"},     {"8.0", "367.48"},     {"7.5", "352.31"},     {"7.0", "346.46"},
};

constexpr std::size_t kParts = 4;
using Version = std::array<unsigned, kParts>;

/// `535.104.05`; what is not there counts as 0.  Nothing for anything else.
std::optional<Version> parse_version(std::string_view text) {
    Version version{};
    for (unsigned& part : version) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
        if (error != std::errc()) {
            return std::nullopt;
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.empty()) {
            return version;
        }
        if (text.front() != '.') {
            return std::nullopt;
        }
        text.remove_prefix(1);
    }
    return std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        if (end > 0) {
            parts.push_back(text.substr(0, end));
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

bool holds(const Version& ours, std::string_view operation, const Version& theirs) {
    if (operation == "=") {
        return ours == theirs;
    }
    if (operation == "!=") {
        return ours != theirs;
    }
    return operation == "<"    ? ours < theirs
           : operation == "<=" ? ours <= theirs
           : operation == ">"  ? ours > theirs
                               : ours >= theirs;
}

/// `cuda>=12.9`: nothing where it says nothing that is known here, such as `brand=tesla`.
std::optional<bool> evaluate(std::string_view condition, std::string_view driver) {
    const std::size_t at = condition.find_first_of("<>=!");
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view property = condition.substr(0, at);
    const std::size_t value = std::min(condition.find_first_not_of("<>=!", at), condition.size());
    const std::string_view operation = condition.substr(at, value - at);
    constexpr std::string_view kOperations[] = {"=", "!=", "<", "<=", ">", ">="};
    const auto theirs = parse_version(condition.substr(value));
    const auto ours = property == "cuda"     ? parse_version(cuda_of_driver(driver))
                      : property == "driver" ? parse_version(driver)
                                             : std::nullopt;
    if (!theirs || !ours || std::ranges::find(kOperations, operation) == std::end(kOperations)) {
        return std::nullopt;
    }
    return holds(*ours, operation, *theirs);
}

bool is_met(std::string_view requirement, std::string_view driver) {
    bool any_known = false;
    for (const std::string_view alternative : split(requirement, ' ')) {
        bool known = false;
        bool met = true;
        for (const std::string_view condition : split(alternative, ',')) {
            const std::optional<bool> result = evaluate(condition, driver);
            known = known || result.has_value();
            met = met && result.value_or(true);
        }
        if (known && met) {
            return true;
        }
        any_known = any_known || known;
    }
    return !any_known;
}

bool is_true(std::string_view value) {
    constexpr std::string_view kTrue[] = {"1", "t", "T", "true", "TRUE", "True"};
    return std::ranges::find(kTrue, value) != std::end(kTrue);
}

/// `/usr/local/cuda-12.9/compat/libcuda.so.575.51.03`: of NVIDIA's package cuda-compat.
bool is_compat_library(std::string_view path) {
    return path.starts_with("/usr/local/cuda") && path.find("/compat/") != std::string_view::npos &&
           !driver_version(path).empty();
}

std::string describe_compat(const formats::ElfIndex& image, std::string_view driver) {
    for (std::uint32_t id = 0; id < image.size(); ++id) {
        const IndexedFile file = image.file(id);
        if (is_compat_library(file.path) &&
            parse_version(driver_version(file.path)) > parse_version(driver)) {
            return fmt::format(
                "the image's own newer {} (forward compatibility) is not used: the host's driver "
                "{} is, for CUDA up to {}",
                file.path, driver, cuda_of_driver(driver));
        }
    }
    return {};
}

std::string_view host_driver(const Question& question, const Attempt& tried) {
    for (const StackLibrary& library : tried.stacks.front()->libraries) {
        if (std::ranges::find(library.names, kLibrary) != library.names.end()) {
            return driver_version(question.host.index->file(library.file).path);
        }
    }
    return {};
}

}  // namespace

std::string_view driver_version(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    constexpr std::string_view kPrefix = "libcuda.so.";
    if (!name.starts_with(kPrefix)) {
        return {};
    }
    const std::string_view version = name.substr(kPrefix.size());
    // libcuda.so.1 says nothing.
    return version.find('.') != std::string_view::npos && parse_version(version) ? version : "";
}

std::string_view cuda_of_driver(std::string_view driver) {
    const auto version = parse_version(driver);
    for (const Release& release : kReleases) {
        if (version && *version >= *parse_version(release.driver)) {
            return release.cuda;
        }
    }
    return {};
}

std::optional<UnmetRequirement> unmet_requirement(const std::vector<std::string>& environment,
                                                  std::string_view driver) {
    std::optional<UnmetRequirement> unmet;
    for (const std::string_view entry : environment) {
        const std::string_view name = entry.substr(0, entry.find('='));
        const std::string_view value = entry.substr(std::min(name.size() + 1, entry.size()));
        if (name == kDisable && is_true(value)) {
            return std::nullopt;
        }
        if (!unmet && name.starts_with(kRequire) && !is_met(value, driver)) {
            unmet = UnmetRequirement{std::string(name), std::string(value)};
        }
    }
    return unmet;
}

void judge_nvidia_driver(const Question& question, const Attempt& tried, bool relied_on,
                         Finding& finding) {
    const std::string_view driver = host_driver(question, tried);
    if (driver.empty()) {
        return;
    }
    if (const auto unmet = unmet_requirement(question.image.environment, driver)) {
        finding.verdict = Verdict::no_abi;
        finding.reason =
            fmt::format("the image asks for {} ({}), this host's driver {} has CUDA {}",
                        unmet->value.substr(0, unmet->value.find(' ')), unmet->variable, driver,
                        cuda_of_driver(driver));
        finding.remedy = fmt::format(
            "use an image for CUDA {} or older, or nodes with a newer driver; {}=1 in the job's "
            "environment lifts the demand",
            cuda_of_driver(driver), kDisable);
        finding.speed.clear();
        finding.refuses = relied_on;
        return;
    }
    if (const std::string note = describe_compat(*question.image.index, driver); !note.empty()) {
        finding.reason += (finding.reason.empty() ? "" : "; ") + note;
    }
}

}  // namespace lading::compat
