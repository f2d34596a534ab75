// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/inspect_image.hpp"

#include <algorithm>

#include "core/formats/elf_index.hpp"
#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/image_store.hpp"
#include "core/sys/mapped_file.hpp"
#include "core/sys/unprivileged.hpp"

namespace lading::app {
namespace {

using compat::ElfSummary;
using formats::Fields;

/// A page shows a few; an image of hundreds is a hostile one.
constexpr std::size_t kMaxLibraries = 64;

Result<ElfSummary> summarise_mapped(int index, const std::string& architecture) {
    const sys::MappedFile mapped = TRY(sys::MappedFile::open(index, "the image's index"));
    return compat::summarise(TRY(formats::ElfIndex::open(mapped.bytes())), architecture);
}

std::string encode(const ElfSummary& summary) {
    Fields fields;
    fields.add("files", std::uint64_t{summary.files});
    fields.add("level", std::uint64_t{summary.isa_level});
    fields.add("demanding", summary.isa_file);
    fields.add("libc", summary.libc);
    for (const auto& [name, count] : summary.architectures) {
        Fields item;
        item.add("name", name);
        item.add("count", std::uint64_t{count});
        fields.add("architecture", formats::encode_fields(item));
    }
    for (const compat::StackUse& use : summary.stacks) {
        Fields item;
        item.add("provides", use.provides);
        item.add("users", std::uint64_t{use.users});
        item.add("library",
                 std::vector(use.libraries.begin(),
                             use.libraries.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                         use.libraries.size(), kMaxLibraries))));
        fields.add("stack", formats::encode_fields(item));
    }
    return formats::encode_fields(fields);
}

Result<ElfSummary> decode(const Fields& fields) {
    ElfSummary summary;
    summary.files = static_cast<std::uint32_t>(fields.number("files"));
    summary.isa_level = static_cast<unsigned>(fields.number("level"));
    summary.isa_file = fields.get("demanding");
    summary.libc = fields.get("libc");
    for (const std::string& bytes : fields.all("architecture")) {
        const Fields item = TRY(formats::decode_fields(bytes));
        summary.architectures[std::string(item.get("name"))] =
            static_cast<std::uint32_t>(item.number("count"));
    }
    for (const std::string& bytes : fields.all("stack")) {
        const Fields item = TRY(formats::decode_fields(bytes));
        summary.stacks.push_back({std::string(item.get("provides")), item.all("library"),
                                  static_cast<std::uint32_t>(item.number("users"))});
    }
    return summary;
}

}  // namespace

Result<ElfSummary> summarise_index(const sys::Fd& index, const std::string& architecture) {
    sys::SocketPair pair = TRY(sys::make_socket_pair());
    sys::Child child = TRY(sys::start_unprivileged({pair.theirs.get(), index.get()}, [&] {
        std::string answer;
        if (const auto summary = summarise_mapped(index.get(), architecture)) {
            answer = encode(*summary);
        } else {
            Fields fields;
            formats::add_error(fields, summary.error());
            answer = formats::encode_fields(fields);
        }
        return sys::send_message(pair.theirs.get(), answer) ? 0 : 1;
    }));
    pair.theirs.reset();
    const sys::Message message = TRY(sys::receive_message(pair.ours.get(), 0));
    TRY(child.wait());
    const Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    return decode(fields);
}

Result<InspectedImage> inspect_image(const std::vector<std::string>& stores,
                                     const ImageName& name) {
    InspectedImage inspected;
    inspected.found = TRY(find_document(stores, name));
    const ImageDocument& document = inspected.found.document;
    const sys::StoredImage image =
        TRY(sys::find_stored_image(inspected.found.store, {"", "", document.digest}));
    if (!image.index.valid()) {
        inspected.elf_missing = "an older lading imported it: import it again";
        return inspected;
    }
    auto summary = summarise_index(image.index, document.config.architecture);
    if (summary) {
        inspected.elf = std::move(*summary);
    } else {
        inspected.elf_missing = summary.error().what;
    }
    return inspected;
}

}  // namespace lading::app
