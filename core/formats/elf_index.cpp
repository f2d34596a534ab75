// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/elf_index.hpp"

#include <algorithm>

#include "core/formats/elf_index_layout.hpp"

namespace lading::formats {

using namespace elf_index;

static_assert(kImports == 3, "as ElfIndex::kImportsList");

namespace {

/// How many of the first rows come before what is looked for: the number of the first that does
/// not.
template <typename Before>
std::uint32_t count_before(std::uint32_t count, const Before& before) {
    std::uint32_t low = 0;
    for (std::uint32_t high = count; low < high;) {
        const std::uint32_t middle = low + (high - low) / 2;
        if (before(middle)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

}  // namespace

std::string join_link(std::string_view path, std::string_view target) {
    const auto no_links = [](std::string_view) { return std::optional<std::string_view>(); };
    return follow_links(target.starts_with('/')
                            ? std::string(target)
                            : std::string(path.substr(0, path.rfind('/') + 1)).append(target),
                        no_links);
}

Result<ElfIndex> ElfIndex::open(std::string_view bytes) {
    ElfIndex index;
    index.bytes_ = bytes;
    if (!bytes.starts_with(kMagic) || index.number(8) != kElfIndexVersion) {
        return fail(Code::bad_image, "not an index of ELF files of this version of lading");
    }
    Section* const sections[kSections] = {&index.texts_, &index.files_, &index.sonames_,
                                          &index.users_, &index.links_, &index.scripts_,
                                          &index.cache_};
    bool fits = true;
    for (unsigned i = 0; i < kSections; ++i) {
        Section& section = *sections[i];
        section = {index.number(16 + 8 * i), index.number(16 + 8 * i + 4)};
        const std::uint64_t length =
            i == kTexts ? section.count : std::uint64_t{section.count} * 4 * kSectionRow[i];
        fits = fits && section.offset <= bytes.size() && length <= bytes.size() - section.offset;
    }
    if (!fits || !index.lists_fit()) {
        return fail(Code::bad_image, "the index of the image's ELF files is damaged");
    }
    return index;
}

/// Lists that lie over each other could be as many as there are files and each as long as it all.
bool ElfIndex::lists_fit() const {
    std::uint64_t left = bytes_.size();
    for (std::uint32_t id = 0; id < files_.count; ++id) {
        for (unsigned which = 0; which < kListCount; ++which) {
            const std::uint64_t at =
                files_.offset + (std::uint64_t{id} * kFileNumbers + kLists + 2 * which) * 4;
            const std::uint64_t offset = number(at);
            const std::uint64_t length = std::uint64_t{number(at + 4)} * kListRow[which] * 4;
            if (length > left || offset > bytes_.size() || length > bytes_.size() - offset) {
                return false;
            }
            left -= length;
        }
    }
    return true;
}

/// A list's rows, never more than the bytes can hold.
ElfIndex::Section ElfIndex::list(std::uint32_t id, unsigned which) const {
    if (id >= files_.count) {
        return {};
    }
    const std::uint64_t at =
        files_.offset + (std::uint64_t{id} * kFileNumbers + kLists + 2 * which) * 4;
    return {number(at), number(at + 4)};
}

std::vector<std::string_view> ElfIndex::texts(const Section& list) const {
    std::vector<std::string_view> texts;
    texts.reserve(list.count);
    for (std::uint64_t i = 0; i < list.count; ++i) {
        texts.push_back(text_at(list.offset + i * 4));
    }
    return texts;
}

/// Of a section whose rows are sorted by the text that they begin with: the first that does not
/// come before `name`.
std::uint32_t ElfIndex::first_row(const Section& section, unsigned numbers,
                                  std::string_view name) const {
    return count_before(section.count, [&](std::uint32_t i) {
        return text_at(section.offset + std::uint64_t{i} * numbers * 4) < name;
    });
}

/// The offset of the row that begins with just that.
std::optional<std::uint64_t> ElfIndex::row_of(const Section& section, unsigned numbers,
                                              std::string_view name) const {
    const std::uint32_t row = first_row(section, numbers, name);
    const std::uint64_t at = section.offset + std::uint64_t{row} * numbers * 4;
    return row < section.count && text_at(at) == name ? std::optional(at) : std::nullopt;
}

std::optional<std::uint64_t> ElfIndex::hash_row(const Section& hashes, unsigned numbers,
                                                std::uint64_t hash) const {
    const auto at = [&](std::uint32_t i) { return hashes.offset + std::uint64_t{i} * numbers * 4; };
    const auto is_before = [&](std::uint32_t i) { return hash_at(at(i)) < hash; };
    // Hashes are spread evenly, so that each tells about where it stands.
    const auto guess = static_cast<std::uint32_t>((hash >> 32U) * hashes.count >> 32U);
    std::uint32_t low = guess;
    std::uint32_t high = guess;
    for (std::uint32_t step = 8; low > 0 && !is_before(low - 1); step *= 2) {
        high = low - 1;
        low -= std::min(low, step);
    }
    for (std::uint32_t step = 8; high < hashes.count && is_before(high); step *= 2) {
        low = high + 1;
        high += std::min(hashes.count - high, step);
    }
    const std::uint32_t row =
        low + count_before(high - low, [&](std::uint32_t i) { return is_before(low + i); });
    return row < hashes.count && hash_at(at(row)) == hash ? std::optional(at(row)) : std::nullopt;
}

bool ElfIndex::defines_version(std::uint32_t id, std::string_view version) const {
    const auto definitions = version_definitions(id);
    return definitions.empty() ? file(id).versioned
                               : std::ranges::find(definitions, version) != definitions.end();
}

IndexedFile ElfIndex::file(std::uint32_t id) const {
    IndexedFile file;
    if (const ElfIndex* const more = beyond(id)) {
        file = more->file(id - files_.count);
        file.id = id;
        return file;
    }
    if (id >= files_.count) {
        return file;
    }
    const std::uint64_t at = files_.offset + std::uint64_t{id} * kFileNumbers * 4;
    const auto field = [&](Field which) { return text_at(at + 4 * which); };
    const std::uint32_t flags = number(at + 4 * kFlags);
    file.id = id;
    file.kind = static_cast<ElfFile::Kind>(std::min(flags & 3U, 2U));
    file.dynamic = (flags & kDynamic) != 0;
    file.no_default_directories = (flags & kNoDefault) != 0;
    file.versioned = (flags & kVersioned) != 0;
    file.isa_level = flags >> kLevelShift & 15U;
    file.path = field(kPath);
    file.architecture = field(kArchitecture);
    file.interpreter = field(kInterpreter);
    file.soname = field(kSoname);
    file.rpath = field(kRpath);
    file.runpath = field(kRunpath);
    file.build_id = field(kBuildId);
    return file;
}

std::string ElfIndex::resolve(std::string_view path) const {
    return follow_links(path, [&](std::string_view here) {
        const auto row = row_of(links_, kSectionRow[kLinks], here);
        return row ? std::optional(text_at(*row + 4)) : std::nullopt;
    });
}

std::optional<IndexedFile> ElfIndex::find(std::string_view path) const {
    if (const auto row = row_of(files_, kFileNumbers, resolve(path))) {
        return file(static_cast<std::uint32_t>((*row - files_.offset) / (kFileNumbers * 4)));
    }
    auto found = more_ ? more_->find(path) : std::nullopt;
    if (found) {
        found->id += files_.count;
    }
    return found;
}

std::vector<IndexedFile> ElfIndex::with_soname(std::string_view soname) const {
    std::vector<IndexedFile> found;
    for (std::uint32_t row = first_row(sonames_, 2, soname); row < sonames_.count; ++row) {
        const std::uint64_t at = sonames_.offset + std::uint64_t{row} * 8;
        if (text_at(at) != soname) {
            break;
        }
        found.push_back(file(number(at + 4)));
    }
    if (more_) {
        for (IndexedFile& other : more_->with_soname(soname)) {
            other.id += files_.count;
            found.push_back(other);
        }
    }
    return found;
}

std::vector<std::uint32_t> ElfIndex::users(std::string_view soname) const {
    std::vector<std::uint32_t> found;
    for (std::uint32_t row = first_row(users_, 2, soname); row < users_.count; ++row) {
        const std::uint64_t at = users_.offset + std::uint64_t{row} * 8;
        if (text_at(at) != soname) {
            break;
        }
        if (const std::uint32_t id = number(at + 4); id < files_.count) {
            found.push_back(id);
        }
    }
    if (more_) {
        for (const std::uint32_t id : more_->users(soname)) {
            found.push_back(id + files_.count);
        }
    }
    return found;
}

std::vector<std::string_view> ElfIndex::sonames() const {
    std::vector<std::string_view> names;
    for (const Section* const section : {&sonames_, &users_}) {
        std::uint32_t last = 0;  // the empty text, which is no name
        for (std::uint64_t i = 0; i < section->count; ++i) {
            // Each text is kept once, so that its number tells.
            if (const std::uint32_t here = number(section->offset + i * 8); here != last) {
                names.push_back(text(here));
                last = here;
            }
        }
    }
    if (more_) {
        const auto others = more_->sonames();
        names.insert(names.end(), others.begin(), others.end());
    }
    return names;
}

std::string ElfIndex::script_interpreter(std::string_view path) const {
    if (const auto row = row_of(scripts_, kSectionRow[kScripts], resolve(path))) {
        return std::string(text_at(*row + 4));
    }
    return more_ ? more_->script_interpreter(path) : "";
}

std::vector<std::string_view> ElfIndex::needed(std::uint32_t id) const {
    const ElfIndex* const more = beyond(id);
    return more ? more->needed(id - files_.count) : texts(list(id, kNeeded));
}

std::vector<std::string_view> ElfIndex::version_definitions(std::uint32_t id) const {
    const ElfIndex* const more = beyond(id);
    return more ? more->version_definitions(id - files_.count) : texts(list(id, kDefinitions));
}

std::vector<ElfVersionNeed> ElfIndex::version_needs(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->version_needs(id - files_.count);
    }
    std::vector<ElfVersionNeed> needs;
    const Section rows = list(id, kVersionNeeds);
    needs.reserve(rows.count);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        const std::uint64_t at = rows.offset + i * 12;
        needs.push_back({text_at(at), text_at(at + 4), number(at + 8) == kWeak});
    }
    return needs;
}

std::vector<ElfImport> ElfIndex::imports(std::uint32_t id) const {
    std::vector<ElfImport> imports;
    find_import(id, [&](const ElfImport& import) {
        imports.push_back(import);
        return false;
    });
    return imports;
}

std::vector<ElfCopy> ElfIndex::copies(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->copies(id - files_.count);
    }
    std::vector<ElfCopy> copies;
    const Section rows = list(id, kCopies);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        const std::uint64_t at = rows.offset + i * 16;
        copies.push_back({text_at(at), text_at(at + 4), hash_at(at + 8)});
    }
    return copies;
}

bool ElfIndex::exports(std::uint32_t id, std::string_view name, std::string_view version) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->exports(id - files_.count, name, version);
    }
    const Section rows = list(id, kExports);
    const auto has = [&](std::string_view as) {
        return hash_row(rows, kListRow[kExports], symbol_hash(name, as)).has_value();
    };
    // A library without versions serves every version, as the loader has it.
    return has(version) || (!version.empty() && list(id, kDefinitions).count == 0 && has(""));
}

std::optional<std::uint64_t> ElfIndex::object_bytes(std::uint32_t id, std::string_view name,
                                                    std::string_view version) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->object_bytes(id - files_.count, name, version);
    }
    const Section rows = list(id, kObjects);
    const auto row_as = [&](std::string_view as) {
        return hash_row(rows, kListRow[kObjects], symbol_hash(name, as));
    };
    auto row = row_as(version);
    if (!row && !version.empty() && list(id, kDefinitions).count == 0) {
        row = row_as("");
    }
    return row ? std::optional<std::uint64_t>(number(*row + 8)) : std::nullopt;
}

std::vector<CacheEntry> ElfIndex::loader_cache() const {
    std::vector<CacheEntry> entries;
    entries.reserve(cache_.count);
    for (std::uint64_t i = 0; i < cache_.count; ++i) {
        const std::uint64_t at = cache_.offset + i * 12;
        entries.push_back(
            {std::string(text_at(at)), std::string(text_at(at + 4)), std::string(text_at(at + 8))});
    }
    return entries;
}

std::vector<ElfIndex::Cached> ElfIndex::cached(std::string_view soname) const {
    std::vector<Cached> entries;
    for (std::uint32_t row = first_row(cache_, 3, soname); row < cache_.count; ++row) {
        const std::uint64_t at = cache_.offset + std::uint64_t{row} * 12;
        if (text_at(at) != soname) {
            break;
        }
        entries.push_back({text_at(at + 4), text_at(at + 8)});
    }
    return entries;
}

}  // namespace lading::formats
