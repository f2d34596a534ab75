// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/image_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/app/config_fields.hpp"
#include "core/app/describe_image.hpp"
#include "core/app/find_image.hpp"
#include "core/app/guest_libc.hpp"
#include "core/app/image_file.hpp"
#include "core/app/index_cache.hpp"
#include "core/app/usable_index.hpp"
#include "core/app/warm_program.hpp"
#include "core/sys/file.hpp"

namespace lading::app {
namespace {

using formats::Fields;
using sys::Exchange;

/// Larger account files than any image has; the image's own, so hostile.
constexpr std::size_t kAccountBytes = 4 << 20;

/// What the child knows.
struct Reader {
    const SiteConfig& site;
    const std::string& home;
    const HostStacks& stacks;
    sys::Fd index = {};  ///< of the image that was opened
    bool tree = false;   ///< which is a directory
};

Result<Exchange> answer_image(const Fields& question, Reader& reader) {
    FoundImage found =
        TRY(find_image(TRY(parse_image_reference(question.get("text"))), reader.site, reader.home));
    ImageFile described;
    if (found.kind == ImageFacts::Kind::squashfs) {
        described = TRY(read_image_file(found.file.get(), found.side.get(), found.origin.value));
    }
    reader.index = std::move(found.index);
    reader.tree = found.kind == ImageFacts::Kind::directory;
    // None, or one of an older lading's.
    if (!is_current_index(reader.index)) {
        reader.index = open_cached_index(cached_index_path(reader.home, found.file.get()));
    }
    Exchange answer;
    add_image_file(answer.fields, described);
    answer.fields.add("directory", found.kind == ImageFacts::Kind::directory ? 1U : 0U);
    answer.fields.add("origin", found.origin.value);
    answer.fields.add("store", found.store);
    answer.fields.add("document", found.document ? format_image_document(*found.document) : "");
    answer.descriptors.push_back(std::move(found.file));
    return answer;
}

Result<Exchange> answer_compatibility(const Fields& question, int root, const Reader& reader) {
    const JudgeQuestion asked = from_fields(question);
    const int stored = reader.index.valid() ? reader.index.get() : -1;
    const UsableIndex index = TRY(UsableIndex::open(stored, root, reader.tree));
    const Injection injection =
        TRY(app::judge_compatibility(asked, index.bytes(), reader.stacks.side()));
    Exchange answer;
    answer.fields.add("injection", format_injection(injection));
    answer.fields.add("index", index.keep);
    return answer;
}

Result<Exchange> answer_source(const Fields& question) {
    OpenedSource source = TRY(open_bind_source({std::string(question.get("path"))}));
    Exchange answer;
    answer.descriptors.push_back(std::move(source.fd));
    return answer;
}

Result<Exchange> answer_root(const Fields& question, int root) {
    Exchange answer;
    answer.fields.add("passwd", read_in_root(root, "/etc/passwd", kAccountBytes));
    answer.fields.add("group", read_in_root(root, "/etc/group", kAccountBytes));
    if (question.number("libc") != 0) {
        answer.fields.add("libc", libc_version(root));
    }
    return answer;
}

Result<Exchange> answer_config(const Fields& question, int root) {
    ImageConfig config = config_of(question);
    TRY(formats::add_tool_files(read_tool_files(root), config));
    Exchange answer;
    add_config(answer.fields, config);
    return answer;
}

Result<Exchange> answer_program(const Fields& question, int root) {
    const ProgramQuestion asked{.command = std::string(question.get("command")),
                                .path = std::string(question.get("path")),
                                .host_path = std::string(question.get("host_path")),
                                .working_directory = std::string(question.get("working_directory")),
                                .architecture = std::string(question.get("architecture")),
                                .image = std::string(question.get("image"))};
    Exchange answer;
    answer.fields.add("path", TRY(check_program(root, asked)));
    return answer;
}

/// In the child, as the user.
Result<Exchange> answer(Exchange question, Reader& reader) {
    const std::string_view about = question.fields.get("about");
    if (about == "image") {
        return answer_image(question.fields, reader);
    }
    if (about == "source") {
        return answer_source(question.fields);
    }
    if (question.descriptors.size() == 1) {
        const int root = question.descriptors.front().get();
        if (about == "config") {
            return answer_config(question.fields, root);
        }
        if (about == "root") {
            return answer_root(question.fields, root);
        }
        if (about == "compatibility") {
            return answer_compatibility(question.fields, root, reader);
        }
        if (about == "program") {
            return answer_program(question.fields, root);
        }
        if (about == "warm") {
            warm_program(root, std::string(question.fields.get("path")));
            return Exchange{};
        }
    }
    return fail(Code::internal, "the reader of images was asked nothing that it knows");
}

/// The one descriptor of an answer.
Result<sys::Fd> take_descriptor(Exchange& answer) {
    if (answer.descriptors.size() != 1) {
        return fail(Code::internal, "the reader of images sent no file");
    }
    return std::move(answer.descriptors.front());
}

}  // namespace

Result<HostPath> OpenedSource::where() const {
    return HostPath{TRY(sys::descriptor_path(fd.get()))};
}

Result<OpenedSource> open_bind_source(const HostPath& source) {
    sys::Fd fd(open(source.value.c_str(), O_PATH | O_CLOEXEC));
    struct stat status {};
    if (!fd.valid() || fstat(fd.get(), &status) != 0) {
        return sys::fail_errno(
            errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::refused,
            fmt::format("cannot bind {}", source.value),
            "check the path: it must exist on every node of the step, and be "
            "open to you");
    }
    return OpenedSource{std::move(fd), S_ISDIR(status.st_mode), S_ISREG(status.st_mode)};
}

Result<ImageReader> ImageReader::start(const User& user, const SiteConfig& site,
                                       const HostStacks& stacks) {
    Reader reader{site, user.home, stacks};
    return ImageReader(TRY(sys::UserProcess::start(
        user, formats::reader_seccomp_profile(),
        [&](Exchange question) { return answer(std::move(question), reader); })));
}

Result<OpenedImage> ImageReader::open_image(const Request& request) {
    Fields question;
    question.add("about", "image");
    question.add("text", to_string(request.image));
    Exchange answer = TRY(process_.ask(question));
    OpenedImage image;
    image.facts.reference = request.text;
    image.facts.kind = answer.fields.number("directory") != 0 ? ImageFacts::Kind::directory
                                                              : ImageFacts::Kind::squashfs;
    image.facts.origin = {std::string(answer.fields.get("origin"))};
    image.store = answer.fields.get("store");
    if (const std::string_view document = answer.fields.get("document"); !document.empty()) {
        image.facts.document = TRY(parse_image_document(document));
    } else {
        image.facts.document.config = config_of(answer.fields);
    }
    image.file = TRY(take_descriptor(answer));
    image.squashfs = image_file_of(answer.fields).squashfs;
    if (image.facts.kind == ImageFacts::Kind::squashfs) {
        TRY(check_squashfs_place(image.file.get(), image.squashfs, image.facts.origin.value));
    }
    return image;
}

Result<OpenedSource> ImageReader::open_source(const HostPath& source) {
    Fields question;
    question.add("about", "source");
    question.add("path", source.value);
    Exchange answer = TRY(process_.ask(question));
    sys::Fd fd = TRY(take_descriptor(answer));
    // Not the reader's word: what the descriptor says will be mounted.
    struct stat status {};
    if (fstat(fd.get(), &status) != 0) {
        return sys::fail_errno(Code::system, fmt::format("cannot look at {}", source.value));
    }
    return OpenedSource{std::move(fd), S_ISDIR(status.st_mode), S_ISREG(status.st_mode)};
}

Result<Judged> ImageReader::judge_compatibility(const JudgeQuestion& question, int root) {
    Fields fields = to_fields(question);
    fields.add("about", "compatibility");
    const Exchange answer = TRY(process_.ask(fields, {root}));
    return Judged{TRY(parse_injection(answer.fields.get("injection"))),
                  std::string(answer.fields.get("index"))};
}

Result<ImageConfig> ImageReader::complete_config(int root, const ImageConfig& config) {
    Fields question;
    question.add("about", "config");
    add_config(question, config);
    return config_of(TRY(process_.ask(question, {root})).fields);
}

Result<RootFacts> ImageReader::inspect_root(int root, bool with_libc) {
    Fields question;
    question.add("about", "root");
    question.add("libc", with_libc ? 1U : 0U);
    const Exchange answer = TRY(process_.ask(question, {root}));
    return RootFacts{std::string(answer.fields.get("passwd")),
                     std::string(answer.fields.get("group")),
                     std::string(answer.fields.get("libc"))};
}

Result<std::string> ImageReader::check_program(int root, const ProgramQuestion& question) {
    Fields fields;
    fields.add("about", "program");
    fields.add("command", question.command);
    fields.add("path", question.path);
    fields.add("host_path", question.host_path);
    fields.add("working_directory", question.working_directory);
    fields.add("architecture", question.architecture);
    fields.add("image", question.image);
    const Exchange answer = TRY(process_.ask(fields, {root}));
    return std::string(answer.fields.get("path"));
}

Result<> ImageReader::warm_program(int root, const std::string& program) {
    Fields fields;
    fields.add("about", "warm");
    fields.add("path", program);
    return process_.tell(fields, {root});
}

}  // namespace lading::app
