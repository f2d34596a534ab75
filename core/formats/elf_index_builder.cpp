// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <tuple>

#include "core/formats/elf_index.hpp"
#include "core/formats/elf_index_layout.hpp"

namespace lading::formats {

using namespace elf_index;

namespace {

void put(std::string& into, std::uint32_t number) {
    char bytes[4];
    for (unsigned i = 0; i < 4; ++i) {
        bytes[i] = static_cast<char>(number >> 8 * i);
    }
    into.append(bytes, sizeof bytes);
}

void put(std::string& into, const std::vector<std::uint32_t>& numbers) {
    for (const std::uint32_t number : numbers) {
        put(into, number);
    }
}

std::uint32_t low_half(std::uint64_t number) {
    return static_cast<std::uint32_t>(number);
}

std::uint32_t high_half(std::uint64_t number) {
    return static_cast<std::uint32_t>(number >> 32U);
}

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

/// The exports' list and the objects'.
void add_exports(const std::vector<ElfExport>& exports, std::vector<std::uint32_t>& hashes,
                 std::vector<std::uint32_t>& objects) {
    struct Hashed {
        std::uint64_t hash;
        std::uint32_t bytes;
        bool object;
        auto key() const { return std::tuple(hash, object, bytes); }
    };
    std::vector<Hashed> all;
    all.reserve(exports.size() * 2);
    for (const ElfExport& symbol : exports) {
        const auto bytes =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(symbol.bytes, UINT32_MAX));
        const SymbolHash hash(symbol.name);
        if (!symbol.version.empty()) {
            all.push_back({hash.with(symbol.version), bytes, symbol.object});
        }
        if (symbol.version.empty() || symbol.default_version) {
            all.push_back({hash.with(""), bytes, symbol.object});
        }
    }
    std::ranges::sort(all, {}, &Hashed::key);
    hashes.reserve(all.size() * kListRow[kExports]);
    for (const Hashed& one : all) {
        hashes.insert(hashes.end(), {low_half(one.hash), high_half(one.hash)});
        if (one.object) {
            objects.insert(objects.end(), {low_half(one.hash), high_half(one.hash), one.bytes});
        }
    }
}

}  // namespace

std::uint32_t ElfIndexBuilder::keep(std::string_view text) {
    return text.empty() ? 0 : kept_.try_emplace(std::string(text), kept_.size() + 1).first->second;
}

void ElfIndexBuilder::add_file(std::string path, const ElfFile& file) {
    Pending pending;
    const std::uint32_t flags =
        static_cast<std::uint32_t>(file.kind) | (file.dynamic ? kDynamic : 0U) |
        (file.no_default_directories ? kNoDefault : 0U) | (file.versioned ? kVersioned : 0U) |
        (file.isa_level & 15U) << kLevelShift;
    pending.fields = {
        keep(path),       keep(file.architecture), keep(file.interpreter), keep(file.soname),
        keep(file.rpath), keep(file.runpath),      keep(file.build_id),    flags};
    const auto add = [&](List list, std::initializer_list<std::uint32_t> row) {
        pending.lists[list].insert(pending.lists[list].end(), row);
    };
    for (const std::string_view name : file.needed) {
        add(kNeeded, {keep(name)});
    }
    for (const ElfVersionNeed& need : file.version_needs) {
        add(kVersionNeeds, {keep(need.file), keep(need.version), need.weak ? kWeak : 0U});
    }
    for (const std::string_view name : file.version_definitions) {
        add(kDefinitions, {keep(name)});
    }
    pending.lists[kImports].reserve(file.imports.size() * kListRow[kImports]);
    for (const ElfImport& import : file.imports) {
        add(kImports,
            {keep(import.name), keep(import.version), keep(import.file), import.weak ? kWeak : 0U});
    }
    for (const ElfCopy& copy : file.copies) {
        add(kCopies,
            {keep(copy.name), keep(copy.version), low_half(copy.bytes), high_half(copy.bytes)});
    }
    add_exports(file.exports, pending.lists[kExports], pending.lists[kObjects]);
    files_.insert_or_assign(std::move(path), std::move(pending));
}

void ElfIndexBuilder::add_link(std::string path, std::string target) {
    links_.insert_or_assign(std::move(path), std::move(target));
}

void ElfIndexBuilder::add_script(std::string path, std::string interpreter) {
    scripts_.insert_or_assign(std::move(path), std::move(interpreter));
}

/// Those that lead to one of our files, or to a directory above one, or above such a link: an
/// image has thousands more.
std::map<std::string, std::string> ElfIndexBuilder::useful_links() const {
    const auto target = [&](std::string_view path) {
        const auto link = links_.find(std::string(path));
        return link == links_.end() ? std::nullopt : std::optional<std::string_view>(link->second);
    };
    std::map<std::string, std::string> useful;
    std::vector<std::pair<const std::string*, std::string>> others;
    for (const auto& [path, leads] : links_) {
        others.emplace_back(&path, follow_links(path, target));
    }
    const auto holds = [](const auto& map, const std::string& path) {
        const std::string below = path == "/" ? path : path + "/";
        const auto next = map.lower_bound(path);
        const auto inside = map.lower_bound(below);
        return (next != map.end() && next->first == path) ||
               (inside != map.end() && inside->first.starts_with(below));
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

/// Puts the sections together.  Texts get their places in the order in which the sorted files
/// mention them, whatever order they came in.
class ElfIndexBuilder::Writer {
  public:
    explicit Writer(ElfIndexBuilder& builder) : builder_(builder) {
        const auto links = builder_.useful_links();
        const auto keep_all = [&](const std::map<std::string, std::string>& pairs, unsigned rows) {
            for (const auto& [first, second] : pairs) {
                add(rows, {builder_.keep(first), builder_.keep(second)});
            }
        };
        keep_all(links, kLinks);
        keep_all(builder_.scripts_, kScripts);
        std::ranges::stable_sort(builder_.cache_, {}, &CacheEntry::soname);
        for (const CacheEntry& entry : builder_.cache_) {
            add(kCache, {builder_.keep(entry.soname), builder_.keep(entry.path),
                         builder_.keep(entry.hwcaps)});
        }
        add_names();
        offsets_.resize(builder_.kept_.size() + 1);
    }

    std::string write() {
        place_texts();
        std::string out(kMagic);
        put(out, kElfIndexVersion);
        put(out, 0);
        std::uint64_t end = kHeaderBytes;
        const auto section = [&](std::size_t bytes, std::size_t count) {
            put(out, static_cast<std::uint32_t>(end));
            put(out, static_cast<std::uint32_t>(count));
            end += bytes;
        };
        section(texts_.size(), texts_.size());
        section(builder_.files_.size() * kFileNumbers * 4, builder_.files_.size());
        for (unsigned which = kSonames; which < kSections; ++which) {
            section(rows_[which].size() * 4, rows_[which].size() / kSectionRow[which]);
        }
        out += texts_;
        for (const auto& [path, pending] : builder_.files_) {
            put(out, pending.fields);
            for (unsigned which = 0; which < kListCount; ++which) {
                const std::size_t numbers = pending.lists[which].size();
                put(out, static_cast<std::uint32_t>(end));
                put(out, static_cast<std::uint32_t>(numbers / kListRow[which]));
                end += numbers * 4;
            }
        }
        for (const auto& rows : rows_) {
            put(out, rows);
        }
        for (const auto& [path, pending] : builder_.files_) {
            for (const auto& list : pending.lists) {
                put(out, list);
            }
        }
        return out;
    }

  private:
    void add(unsigned section, std::initializer_list<std::uint32_t> row) {
        rows_[section].insert(rows_[section].end(), row);
    }

    /// What each file is, and what it needs.
    void add_names() {
        std::vector<std::pair<std::string_view, std::uint32_t>> names[2];
        names_ = by_number();
        std::uint32_t id = 0;
        for (const auto& [path, pending] : builder_.files_) {
            const std::uint32_t soname = pending.fields[kSoname];
            names[0].emplace_back(soname == 0 ? file_name(path) : names_[soname], id);
            for (const std::uint32_t needed : pending.lists[kNeeded]) {
                names[1].emplace_back(names_[needed], id);
            }
            ++id;
        }
        for (const unsigned section : {kSonames, kUsers}) {
            auto& rows = names[section - kSonames];
            std::ranges::sort(rows);
            rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
            for (const auto& [name, file] : rows) {
                add(section, {builder_.keep(name), file});
            }
        }
        names_ = by_number();
    }

    std::vector<std::string_view> by_number() const {
        std::vector<std::string_view> names(builder_.kept_.size() + 1);
        for (const auto& [text, number] : builder_.kept_) {
            names[number] = text;
        }
        return names;
    }

    /// Turns a text's number into its place.
    void place(std::uint32_t& number) {
        std::uint32_t& offset = offsets_[number];
        if (number != 0 && offset == 0) {
            offset = static_cast<std::uint32_t>(texts_.size());
            put(texts_, static_cast<std::uint32_t>(names_[number].size()));
            texts_.append(names_[number]);
        }
        number = offset;
    }

    void place_columns(std::vector<std::uint32_t>& numbers, unsigned row, unsigned texts) {
        for (std::size_t at = 0; at < numbers.size(); at += row) {
            for (std::size_t i = at; i < at + texts; ++i) {
                place(numbers[i]);
            }
        }
    }

    void place_texts() {
        for (auto& [path, pending] : builder_.files_) {
            place_columns(pending.fields, kLists, kFlags);
            for (unsigned which = 0; which < kListCount; ++which) {
                place_columns(pending.lists[which], kListRow[which], kListTexts[which]);
            }
        }
        for (const unsigned section : {kSonames, kUsers}) {
            place_columns(rows_[section], 2, 1);
        }
        for (const unsigned section : {kLinks, kScripts, kCache}) {
            place_columns(rows_[section], kSectionRow[section], kSectionRow[section]);
        }
        texts_.resize((texts_.size() + 7) / 8 * 8, '\0');
    }

    ElfIndexBuilder& builder_;
    std::vector<std::uint32_t> rows_[kSections];
    std::vector<std::string_view> names_;  ///< of texts, by number
    std::vector<std::uint32_t> offsets_;   ///< of texts, by number; 0: without a place yet
    std::string texts_ = std::string(4, '\0');
};

std::string ElfIndexBuilder::finish() && {
    return Writer(*this).write();
}

}  // namespace lading::formats
