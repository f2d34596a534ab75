// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tool_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/formats/json_reader.hpp"
#include "core/formats/shell_exports.hpp"
#include "core/formats/sif.hpp"

namespace lading::formats {
namespace {

constexpr std::string_view kMetadata = "the image's /ch/metadata.json";

std::string_view content_of(const ToolFiles& files, std::string_view path) {
    const auto found = files.find(path);
    return found == files.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

bool is_assignment(std::string_view line) {
    const std::size_t equals = line.find('=');
    return equals != std::string_view::npos && equals > 0 && !line.starts_with('#');
}

/// What the source said of itself counts more than what was found in it.
void fill(ImageConfig&& found, ImageConfig& config) {
    const auto fill_text = [](std::string& open, std::string&& with) {
        if (open.empty()) {
            open = std::move(with);
        }
    };
    if (config.environment.empty()) {
        config.environment = std::move(found.environment);
    }
    if (config.entrypoint.empty() && config.command.empty()) {
        config.entrypoint = std::move(found.entrypoint);
        config.command = std::move(found.command);
    }
    fill_text(config.workdir, std::move(found.workdir));
    fill_text(config.architecture, std::move(found.architecture));
    config.labels.merge(found.labels);
}

/// ch-run(1): assignments line by line, no comments, single quotes around a value taken off.
Result<ImageConfig> read_charliecloud(std::string_view environment, std::string_view metadata) {
    ImageConfig found;
    for (const std::string_view line : lines_of(environment)) {
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            continue;
        }
        std::string_view value = line.substr(equals + 1);
        if (value.size() >= 2 && value.starts_with('\'') && value.ends_with('\'')) {
            value = value.substr(1, value.size() - 2);
        }
        found.environment.push_back(fmt::format("{}={}", line.substr(0, equals), value));
    }
    if (metadata.empty()) {
        return found;
    }
    const auto document = TRY(parse_json_object(metadata, kMetadata));
    found.workdir = TRY(json_text(document, "cwd", kMetadata));
    const auto* const labels =
        TRY(json_member(document, "labels", nlohmann::json::value_t::object, kMetadata));
    if (labels != nullptr) {
        for (const auto& item : labels->items()) {
            found.labels[item.key()] = TRY(json_text(*labels, item.key().c_str(), kMetadata));
        }
    }
    return found;
}

/// enroot writes /etc/rc from the image's configuration: labels as comments, then a line
/// `cd "WORKDIR" && … || exit 1`.  Any other /etc/rc is the image's own, and says nothing.
std::optional<ImageConfig> read_enroot(std::string_view environment, std::string_view rc) {
    constexpr std::string_view kEnter = "cd \"";
    ImageConfig found;
    bool header = true;
    bool enters = false;
    for (const std::string_view line : lines_of(rc)) {
        const std::size_t quote = line.find('"', kEnter.size());
        if (line.starts_with(kEnter) && line.ends_with("|| exit 1") &&
            quote != std::string_view::npos) {
            found.workdir = line.substr(kEnter.size(), quote - kEnter.size());
            enters = true;
            break;
        }
        header = header && line.starts_with("# ");
        const std::size_t blank = line.find(' ', 2);
        if (header && blank != std::string_view::npos) {
            found.labels[std::string(line.substr(2, blank - 2))] = line.substr(blank + 1);
        }
    }
    if (!enters) {
        return std::nullopt;
    }
    for (const std::string_view line : lines_of(environment)) {
        if (is_assignment(line)) {
            found.environment.emplace_back(line);
        }
    }
    return found;
}

/// %environment goes on top of what the image was built from: the configuration of an OCI image,
/// which newer SIFs hold, or the script that was made of it.
Result<> add_apptainer(const ToolFiles& files, ImageConfig& config) {
    // So that `PATH=/opt/bin:$PATH` can be told before the container runs.
    const std::pair<const std::string, std::string> path{
        "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    std::map<std::string, std::string> variables{path};
    if (config.environment.empty()) {
        add_shell_exports(content_of(files, ".singularity.d/env/10-docker2singularity.sh"),
                          variables);
    }
    for (const std::string& entry : config.environment) {
        if (const std::size_t equals = entry.find('='); equals != std::string::npos) {
            variables.insert_or_assign(entry.substr(0, equals), entry.substr(equals + 1));
        }
    }
    add_shell_exports(content_of(files, ".singularity.d/env/90-environment.sh"), variables);
    config.environment.clear();
    for (const auto& variable : variables) {
        if (variable != path) {
            config.environment.push_back(fmt::format("{}={}", variable.first, variable.second));
        }
    }
    ImageConfig found;
    if (const std::string_view labels = content_of(files, ".singularity.d/labels.json");
        !labels.empty()) {
        TRY(add_sif_labels(labels, found));
    }
    config.labels.merge(found.labels);
    return {};
}

ImageConfig read_shifter(std::string_view text) {
    ImageConfig found;
    for (const std::string_view line : lines_of(text)) {
        if (line.starts_with("ENV: ") && is_assignment(line.substr(5))) {
            found.environment.emplace_back(line.substr(5));
        } else if (line.starts_with("WORKDIR: ")) {
            found.workdir = line.substr(9);
        }
    }
    return found;
}

}  // namespace

Result<> add_tool_files(const ToolFiles& files, ImageConfig& config) {
    const std::string_view charliecloud = content_of(files, "ch/environment");
    const std::string_view metadata = content_of(files, "ch/metadata.json");
    if (!charliecloud.empty() || !metadata.empty()) {
        fill(TRY(read_charliecloud(charliecloud, metadata)), config);
        return {};
    }
    if (auto enroot =
            read_enroot(content_of(files, "etc/environment"), content_of(files, "etc/rc"))) {
        fill(std::move(*enroot), config);
        return {};
    }
    const bool apptainer = std::ranges::any_of(
        files, [](const auto& file) { return file.first.starts_with(".singularity.d/"); });
    return apptainer ? add_apptainer(files, config) : Result<>();
}

Result<> add_side_file(std::string_view text, ImageConfig& config) {
    if (text.starts_with("FORMAT: ")) {
        fill(read_shifter(text), config);
    } else if (text.starts_with('{')) {
        // Sarus keeps the members that are below `config` in an OCI image's configuration.
        TRY(parse_json_object(text, "the file beside the image").map([](const auto&) {}));
        fill(TRY(parse_image_config(fmt::format(R"({{"config":{}}})", text))), config);
    }
    return {};
}

std::string side_file_of(std::string_view image) {
    constexpr std::string_view kEnding = ".squashfs";
    if (!image.ends_with(kEnding)) {
        return {};
    }
    return std::string(image.substr(0, image.size() - kEnding.size())) + ".meta";
}

}  // namespace lading::formats
