// SPDX-License-Identifier: BSD-3-Clause
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "catch.hpp"
#include "contains.hpp"
#include "core/app/image_feed.hpp"
#include "core/app/layer_stream.hpp"
#include "core/app/layered_source.hpp"
#include "core/formats/tar_format.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::app;
using formats::EntryType;
using formats::LayerEntry;

namespace {

LayerEntry file(std::string path, std::uint64_t size = 0) {
    LayerEntry entry;
    entry.path = std::move(path);
    entry.mode = 04755;
    entry.uid = 4000000000;
    entry.gid = 7;
    entry.mtime = 1234567890;
    entry.size = size;
    entry.xattrs = {{"user.note", std::string("a\0b", 3)}};
    return entry;
}

LayerEntry link(std::string path, EntryType type, std::string target) {
    LayerEntry entry;
    entry.path = std::move(path);
    entry.type = type;
    entry.link = std::move(target);
    return entry;
}

/// A feed into memory.
class Feed {
  public:
    Feed() : memory_(memfd_create("feed", MFD_CLOEXEC)), feed(sys::Fd(dup(memory_.get()))) {}
    std::string tar() const {
        lseek(memory_.get(), 0, SEEK_SET);
        return sys::read_all(memory_.get(), 1U << 26, "feed").value();
    }

  private:
    sys::Fd memory_;

  public:
    ImageFeed feed;
};

std::shared_ptr<sys::Fd> archive(const std::string& bytes) {
    auto memory = std::make_shared<sys::Fd>(memfd_create("archive", MFD_CLOEXEC));
    REQUIRE(sys::write_all(memory->get(), bytes, "archive"));
    return memory;
}

std::string member(const std::string& path, const std::string& content) {
    LayerEntry entry;
    entry.path = path;
    entry.size = content.size();
    return formats::format_tar_entry(entry) + content +
           std::string(formats::tar_padding(content.size()), '\0');
}

const std::string kEnd(1024, '\0');

}  // namespace

TEST_CASE("an entry comes from the reader as it was sent") {
    for (const LayerEntry& entry :
         {file("usr/bin/env", 1ULL << 40), link("l", EntryType::symlink, "../anything/at all"),
          link("h", EntryType::hardlink, "usr/bin/env"), link("d", EntryType::directory, ""),
          link("", EntryType::directory, ""), link("f", EntryType::fifo, "")}) {
        CHECK(decode_entry(encode_entry(entry)) == entry);
    }
}

TEST_CASE("the importer believes no reader that sends what an image cannot have") {
    LayerEntry attribute = file("f");
    attribute.xattrs = {{"trusted.overlay.redirect", "/etc"}};
    LayerEntry mode = file("f");
    mode.mode = 0170644;
    for (const LayerEntry& entry :
         {file("../etc/passwd"), file("/etc/passwd"), file("a//b"), file(""), attribute, mode,
          link("d", EntryType::device, ""), link("l", EntryType::symlink, ""),
          link("h", EntryType::hardlink, "../x"), link("f", EntryType::file, "x"),
          link("l", EntryType::symlink, std::string("a\0b", 3))}) {
        const auto decoded = decode_entry(encode_entry(entry));
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().code == Code::internal);
    }
}

TEST_CASE("damaged messages of a reader are refused within their bounds") {
    for_each_mutation(encode_entry(file("usr/bin/env", 7)), 3000, [](const std::string& bytes) {
        const auto entry = decode_entry(bytes);
        if (entry) {
            CHECK(decode_entry(encode_entry(*entry)) == *entry);
        }
    });
}

TEST_CASE("what the source says of its image arrives as it was sent") {
    SourceFacts facts;
    facts.digest = "sha256:" + std::string(64, 'a');
    facts.config.architecture = "arm64";
    facts.config.environment = {"A=b", "PATH=/bin"};
    facts.config.entrypoint = {"/init", ""};
    facts.config.command = {"sh"};
    facts.config.workdir = "/srv";
    facts.config.user = "1:1";
    facts.config.labels = {{"name", "value"}, {"empty", ""}};
    facts.layers = {{"sha256:" + std::string(64, 'b'), 12, "tar"}};
    facts.history = {{"2023-01-01T00:00:00Z", "ADD a\nb", false}, {"", "ENV", true}};
    facts.config.definition = "Bootstrap: docker\n";
    facts.configured = true;
    const auto read = decode_facts(encode_facts(facts));
    REQUIRE(read);
    CHECK(read->digest == facts.digest);
    CHECK(read->configured);
    CHECK(read->config == facts.config);
    CHECK(read->layers == facts.layers);
    CHECK(read->history == facts.history);
    SourceFacts dishonest = facts;
    dishonest.layers.front().digest = "sha256:x";
    CHECK_FALSE(decode_facts(encode_facts(dishonest)));
    dishonest.layers.assign(2000, facts.layers.front());
    CHECK_FALSE(decode_facts(encode_facts(dishonest)));
    facts.digest = "sha256:../../x";
    CHECK_FALSE(decode_facts(encode_facts(facts)));
}

TEST_CASE("messages and descriptors cross the channel in order") {
    auto pair = sys::make_socket_pair();
    REQUIRE(pair);
    REQUIRE(send_part(pair->ours.get(), Part::open, "index.json"));
    REQUIRE(send_part(pair->ours.get(), Part::answer, "", {0}));
    const auto first = receive_part(pair->theirs.get());
    REQUIRE(first);
    CHECK(first->part == Part::open);
    CHECK(first->bytes == "index.json");
    const auto second = receive_part(pair->theirs.get());
    REQUIRE(second);
    CHECK(second->descriptors.size() == 1);
    pair->ours.reset();
    CHECK_FALSE(receive_part(pair->theirs.get()));
}

TEST_CASE("the feed writes whole tar members and the archive's end") {
    Feed feed;
    REQUIRE(feed.feed.entry(link("", EntryType::directory, "")));
    REQUIRE(feed.feed.entry(file("f", 5)));
    REQUIRE(feed.feed.content("he"));
    REQUIRE(feed.feed.content("llo"));
    REQUIRE(feed.feed.entry(file("empty", 0)));
    REQUIRE(feed.feed.finish());
    const std::string tar = feed.tar();
    CHECK(tar.size() % formats::kTarBlock == 0);
    CHECK(tar.ends_with(kEnd));
    CHECK(contains(tar, "hello" + std::string(507, '\0')));
}

TEST_CASE("more or less content than a member announced is refused") {
    Feed more;
    REQUIRE(more.feed.entry(file("f", 3)));
    CHECK_FALSE(more.feed.content("four"));
    Feed less;
    REQUIRE(less.feed.entry(file("f", 3)));
    REQUIRE(less.feed.content("tw"));
    CHECK_FALSE(less.feed.finish());
    Feed next;
    REQUIRE(next.feed.entry(file("f", 3)));
    CHECK_FALSE(next.feed.entry(file("g", 3)));
    Feed huge;
    CHECK_FALSE(huge.feed.entry(file("f", UINT64_MAX)));
}

TEST_CASE("the feed keeps what tells libc and architecture, and no more of it") {
    Feed feed;
    REQUIRE(feed.feed.entry(file("lib64/libc.so.6", 4)));
    REQUIRE(feed.feed.content("libc"));
    REQUIRE(feed.feed.entry(file("usr/bin/tool", 100000)));
    REQUIRE(feed.feed.content(std::string(100000, 'x')));
    REQUIRE(feed.feed.entry(file("usr/share/data", 3)));
    REQUIRE(feed.feed.content("abc"));
    REQUIRE(feed.feed.entry(link("lib/ld-musl-x86_64.so.1", EntryType::symlink, "libc.so")));
    const Evidence& evidence = feed.feed.evidence();
    REQUIRE(evidence.libcs.size() == 1);
    CHECK(evidence.libcs.front().second == "libc");
    REQUIRE(evidence.program_starts.size() == 1);
    CHECK(evidence.program_starts.front().size() == 64);
    CHECK(evidence.musl);
}

TEST_CASE("members of an archive are found in place, by long names and through links") {
    const std::string long_name = "blobs/" + std::string(120, 'n');
    LayerEntry soft;
    soft.path = "b/layer.tar";
    soft.type = EntryType::symlink;
    soft.link = "../a/layer.tar";
    const auto open =
        index_archive(archive(member("./a/layer.tar", "layer") + formats::format_tar_entry(soft) +
                              member(long_name, "long") + kEnd),
                      "x.tar");
    REQUIRE(open);
    const auto read = [&](const std::string& name) {
        const auto blob = (*open)(name);
        REQUIRE(blob);
        std::string text(blob->size, '\0');
        CHECK(pread(blob->file->get(), text.data(), text.size(),
                    static_cast<off_t>(blob->offset)) == static_cast<ssize_t>(text.size()));
        return text;
    };
    CHECK(read("a/layer.tar") == "layer");
    CHECK(read("b/layer.tar") == "layer");
    CHECK(read(long_name) == "long");
    const auto missing = (*open)("c");
    REQUIRE_FALSE(missing);
    CHECK(contains(missing.error().what, "no member 'c'"));
}

TEST_CASE("a link to itself, and an archive cut short or damaged anywhere, end in an error") {
    LayerEntry loop;
    loop.path = "l";
    loop.type = EntryType::symlink;
    loop.link = "l";
    const auto open = index_archive(archive(formats::format_tar_entry(loop) + kEnd), "x.tar");
    REQUIRE(open);
    CHECK_FALSE((*open)("l"));
    const std::string good = member("a", "content") + member("b", std::string(2000, 'x')) + kEnd;
    CHECK_FALSE(index_archive(archive(good.substr(0, 515)), "x.tar"));
    CHECK_FALSE(index_archive(archive(good.substr(0, 2000)), "x.tar"));
    for_each_mutation(
        good, 300, [](const std::string& bytes) { (void)index_archive(archive(bytes), "x.tar"); });
}
