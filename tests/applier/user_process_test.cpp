// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/user_process.hpp"

#include <unistd.h>

#include "catch.hpp"
#include "core/formats/seccomp_profile.hpp"
#include "core/sys/mapped_file.hpp"
#include "namespace_child.hpp"

namespace {

using namespace lading;

constexpr std::size_t kTwoGiB = std::size_t{2} << 30;

/// What a reader of a user's images answers, which runs `work`; or its error.
std::string read_as_user(const std::function<Result<std::string>()>& work) {
    const User user{1234, 1234, "u", "", "/", "/bin/sh", {{1234, "u"}}};
    const auto ask = [&]() -> Result<std::string> {
        sys::UserProcess reader =
            TRY(sys::UserProcess::start(user, formats::reader_seccomp_profile(),
                                        [&](const sys::Exchange&) -> Result<sys::Exchange> {
                                            sys::Exchange answer;
                                            answer.fields.add("said", TRY(work()));
                                            return answer;
                                        }));
        const sys::Exchange answer = TRY(reader.ask({}));
        return std::string(answer.fields.get("said"));
    };
    const Result<std::string> said = ask();
    return said ? *said : said.error().what;
}

}  // namespace

TEST_CASE("a reader of images maps libraries that are larger than its memory may be") {
    const test::ScratchDirectory scratch;
    const std::string path = scratch.path("libcuda_kernels.so");
    test::write_file(path, "ELF");
    REQUIRE(truncate(path.c_str(), kTwoGiB) == 0);
    CHECK(read_as_user([&]() -> Result<std::string> {
              const sys::MappedFile file = TRY(sys::MappedFile::open(path));
              return std::to_string(file.bytes().size() / kTwoGiB) + file.bytes().back();
          }) == std::string("1") + '\0');
}

TEST_CASE("a reader of images that takes too much memory ends with an error") {
    const std::string said = read_as_user(
        [&]() -> Result<std::string> { return std::to_string(std::string(kTwoGiB, 'x').size()); });
    CHECK(said.find("bad_alloc") != std::string::npos);
}
