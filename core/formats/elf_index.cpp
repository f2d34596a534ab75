// SPDX-License-Identifier: BSD-3-Clause
// Layout, all numbers 32-bit little-endian unless said otherwise:
//   magic, version, then offset and count of each section, then the sections.
//   texts: length and bytes each, referred to by offset; the first is empty
//   files: kFileNumbers each, sorted by path
//   sonames: (text, file), sorted by text
//   links, scripts: (path, target) texts, sorted by path
//   cache: (soname, path, hwcaps) texts, in the loader's order
// A file's lists lie behind it all: texts, or rows of texts; exports are sorted 64-bit hashes.
#include "core/formats/elf_index.hpp"

#include <algorithm>
#include <cstring>

#include "core/formats/byte_reader.hpp"

namespace lading::formats {
namespace {

constexpr std::string_view kMagic = "LadElfIx";
constexpr unsigned kSections = 6;
constexpr std::uint64_t kHeaderBytes = 8 + 4 + 4 + kSections * 8;

/// The numbers of a file record.
enum Field : unsigned {
    kPath,
    kArchitecture,
    kInterpreter,
    kSoname,
    kRpath,
    kRunpath,
    kBuildId,
    kFlags,
    kLists,  ///< from here on offset and count of each list
};
enum List : unsigned { kNeeded, kVersionNeeds, kDefinitions, kImports, kCopies, kExports };
constexpr unsigned kListCount = 6;
constexpr unsigned kFileNumbers = kLists + 2 * kListCount;
/// Numbers of one row of a list.
constexpr unsigned kRow[] = {1, 3, 1, 4, 4, 2};

constexpr std::uint32_t kWeak = 1;
constexpr std::uint32_t kDynamic = 1U << 2;
constexpr std::uint32_t kNoDefault = 1U << 3;
constexpr unsigned kLevelShift = 4;

constexpr int kMaxLinks = 40;  // as the kernel

/// FNV-1a over name, NUL, version, with its bits mixed at the end.  A collision would have to be
/// made on purpose, by somebody who only deceives the jobs of his own image.
std::uint64_t symbol_hash(std::string_view name, std::string_view version) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto add = [&](std::string_view text) {
        for (const char c : text) {
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        }
    };
    add(name);
    hash *= 0x100000001b3U;  // the NUL between them
    add(version);
    hash ^= hash >> 32U;
    hash *= 0xd6e8feb86659fd93U;
    return hash ^ hash >> 32U;
}

void put(std::string& into, std::uint32_t number) {
    char bytes[4];
    for (unsigned i = 0; i < 4; ++i) {
        bytes[i] = static_cast<char>(number >> 8 * i);
    }
    into.append(bytes, sizeof bytes);
}

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string join_link(std::string_view path, std::string_view target) {
    std::string joined = target.starts_with('/')
                             ? std::string(target)
                             : std::string(path.substr(0, path.rfind('/') + 1)).append(target);
    std::string clean;
    for (std::size_t at = 0; at < joined.size();) {
        const std::size_t end = std::min(joined.find('/', at), joined.size());
        const std::string_view part = std::string_view(joined).substr(at, end - at);
        if (part == "..") {
            clean.erase(std::min(clean.rfind('/'), clean.size()));
        } else if (!part.empty() && part != ".") {
            clean.append("/").append(part);
        }
        at = end + 1;
    }
    return clean.empty() ? "/" : clean;
}

Result<ElfIndex> ElfIndex::open(std::string_view bytes) {
    ElfIndex index;
    index.bytes_ = bytes;
    if (!bytes.starts_with(kMagic) || index.number(8) != kElfIndexVersion) {
        return fail(Code::bad_image, "not an index of ELF files of this version of lading");
    }
    Section* const sections[] = {&index.texts_, &index.files_,   &index.sonames_,
                                 &index.links_, &index.scripts_, &index.cache_};
    constexpr unsigned kNumbers[] = {0, kFileNumbers, 2, 2, 2, 3};
    for (unsigned i = 0; i < kSections; ++i) {
        Section& section = *sections[i];
        section = {index.number(16 + 8 * i), index.number(16 + 8 * i + 4)};
        const std::uint64_t length =
            i == 0 ? section.count : std::uint64_t{section.count} * 4 * kNumbers[i];
        if (section.offset > bytes.size() || length > bytes.size() - section.offset) {
            return fail(Code::bad_image, "the index of the image's ELF files is damaged");
        }
    }
    return index;
}

std::uint32_t ElfIndex::number(std::uint64_t offset) const {
    return ByteReader(bytes_).get<std::uint32_t>(offset).value_or(0);
}

std::string_view ElfIndex::text(std::uint32_t reference) const {
    if (reference > texts_.count) {
        return {};
    }
    const std::uint64_t at = std::uint64_t{texts_.offset} + reference;
    return ByteReader(bytes_).slice(at + 4, number(at)).value_or(std::string_view{});
}

/// A list's rows, never more than the bytes can hold.
ElfIndex::Section ElfIndex::list(std::uint32_t id, unsigned which) const {
    if (id >= files_.count) {
        return {};
    }
    const std::uint64_t at =
        files_.offset + (std::uint64_t{id} * kFileNumbers + kLists + 2 * which) * 4;
    const Section section{number(at), number(at + 4)};
    const std::uint64_t length = std::uint64_t{section.count} * kRow[which] * 4;
    return section.offset <= bytes_.size() && length <= bytes_.size() - section.offset ? section
                                                                                       : Section{};
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
    const auto field = [&](Field which) { return text(number(at + 4 * which)); };
    const std::uint32_t flags = number(at + 4 * kFlags);
    file.id = id;
    file.kind = static_cast<ElfFile::Kind>(std::min(flags & 3U, 2U));
    file.dynamic = (flags & kDynamic) != 0;
    file.no_default_directories = (flags & kNoDefault) != 0;
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

std::optional<std::uint32_t> ElfIndex::by_path(std::string_view path) const {
    std::uint32_t low = 0;
    std::uint32_t high = files_.count;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        const std::string_view here =
            text(number(files_.offset + std::uint64_t{middle} * kFileNumbers * 4));
        if (here == path) {
            return middle;
        }
        (here < path ? low : high) = here < path ? middle + 1 : middle;
    }
    return std::nullopt;
}

/// The reference of a link's target.
std::optional<std::uint32_t> ElfIndex::link_target(std::string_view path) const {
    std::uint32_t low = 0;
    std::uint32_t high = links_.count;
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        const std::uint64_t at = links_.offset + std::uint64_t{middle} * 8;
        const std::string_view here = text(number(at));
        if (here == path) {
            return number(at + 4);
        }
        (here < path ? low : high) = here < path ? middle + 1 : middle;
    }
    return std::nullopt;
}

std::string ElfIndex::resolve(std::string_view path) const {
    std::string rest = join_link("/", path);
    std::string done;
    int links = 0;
    while (!rest.empty() && rest != "/") {
        const std::size_t end = std::min(rest.find('/', 1), rest.size());
        const std::string here = done + rest.substr(0, end);
        rest.erase(0, end);
        if (const auto target = link_target(here)) {
            if (++links > kMaxLinks) {
                return {};
            }
            rest = join_link(here, text(*target)) + rest;
            done.clear();
        } else {
            done = here;
        }
    }
    return done.empty() ? "/" : done;
}

std::optional<IndexedFile> ElfIndex::find(std::string_view path) const {
    if (const auto id = by_path(resolve(path))) {
        return file(*id);
    }
    auto found = more_ ? more_->find(path) : std::nullopt;
    if (found) {
        found->id += files_.count;
    }
    return found;
}

std::vector<IndexedFile> ElfIndex::with_soname(std::string_view soname) const {
    std::uint32_t low = 0;
    std::uint32_t high = sonames_.count;
    const auto name = [&](std::uint32_t i) {
        return text(number(sonames_.offset + std::uint64_t{i} * 8));
    };
    while (low < high) {
        const std::uint32_t middle = low + (high - low) / 2;
        (name(middle) < soname ? low : high) = name(middle) < soname ? middle + 1 : middle;
    }
    std::vector<IndexedFile> found;
    for (; low < sonames_.count && name(low) == soname; ++low) {
        found.push_back(file(number(sonames_.offset + std::uint64_t{low} * 8 + 4)));
    }
    if (more_) {
        for (IndexedFile& other : more_->with_soname(soname)) {
            other.id += files_.count;
            found.push_back(other);
        }
    }
    return found;
}

std::string ElfIndex::script_interpreter(std::string_view path) const {
    const std::string at = resolve(path);
    for (std::uint32_t i = 0; i < scripts_.count; ++i) {
        const std::uint64_t offset = scripts_.offset + std::uint64_t{i} * 8;
        if (text(number(offset)) == at) {
            return std::string(text(number(offset + 4)));
        }
    }
    return more_ ? more_->script_interpreter(path) : "";
}

std::vector<std::string_view> ElfIndex::needed(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->needed(id - files_.count);
    }
    std::vector<std::string_view> names;
    const Section rows = list(id, kNeeded);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        names.push_back(text(number(rows.offset + i * 4)));
    }
    return names;
}

std::vector<std::string_view> ElfIndex::version_definitions(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->version_definitions(id - files_.count);
    }
    std::vector<std::string_view> names;
    const Section rows = list(id, kDefinitions);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        names.push_back(text(number(rows.offset + i * 4)));
    }
    return names;
}

std::vector<ElfVersionNeed> ElfIndex::version_needs(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->version_needs(id - files_.count);
    }
    std::vector<ElfVersionNeed> needs;
    const Section rows = list(id, kVersionNeeds);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        const std::uint64_t at = rows.offset + i * 12;
        needs.push_back({text(number(at)), text(number(at + 4)), number(at + 8) == kWeak});
    }
    return needs;
}

std::vector<ElfImport> ElfIndex::imports(std::uint32_t id) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->imports(id - files_.count);
    }
    std::vector<ElfImport> imports;
    const Section rows = list(id, kImports);
    imports.reserve(rows.count);
    for (std::uint64_t i = 0; i < rows.count; ++i) {
        const std::uint64_t at = rows.offset + i * 16;
        imports.push_back({text(number(at)), text(number(at + 4)), text(number(at + 8)),
                           number(at + 12) == kWeak});
    }
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
        copies.push_back({text(number(at)), text(number(at + 4)),
                          number(at + 8) | std::uint64_t{number(at + 12)} << 32U});
    }
    return copies;
}

bool ElfIndex::exports(std::uint32_t id, std::string_view name, std::string_view version) const {
    if (const ElfIndex* const more = beyond(id)) {
        return more->exports(id - files_.count, name, version);
    }
    const Section rows = list(id, kExports);
    const auto has = [&](std::uint64_t hash) {
        std::uint64_t low = 0;
        std::uint64_t high = rows.count;
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            const std::uint64_t here =
                ByteReader(bytes_).get<std::uint64_t>(rows.offset + middle * 8).value_or(0);
            if (here == hash) {
                return true;
            }
            (here < hash ? low : high) = here < hash ? middle + 1 : middle;
        }
        return false;
    };
    if (has(symbol_hash(name, version))) {
        return true;
    }
    // A library without versions serves every version, as the loader has it.
    return !version.empty() && list(id, kDefinitions).count == 0 && has(symbol_hash(name, ""));
}

std::vector<CacheEntry> ElfIndex::loader_cache() const {
    std::vector<CacheEntry> entries;
    for (std::uint32_t i = 0; i < cache_.count; ++i) {
        const std::uint64_t at = cache_.offset + std::uint64_t{i} * 12;
        entries.push_back({std::string(text(number(at))), std::string(text(number(at + 4))),
                           std::string(text(number(at + 8)))});
    }
    return entries;
}

std::uint32_t ElfIndexBuilder::keep(std::string_view text) {
    if (text.empty()) {
        return 0;
    }
    const auto [found, fresh] = kept_.try_emplace(std::string(text), 0U);
    if (fresh) {
        found->second = keep_fresh(text);
    }
    return found->second;
}

std::uint32_t ElfIndexBuilder::keep_fresh(std::string_view text) {
    const auto at = static_cast<std::uint32_t>(texts_.size());
    put(texts_, static_cast<std::uint32_t>(text.size()));
    texts_.append(text);
    return at;
}

void ElfIndexBuilder::add_file(std::string path, const ElfFile& file) {
    Pending pending;
    const std::uint32_t flags =
        static_cast<std::uint32_t>(file.kind) | (file.dynamic ? kDynamic : 0U) |
        (file.no_default_directories ? kNoDefault : 0U) | (file.isa_level & 15U) << kLevelShift;
    pending.fields = {
        keep(path),       keep(file.architecture), keep(file.interpreter), keep(file.soname),
        keep(file.rpath), keep(file.runpath),      keep(file.build_id),    flags};
    for (const std::string_view name : file.needed) {
        pending.lists[kNeeded].push_back(keep(name));
    }
    for (const ElfVersionNeed& need : file.version_needs) {
        pending.lists[kVersionNeeds].insert(
            pending.lists[kVersionNeeds].end(),
            {keep(need.file), keep(need.version), need.weak ? kWeak : 0U});
    }
    for (const std::string_view name : file.version_definitions) {
        pending.lists[kDefinitions].push_back(keep(name));
    }
    pending.lists[kImports].reserve(file.imports.size() * 4);
    for (const ElfImport& import : file.imports) {
        pending.lists[kImports].insert(
            pending.lists[kImports].end(),
            {keep(import.name), keep(import.version), keep(import.file), import.weak ? kWeak : 0U});
    }
    for (const ElfCopy& copy : file.copies) {
        pending.lists[kCopies].insert(
            pending.lists[kCopies].end(),
            {keep(copy.name), keep(copy.version), static_cast<std::uint32_t>(copy.bytes),
             static_cast<std::uint32_t>(copy.bytes >> 32U)});
    }
    pending.exports.reserve(file.exports.size() * 2);
    for (const ElfExport& symbol : file.exports) {
        if (!symbol.version.empty()) {
            pending.exports.push_back(symbol_hash(symbol.name, symbol.version));
        }
        if (symbol.version.empty() || symbol.default_version) {
            pending.exports.push_back(symbol_hash(symbol.name, ""));
        }
    }
    std::ranges::sort(pending.exports);
    files_.insert_or_assign(std::move(path), std::move(pending));
}

void ElfIndexBuilder::add_link(std::string path, std::string target) {
    links_.insert_or_assign(std::move(path), std::move(target));
}

void ElfIndexBuilder::add_script(std::string path, std::string interpreter) {
    scripts_.insert_or_assign(std::move(path), std::move(interpreter));
}

/// Where a link leads, after further links; empty where they loop.
std::string ElfIndexBuilder::destination(const std::string& path, const std::string& target) const {
    std::string rest = join_link(path, target);
    std::string done;
    int links = 0;
    while (!rest.empty() && rest != "/") {
        const std::size_t end = std::min(rest.find('/', 1), rest.size());
        const std::string here = done + rest.substr(0, end);
        rest.erase(0, end);
        const auto link = links_.find(here);
        if (link != links_.end()) {
            if (++links > kMaxLinks) {
                return {};
            }
            rest = join_link(here, link->second) + rest;
            done.clear();
        } else {
            done = here;
        }
    }
    return done;
}

/// Those that lead to one of our files, or to a directory above one, or above such a link: an
/// image has thousands more.
std::map<std::string, std::string> ElfIndexBuilder::useful_links() const {
    std::map<std::string, std::string> useful;
    std::vector<std::pair<const std::string*, std::string>> others;
    for (const auto& [path, target] : links_) {
        others.emplace_back(&path, destination(path, target));
    }
    const auto holds = [](const auto& map, const std::string& path) {
        const auto next = map.lower_bound(path);
        return next != map.end() && (next->first == path || next->first.starts_with(path + "/"));
    };
    for (bool grown = true; grown;) {
        const std::size_t before = useful.size();
        std::erase_if(others, [&](const auto& link) {
            const std::string& to = link.second;
            const bool leads =
                !to.empty() && (holds(files_, to) || holds(scripts_, to) || holds(useful, to));
            if (leads) {
                useful.emplace(*link.first, links_.at(*link.first));
            }
            return leads;
        });
        grown = useful.size() > before;
    }
    return useful;
}

std::string ElfIndexBuilder::finish() && {
    struct Pair {
        std::uint32_t first;
        std::uint32_t second;
    };
    std::vector<std::pair<std::string_view, std::uint32_t>> sonames;
    std::uint32_t id = 0;
    for (const auto& [path, pending] : files_) {
        std::string_view soname = file_name(path);
        if (pending.fields[kSoname] != 0) {
            const std::uint32_t at = pending.fields[kSoname];
            soname = std::string_view(texts_).substr(at + 4);
            std::uint32_t length = 0;
            for (unsigned i = 0; i < 4; ++i) {
                length |= std::uint32_t{static_cast<unsigned char>(texts_[at + i])} << 8 * i;
            }
            soname = soname.substr(0, length);
        }
        sonames.emplace_back(soname, id++);
    }
    std::ranges::sort(sonames);
    std::vector<Pair> soname_rows;
    std::vector<std::string> names;  // keep() may move texts_
    for (const auto& [name, file] : sonames) {
        names.emplace_back(name);
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        soname_rows.push_back({keep(names[i]), sonames[i].second});
    }
    std::vector<Pair> link_rows;
    for (const auto& [path, target] : useful_links()) {
        link_rows.push_back({keep(path), keep(target)});
    }
    std::vector<Pair> script_rows;
    for (const auto& [path, interpreter] : scripts_) {
        script_rows.push_back({keep(path), keep(interpreter)});
    }
    std::vector<std::uint32_t> cache_rows;
    for (const CacheEntry& entry : cache_) {
        cache_rows.insert(cache_rows.end(),
                          {keep(entry.soname), keep(entry.path), keep(entry.hwcaps)});
    }
    texts_.resize((texts_.size() + 7) / 8 * 8, '\0');

    std::string out(kMagic);
    put(out, kElfIndexVersion);
    put(out, 0);
    std::uint64_t at = kHeaderBytes;
    const auto section = [&](std::uint64_t bytes, std::uint64_t count) {
        put(out, static_cast<std::uint32_t>(at));
        put(out, static_cast<std::uint32_t>(count));
        at += bytes;
    };
    section(texts_.size(), texts_.size());
    section(files_.size() * kFileNumbers * 4, files_.size());
    section(soname_rows.size() * 8, soname_rows.size());
    section(link_rows.size() * 8, link_rows.size());
    section(script_rows.size() * 8, script_rows.size());
    section(cache_rows.size() * 4, cache_rows.size() / 3);
    out += texts_;
    for (const auto& [path, pending] : files_) {
        for (const std::uint32_t field : pending.fields) {
            put(out, field);
        }
        for (unsigned which = 0; which < kListCount; ++which) {
            const std::size_t numbers =
                which == kExports ? pending.exports.size() * 2 : pending.lists[which].size();
            put(out, static_cast<std::uint32_t>(at));
            put(out, static_cast<std::uint32_t>(numbers / kRow[which]));
            at += numbers * 4;
        }
    }
    for (const auto* rows : {&soname_rows, &link_rows, &script_rows}) {
        for (const Pair& row : *rows) {
            put(out, row.first);
            put(out, row.second);
        }
    }
    for (const std::uint32_t number : cache_rows) {
        put(out, number);
    }
    for (const auto& [path, pending] : files_) {
        for (const auto& list : pending.lists) {
            for (const std::uint32_t number : list) {
                put(out, number);
            }
        }
        for (const std::uint64_t hash : pending.exports) {
            put(out, static_cast<std::uint32_t>(hash));
            put(out, static_cast<std::uint32_t>(hash >> 32U));
        }
    }
    return out;
}

}  // namespace lading::formats
