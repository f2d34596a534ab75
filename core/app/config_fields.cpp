// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/config_fields.hpp"

#include <string>
#include <string_view>

namespace lading::app {
namespace {

constexpr std::string_view kLabelField = "label.";

}  // namespace

void add_config(formats::Fields& fields, const ImageConfig& config) {
    fields.add("architecture", config.architecture);
    fields.add("environment", config.environment);
    fields.add("entrypoint", config.entrypoint);
    fields.add("command", config.command);
    fields.add("workdir", config.workdir);
    fields.add("user", config.user);
    fields.add("definition", config.definition);
    for (const auto& [name, value] : config.labels) {
        fields.add(std::string(kLabelField) + name, value);
    }
}

ImageConfig config_of(const formats::Fields& fields) {
    ImageConfig config;
    config.architecture = fields.get("architecture");
    config.environment = fields.all("environment");
    config.entrypoint = fields.all("entrypoint");
    config.command = fields.all("command");
    config.workdir = fields.get("workdir");
    config.user = fields.get("user");
    config.definition = fields.get("definition");
    for (const auto& [name, value] : fields.entries()) {
        if (name.starts_with(kLabelField)) {
            config.labels[name.substr(kLabelField.size())] = value;
        }
    }
    return config;
}

}  // namespace lading::app
