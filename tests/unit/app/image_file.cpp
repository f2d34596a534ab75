// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_file.hpp"

#include <fcntl.h>

#include <string>

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/squashfs_header.hpp"
#include "formats/sif_builder.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using namespace lading::app;

namespace {

sys::Fd open_file(const std::string& path) {
    sys::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    REQUIRE(file.valid());
    return file;
}

/// The header of a squashfs that fills 4096 bytes.
std::string squashfs() {
    std::string bytes(4096, '\0');
    bytes.replace(0, 4, formats::kSquashfsMagic);
    SifBuilder::put(bytes, 4, 1, 4);
    SifBuilder::put(bytes, 12, 4096, 4);
    SifBuilder::put(bytes, 20, 1, 2);
    SifBuilder::put(bytes, 22, 12, 2);
    SifBuilder::put(bytes, 28, 4, 2);
    SifBuilder::put(bytes, 40, 4096, 8);
    return bytes;
}

std::string sif() {
    SifBuilder builder;
    builder.objects[2].content = squashfs();
    return builder.build();
}

}  // namespace

TEST_CASE(
    "root mounts no place of a file but one where a squashfs begins, and that lies within it") {
    const TemporaryDirectory directory;
    const sys::Fd file = open_file(directory.write("a.sif", sif()));
    CHECK(check_squashfs_place(file.get(), {32768, 4096}, "a.sif"));
    for (const formats::Extent& wild : {formats::Extent{32768, 4097},
                                        {32768, UINT64_MAX},
                                        {0, 4096},
                                        {32767, 4096},
                                        {36864, 96},
                                        {UINT64_MAX, 4096},
                                        {UINT64_MAX - 95, 96},
                                        {32768, 0},
                                        {32768, 95}}) {
        INFO(wild.offset << " " << wild.bytes);
        const auto checked = check_squashfs_place(file.get(), wild, "a.sif");
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Code::bad_image);
    }
}

TEST_CASE("a SIF and a squashfs file say where their root is") {
    const TemporaryDirectory directory;
    const sys::Fd container = open_file(directory.write("a.sif", sif()));
    CHECK(is_sif(container.get()));
    const auto image = read_image_file(container.get(), -1, "a.sif");
    REQUIRE(image);
    CHECK(image->squashfs.offset == 32768);
    CHECK(image->config.labels.at("team") == "atse");
    CHECK(image->config.definition == "Bootstrap: scratch\n");
    const sys::Fd bare = open_file(directory.write("a.sqsh", squashfs()));
    CHECK_FALSE(is_sif(bare.get()));
    CHECK(read_image_file(bare.get(), -1, "a.sqsh")->squashfs.bytes == 4096);
}

TEST_CASE("what is neither is refused with how to run it") {
    const TemporaryDirectory directory;
    const sys::Fd file = open_file(directory.write("a.tar", std::string(512, 'x')));
    const auto image = read_image_file(file.get(), -1, "a.tar");
    REQUIRE_FALSE(image);
    CHECK(contains(image.error().hint, "lading import a.tar"));
}

TEST_CASE("what a reader found in an image's file arrives as it was sent") {
    const ImageFile image{{4096, 8192},
                          {.architecture = "arm64",
                           .environment = {"A=b"},
                           .entrypoint = {},
                           .command = {},
                           .workdir = "/srv",
                           .user = {},
                           .labels = {{"a", "b"}},
                           .definition = "x\ny"}};
    formats::Fields fields;
    add_image_file(fields, image);
    const ImageFile read = image_file_of(fields);
    CHECK(read.squashfs == image.squashfs);
    CHECK(read.config == image.config);
}
