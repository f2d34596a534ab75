// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/import_image.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "core/app/image_feed.hpp"
#include "core/app/image_packer.hpp"
#include "core/app/import_source.hpp"
#include "core/app/probe_nature.hpp"
#include "core/sys/file.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/store_writer.hpp"

namespace lading::app {
namespace {

constexpr const char* kPackedName = "image.squashfs";
constexpr const char* kIndexName = "image.index";

std::string now() {
    const std::time_t seconds = std::time(nullptr);
    std::tm utc{};
    char text[sizeof "1970-01-01T00:00:00Z"] = "";
    gmtime_r(&seconds, &utc);
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
}

struct Packed {
    std::string digest;
    std::uint64_t bytes = 0;
};

Result<Packed> measure(const sys::Staging& staging) {
    const sys::Fd file = sys::open_beneath(staging.directory(), kPackedName, O_RDONLY);
    struct stat status {};
    if (!file.valid() || fstat(file.get(), &status) != 0) {
        return sys::fail_errno(Code::system, "cannot read the packed image");
    }
    return Packed{TRY(sys::file_digest(file.get(), "the packed image")),
                  static_cast<std::uint64_t>(status.st_size)};
}

}  // namespace

std::string host_architecture() {
    struct Name {
        std::string_view machine;
        const char* architecture;
    };
    constexpr Name kNames[] = {
        {"x86_64", "amd64"},    {"aarch64", "arm64"}, {"ppc64le", "ppc64le"},
        {"riscv64", "riscv64"}, {"s390x", "s390x"},
    };
    utsname host{};
    uname(&host);
    for (const Name& name : kNames) {
        if (name.machine == host.machine) {
            return name.architecture;
        }
    }
    return host.machine;
}

Result<ImageDocument> import_image(const ImportRequest& request) {
    ImportSource source = TRY(ImportSource::open(request.source));
    if (!request.blobs.empty()) {
        TRY(source.add_blobs(request.blobs));
    }
    return import_from(request, std::move(source), {});
}

Result<ImageDocument> import_from(const ImportRequest& request, ImportSource source,
                                  std::optional<SourceFacts> claimed) {
    sys::Staging staging = TRY(sys::Staging::open(request.store));
    ImagePacker packer = TRY(ImagePacker::start(TRY(staging.create_file(kPackedName)),
                                                fmt::format("{}/{}", staging.path(), kPackedName)));
    ImageIndexer indexer = TRY(ImageIndexer::start(staging, TRY(staging.create_file(kIndexName))));
    ImageFeed feed(packer.take_input(), &indexer, request.progress);
    const bool chosen = !request.architecture.empty();
    auto facts =
        source.read(feed, staging, chosen ? request.architecture : host_architecture(), chosen);
    const auto ended = facts ? feed.finish() : Result<>();
    if (feed.broken()) {
        // The packer closed its end first: what it says (a full disk) is the reason, not our pipe.
        TRY(packer.finish());
    }
    if (!facts || !ended) {
        return tl::unexpected<Error>(!facts ? facts.error() : ended.error());
    }
    TRY(packer.finish());
    TRY(indexer.finish());
    const Packed packed = TRY(measure(staging));
    SourceFacts& said = claimed ? *claimed : *facts;
    ImageNature nature = TRY(probe_nature(feed.evidence(), said));

    ImageDocument document;
    document.digest = facts->digest.empty() ? packed.digest : facts->digest;
    document.squashfs_digest = packed.digest;
    document.squashfs_bytes = packed.bytes;
    document.libc = nature.libc;
    document.source = request.origin.empty() ? request.source : request.origin;
    document.created = now();
    document.config = std::move(nature.config);
    document.layers = std::move(said.layers);
    document.history = std::move(said.history);
    if (document.config.architecture.empty()) {
        document.config.architecture = nature.architecture;
    }
    for (const auto& [name, value] : request.labels) {
        document.config.labels[name] = value;
    }
    return staging.publish(
        {kPackedName, std::move(document), request.target.name, request.target.tag, kIndexName});
}

}  // namespace lading::app
