// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "catch.hpp"
#include "contains.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/store_history.hpp"
#include "core/sys/store_removal.hpp"
#include "core/sys/store_writer.hpp"
#include "temporary_directory.hpp"

using namespace lading;
using namespace lading::sys;
namespace fs = std::filesystem;

namespace {

ImageName named(std::string name, std::string tag, std::string digest = {}) {
    return {std::move(name), std::move(tag), std::move(digest)};
}

std::string digest_of_text(const std::string& text) {
    auto hash = Sha256::start();
    REQUIRE(hash);
    hash->add(text);
    return hash->digest().value();
}

/// A store in a directory of its own, with the shortest way to put something into it.
class Store {
  public:
    Store() : path(root / "store") {}

    /// Publishes content as an image whose identity is `identity`, or the content's own digest.
    Result<> add(const std::string& name, const std::string& tag, const std::string& content,
                 const std::string& identity = {},
                 const std::map<std::string, std::string>& labels = {}) {
        auto staging = Staging::open(path);
        if (!staging) {
            return tl::unexpected<Error>(staging.error());
        }
        {
            const auto file = staging->create_file("image");
            REQUIRE(file);
            REQUIRE(write_all(file->get(), content, "image"));
        }
        ImageDocument document;
        document.squashfs_digest = digest_of_text(content);
        document.squashfs_bytes = content.size();
        document.digest = identity.empty() ? document.squashfs_digest : identity;
        document.config.labels = labels;
        return staging->publish({"image", document, name, tag, ""}).map([](const auto&) {});
    }

    std::size_t count(const std::string& directory) const {
        return static_cast<std::size_t>(std::distance(
            fs::directory_iterator(path + '/' + directory), fs::directory_iterator()));
    }

    StoreResult<StoredImage> image(const ImageName& name) const {
        const auto store = ImageStore::open(path);
        REQUIRE(store);
        return store->image(name);
    }

    std::string content(const ImageName& name) const {
        const auto found = image(name);
        return found ? read_all(found->blob.get(), 1000, "blob").value_or("unreadable") : "none";
    }

    TemporaryDirectory root;
    std::string path;
};

StoreFailure failure_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().failure;
}

}  // namespace

TEST_CASE("the digest of bytes is that of sha256sum") {
    CHECK(digest_of_text("") ==
          "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(digest_of_text("abc") ==
          "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("an image that was published is found by tag and by digest") {
    Store store;
    REQUIRE(store.add("group/atse", "1.2.4", "content"));
    const auto image = store.image(named("group/atse", "1.2.4"));
    REQUIRE(image);
    CHECK(image->document.squashfs_bytes == 7);
    CHECK(store.content(named("group/atse", "1.2.4")) == "content");
    CHECK(store.content(named("any/name", "latest", image->document.digest)) == "content");
    const auto found = find_stored_image(store.path, named("group/atse", "1.2.4"));
    CHECK(found);
    CHECK(list_image_names(store.path) == std::vector<std::string>{"group/atse:1.2.4"});
}

TEST_CASE("what a store has not got is told apart") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    CHECK(failure_of(ImageStore::open(store.path + "x")) == StoreFailure::store_missing);
    CHECK(failure_of(store.image(named("other", "1"))) == StoreFailure::name_unknown);
    CHECK(failure_of(store.image(named("atse/1", "1"))) == StoreFailure::name_unknown);
    CHECK(failure_of(store.image(named("atse", "2"))) == StoreFailure::tag_unknown);
    CHECK(failure_of(store.image(named("atse", "1", "sha256:" + std::string(64, '0')))) ==
          StoreFailure::digest_unknown);
    for (const auto& name : {named("other", "1"), named("atse", "2")}) {
        CHECK(find_stored_image(store.path, name).error().code == Code::not_found);
    }
    CHECK(find_stored_image(store.path + "x", named("atse", "1")).error().code == Code::not_found);
}

TEST_CASE("a name may be the beginning of another, and a tag may be called like a name") {
    Store store;
    REQUIRE(store.add("atse", "1", "one"));
    REQUIRE(store.add("atse/group", "1", "two"));
    REQUIRE(store.add("atse", "group", "three"));
    CHECK(store.content(named("atse", "1")) == "one");
    CHECK(store.content(named("atse/group", "1")) == "two");
    CHECK(store.content(named("atse", "group")) == "three");
    REQUIRE(remove_tag(store.path, "atse", "group"));
    REQUIRE(remove_tag(store.path, "atse", "1"));
    CHECK(store.content(named("atse/group", "1")) == "two");
}

TEST_CASE("damage in a store is told, with the file") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    const auto image = store.image(named("atse", "1"));
    REQUIRE(image);
    const std::string blob = store.path + '/' + blob_path(image->document.squashfs_digest);
    const std::string document = store.path + '/' + document_path(image->document.digest);
    const std::string tag = store.path + "/tags/atse/:1";
    const auto overwrite = [](const std::string& path, const std::string& text) {
        fs::permissions(path, fs::perms::owner_all);
        std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
    };
    SECTION("a file cut short") {
        overwrite(blob, "cont");
        const auto found = store.image(named("atse", "1"));
        CHECK(failure_of(found) == StoreFailure::damaged);
        CHECK(contains(found.error().error.what, "has 4 bytes where 7 were imported"));
    }
    SECTION("a missing file") {
        fs::remove(blob);
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a missing document") {
        fs::remove(document);
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a document that is none") {
        overwrite(document, "{}");
        const auto found = store.image(named("atse", "1"));
        CHECK(failure_of(found) == StoreFailure::damaged);
        CHECK(contains(found.error().error.what, document));
    }
    SECTION("a document of another image") {
        REQUIRE(store.add("atse", "2", "other"));
        const auto other = store.image(named("atse", "2"));
        overwrite(document, format_image_document(other->document));
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a tag that holds a path") {
        overwrite(tag, "../../../etc/passwd\n");
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a symbolic link in a file's place") {
        fs::rename(blob, store.root / "aside");
        fs::create_symlink(store.root / "aside", blob);
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a fifo in a file's place") {
        fs::remove(blob);
        REQUIRE(mkfifo(blob.c_str(), 0666) == 0);
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
    SECTION("a symbolic link on the way") {
        fs::rename(store.path + "/blobs", store.root / "aside");
        fs::create_symlink(store.root / "aside", store.path + "/blobs");
        CHECK(failure_of(store.image(named("atse", "1"))) == StoreFailure::damaged);
    }
}

TEST_CASE("importing again mends a file whose bytes have changed, and leaves a good one in place") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    const std::string blob = store.path + '/' + blob_path(digest_of_text("content"));
    struct stat before {};
    struct stat after {};
    REQUIRE(stat(blob.c_str(), &before) == 0);
    REQUIRE(store.add("atse", "1", "content"));
    REQUIRE(stat(blob.c_str(), &after) == 0);
    CHECK(before.st_ino == after.st_ino);
    fs::permissions(blob, fs::perms::owner_all);
    std::ofstream(blob, std::ios::binary) << "CONTENT";
    REQUIRE(store.add("atse", "1", "content"));
    CHECK(store.content(named("atse", "1")) == "content");
}

TEST_CASE("a store that others could have written to is not trusted") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    const auto reader = ImageStore::open(store.path);
    REQUIRE(reader);
    const auto image = reader->image(named("atse", "1"));
    REQUIRE(image);
    const uid_t self = geteuid();
    const std::string blob = store.path + '/' + blob_path(image->document.squashfs_digest);
    CHECK(reader->only_trusted_write(image->blob, self));
    if (self != 0) {
        CHECK_FALSE(reader->only_trusted_write(image->blob));
    }
    for (const std::string& path :
         {store.path, store.path + "/blobs", store.path + "/blobs/sha256", blob}) {
        for (const fs::perms loose : {fs::perms::group_write, fs::perms::others_write}) {
            fs::permissions(path, loose, fs::perm_options::add);
            CHECK_FALSE(reader->only_trusted_write(image->blob, self));
            fs::permissions(path, loose, fs::perm_options::remove);
        }
    }
    CHECK(reader->only_trusted_write(image->blob, self));
    if (self == 0) {
        REQUIRE(chown(blob.c_str(), 12345, 0) == 0);
        CHECK_FALSE(reader->only_trusted_write(image->blob));
        CHECK(reader->only_trusted_write(image->blob, 12345));
    }
}

TEST_CASE("an import over a tag leaves the old image, for the jobs that wait for it") {
    Store store;
    REQUIRE(store.add("atse", "1", "old"));
    REQUIRE(store.add("atse", "1", "new"));
    CHECK(store.content(named("atse", "1")) == "new");
    CHECK(store.content(named("atse", "1", digest_of_text("old"))) == "old");
}

TEST_CASE("a tag leaves its image behind, and the digest takes all of it away") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    REQUIRE(store.add("atse", "2", "content"));
    CHECK(store.count("blobs/sha256") == 1);
    REQUIRE(remove_tag(store.path, "atse", "1"));
    REQUIRE(remove_tag(store.path, "atse", "2"));
    CHECK(store.count("tags") == 0);
    CHECK(store.content(named("atse", "2", digest_of_text("content"))) == "content");
    const auto again = remove_tag(store.path, "atse", "2");
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Code::not_found);
    REQUIRE(remove_image(store.path, digest_of_text("content")));
    CHECK(store.count("blobs/sha256") == 0);
    CHECK(store.count("images/sha256") == 0);
}

TEST_CASE("a store remembers which images a tag has named") {
    Store store;
    const auto past = [&store] {
        const auto reader = ImageStore::open(store.path);
        REQUIRE(reader);
        std::vector<std::string> digests;
        const auto history = read_history(*reader, {"group/atse", "1"});
        REQUIRE(history);
        for (const formats::TagEvent& event : *history) {
            digests.push_back(event.digest);
        }
        return digests;
    };
    const std::string one = digest_of_text("one");
    const std::string two = digest_of_text("two");
    REQUIRE(store.add("group/atse", "1", "one"));
    REQUIRE(store.add("group/atse", "1", "one"));
    CHECK(past() == std::vector{one});
    REQUIRE(store.add("group/atse", "1", "two"));
    CHECK(past() == std::vector{one, two});
    SECTION("where the tag was removed") {
        REQUIRE(remove_tag(store.path, "group/atse", "1"));
        CHECK(past() == std::vector<std::string>{one, two, ""});
    }
    SECTION("where the history is lost, what the tag says") {
        fs::remove_all(store.path + "/history");
        CHECK(past() == std::vector{two});
        REQUIRE(store.add("group/atse", "1", "one"));
        CHECK(past() == std::vector{two, one});
    }
    SECTION("where somebody was killed before it was written") {
        fs::permissions(store.path + "/tags/group/atse/:1", fs::perms::owner_all);
        std::ofstream(store.path + "/tags/group/atse/:1") << one << '\n';
        CHECK(past() == std::vector{one, two, one});
    }
    SECTION("of images that are gone only that they were there") {
        REQUIRE(remove_image(store.path, one));
        const auto reader = ImageStore::open(store.path);
        REQUIRE(reader);
        REQUIRE(prune_histories(*reader, {two}));
        CHECK(past() == std::vector{two});
        REQUIRE(remove_image(store.path, two));
        REQUIRE(prune_histories(*reader, {}));
        CHECK(store.count("history") == 0);
    }
}

TEST_CASE("whoever cleans a store is not led elsewhere by a symbolic link in it") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    REQUIRE(store.add("atse", "2", "content"));
    fs::rename(store.path + "/tags/atse", store.root / "aside");
    fs::create_symlink(store.root / "aside", store.path + "/tags/atse");
    CHECK_FALSE(remove_tag(store.path, "atse", "1"));
    CHECK(fs::exists(store.root / "aside/:1"));
    CHECK_FALSE(store.add("atse", "1", "other"));
    CHECK(fs::exists(store.root / "aside/:1"));
    fs::rename(store.path + "/images/sha256", store.root / "images");
    fs::create_symlink(store.root / "images", store.path + "/images/sha256");
    static_cast<void>(remove_image(store.path, digest_of_text("content")));
    CHECK(fs::exists((store.root / "images/") + digest_of_text("content").substr(7) + ".json"));
}

TEST_CASE("an identity that is packed anew keeps the file that steps may be running on") {
    Store store;
    const std::string identity = "sha256:" + std::string(64, 'a');
    REQUIRE(store.add("atse", "1", "packed", identity));
    REQUIRE(store.add("atse", "2", "packed better", identity));
    CHECK(store.content(named("atse", "2")) == "packed");
    CHECK(store.count("blobs/sha256") == 1);
    const std::string file = store.path + '/' + blob_path(digest_of_text("packed"));
    fs::permissions(file, fs::perms::owner_all);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << "damage";
    REQUIRE(store.add("atse", "2", "packed better", identity));
    CHECK(store.content(named("atse", "1")) == "packed better");
    CHECK(store.count("blobs/sha256") == 1);
}

TEST_CASE("labels cannot change under another tag of the same image") {
    Store store;
    REQUIRE(store.add("atse", "1", "content", "", {{"version", "1"}}));
    const auto refused = store.add("atse", "2", "content", "", {{"version", "2"}});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::refused);
    CHECK(contains(refused.error().what, "atse:1"));
    CHECK(store.add("atse", "1", "content", "", {{"version", "2"}}));
}

TEST_CASE("an image is removed by its digest with all of its tags") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    REQUIRE(store.add("group/other", "2", "content"));
    REQUIRE(store.add("third", "3", "different"));
    REQUIRE(remove_image(store.path, digest_of_text("content")));
    CHECK(list_image_names(store.path) == std::vector<std::string>{"third:3"});
    CHECK(store.count("blobs/sha256") == 1);
    CHECK(remove_image(store.path, digest_of_text("content")).error().code == Code::not_found);
}

TEST_CASE("the next import sweeps what killed ones left, and nothing that a living one holds") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    // As after SIGKILL: before the lock was made, while packing, and between the three renames.
    store.root.write("store/staging/gone.1/image", "half");
    store.root.write("store/staging/gone.2/lock", "");
    store.root.write("store/staging/gone.2/deep/er/file", "half");
    store.root.write("store/blobs/sha256/" + std::string(64, 'e'), "orphan");
    store.root.write("store/staging/fresh", "half a history");
    auto living = Staging::open(store.path);
    REQUIRE(living);
    CHECK(store.count("staging") == 2);  // the lock, and the living one
    const auto file = living->create_file("image");
    REQUIRE(file);
    REQUIRE(store.add("atse", "2", "other"));
    CHECK(fs::exists(living->path() + "/image"));
    CHECK(store.count("staging") == 2);
    CHECK(store.count("blobs/sha256") == 2);
    CHECK(store.count("images/sha256") == 2);
    CHECK(store.content(named("atse", "1")) == "content");
}

TEST_CASE("while a tagged document is damaged no file is swept") {
    Store store;
    REQUIRE(store.add("atse", "1", "content"));
    const std::string document = store.path + '/' + document_path(digest_of_text("content"));
    fs::permissions(document, fs::perms::owner_all);
    std::ofstream(document, std::ios::trunc) << "damaged";
    REQUIRE(store.add("atse", "2", "other"));
    CHECK(store.count("blobs/sha256") == 2);
}

TEST_CASE("an import that ends without publishing leaves nothing") {
    Store store;
    {
        auto staging = Staging::open(store.path);
        REQUIRE(staging);
        REQUIRE(staging->create_file("image"));
        REQUIRE(staging->temporary_file());
    }
    CHECK(store.count("staging") == 1);
    CHECK(store.count("blobs/sha256") == 0);
}

TEST_CASE("the store that an import needs is made, with the directories on the way") {
    const TemporaryDirectory root;
    const std::string path = root / "some/where/store";
    CHECK(can_write_store(path));
    REQUIRE(create_store(path));
    CHECK(fs::is_directory(path + "/blobs/sha256"));
    CHECK(can_write_store(path));
    if (geteuid() != 0) {
        CHECK_FALSE(can_write_store("/nowhere/store"));
        CHECK_FALSE(create_store("/nowhere/store"));
    }
    root.write("file", "");
    CHECK_FALSE(can_write_store(root / "file"));
    CHECK_FALSE(create_store(root / "file"));
}
