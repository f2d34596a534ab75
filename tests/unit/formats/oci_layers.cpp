// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <optional>

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/layer_tree.hpp"
#include "core/formats/member_path.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

LayerEntry member(std::string path, EntryType type = EntryType::file, std::string link = {}) {
    LayerEntry entry;
    entry.path = std::move(path);
    entry.type = type;
    entry.link = std::move(link);
    entry.mode = type == EntryType::directory ? 0700 : 0600;
    return entry;
}
LayerEntry dir(std::string path) {
    return member(std::move(path), EntryType::directory);
}
LayerEntry soft(std::string path, std::string to) {
    return member(std::move(path), EntryType::symlink, std::move(to));
}
LayerEntry hard(std::string path, std::string to) {
    return member(std::move(path), EntryType::hardlink, std::move(to));
}

/// Lays layers over each other and says what is there: `path` of directories with a slash behind,
/// of files with the layer and index of their content, of links with their target.
class Layers {
  public:
    Layers& layer(std::initializer_list<LayerEntry> entries) {
        std::uint32_t index = 0;
        for (const LayerEntry& entry : entries) {
            if (auto added = tree_.add(entry, {number_, index++}); !added && !error_) {
                error_ = added.error();
            }
        }
        ++number_;
        return *this;
    }

    void expect(std::initializer_list<std::string> wanted) const {
        REQUIRE_FALSE(error_);
        std::vector<std::string> found;
        const FlatImage image = tree_.flatten();
        for (const LayerEntry& entry : image.entries) {
            found.push_back(entry.type == EntryType::directory ? entry.path + "/"
                            : entry.type == EntryType::symlink ? entry.path + " -> " + entry.link
                                                               : entry.path);
        }
        for (const PlacedFile& file : image.files) {
            found.push_back(
                fmt::format("{} {}.{}", file.entry.path, file.place.layer, file.place.index));
            for (const std::string& other : file.others) {
                found.push_back(other + " = " + file.entry.path);
            }
        }
        std::vector<std::string> sorted = wanted;
        sorted.emplace_back("/");
        std::ranges::sort(sorted);
        std::ranges::sort(found);
        CHECK(found == sorted);
    }

    void expect_error(std::string_view text) const {
        REQUIRE(error_);
        CHECK(error_->code == Code::bad_image);
        CHECK(contains(error_->what, text));
    }

    const LayerTree& tree() const { return tree_; }

  private:
    LayerTree tree_;
    std::uint32_t number_ = 0;
    std::optional<Error> error_;
};

}  // namespace

TEST_CASE("one layer is taken as it is, parents made where they are missing") {
    Layers()
        .layer({dir("a"), member("a/b"), member("c/d/e"), soft("l", "a/b")})
        .expect({"a/", "a/b 0.1", "c/", "c/d/", "c/d/e 0.2", "l -> a/b"});
}

TEST_CASE("an upper file replaces a lower one, and a later member an earlier one") {
    Layers()
        .layer({member("f"), member("g"), member("g")})
        .layer({member("f")})
        .expect({"f 1.0", "g 0.2"});
}

TEST_CASE("a directory over a directory keeps its children and takes the attributes") {
    LayerEntry open = dir("d");
    open.mode = 0755;
    Layers layers;
    layers.layer({dir("d"), member("d/f")}).layer({open}).expect({"d/", "d/f 0.1"});
    const FlatImage image = layers.tree().flatten();
    const auto found = std::ranges::find(image.entries, "d", &LayerEntry::path);
    REQUIRE(found != image.entries.end());
    CHECK(found->mode == 0755);
}

TEST_CASE("a file over a directory takes everything below away, and the other way round") {
    Layers()
        .layer({dir("d"), member("d/f"), member("f")})
        .layer({member("d"), dir("f"), member("f/x")})
        .expect({"d 1.0", "f/", "f/x 1.2"});
}

TEST_CASE("a whiteout hides what the layers below have, with everything under it") {
    Layers()
        .layer({dir("d"), member("d/f"), member("d/g"), dir("e"), member("e/f")})
        .layer({member("d/.wh.f"), member(".wh.e")})
        .expect({"d/", "d/g 0.2"});
}

TEST_CASE("a whiteout does not hide its own layer's entries, wherever it stands") {
    Layers().layer({member("f")}).layer({member("f"), member(".wh.f")}).expect({"f 1.0"});
    Layers().layer({member("f")}).layer({member(".wh.f"), member("f")}).expect({"f 1.1"});
    Layers()
        .layer({dir("d"), member("d/old")})
        .layer({member("d/new"), member(".wh.d")})
        .expect({"d/", "d/new 1.0"});
    Layers()
        .layer({dir("d"), member("d/old")})
        .layer({dir("d"), member("d/new"), member(".wh.d")})
        .expect({"d/", "d/new 1.1"});
}

TEST_CASE("a directory that was hidden and is there only for a newer file has fresh attributes") {
    Layers layers;
    layers.layer({dir("d"), member("d/old")}).layer({member("d/new"), member(".wh.d")});
    const FlatImage image = layers.tree().flatten();
    const auto found = std::ranges::find(image.entries, "d", &LayerEntry::path);
    REQUIRE(found != image.entries.end());
    CHECK(found->mode == 0755);
}

TEST_CASE("an opaque directory hides all that the layers below have in it, and keeps itself") {
    Layers()
        .layer({dir("d"), member("d/f"), dir("d/e"), member("d/e/g")})
        .layer({member("d/h"), member("d/.wh..wh..opq"), member("d/i")})
        .expect({"d/", "d/h 1.0", "d/i 1.2"});
}

TEST_CASE("whiteouts of what is not there, and aufs's own files, change nothing") {
    Layers()
        .layer({member("f")})
        .layer({member(".wh.nothing"), member(".wh..wh.plnk"), member(".wh..wh.aufs")})
        .expect({"f 0.0"});
}

TEST_CASE("a hidden file can come back in a later layer") {
    Layers().layer({member("f")}).layer({member(".wh.f")}).layer({member("f")}).expect({"f 2.0"});
}

TEST_CASE("hard links are names of one file") {
    Layers()
        .layer({member("b"), hard("a", "b"), hard("c", "a")})
        .expect({"a 0.0", "b = a", "c = a"});
}

TEST_CASE("a hard link keeps the content when the name it was made from is replaced or hidden") {
    Layers()
        .layer({member("target"), hard("link", "target")})
        .layer({member("target")})
        .expect({"link 0.0", "target 1.0"});
    Layers()
        .layer({member("target"), hard("link", "target")})
        .layer({member(".wh.target")})
        .expect({"link 0.0"});
}

TEST_CASE("a hard link to a lower layer's file is a name of that one") {
    Layers().layer({member("f")}).layer({hard("g", "f"), member("f")}).expect({"f 1.1", "g 0.0"});
}

TEST_CASE("a hard link to itself loses nothing") {
    Layers().layer({member("f"), hard("f", "f")}).expect({"f 0.0"});
}

TEST_CASE("a hard link to a symbolic link is another symbolic link") {
    Layers().layer({soft("a", "x"), hard("b", "a")}).expect({"a -> x", "b -> x"});
}

TEST_CASE("hard links to nothing and to directories are errors that name both ends") {
    Layers()
        .layer({hard("b", "nothing")})
        .expect_error("'b' in the image is a hard link to 'nothing'");
    Layers().layer({dir("d"), hard("b", "d")}).expect_error("a directory");
}

TEST_CASE("members below a symbolic link go where it leads, inside the image") {
    Layers()
        .layer({dir("usr/lib"), soft("lib", "usr/lib"), soft("abs", "/usr/lib"),
                soft("up", "../../../usr/lib")})
        .layer({member("lib/a"), member("abs/b"), member("up/c"), hard("d", "lib/a"),
                member("lib/.wh.b")})
        .expect({"usr/", "usr/lib/", "lib -> usr/lib", "abs -> /usr/lib", "up -> ../../../usr/lib",
                 "d 1.0", "usr/lib/a = d", "usr/lib/b 1.1", "usr/lib/c 1.2"});
}

TEST_CASE("a symbolic link is replaced by what has its name, not followed") {
    Layers()
        .layer({dir("d"), soft("l", "d")})
        .layer({dir("l"), member("l/f")})
        .expect({"d/", "l/", "l/f 1.1"});
    Layers().layer({member("t"), soft("l", "t")}).layer({member("l")}).expect({"l 1.0", "t 0.0"});
}

TEST_CASE("links in a circle, and links that lead ever deeper, end in an error") {
    Layers().layer({soft("a", "b"), soft("b", "a"), member("a/f")}).expect_error("symbolic links");
    std::string deep = "d";
    for (std::size_t i = 1; i < kMaxPathDepth - 1; ++i) {
        deep += "/d";
    }
    Layers().layer({soft("l", deep), member("l/x/y/z/f")}).expect_error("deep");
}

TEST_CASE("device nodes are left out, and hard links to them as well") {
    Layers()
        .layer({member("dev/null", EntryType::device), hard("null", "dev/null")})
        .expect({"dev/"});
}

TEST_CASE("the root's own attributes are those of the last layer that has them") {
    LayerEntry root = dir("");
    root.mode = 0711;
    Layers layers;
    layers.layer({root, member("f")}).expect({"f 0.1"});
    CHECK(layers.tree().flatten().entries.front().mode == 0711);
}

TEST_CASE("an image of more than the bound is refused at the member that exceeds it") {
    LayerEntry half = member("a");
    half.size = kMaxContentBytes / 2 + 1;
    LayerEntry other = half;
    other.path = "b";
    Layers().layer({half, other}).expect_error("'b'");
    LayerEntry huge = member("c");
    huge.size = UINT64_MAX;
    Layers().layer({half, huge}).expect_error("more than 512 GiB");
}

TEST_CASE("files come in the order in which the layers hold them") {
    Layers layers;
    layers.layer({member("z"), member("a")}).layer({member("m")});
    const FlatImage image = layers.tree().flatten();
    REQUIRE(image.files.size() == 3);
    CHECK(image.files[0].entry.path == "z");
    CHECK(image.files[1].entry.path == "a");
    CHECK(image.files[2].entry.path == "m");
}
