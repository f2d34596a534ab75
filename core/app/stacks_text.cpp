// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/stacks_text.hpp"

#include <algorithm>

#include "core/formats/fields.hpp"

namespace lading::app {
namespace {

using compat::Stack;
using compat::StackLibrary;
using formats::Fields;

Fields describe(const StackLibrary& library) {
    Fields fields;
    fields.add("role", static_cast<std::uint64_t>(library.role));
    fields.add("file", library.file);
    fields.add("name", library.names);
    return fields;
}

Result<StackLibrary> read_library(std::string_view bytes) {
    const Fields fields = TRY(formats::decode_fields(bytes));
    StackLibrary library;
    library.role = static_cast<StackLibrary::Role>(std::min<std::uint64_t>(
        fields.number("role"), static_cast<std::uint64_t>(StackLibrary::Role::dependency)));
    library.file = static_cast<std::uint32_t>(fields.number("file"));
    library.names = fields.all("name");
    if (library.names.empty()) {
        return fail(Code::internal, "a library without a name among the host's stacks");
    }
    return library;
}

}  // namespace

std::string format_stacks(const ProbedHost& host) {
    Fields fields;
    for (const Stack& stack : host.stacks) {
        Fields inner;
        inner.add("profile", stack.profile.name);
        inner.add("missing", stack.missing);
        for (const StackLibrary& library : stack.libraries) {
            inner.add("library", formats::encode_fields(describe(library)));
        }
        fields.add("stack", formats::encode_fields(inner));
    }
    fields.add("libc", host.libc.version);
    fields.add("loader", host.libc.loader.value);
    for (const auto& [soname, file] : host.libc.family) {
        fields.add("family", soname);
        fields.add("family_file", file);
    }
    return formats::encode_fields(fields);
}

Result<ProbedHost> parse_stacks(std::string_view bytes, const std::vector<Profile>& profiles) {
    const Fields fields = TRY(formats::decode_fields(bytes));
    ProbedHost host;
    for (const std::string& text : fields.all("stack")) {
        const Fields inner = TRY(formats::decode_fields(text));
        const auto profile = std::ranges::find(profiles, inner.get("profile"), &Profile::name);
        if (profile == profiles.end()) {
            return fail(Code::internal, "the host's stacks are of other profiles");
        }
        Stack stack;
        stack.profile = *profile;
        stack.missing = inner.get("missing");
        for (const std::string& library : inner.all("library")) {
            stack.libraries.push_back(TRY(read_library(library)));
        }
        host.stacks.push_back(std::move(stack));
    }
    host.libc.version = fields.get("libc");
    host.libc.loader = {std::string(fields.get("loader"))};
    const auto sonames = fields.all("family");
    const auto files = fields.all("family_file");
    for (std::size_t i = 0; i < std::min(sonames.size(), files.size()); ++i) {
        host.libc.family[sonames[i]] = static_cast<std::uint32_t>(std::stoul(files[i]));
    }
    return host;
}

}  // namespace lading::app
