// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/layer_cache.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using sys::LayerCache;

namespace {

const std::string kDigest = "sha256:" + std::string(64, 'a');

LayerCache open_cache(const TemporaryDirectory& directory) {
    auto cache = LayerCache::open(directory / "layers", false);
    REQUIRE(cache);
    return std::move(*cache);
}

void set_age(const std::string& path, std::time_t seconds) {
    const timespec then{std::time(nullptr) - seconds, 0};
    const timespec times[2] = {then, then};
    REQUIRE(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("a layer is there when its file is, and never by way of a symbolic link") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    CHECK_FALSE(cache.size_of(kDigest));
    const std::string file = cache.blobs() + "/sha256/" + std::string(64, 'a');
    std::ofstream(file) << "layer";
    CHECK(cache.size_of(kDigest) == 5);
    CHECK(cache.drop(kDigest));
    std::filesystem::create_symlink("/etc/passwd", file);
    CHECK_FALSE(cache.size_of(kDigest));
}

TEST_CASE("only one at a time fetches an image, and the next is let in when he is done") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    int waited = 0;
    std::optional<LayerCache::Lock> first = std::move(*cache.lock(kDigest, [&] { ++waited; }));
    CHECK(waited == 0);
    const auto second = cache.lock(kDigest, [&] {
        ++waited;
        first.reset();
    });
    CHECK(second);
    CHECK(waited == 1);
    CHECK(cache.lock("sha256:" + std::string(64, 'b'), [&] { ++waited; }));
    CHECK(waited == 1);
}

TEST_CASE("a holder of the right to fetch who gives no sign of life is not waited for") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    const auto first = cache.lock(kDigest, [] {});
    REQUIRE(first);
    set_age(cache.path() + "/locks/" + std::string(64, 'a'), 3600);
    bool waited = false;
    CHECK(cache.lock(kDigest, [&] { waited = true; }));
    CHECK_FALSE(waited);
    first->beat();
    struct stat status {};
    REQUIRE(stat((cache.path() + "/locks/" + std::string(64, 'a')).c_str(), &status) == 0);
    CHECK(std::time(nullptr) - status.st_mtime < 60);
}

TEST_CASE("what a killed pull left is removed by the next one, and a living one is let alone") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    const std::string litter = cache.path() + "/incoming/elsewhere.1.0";
    std::filesystem::create_directories(litter + "/fetch");
    std::ofstream(litter + "/.lock") << "";
    std::ofstream(litter + "/fetch/half") << "half of a layer";
    const auto living = cache.start();
    REQUIRE(living);
    const auto next = cache.start();
    REQUIRE(next);
    CHECK_FALSE(std::filesystem::exists(litter));
    CHECK(std::filesystem::exists(living->path()));
}

TEST_CASE("layers go that no pull has used for the time that is given") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    const std::string old = "sha256:" + std::string(64, 'b');
    for (const std::string& digest : {kDigest, old}) {
        std::ofstream(cache.blobs() + "/sha256/" + digest.substr(7)) << "layer";
    }
    set_age(cache.blobs() + "/sha256/" + old.substr(7), 7200);
    CHECK(cache.remove_unused(3600, true)->blobs == 1);
    CHECK(cache.size_of(old));
    const auto unused = cache.remove_unused(3600, false);
    REQUIRE(unused);
    CHECK((unused->blobs == 1 && unused->bytes == 5));
    CHECK_FALSE(cache.size_of(old));
    CHECK(cache.size_of(kDigest));
}

TEST_CASE("a layer that is lent counts as used") {
    const TemporaryDirectory directory;
    const LayerCache cache = open_cache(directory);
    const std::string file = cache.blobs() + "/sha256/" + kDigest.substr(7);
    std::ofstream(file) << "layer";
    set_age(file, 7200);
    const auto incoming = cache.start();
    REQUIRE(incoming);
    REQUIRE(cache.lend(kDigest, incoming->directory()));
    CHECK(cache.remove_unused(3600, false)->blobs == 0);
}
