// SPDX-License-Identifier: BSD-3-Clause
// Writes DIRECTORY/PARSER/seed: what the fuzzers begin with.  An ELF file is this program itself.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/formats/elf_index.hpp"
#include "tests/unit/formats/sif_builder.hpp"

namespace {

using namespace lading::formats;
namespace fs = std::filesystem;

void write(const fs::path& directory, const std::string& bytes) {
    fs::create_directories(directory);
    std::ofstream(directory / "seed", std::ios::binary) << bytes;
}

std::string index_of(const std::string& program) {
    ElfIndexBuilder builder;
    if (const auto file = parse_elf_file(program)) {
        builder.add_file("/usr/bin/program", *file);
    }
    builder.add_link("/bin", "usr/bin");
    builder.add_script("/usr/bin/script", "/usr/bin/program");
    builder.set_loader_cache({{"libc.so.6", "/usr/lib/libc.so.6", ""}});
    return std::move(builder).finish();
}

constexpr const char* kCdi = R"(cdiVersion: "0.5.0"
kind: example.com/gpu
devices:
- name: all
  containerEdits:
    env: [A=b]
    deviceNodes: [{path: /dev/null}]
    mounts: [{hostPath: /usr/lib/libx.so.1, containerPath: /usr/lib/libx.so.1, options: [ro, bind]}]
    hooks: [{hookName: createContainer, path: /usr/bin/x, args: [x, update-ldcache]}]
)";

}  // namespace

int main(int count, char** values) {
    if (count != 2) {
        return 2;
    }
    const fs::path directory = values[1];
    std::ifstream self("/proc/self/exe", std::ios::binary);
    const std::string program{std::istreambuf_iterator<char>(self), {}};
    write(directory / "elf_file", program);
    write(directory / "elf_index", index_of(program));
    write(directory / "ld_cache",
          format_ld_cache({{"libc.so.6", "/usr/lib/libc.so.6", ""},
                           {"libx.so.1", "/usr/lib/glibc-hwcaps/x86-64-v3/libx.so.1", ""}},
                          "amd64"));
    write(directory / "cdi", kCdi);
    SifBuilder sif;
    sif.descriptors = 3;
    write(directory / "sif", sif.build());
    write(directory / "tool_files",
          "export PATH=\"/a:${PATH:-\"b\"}\"\nB='c'$PATH\n"
          "cd \"/srv\" && unset OLDPWD || exit 1\n");
    return 0;
}
