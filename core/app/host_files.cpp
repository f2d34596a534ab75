// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/host_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/formats/elf_file.hpp"
#include "core/formats/ld_cache.hpp"
#include "core/sys/file.hpp"
#include "core/sys/mapped_file.hpp"

namespace lading::app {
namespace {

constexpr const char* kLoaderCache = "/etc/ld.so.cache";
constexpr std::size_t kCacheBytes = 64U << 20;
constexpr std::size_t kTextBytes = 64U << 10;
constexpr std::size_t kShortestWord = 4;
constexpr std::size_t kLongestWord = 300;

bool is_path_word(std::string_view text) {
    return text.size() >= kShortestWord && text.size() <= kLongestWord &&
           (text.starts_with('/') || text.starts_with("${")) &&
           text.find_first_of(" \t:;*?\"'<>|(),=") == std::string_view::npos;
}

class Machine : public HostFiles {
  public:
    explicit Machine(std::string architecture) : architecture_(std::move(architecture)) {}

    std::vector<std::string> list(const std::string& directory) const override {
        std::vector<std::string> names;
        std::error_code error;
        for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
             at.increment(error)) {
            names.push_back(at->path().filename().string());
        }
        std::ranges::sort(names);
        return names;
    }

    bool exists(const std::string& path) const override { return access(path.c_str(), F_OK) == 0; }

    std::string resolve(const std::string& path) const override {
        std::error_code error;
        const std::filesystem::path real = std::filesystem::canonical(path, error);
        return error ? "" : real.string();
    }

    std::string text(const std::string& path) const override {
        return sys::read_file(path, kTextBytes).value_or("");
    }

    std::optional<LibraryFacts> library(const std::string& path) const override {
        const auto file = sys::MappedFile::open(path);
        const auto elf = formats::parse_elf_file(file ? file->bytes() : std::string_view());
        if (!elf || elf->kind != formats::ElfFile::Kind::library ||
            elf->architecture != architecture_) {
            return std::nullopt;
        }
        const auto named = [](std::string_view name) {
            return [name](const auto& symbol) { return symbol.name == name; };
        };
        LibraryFacts facts;
        facts.soname = elf->soname;
        facts.needed.assign(elf->needed.begin(), elf->needed.end());
        facts.open_mpi = std::ranges::any_of(elf->exports, named("ompi_mpi_comm_world")) ||
                         std::ranges::any_of(elf->imports, named("ompi_mpi_comm_world"));
        facts.mpi = std::ranges::any_of(elf->exports, named("MPI_Init"));
        return facts;
    }

    std::vector<std::string> path_words(const std::string& path) const override {
        const auto file = sys::MappedFile::open(path);
        const std::string_view bytes = file ? file->bytes() : std::string_view();
        std::vector<std::string> words;
        for (std::size_t start = 0; start < bytes.size();) {
            const std::size_t end = std::min(bytes.find('\0', start), bytes.size());
            if (const std::string_view word = bytes.substr(start, end - start);
                is_path_word(word)) {
                words.emplace_back(word);
            }
            start = end + 1;
        }
        return words;
    }

  private:
    std::string architecture_;
};

/// The directory free of symbolic links (/lib is /usr/lib on most hosts), the name as it is: it
/// stays when an update moves the link.
std::string with_real_directory(const HostFiles& host, const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const std::string directory = host.resolve(path.substr(0, slash));
    return directory.empty() || slash == std::string::npos ? "" : directory + path.substr(slash);
}

}  // namespace

std::unique_ptr<HostFiles> make_host_files(const std::string& architecture) {
    return std::make_unique<Machine>(architecture);
}

Result<LibraryPlace> system_place(const HostFiles& host, const std::string& architecture) {
    const std::string bytes = TRY(sys::read_file(kLoaderCache, kCacheBytes));
    LibraryPlace place;
    for (const formats::CacheEntry& entry : TRY(formats::parse_ld_cache(bytes, architecture))) {
        if (!entry.hwcaps.empty()) {
            continue;
        }
        if (std::string path = with_real_directory(host, entry.path); !path.empty()) {
            place.paths.emplace(entry.soname, std::move(path));  // the first is the loader's choice
        }
    }
    return place;
}

Result<LibraryPlace> prefix_place(const HostFiles& host, const std::string& prefix) {
    LibraryPlace place;
    place.prefix = host.resolve(prefix);
    if (place.prefix.empty()) {
        return fail(Code::not_found, fmt::format("no directory {}", prefix));
    }
    std::set<std::string> seen;
    for (const char* const below : {"/lib", "/lib64"}) {
        const std::string directory = host.resolve(place.prefix + below);
        if (directory.empty() || !seen.insert(directory).second) {
            continue;
        }
        for (const std::string& name : host.list(directory)) {
            if (name.starts_with("lib") && name.find(".so") != std::string::npos) {
                place.paths.emplace(name, directory + '/' + name);
            }
        }
    }
    if (place.paths.empty()) {
        return fail(Code::not_found,
                    fmt::format("no libraries in {0}/lib or {0}/lib64", place.prefix),
                    "--prefix takes the directory that holds lib, such as /opt/mpich-4.2");
    }
    return place;
}

}  // namespace lading::app
