// SPDX-License-Identifier: BSD-3-Clause
#include "catch.hpp"
#include "contains.hpp"
#include "lading/image.hpp"

using namespace lading;

namespace {

ImageDocument example() {
    ImageDocument document;
    document.digest = "sha256:" + std::string(64, 'a');
    document.squashfs_digest = "sha256:" + std::string(64, 'b');
    document.squashfs_bytes = 123456789012345;
    document.libc = "glibc 2.36";
    document.source = "oci:\"layout\"";
    document.created = "2024-02-29T12:00:00Z";
    document.config.architecture = "amd64";
    document.config.environment = {"PATH=/usr/bin", "LANG=de_DE.UTF-8", "TEXT=a\nb"};
    document.config.entrypoint = {"/init"};
    document.config.command = {"sh", "-c", "x"};
    document.config.workdir = "/srv";
    document.config.user = "1000";
    document.config.labels = {{"version", "1.2.4"}, {"name", "grün"}};
    document.layers = {{"sha256:" + std::string(64, 'c'), 31'000'000, "application/x+gzip"}};
    document.history = {{"2023-01-01T00:00:00Z", "ADD file:1", false}, {"", "ENV A=b", true}};
    document.config.definition = "Bootstrap: docker\nFrom: atse\n";
    return document;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("an image document comes back as it was written") {
    CHECK(parse_image_document(format_image_document(example())) == example());
}

TEST_CASE("a document of before there were layers and history in it is read") {
    ImageDocument document = example();
    document.layers.clear();
    document.history.clear();
    const std::string text = format_image_document(document);
    CHECK(text.find("layers") == std::string::npos);
    CHECK(text.find("history") == std::string::npos);
    CHECK(parse_image_document(text) == document);
}

TEST_CASE("a source whose name is no UTF-8 does not keep an image from being stored") {
    ImageDocument document = example();
    document.source = "/images/caf\xe9";
    CHECK(parse_image_document(format_image_document(document)));
}

TEST_CASE("a document that lading did not write is refused, and says why") {
    const std::string good = format_image_document(example());
    const auto refused = [](const std::string& text) {
        const auto document = parse_image_document(text);
        REQUIRE_FALSE(document);
        CHECK(document.error().code == Code::bad_image);
        return document.error().what;
    };
    CHECK(contains(refused(replaced(good, "\"libc\"", "\"extra\"")), "'extra'"));
    CHECK(contains(refused(replaced(good, "\"version\": 1", "\"version\": 2")), "version"));
    CHECK(contains(refused(replaced(good, "sha256:aaa", "sha256:../")), "'digest'"));
    CHECK(contains(refused(replaced(good, "123456789012345", "-1")), "'bytes'"));
    CHECK(contains(refused(replaced(good, "sha256:ccc", "sha512:ccc")), "'digest'"));
    CHECK(contains(refused(replaced(good, "\"by\"", "\"author\"")), "'author'"));
    CHECK(contains(refused(replaced(good, "\"empty\": true", "\"empty\": 1")), "'empty'"));
    CHECK(contains(refused("{}"), "version"));
    CHECK(contains(refused(""), "JSON"));
}

TEST_CASE("a document cut short anywhere is refused") {
    const std::string good = format_image_document(example());
    for (std::size_t length = 0; length + 2 < good.size(); ++length) {
        CHECK_FALSE(parse_image_document(good.substr(0, length)));
    }
}
