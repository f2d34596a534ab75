// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/registry_document.hpp"

#include <fmt/format.h>

#include "catch.hpp"
#include "core/formats/skopeo_message.hpp"

using namespace lading;
using formats::parse_registry_document;

namespace {

std::string digest(char c) {
    return "sha256:" + std::string(64, c);
}

std::string descriptor(const std::string& type, char c, const std::string& more = "") {
    return fmt::format(R"({{"mediaType":"{}","digest":"{}","size":7{}}})", type, digest(c), more);
}

const std::string kLayer = "application/vnd.oci.image.layer.v1.tar+gzip";
const std::string kConfig = "application/vnd.oci.image.config.v1+json";
const std::string kManifest = "application/vnd.oci.image.manifest.v1+json";

}  // namespace

TEST_CASE("a registry's manifest says what has to be fetched") {
    const auto document = parse_registry_document(
        fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{},{}]}})",
                    descriptor(kConfig, 'a'), descriptor(kLayer, 'b'), descriptor(kLayer, 'c')),
        "amd64");
    REQUIRE(document);
    CHECK(document->chosen.empty());
    CHECK(document->media_type == kManifest);
    REQUIRE(document->blobs.size() == 3);
    CHECK(document->blobs[0].digest == digest('a'));
    CHECK(document->blobs[2].digest == digest('c'));
}

TEST_CASE("of a registry's index the manifest for the architecture is taken") {
    const std::string index = fmt::format(
        R"({{"schemaVersion":2,"manifests":[{},{}]}})",
        descriptor(kManifest, 'a', R"(,"platform":{"os":"linux","architecture":"arm64"})"),
        descriptor(kManifest, 'b', R"(,"platform":{"os":"linux","architecture":"amd64"})"));
    CHECK(parse_registry_document(index, "amd64")->chosen == digest('b'));
    CHECK(parse_registry_document(index, "arm64")->chosen == digest('a'));
    CHECK(parse_registry_document(index, "riscv64").error().code == Code::mismatch);
}

TEST_CASE("what is no image is refused before anything is fetched") {
    CHECK(parse_registry_document(R"({"schemaVersion":1,"fsLayers":[]})", "amd64").error().code ==
          Code::bad_image);
    CHECK(parse_registry_document("[]", "amd64").error().code == Code::bad_image);
    CHECK(parse_registry_document("{", "amd64").error().code == Code::bad_image);
    CHECK(parse_registry_document(
              fmt::format(R"({{"config":{},"layers":[{}]}})", descriptor(kConfig, 'a'),
                          descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", 'b')),
              "amd64")
              .error()
              .code == Code::bad_image);
}

TEST_CASE("skopeo's words become an error with what to do next") {
    const RegistryImage image{"registry.example.org", "hpc/atse", "1", ""};
    const Error error = formats::explain_skopeo(
        "time=\"2026-01-01T00:00:00Z\" level=warning msg=\"Failed, retrying\"\n"
        "time=\"2026-01-01T00:00:00Z\" level=fatal msg=\"reading manifest 1 in \\\"hpc/atse\\\": "
        "unauthorized: authentication required\"\n",
        image);
    CHECK(error.code == Code::refused);
    CHECK(error.what ==
          "cannot pull docker://registry.example.org/hpc/atse:1: reading manifest 1 in "
          "\"hpc/atse\": unauthorized: authentication required");
    CHECK(error.hint.find("skopeo login registry.example.org") != std::string::npos);
    CHECK(formats::explain_skopeo("", image).what ==
          "cannot pull docker://registry.example.org/hpc/atse:1: skopeo failed without a word");
    CHECK(formats::explain_skopeo("manifest unknown", image).code == Code::not_found);
}
