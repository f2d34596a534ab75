// SPDX-License-Identifier: BSD-3-Clause
#include <string>

#include "catch.hpp"
#include "contains.hpp"
#include "lading/request.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

template <typename Parsed>
std::string error_of(const Parsed& parsed) {
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::usage);
    return parsed.error().what;
}

}  // namespace

TEST_CASE("--container-inject is auto, none, or what must be had") {
    CHECK(parse_inject("auto") == Inject{});
    CHECK(parse_inject("none") == Inject{Inject::What::none, false, false});
    CHECK(parse_inject("mpi") == Inject{Inject::What::these, true, false});
    CHECK(parse_inject("gpu") == Inject{Inject::What::these, false, true});
    CHECK(parse_inject("gpu,mpi") == Inject{Inject::What::these, true, true});
    CHECK(parse_inject("mpi,mpi") == Inject{Inject::What::these, true, false});
    for (const std::string text : {"auto", "none", "mpi", "gpu", "mpi,gpu"}) {
        CHECK(to_string(*parse_inject(text)) == text);
    }
}

TEST_CASE("a word that --container-inject does not know is shown with a caret under it") {
    CHECK(error_of(parse_inject("mpi,gqu")) ==
          "--container-inject: expected auto, none, mpi or gpu, found 'gqu'\n"
          "  mpi,gqu\n"
          "      ^");
    for (const std::string text : {"", ",", "mpi,", "auto,mpi", "none,gpu", "MPI", " mpi", "x"}) {
        error_of(parse_inject(text));
    }
    const std::string odd = error_of(parse_inject("mpi,\xff\x1b[31m" + std::string(5000, 'x')));
    CHECK_FALSE(contains(odd, "\x1b"));
    CHECK(odd.size() < 1000);
}

TEST_CASE("--container-on-mismatch is refuse, warn or none") {
    for (const std::string text : {"refuse", "warn", "none"}) {
        const auto action = parse_on_mismatch(text);
        REQUIRE(action);
        CHECK(to_string(*action) == text);
    }
    CHECK(error_of(parse_on_mismatch("ignore")) ==
          "--container-on-mismatch: expected refuse, warn or none, found 'ignore'");
    for (const std::string text : {"", "Warn", "warn ", "refuse,warn"}) {
        error_of(parse_on_mismatch(text));
    }
    CHECK_FALSE(contains(error_of(parse_on_mismatch("\x1b[31m")), "\x1b"));
}

TEST_CASE("--container-label is KEY=VALUE, of which the value may be empty") {
    using Label = std::pair<std::string, std::string>;
    CHECK(parse_label("org.supercontainers.mpi=mpich") ==
          Label{"org.supercontainers.mpi", "mpich"});
    CHECK(parse_label("a=b=c") == Label{"a", "b=c"});
    CHECK(parse_label("a=") == Label{"a", ""});
    CHECK(parse_label("ä=ö") == Label{"ä", "ö"});
}

TEST_CASE("what is no label is refused, with an example") {
    for (const std::string& text :
         {std::string(), std::string("=x"), std::string("mpich"), std::string("a=\xff"),
          std::string("\xff=b"), std::string("a=b\0c", 5), "a=" + std::string(4096, 'x')}) {
        const auto label = parse_label(text);
        CHECK(contains(error_of(label), "expected KEY=VALUE"));
        CHECK(label.error().what.size() < 1000);
        CHECK(label.error().hint == "for instance org.supercontainers.mpi=mpich");
    }
}

TEST_CASE("no damaged option ends in anything but an error or what its text says") {
    for (const std::string text : {"mpi,gpu", "auto"}) {
        for_each_mutation(text, 1000, [](const std::string& damaged) {
            if (const auto inject = parse_inject(damaged)) {
                CHECK(parse_inject(to_string(*inject)) == *inject);
            }
        });
    }
}
