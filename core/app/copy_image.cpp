// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/copy_image.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "core/app/import_image.hpp"
#include "core/app/list_images.hpp"
#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/sha256.hpp"
#include "core/sys/store_files.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

formats::Fields read_document(int file) {
    formats::Fields fields;
    const auto text = sys::read_all(file, sys::kDocumentBytes, "the image's document");
    const auto document = text ? parse_image_document(*text)
                               : Result<ImageDocument>(tl::unexpected<Error>(text.error()));
    if (!document) {
        formats::add_error(fields, document.error());
        return fields;
    }
    fields.add("file", document->squashfs_digest);
    fields.add("facts", encode_facts({document->digest, true, document->config, document->layers,
                                      document->history}));
    return fields;
}

struct ForeignImage {
    std::string file;  ///< its squashfs file's digest
    SourceFacts facts;
};

/// Who copies is often root, and who wrote the document a user: it is parsed by a child.
Result<ForeignImage> read_foreign(const sys::ImageStore& store, const std::string& digest) {
    const std::string relative = sys::document_path(digest);
    const sys::Fd file =
        sys::open_beneath(store.directory(), relative, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (!file.valid()) {
        return sys::fail_errno(errno == ENOENT ? Code::not_found : Code::refused,
                               fmt::format("cannot open {}/{}", store.path(), relative));
    }
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child = TRY(sys::start_unprivileged({pair.theirs.get(), file.get()}, [&] {
        const std::string answer = formats::encode_fields(read_document(file.get()));
        return sys::send_message(pair.theirs.get(), answer) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    ForeignImage image{std::string(fields.get("file")), TRY(decode_facts(fields.get("facts")))};
    if (!is_digest(image.file)) {
        return fail(Code::internal, "the reader of the document sent no digest");
    }
    return image;
}

}  // namespace

Result<ImageDocument> copy_image(const CopyRequest& request) {
    const sys::ImageStore store = TRY(sys::open_existing(request.from));
    const auto named = request.name.digest.empty()
                           ? store.digest_of(request.name.name, request.name.tag)
                           : sys::StoreResult<std::string>(request.name.digest);
    if (!named && named.error().error.code == Code::not_found) {
        return no_such_image({request.from}, request.name);
    }
    if (!named) {
        return tl::unexpected<Error>(named.error().error);
    }
    const std::string& digest = *named;
    ForeignImage image = TRY(read_foreign(store, digest));
    auto blob = store.blob(image.file);
    if (!blob) {
        return tl::unexpected<Error>(std::move(blob).error().error);
    }
    const std::string path = fmt::format("{}/{}", request.from, sys::blob_path(image.file));
    if (const std::string found = TRY(sys::file_digest(blob->get(), path)); found != image.file) {
        return fail(Code::bad_image, fmt::format("{} has the digest {}", path, found),
                    "import the image again into the store that it comes from");
    }
    ImportRequest import;
    import.origin =
        fmt::format("{}@{} of {}", to_string(ImageName{request.name.name, request.name.tag, {}}),
                    digest, request.from);
    import.source = path;
    import.target = request.target;
    import.store = request.to;
    return import_from(import, TRY(ImportSource::of_squashfs(std::move(*blob), path)),
                       std::move(image.facts));
}

}  // namespace lading::app
