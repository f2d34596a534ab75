// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/library_record.hpp"

#include <algorithm>

#include "core/formats/utf8.hpp"

namespace lading::record {
namespace {

using formats::JsonNode;
using nlohmann::json;

constexpr std::size_t kTextBytes = 200;
constexpr std::size_t kMostProfiles = 16;
constexpr std::size_t kMostVerdicts = 16;
constexpr std::size_t kMostLibraries = 400;
constexpr std::size_t kNameBytes = 48;

void bound(std::string& text, std::size_t limit) {
    text = formats::repair_utf8(text);
    text = formats::utf8_prefix(text, limit);
}

/// soname, path, reason: the last ones only where they are there.
json row(const LibraryRecord& library) {
    json cells = {library.soname};
    if (!library.path.empty()) {
        cells.push_back(library.path);
        if (!library.reason.empty()) {
            cells.push_back(library.reason);
        }
    }
    return cells;
}

Result<> read_rows(const JsonNode& node, std::vector<LibraryRecord>& into) {
    for (const JsonNode& item : TRY(node.items())) {
        std::vector<std::string> cells = TRY(item.texts());
        if (cells.empty() || cells.size() > 3) {
            return item.fail("expected a soname, a path and a reason");
        }
        cells.resize(3);
        into.push_back({cells[0], cells[1], cells[2]});
    }
    return {};
}

/// Empties that member of every library; false where it was empty everywhere.
bool clear_each(LibrariesRecord& libraries, std::string LibraryRecord::*member) {
    bool cleared = false;
    for (auto* list : {&libraries.injected, &libraries.kept}) {
        for (LibraryRecord& library : *list) {
            cleared = cleared || !(library.*member).empty();
            (library.*member).clear();
        }
    }
    return cleared;
}

}  // namespace

json libraries_json(const LibrariesRecord& libraries) {
    json object = json::object();
    if (!libraries.verdicts.empty()) {
        object["verdicts"] = libraries.verdicts;
    }
    if (!libraries.profiles.empty()) {
        object["profiles"] = libraries.profiles;
    }
    for (const auto& [name, list] :
         {std::pair("injected", &libraries.injected), std::pair("kept", &libraries.kept)}) {
        for (const LibraryRecord& library : *list) {
            object[name].push_back(row(library));
        }
    }
    if (libraries.omitted) {
        object["omitted"] = true;
    }
    return object;
}

Result<> read_libraries(const JsonNode& node, LibrariesRecord& into) {
    return node.read_object({
        {"verdicts",
         [&](const JsonNode& n) -> Result<> {
             for (const auto& [need, verdict] : TRY(n.members())) {
                 into.verdicts[need] = TRY(verdict.text());
             }
             return {};
         }},
        {"profiles",
         [&](const JsonNode& n) -> Result<> {
             into.profiles = TRY(n.texts());
             return {};
         }},
        {"injected", [&](const JsonNode& n) { return read_rows(n, into.injected); }},
        {"kept", [&](const JsonNode& n) { return read_rows(n, into.kept); }},
        {"omitted",
         [&](const JsonNode& n) -> Result<> {
             into.omitted = TRY(n.boolean());
             return {};
         }},
    });
}

bool shorten(LibrariesRecord& libraries) {
    bool less = clear_each(libraries, &LibraryRecord::reason) ||
                clear_each(libraries, &LibraryRecord::path);
    if (!less && (!libraries.injected.empty() || !libraries.kept.empty())) {
        libraries.injected.clear();
        libraries.kept.clear();
        less = true;
    }
    libraries.omitted = libraries.omitted || less;
    return less;
}

LibrariesRecord bounded_libraries(LibrariesRecord libraries) {
    for (auto* list : {&libraries.injected, &libraries.kept}) {
        if (list->size() > kMostLibraries) {
            list->resize(kMostLibraries);
            libraries.omitted = true;
        }
        for (LibraryRecord& library : *list) {
            bound(library.soname, kTextBytes);
            bound(library.path, kTextBytes);
            bound(library.reason, kTextBytes);
        }
    }
    libraries.profiles.resize(std::min(libraries.profiles.size(), kMostProfiles));
    for (std::string& profile : libraries.profiles) {
        bound(profile, kNameBytes);
    }
    std::map<std::string, std::string> verdicts;
    for (const auto& [title, value] : libraries.verdicts) {
        std::string need = title;
        std::string verdict = value;
        bound(need, kNameBytes);
        bound(verdict, kNameBytes);
        if (verdicts.size() < kMostVerdicts) {
            verdicts.emplace(need, verdict);
        }
    }
    libraries.verdicts = std::move(verdicts);
    return libraries;
}

}  // namespace lading::record
