// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/ld_cache.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/elf_libc.hpp"
#include "mutation.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

const std::vector<CacheEntry> kEntries = {
    {"libmpi.so.12", "/opt/mpi/lib/libmpi.so.12", ""},
    {"libc.so.6", "/lib/libc.so.6", ""},
    {"libm.so.6", "/lib/libm.so.6", ""},
    {"libmpi.so.12", "/usr/lib/libmpi.so.12", ""},
};

void put(std::string& bytes, std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
        bytes[at + i] = static_cast<char>(value >> (8 * i) & 0xff);
    }
}

std::string number(std::uint64_t value, std::size_t size) {
    std::string bytes(size, '\0');
    put(bytes, 0, value, size);
    return bytes;
}

std::string entry(std::uint32_t flags, std::uint64_t key, std::uint64_t value,
                  std::uint64_t hwcap) {
    return number(flags, 4) + number(key, 4) + number(value, 4) + number(0, 4) + number(hwcap, 8);
}

constexpr std::uint64_t kNamed = std::uint64_t{1} << 62;

/// A cache of ldconfig's with everything in it: other ABIs, directories below glibc-hwcaps, and the
/// scheme before them.
std::string full_cache() {
    const std::string strings("libx.so.1\0/lib/hw/libx.so.1\0/lib/libx.so.1\0x86-64-v3\0", 53);
    constexpr std::size_t kStrings = 48 + 5 * 24;
    const std::string key = "libx.so.1";
    const std::size_t base = kStrings + 28;
    const std::size_t name = kStrings + 43;
    std::string bytes = "glibc-ld.so.cache1.1" + number(5, 4) + number(strings.size(), 4) +
                        number(2, 4) + number(0, 4) + std::string(12, '\0');
    bytes += entry(0x0303, kStrings, kStrings + 10, kNamed | std::uint64_t{2} << 32 | 0);
    bytes += entry(0x0303, kStrings, kStrings + 10, 0x4000);
    bytes += entry(0x0303, kStrings, base, 0);
    bytes += entry(0x0003, kStrings, base, 0);
    bytes += entry(0x0803, kStrings, base, 0);
    bytes += strings;
    bytes.resize((bytes.size() + 3) / 4 * 4);
    const std::size_t extension = bytes.size();
    put(bytes, 32, extension, 4);
    bytes += number(0xeaa42174, 4) + number(2, 4);
    bytes += number(0, 4) + number(0, 4) + number(0, 4) + number(0, 4);
    bytes += number(1, 4) + number(0, 4) + number(extension + 40, 4) + number(4, 4);
    bytes += number(name, 4);
    return bytes;
}

const std::vector<CacheEntry> kFull = {{"libx.so.1", "/lib/hw/libx.so.1", "x86-64-v3"},
                                       {"libx.so.1", "/lib/libx.so.1", ""}};

std::string read_file(const std::string& path) {
    // At once: byte by byte a sanitizer takes a minute for a program of its own size.
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::string bytes(file ? static_cast<std::size_t>(file.tellg()) : 0, '\0');
    file.seekg(0);
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

std::string output_of(const std::string& command) {
    std::string text;
    FILE* const pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    for (int c = fgetc(pipe); c != EOF; c = fgetc(pipe)) {
        text += static_cast<char>(c);
    }
    pclose(pipe);
    return text;
}

}  // namespace

TEST_CASE("a cache that was written is read back, for every architecture") {
    for (const char* architecture :
         {"amd64", "arm64", "ppc64le", "ppc64", "riscv64", "s390x", "386", "arm"}) {
        const std::string bytes = format_ld_cache(kEntries, architecture);
        const auto entries = parse_ld_cache(bytes, architecture);
        REQUIRE(entries);
        CHECK(*entries ==
              std::vector<CacheEntry>{kEntries[0], kEntries[3], kEntries[2], kEntries[1]});
        CHECK(format_ld_cache(*entries, architecture) == bytes);
    }
    CHECK(parse_ld_cache(format_ld_cache(kEntries, "arm64"), "amd64")->empty());
    CHECK_FALSE(parse_ld_cache(format_ld_cache(kEntries, "s390x"), "amd64"));
    CHECK_FALSE(parse_ld_cache(format_ld_cache(kEntries, "amd64"), "vax"));
}

TEST_CASE("sonames are sorted as the loader searches them: numbers by value, downwards") {
    std::vector<CacheEntry> entries;
    const std::vector<std::string> kSorted = {
        "libz3.so.4",  "libz.so.1", "libx11.so",   "libx2.so",     "libx-a.so",
        "libm.so.10",  "libm.so.9", "libm.so.9.a", "libm.so.9-20", "libm.so.2.10",
        "libm.so.2.9", "libm.so",   "ld-linux.so"};
    for (const std::string& soname : kSorted) {
        entries.push_back({soname, "/" + soname, ""});
    }
    std::ranges::sort(entries, {}, &CacheEntry::soname);
    const auto sorted = parse_ld_cache(format_ld_cache(entries, "amd64"), "amd64");
    REQUIRE(sorted);
    REQUIRE(sorted->size() == kSorted.size());
    std::vector<std::string> names;
    for (const CacheEntry& one : *sorted) {
        names.push_back(one.soname);
    }
    CHECK(std::ranges::find(names, "libz3.so.4") == names.begin());
    CHECK(names.back() == "ld-linux.so");
    const auto before = [&](const char* first, const char* second) {
        return std::ranges::find(names, first) < std::ranges::find(names, second);
    };
    CHECK(before("libm.so.10", "libm.so.9"));
    CHECK(before("libm.so.2.10", "libm.so.2.9"));
    CHECK(before("libx11.so", "libx2.so"));
    CHECK(before("libx2.so", "libx-a.so"));
}

TEST_CASE("entries of other ABIs and of the old hwcaps are left out, the named ones named") {
    const auto entries = parse_ld_cache(full_cache(), "amd64");
    REQUIRE(entries);
    CHECK(*entries == kFull);
    CHECK(parse_ld_cache(full_cache(), "386")->size() == 1);
    const auto written = parse_ld_cache(format_ld_cache(kFull, "amd64"), "amd64");
    REQUIRE(written);
    CHECK(*written == std::vector<CacheEntry>{kFull[1]});
}

TEST_CASE("a cache that begins with the format before glibc 2.2 is read behind it") {
    for (const std::uint32_t old : {0U, 1U, 2U, 5U}) {
        std::string bytes = "ld.so-1.7.0" + std::string(1, '\0') + number(old, 4);
        bytes.append(old * std::size_t{12}, 'e');
        bytes.resize((bytes.size() + 7) / 8 * 8);
        const auto entries = parse_ld_cache(bytes + full_cache(), "amd64");
        REQUIRE(entries);
        CHECK(*entries == kFull);
    }
}

TEST_CASE("a cache without byte order, as before glibc 2.33, is one of the architecture's") {
    std::string bytes = full_cache();
    bytes[28] = 0;
    CHECK(parse_ld_cache(bytes, "amd64") == kFull);
    bytes[28] = 1;
    CHECK_FALSE(parse_ld_cache(bytes, "amd64"));
}

TEST_CASE("an empty cache is more than a header, which loaders ignore") {
    const std::string bytes = format_ld_cache({}, "amd64");
    CHECK(bytes.size() > 48);
    CHECK(parse_ld_cache(bytes, "amd64")->empty());
    CHECK(parse_ld_cache(format_ld_cache(kEntries, "vax"), "amd64")->empty());
}

TEST_CASE("what is no cache, or a damaged one, is refused") {
    const std::string good = full_cache();
    std::string beyond = good;
    put(beyond, 48 + 4, 0xffffffff, 4);
    std::string count = good;
    put(count, 20, 0x7fffffff, 4);
    std::string hwcaps = good;
    put(hwcaps, 32, 0, 4);
    for (const std::string& bytes : {std::string(), std::string("glibc-ld.so.cache1.0"), beyond,
                                     count, hwcaps, good.substr(0, 47), good.substr(0, 150)}) {
        const auto entries = parse_ld_cache(bytes, "amd64");
        REQUIRE_FALSE(entries);
        CHECK(entries.error().code == Code::bad_image);
    }
}

TEST_CASE("a cache cut short anywhere, or with any byte changed, is read within its bounds") {
    const std::string good = "ld.so-1.7.0" + std::string(1, '\0') + number(0, 4) + full_cache();
    for (std::size_t length = 0; length < good.size(); ++length) {
        const std::vector<char> part(good.begin(),
                                     good.begin() + static_cast<std::ptrdiff_t>(length));
        (void)parse_ld_cache({part.data(), part.size()}, "amd64");
    }
    std::vector<char> changed(good.begin(), good.end());
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
            changed[at] = static_cast<char>(value);
            (void)parse_ld_cache({changed.data(), changed.size()}, "amd64");
        }
        changed[at] = good[at];
    }
    for_each_mutation(good, 5000,
                      [](const std::string& text) { (void)parse_ld_cache(text, "amd64"); });
    SUCCEED();
}

TEST_CASE("entries that all name the same long string are refused, not copied") {
    constexpr std::size_t kCount = 20000;
    std::string bytes = "glibc-ld.so.cache1.1" + number(kCount, 4) + std::string(24, '\0');
    for (std::size_t i = 0; i < kCount; ++i) {
        bytes += entry(0x0303, 48 + kCount * 24, 48 + kCount * 24, 0);
    }
    bytes += std::string(1 << 20, 'x') + '\0';
    CHECK_FALSE(parse_ld_cache(bytes, "amd64"));
}

TEST_CASE("a loader is led to a cache of another name, wherever it holds the old one") {
    const std::string name("/etc/ld.so.cache", 17);
    const auto led = redirect_loader("a" + name + "b" + name + "c", "/run/lading/ldso");
    REQUIRE(led);
    const std::string other("/run/lading/ldso", 17);
    CHECK(*led == "a" + other + "b" + other + "c");
}

TEST_CASE("a loader that names no cache, and a cache with a longer name, are errors") {
    CHECK_FALSE(redirect_loader("no loader", "/run/lading/ldso"));
    CHECK_FALSE(redirect_loader(std::string("/etc/ld.so.cache", 17), "/run/lading/cache"));
    // A longer path that begins like it is not the loader's.
    CHECK_FALSE(redirect_loader("/etc/ld.so.cache.d", "/run/lading/ldso"));
}

TEST_CASE("the real loader finds libraries by a cache that was written") {
    const std::string self = read_file("/proc/self/exe");
    const std::string architecture = elf_architecture(self);
    std::string loader = read_file(elf_interpreter(self));
    constexpr std::string_view kPath{"/etc/ld.so.cache\0", 17};
    const std::size_t at = loader.find(kPath);
    if (at == std::string::npos) {
        WARN("skipped: this machine's loader has no /etc/ld.so.cache");
        return;
    }
    // Below its own directory, so that neither root nor a mount namespace is needed.
    loader.replace(at, kPath.size(), std::string("cache") + std::string(kPath.size() - 5, '\0'));
    const TemporaryDirectory directory;
    std::filesystem::permissions(directory.write("loader", loader),
                                 std::filesystem::perms::owner_all);
    // A file of the needed one's name, which it need not be to be found: `--list` maps it, so that
    // it must be a library; the loader's own file is one everywhere.
    const std::string library = directory.write("elsewhere/libc.so.6", loader);
    std::vector<CacheEntry> entries = {{"libc.so.6", library, ""}};
    for (int i = 0; i < 300; ++i) {
        const std::string name =
            "lib" + std::to_string(i * 7919 % 1000) + ".so." + std::to_string(i % 12);
        entries.push_back({name, "/nowhere/" + name, ""});
    }
    directory.write("cache", format_ld_cache(entries, architecture));
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    const std::string trace = output_of(
        "cd '" + directory.path() + "' && LD_DEBUG=libs ./loader --list '" + program + "' 2>&1");
    INFO(trace);
    CHECK(contains(trace, "search cache=cache"));
    CHECK(contains(trace, "trying file=" + library));
}
