// SPDX-License-Identifier: BSD-3-Clause
#include "core/compat/elf_summary.hpp"

#include <algorithm>

#include "core/compat/families.hpp"
#include "core/compat/needs.hpp"

namespace lading::compat {
namespace {

using formats::IndexedFile;

/// The architecture of most files, where the image's configuration names none.
std::string main_architecture(const ElfSummary& summary) {
    const auto most = std::ranges::max_element(summary.architectures, {},
                                               [](const auto& entry) { return entry.second; });
    return most == summary.architectures.end() ? std::string() : most->first;
}

/// The libc.so.6 of 2.31 ends at GLIBC_2.30: its other files know better.
std::string libc_of(const formats::ElfIndex& index, const std::string& architecture) {
    std::vector<std::string_view> definitions;
    for (std::uint32_t id = 0; id < index.size(); ++id) {
        const IndexedFile file = index.file(id);
        if (file.architecture == architecture && is_glibc(file.soname)) {
            const auto more = index.version_definitions(id);
            definitions.insert(definitions.end(), more.begin(), more.end());
        }
    }
    const std::string version = glibc_version(definitions);
    return version.empty() ? std::string() : "glibc " + version;
}

}  // namespace

ElfSummary summarise(const formats::ElfIndex& index, const std::string& architecture) {
    ElfSummary summary;
    summary.files = index.size();
    for (std::uint32_t id = 0; id < index.size(); ++id) {
        const IndexedFile file = index.file(id);
        ++summary.architectures[std::string(file.architecture)];
        // The loader takes those of glibc-hwcaps only where the processor has it.
        const bool optional = file.path.find("/glibc-hwcaps/") != std::string_view::npos;
        if (file.isa_level > summary.isa_level && !optional) {
            summary.isa_level = file.isa_level;
            summary.isa_file = file.path;
        }
    }
    const std::string own = architecture.empty() ? main_architecture(summary) : architecture;
    summary.libc = libc_of(index, own);
    ImageSide image;
    image.index = &index;
    for (const Need& need : find_needs(image, own, {})) {
        StackUse use{need.provides, {}, static_cast<std::uint32_t>(need.users.size())};
        for (const std::uint32_t id : need.providers) {
            use.libraries.emplace_back(index.file(id).path);
        }
        summary.stacks.push_back(std::move(use));
    }
    return summary;
}

}  // namespace lading::compat
