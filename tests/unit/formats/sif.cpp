// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/sif.hpp"

#include <map>
#include <string>

#include "catch.hpp"
#include "contains.hpp"
#include "mutation.hpp"
#include "sif_builder.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

Result<SifContents> read(const std::string& file, std::uint64_t file_bytes) {
    const Extent table = TRY(
        parse_sif_header(std::string_view(file).substr(0, kSifHeaderBytes), file_bytes, "a.sif"));
    REQUIRE(lies_within(table, file_bytes));
    // Of a sparse file only the beginning is in memory.
    if (!lies_within(table, file.size())) {
        return fail(Code::bad_image, "not in this test's memory");
    }
    return parse_sif_table(table, std::string_view(file).substr(table.offset, table.bytes),
                           file_bytes, "a.sif");
}

Error error_of(const std::string& file, std::uint64_t file_bytes = 0) {
    const auto contents = read(file, file_bytes == 0 ? file.size() : file_bytes);
    REQUIRE_FALSE(contents);
    CHECK(contents.error().code == Code::bad_image);
    CHECK_FALSE(contents.error().hint.empty());
    return contents.error();
}

std::string with(std::size_t at, std::uint64_t value, std::size_t size) {
    std::string file = SifBuilder().build();
    SifBuilder::put(file, at, value, size);
    return file;
}

/// Offset in the file of a field of the descriptor with that number, from 0.
std::size_t field(std::size_t number, std::size_t at) {
    return 4096 + number * 585 + at;
}

std::string with_file_system(std::uint32_t kind) {
    SifBuilder sif;
    sif.objects[2].file_system = kind;
    return sif.build();
}

}  // namespace

TEST_CASE(
    "of a SIF as Apptainer writes it, root, definition, metadata and architecture are found") {
    const std::string file = SifBuilder().build();
    const auto contents = read(file, file.size());
    REQUIRE(contents);
    CHECK(contents->system == Extent{32768, 4096});
    CHECK(contents->architecture == "amd64");
    REQUIRE(contents->definition);
    CHECK(*contents->definition == Extent{32176, 19});
    REQUIRE(contents->metadata);
    CHECK(contents->metadata->offset == 32195);
    CHECK_FALSE(contents->labels);
    CHECK_FALSE(contents->oci);
}

TEST_CASE(
    "a SIF of Singularity's, with an object of labels and a data partition, is read as well") {
    SifBuilder sif;
    sif.objects[1] = {.type = 0x4003, .content = R"({"team":"atse"})"};
    sif.objects.insert(sif.objects.begin() + 2,
                       {.type = 0x4004, .content = "data", .file_system = 2, .partition = 3});
    sif.objects.push_back({.type = 0x4005, .content = "a signature"});
    const std::string file = sif.build();
    const auto contents = read(file, file.size());
    REQUIRE(contents);
    CHECK(contents->labels);
    CHECK(contents->system.bytes == 4096);
}

TEST_CASE("the architectures of SIF have OCI's names") {
    const std::map<std::string, std::string> names = {
        {"01", "386"},     {"02", "amd64"}, {"04", "arm64"}, {"06", "ppc64le"}, {"11", "s390x"},
        {"12", "riscv64"}, {"00", ""},      {"13", ""},      {"x2", ""},        {"99", ""}};
    for (const auto& [digits, name] : names) {
        SifBuilder sif;
        sif.objects[2].architecture = digits;
        const std::string file = sif.build();
        CHECK(read(file, file.size())->architecture == name);
    }
}

TEST_CASE("an encrypted SIF, and one that holds an ext3, are refused with what to do") {
    CHECK(error_of(with_file_system(5)).what == "a.sif is encrypted");
    CHECK(contains(error_of(with_file_system(5)).hint, "--encrypt"));
    CHECK(contains(error_of(with_file_system(2)).what, "ext3"));
    CHECK(contains(error_of(with_file_system(2)).hint, "apptainer build"));
    CHECK(contains(error_of(with_file_system(3)).what, "unknown kind 3"));
    CHECK(contains(error_of(with_file_system(0)).what, "unknown kind 0"));
}

TEST_CASE("a SIF without a root, or with two, is refused") {
    SifBuilder sif;
    sif.objects[2].partition = 1;
    CHECK(contains(error_of(sif.build()).what, "holds no image"));
    sif.objects.clear();
    CHECK(contains(error_of(sif.build()).what, "holds no image"));
    sif = SifBuilder();
    sif.objects.push_back(sif.objects[2]);
    CHECK(contains(error_of(sif.build()).what, "two primary"));
}

TEST_CASE("a descriptor that is not in use means nothing") {
    CHECK(contains(error_of(with(field(2, 4), 0, 1)).what, "holds no image"));
}

TEST_CASE("objects outside of the file, or within each other, are refused, however large") {
    const std::uint64_t size = SifBuilder().build().size();
    for (const std::uint64_t wild :
         {size, size + 1, std::uint64_t{1} << 63, UINT64_MAX, UINT64_MAX - 4095}) {
        CHECK(contains(error_of(with(field(2, 17), wild, 8)).what, "describes"));
        CHECK(contains(error_of(with(field(2, 25), wild, 8)).what, "describes"));
        CHECK(contains(error_of(with(field(0, 17), wild, 8)).what, "describes"));
    }
    CHECK(contains(error_of(with(field(2, 17), 32180, 8)).what, "within another"));
    CHECK(contains(error_of(with(field(2, 17), 0, 8)).what, "within another"));
    CHECK(contains(error_of(with(field(2, 17), 4096, 8)).what, "within another"));
    CHECK(contains(error_of(with(field(0, 25), 100, 8)).what, "within another"));
}

TEST_CASE("a table of descriptors that is nowhere, or without bounds, is refused") {
    for (const std::uint64_t wild : {std::uint64_t{0}, std::uint64_t{4097}, std::uint64_t{1} << 32,
                                     UINT64_MAX, UINT64_MAX / 585 + 2}) {
        CHECK(contains(error_of(with(88, wild, 8)).what, "room for"));
    }
    for (const std::uint64_t wild :
         {std::uint64_t{0}, std::uint64_t{127}, std::uint64_t{1} << 40, UINT64_MAX}) {
        CHECK(contains(error_of(with(96, wild, 8)).what, "its descriptors are"));
    }
}

TEST_CASE("a SIF that was cut short says so, wherever it ends") {
    const std::string file = SifBuilder().build();
    for (std::size_t length = 42; length < file.size(); length += 97) {
        CHECK(contains(error_of(file.substr(0, length)).what, "damaged SIF"));
    }
    CHECK(error_of(with(42, '9', 1)).what == "a.sif is a SIF of another version than 01");
}

TEST_CASE("what does not begin as a SIF is none") {
    CHECK(looks_like_sif(SifBuilder().build()));
    CHECK_FALSE(looks_like_sif(""));
    CHECK_FALSE(looks_like_sif(std::string(128, '\0')));
    CHECK_FALSE(looks_like_sif(SifBuilder().build().substr(0, 41)));
    CHECK_FALSE(looks_like_sif("SIF_MAGIC"));
}

TEST_CASE("a damaged SIF is refused or read within its bounds") {
    SifBuilder small;
    small.descriptors = 3;
    for_each_mutation(small.build(), 20000, [](const std::string& file) {
        const auto contents = read(file, file.size());
        if (contents) {
            CHECK(lies_within(contents->system, file.size()));
            for (const auto& extent :
                 {contents->definition, contents->labels, contents->metadata, contents->oci}) {
                CHECK((!extent || lies_within(*extent, file.size())));
            }
        }
    });
}

TEST_CASE("labels and definition of a SIF become the image's") {
    ImageConfig config;
    REQUIRE(add_sif_labels(R"({"a":"1","b":"2"})", config));
    REQUIRE(add_sif_metadata(
        R"({"data":{"attributes":{"labels":{"b":"3"},"deffile":"Bootstrap: docker"}}})", config));
    CHECK(config.labels == std::map<std::string, std::string>{{"a", "1"}, {"b", "3"}});
    CHECK(config.definition == "Bootstrap: docker");
    REQUIRE(add_sif_metadata("{}", config));
    CHECK_FALSE(add_sif_labels(R"({"a":1})", config));
    CHECK_FALSE(add_sif_metadata(R"({"data":[]})", config));
    CHECK_FALSE(add_sif_metadata("no json", config));
}

TEST_CASE("a SIF that was built from an OCI image has its environment") {
    ImageConfig config;
    config.definition = "From: a";
    config.labels = {{"a", "1"}};
    REQUIRE(
        add_sif_oci(R"({"Env":["A=b c"],"WorkingDir":"/srv","Labels":{"a":"2","b":"3"}})", config));
    CHECK(config.environment == std::vector<std::string>{"A=b c"});
    CHECK(config.workdir == "/srv");
    CHECK(config.labels == std::map<std::string, std::string>{{"a", "1"}, {"b", "3"}});
    CHECK(config.definition == "From: a");
    CHECK_FALSE(add_sif_oci(R"(null,"architecture":"x")", config));
}
