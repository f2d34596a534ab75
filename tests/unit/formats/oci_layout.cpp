// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/oci_layout.hpp"

#include <fmt/format.h>

#include "catch.hpp"
#include "contains.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

std::string digest(char c) {
    return "sha256:" + std::string(64, c);
}

Descriptor image(char c, std::string architecture, std::string reference = {}) {
    Descriptor descriptor;
    descriptor.media_type = "application/vnd.oci.image.manifest.v1+json";
    descriptor.digest = digest(c);
    descriptor.os = architecture.empty() ? "" : "linux";
    descriptor.architecture = std::move(architecture);
    descriptor.reference = std::move(reference);
    return descriptor;
}

const Error& error_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error();
}

}  // namespace

TEST_CASE("an index gives its descriptors with platform and reference") {
    const auto index = parse_image_index(fmt::format(
        R"({{"schemaVersion":2,"manifests":[{{"mediaType":"application/vnd.oci.image.manifest.v1+json",
            "digest":"{}","size":7,"platform":{{"os":"linux","architecture":"arm64"}},
            "annotations":{{"org.opencontainers.image.ref.name":"1.0"}}}}]}})",
        digest('a')));
    REQUIRE(index);
    REQUIRE(index->size() == 1);
    Descriptor wanted = image('a', "arm64", "1.0");
    wanted.size = 7;
    CHECK(index->front() == wanted);
}

TEST_CASE("a digest that could become a path is no digest") {
    const auto index =
        parse_image_index(R"({"manifests":[{"digest":"sha256:../../../../etc/passwd","size":1}]})");
    CHECK(error_of(index).code == Code::bad_image);
    CHECK(contains(error_of(index).what, "no sha256 digest"));
    CHECK_FALSE(parse_image_index(R"({"manifests":[7]})"));
    CHECK_FALSE(parse_image_index(R"({"manifests":{}})"));
    CHECK_FALSE(parse_image_index("{}"));
    CHECK_FALSE(parse_image_index(
        fmt::format(R"({{"manifests":[{{"digest":"{}","size":-1}}]}})", digest('a'))));
}

TEST_CASE("the manifest for the wanted architecture is chosen") {
    const std::vector<Descriptor> both = {image('a', "amd64"), image('b', "arm64")};
    CHECK(choose_manifest(both, "", "arm64")->digest == digest('b'));
    const auto none = choose_manifest(both, "", "riscv64");
    CHECK(error_of(none).code == Code::mismatch);
    CHECK(contains(error_of(none).hint, "amd64, arm64"));
}

TEST_CASE("an image that does not say its architecture is chosen when no other fits") {
    CHECK(choose_manifest({image('a', ""), image('b', "arm64")}, "", "amd64")->digest ==
          digest('a'));
    CHECK(choose_manifest({image('a', ""), image('b', "arm64")}, "", "arm64")->digest ==
          digest('b'));
}

TEST_CASE("of several references one has to be named") {
    const std::vector<Descriptor> both = {image('a', "amd64", "1.0"), image('b', "amd64", "2.0")};
    CHECK(choose_manifest(both, "2.0", "amd64")->digest == digest('b'));
    const auto unnamed = choose_manifest(both, "", "amd64");
    CHECK(error_of(unnamed).code == Code::usage);
    CHECK(contains(error_of(unnamed).hint, "1.0, 2.0"));
    const auto unknown = choose_manifest(both, "3.0", "amd64");
    CHECK(error_of(unknown).code == Code::not_found);
    CHECK(contains(error_of(unknown).hint, "1.0, 2.0"));
}

TEST_CASE("signatures, attestations and images for other systems are passed over") {
    Descriptor signature = image('s', "amd64");
    signature.media_type = "application/vnd.dev.cosign.artifact.sig.v1+json";
    Descriptor attestation = image('t', "unknown");
    Descriptor windows = image('w', "amd64");
    windows.os = "windows";
    CHECK(choose_manifest({signature, attestation, windows, image('a', "amd64")}, "", "amd64")
              ->digest == digest('a'));
    CHECK(error_of(choose_manifest({signature, windows}, "", "amd64")).code == Code::bad_image);
    CHECK(error_of(choose_manifest({}, "", "amd64")).code == Code::bad_image);
}

TEST_CASE("a manifest gives its configuration and layers") {
    const std::string json = fmt::format(
        R"({{"config":{{"digest":"{}","size":1}},"layers":[
            {{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"{}","size":2}}]}})",
        digest('c'), digest('l'));
    // 'l' is no hex digit.
    CHECK_FALSE(parse_image_manifest(json));
    const auto manifest = parse_image_manifest(fmt::format(
        R"({{"config":{{"digest":"{}","size":1}},"layers":[{{"digest":"{}","size":2}}]}})",
        digest('c'), digest('d')));
    REQUIRE(manifest);
    CHECK(manifest->config.digest == digest('c'));
    REQUIRE(manifest->layers.size() == 1);
    CHECK(manifest->layers.front().size == 2);
    CHECK_FALSE(parse_image_manifest(R"({"layers":[]})"));
    CHECK_FALSE(
        parse_image_manifest(fmt::format(R"({{"config":{{"digest":"{}"}}}})", digest('c'))));
}

TEST_CASE("layers are tar archives in whatever compression, and not encrypted") {
    Descriptor layer;
    for (const char* type :
         {"application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.v1.tar+gzip",
          "application/vnd.oci.image.layer.v1.tar+zstd",
          "application/vnd.docker.image.rootfs.diff.tar.gzip",
          "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"}) {
        layer.media_type = type;
        CHECK(check_layer_type(layer));
    }
    for (const char* type : {"application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "",
                             "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                             "application/vnd.sylabs.sif.layer.v1.sif"}) {
        layer.media_type = type;
        CHECK(error_of(check_layer_type(layer)).code == Code::bad_image);
    }
}

TEST_CASE("a layout of another version is refused") {
    CHECK(check_layout_version(R"({"imageLayoutVersion":"1.0.0"})"));
    CHECK_FALSE(check_layout_version(R"({"imageLayoutVersion":"2.0.0"})"));
    CHECK_FALSE(check_layout_version("{}"));
    CHECK_FALSE(check_layout_version(""));
}

TEST_CASE("docker's manifest.json names configuration, tags and layers") {
    const auto images = parse_docker_manifest(
        R"([{"Config":"c.json","RepoTags":["atse:1"],"Layers":["a/layer.tar","b/layer.tar"]},
            {"Config":"d.json","RepoTags":null,"Layers":[]}])");
    REQUIRE(images);
    REQUIRE(images->size() == 2);
    CHECK(images->front().layers == std::vector<std::string>{"a/layer.tar", "b/layer.tar"});
    CHECK(choose_docker_image(*images, "atse:1")->config == "c.json");
    CHECK(error_of(choose_docker_image(*images, "")).code == Code::usage);
    CHECK(error_of(choose_docker_image(*images, "atse:2")).code == Code::not_found);
    CHECK(error_of(choose_docker_image({}, "")).code == Code::bad_image);
    for (const char* bad : {"{}", "[1]", "", "]", "[]}, {"}) {
        CHECK_FALSE(parse_docker_manifest(bad).value_or(std::vector<DockerImage>{}).size() > 0);
    }
}
