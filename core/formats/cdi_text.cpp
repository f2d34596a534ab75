// SPDX-License-Identifier: BSD-3-Clause
#include <nlohmann/json.hpp>

#include "core/formats/cdi.hpp"

namespace lading::formats {
namespace {

using nlohmann::ordered_json;

/// Adds what says something: a missing field and an empty one mean the same.
template <typename Value>
void add(ordered_json& object, const char* name, const Value& value) {
    if (!value.empty()) {
        object[name] = value;
    }
}

template <typename Value>
void add(ordered_json& object, const char* name, const std::optional<Value>& value) {
    if (value) {
        object[name] = *value;
    }
}

void add(ordered_json& object, const char* name, bool value) {
    if (value) {
        object[name] = true;
    }
}

ordered_json to_json(const CdiDeviceNode& device) {
    ordered_json object = {{"path", device.path}};
    add(object, "hostPath", device.host_path);
    add(object, "type", device.type);
    add(object, "major", device.major);
    add(object, "minor", device.minor);
    add(object, "fileMode", device.file_mode);
    add(object, "permissions", device.permissions);
    add(object, "uid", device.uid);
    add(object, "gid", device.gid);
    return object;
}

ordered_json to_json(const CdiMount& mount) {
    ordered_json object = {{"hostPath", mount.host_path}, {"containerPath", mount.container_path}};
    add(object, "type", mount.type);
    add(object, "options", mount.options);
    return object;
}

ordered_json to_json(const CdiHook& hook) {
    ordered_json object = {{"hookName", hook.name}, {"path", hook.path}};
    add(object, "args", hook.args);
    add(object, "env", hook.env);
    add(object, "timeout", hook.timeout);
    return object;
}

ordered_json to_json(const CdiNetDevice& device) {
    return {{"hostInterfaceName", device.host_interface_name}, {"name", device.name}};
}

ordered_json to_json(const CdiIntelRdt& rdt) {
    ordered_json object = ordered_json::object();
    add(object, "closID", rdt.clos_id);
    add(object, "l3CacheSchema", rdt.l3_cache_schema);
    add(object, "memBwSchema", rdt.mem_bw_schema);
    add(object, "schemata", rdt.schemata);
    add(object, "enableMonitoring", rdt.enable_monitoring);
    add(object, "enableCMT", rdt.enable_cmt);
    add(object, "enableMBM", rdt.enable_mbm);
    return object;
}

template <typename Element>
ordered_json list_of(const std::vector<Element>& elements) {
    ordered_json list = ordered_json::array();
    for (const Element& element : elements) {
        list.push_back(to_json(element));
    }
    return list;
}

ordered_json to_json(const CdiEdits& edits) {
    ordered_json object = ordered_json::object();
    add(object, "env", edits.env);
    add(object, "deviceNodes", list_of(edits.device_nodes));
    add(object, "mounts", list_of(edits.mounts));
    add(object, "hooks", list_of(edits.hooks));
    add(object, "additionalGids", edits.additional_gids);
    if (edits.intel_rdt) {
        object["intelRdt"] = to_json(*edits.intel_rdt);
    }
    add(object, "netDevices", list_of(edits.net_devices));
    return object;
}

}  // namespace

std::string format_cdi(const CdiSpec& spec) {
    ordered_json document = {{"cdiVersion", spec.version}, {"kind", spec.kind}};
    add(document, "annotations", spec.annotations);
    ordered_json devices = ordered_json::array();
    for (const CdiDevice& device : spec.devices) {
        ordered_json object = {{"name", device.name}};
        add(object, "annotations", device.annotations);
        object["containerEdits"] = to_json(device.edits);
        devices.push_back(std::move(object));
    }
    document["devices"] = std::move(devices);
    add(document, "containerEdits", to_json(spec.edits));
    return document.dump(4, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace lading::formats
