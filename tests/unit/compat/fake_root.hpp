// SPDX-License-Identifier: BSD-3-Clause
/// Roots that exist only in their index, described in words:
/// `image.library("libmpich.so.12").exports({"MPI_Init"}).needs("libc.so.6", "GLIBC_2.17")`.
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "core/formats/elf_index.hpp"

inline const std::string kLibraries = "/usr/lib/x86_64-linux-gnu";
inline const std::string kLoader = "/lib64/ld-linux-x86-64.so.2";

using Names = std::initializer_list<std::string>;

class FakeFile {
  public:
    explicit FakeFile(std::string path) : path_(std::move(path)) {
        elf_.architecture = "amd64";
        elf_.dynamic = true;
        elf_.build_id = "b1d";
        elf_.versioned = true;
    }

    FakeFile& soname(const std::string& name) {
        elf_.soname = keep(name);
        return *this;
    }
    FakeFile& needs(const std::string& library) {
        elf_.needed.push_back(keep(library));
        return *this;
    }
    /// With a version of it, and a symbol of that version.
    FakeFile& needs(const std::string& library, const std::string& version, bool weak = false) {
        if (std::find(elf_.needed.begin(), elf_.needed.end(), library) == elf_.needed.end()) {
            needs(library);
        }
        elf_.version_needs.push_back({keep(library), keep(version), weak});
        return *this;
    }
    FakeFile& imports(Names names) {
        for (const std::string& name : names) {
            elf_.imports.push_back({keep(name), {}, {}, false});
        }
        return *this;
    }
    FakeFile& imports(Names names, const std::string& version, const std::string& library) {
        for (const std::string& name : names) {
            elf_.imports.push_back({keep(name), keep(version), keep(library), false});
        }
        return needs(library, version);
    }
    FakeFile& imports_weakly(Names names) {
        for (const std::string& name : names) {
            elf_.imports.push_back({keep(name), {}, {}, true});
        }
        return *this;
    }
    FakeFile& exports(Names names, const std::string& version = "") {
        for (const std::string& name : names) {
            elf_.exports.push_back({keep(name), keep(version), true, 0, false});
        }
        return version.empty() ? *this : defines({version});
    }
    FakeFile& defines(Names versions) {
        for (const std::string& version : versions) {
            const std::string_view kept = keep(version);
            auto& all = elf_.version_definitions;
            if (std::find(all.begin(), all.end(), kept) == all.end()) {
                all.push_back(kept);
            }
        }
        return *this;
    }
    /// Data, of that size.
    FakeFile& holds(const std::string& object, std::uint64_t bytes) {
        elf_.exports.push_back({keep(object), {}, true, bytes, true});
        return *this;
    }
    /// A copy of a library's data, of that size.
    FakeFile& copies(const std::string& object, std::uint64_t bytes) {
        elf_.copies.push_back({keep(object), {}, bytes});
        elf_.exports.push_back({keep(object), {}, true, bytes, true});
        return *this;
    }
    FakeFile& rpath(const std::string& path) {
        elf_.rpath = keep(path);
        return *this;
    }
    FakeFile& runpath(const std::string& path) {
        elf_.runpath = keep(path);
        return *this;
    }
    FakeFile& loader(const std::string& path) {
        elf_.interpreter = keep(path);
        return *this;
    }
    FakeFile& isa_level(unsigned level) {
        elf_.isa_level = level;
        return *this;
    }
    FakeFile& without_versions() {
        elf_.versioned = false;
        return *this;
    }
    FakeFile& architecture(const std::string& name) {
        elf_.architecture = keep(name);
        return *this;
    }
    FakeFile& no_default_directories() {
        elf_.no_default_directories = true;
        return *this;
    }
    FakeFile& is_program() {
        elf_.kind = lading::formats::ElfFile::Kind::program;
        elf_.interpreter = kLoader;
        return *this;
    }
    FakeFile& is_static() {
        elf_.dynamic = false;
        elf_.interpreter = {};
        elf_.needed.clear();
        return *this;
    }
    FakeFile& is_library() {
        elf_.kind = lading::formats::ElfFile::Kind::library;
        return soname(path_.substr(path_.rfind('/') + 1));
    }

    const std::string& path() const { return path_; }
    const lading::formats::ElfFile& elf() const { return elf_; }

  private:
    /// ElfFile holds views.
    std::string_view keep(const std::string& text) {
        return *texts_.emplace_back(std::make_unique<std::string>(text));
    }

    std::string path_;
    std::vector<std::unique_ptr<std::string>> texts_;
    lading::formats::ElfFile elf_;
};

class FakeRoot {
  public:
    /// A name alone lies where the system keeps its libraries.
    FakeFile& library(const std::string& name) { return add(name).is_library(); }
    FakeFile& program(const std::string& path) { return add(path).is_program(); }

    void link(const std::string& path, const std::string& target) {
        links_.emplace_back(path, target);
    }
    void script(const std::string& path, const std::string& interpreter) {
        scripts_.emplace_back(path, interpreter);
    }
    /// An entry of ld.so.cache.
    void cached(const std::string& soname, const std::string& path,
                const std::string& hwcaps = "") {
        cache_.push_back({soname, path, hwcaps});
    }

    /// glibc 2.`minor`, laid out as Debian has it since its merge of /usr.
    void glibc(int minor) {
        link("/lib", "usr/lib");
        link("/lib64", "usr/lib64");
        link("/usr/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
        library("ld-linux-x86-64.so.2").defines({"GLIBC_2.2.5", "GLIBC_PRIVATE"});
        for (const std::string name : {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}) {
            FakeFile& file = library(name).defines({"GLIBC_2.2.5", "GLIBC_PRIVATE"});
            for (int i = 3; i <= minor; ++i) {
                file.defines({"GLIBC_2." + std::to_string(i)});
            }
            file.needs(name == "libc.so.6" ? "ld-linux-x86-64.so.2" : "libc.so.6", "GLIBC_PRIVATE");
        }
    }

    const lading::formats::ElfIndex& index() {
        if (!index_) {
            lading::formats::ElfIndexBuilder builder;
            for (const FakeFile& file : files_) {
                builder.add_file(file.path(), file.elf());
            }
            for (const auto& [path, target] : links_) {
                builder.add_link(path, target);
            }
            for (const auto& [path, interpreter] : scripts_) {
                builder.add_script(path, interpreter);
            }
            builder.set_loader_cache(cache_);
            bytes_ = std::move(builder).finish();
            auto opened = lading::formats::ElfIndex::open(bytes_);
            REQUIRE(opened);
            index_ = std::make_unique<lading::formats::ElfIndex>(std::move(*opened));
        }
        return *index_;
    }

    std::uint32_t id(const std::string& name) {
        const auto file = index().find(placed(name));
        INFO(name);
        REQUIRE(file);
        return file->id;
    }

    std::string path(std::uint32_t file) { return std::string(index().file(file).path); }

  private:
    static std::string placed(const std::string& name) {
        return name.starts_with('/') ? name : kLibraries + "/" + name;
    }
    FakeFile& add(const std::string& name) { return files_.emplace_back(placed(name)); }

    std::deque<FakeFile> files_;
    std::vector<std::pair<std::string, std::string>> links_;
    std::vector<std::pair<std::string, std::string>> scripts_;
    std::vector<lading::formats::CacheEntry> cache_;
    std::string bytes_;
    std::unique_ptr<lading::formats::ElfIndex> index_;
};
