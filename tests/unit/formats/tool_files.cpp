// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/tool_files.hpp"

#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "contains.hpp"
#include "core/formats/shell_exports.hpp"
#include "mutation.hpp"

using namespace lading;
using namespace lading::formats;

namespace {

using Texts = std::vector<std::string>;
using Map = std::map<std::string, std::string>;

ImageConfig config_of(const ToolFiles& files, ImageConfig config = {}) {
    REQUIRE(add_tool_files(files, config));
    return config;
}

Map exports(std::string_view script, Map variables = {}) {
    add_shell_exports(script, variables);
    return variables;
}

/// As enroot 3.4 writes it of an image with labels, a working directory and an entry point.
constexpr std::string_view kEnrootRc = R"(# maintainer NVIDIA CORPORATION <cuda@nvidia.com>
# com.nvidia.volumes.needed nvidia_driver

mkdir -p "/workspace/my data" 2> /dev/null
cd "/workspace/my data" && unset OLDPWD || exit 1

if [ -s /etc/rc.local ]; then
    . /etc/rc.local
fi

if [ $# -gt 0 ]; then
    exec '/opt/entry point' "$@"
else
    exec '/opt/entry point' 'bash'
fi
)";

}  // namespace

TEST_CASE(
    "an image that enroot made has the environment, working directory and labels of its source") {
    const ImageConfig config =
        config_of({{"etc/rc", std::string(kEnrootRc)},
                   {"etc/environment", "PATH=/usr/bin\n# no\nA=b 'c' =d\nnot one\n"}});
    CHECK(config.environment == Texts{"PATH=/usr/bin", "A=b 'c' =d"});
    CHECK(config.workdir == "/workspace/my data");
    CHECK(config.labels == Map{{"maintainer", "NVIDIA CORPORATION <cuda@nvidia.com>"},
                               {"com.nvidia.volumes.needed", "nvidia_driver"}});
}

TEST_CASE("an /etc/rc that is not enroot's says nothing, nor does /etc/environment then") {
    const ImageConfig config = config_of(
        {{"etc/rc", "# System startup script\n. /etc/rc.subr\n"}, {"etc/environment", "A=b\n"}});
    CHECK(config == ImageConfig{});
    CHECK(config_of({{"etc/environment", "PATH=\"/usr/bin\"\n"}}) == ImageConfig{});
}

TEST_CASE("an image that Charliecloud made has its environment, as ch-run --set-env reads it") {
    const ImageConfig config = config_of(
        {{"ch/environment", "GREETING=hello charlie\nQUOTED='a b'\n\n#NAME=x\n=y\nnothing\n"},
         {"ch/metadata.json", R"({"cwd":"/srv","labels":{"team":"atse"},"shell":["/bin/sh"]})"}});
    CHECK(config.environment == Texts{"GREETING=hello charlie", "QUOTED=a b", "#NAME=x"});
    CHECK(config.workdir == "/srv");
    CHECK(config.labels == Map{{"team", "atse"}});
}

TEST_CASE("a damaged description is an error that names it") {
    ImageConfig config;
    const auto added = add_tool_files({{"ch/metadata.json", "{"}}, config);
    REQUIRE_FALSE(added);
    CHECK(added.error().code == Code::bad_image);
    CHECK(contains(added.error().what, "/ch/metadata.json"));
}

TEST_CASE("what the source says of itself counts more than what is found in it") {
    ImageConfig known;
    known.environment = {"A=1"};
    known.architecture = "s390x";
    known.labels = {{"team", "mine"}};
    const ImageConfig config =
        config_of({{"ch/environment", "A=2\n"},
                   {"ch/metadata.json", R"({"cwd":"/srv","labels":{"team":"x","more":"y"}})"}},
                  known);
    CHECK(config.environment == Texts{"A=1"});
    CHECK(config.architecture == "s390x");
    CHECK(config.workdir == "/srv");
    CHECK(config.labels == Map{{"team", "mine"}, {"more", "y"}});
}

TEST_CASE("Apptainer's %environment is read on top of what the image was built from") {
    const std::string docker =
        "#!/bin/sh\nexport PATH=\"/opt/bin:/usr/bin\"\n"
        "export GREETING=\"${GREETING:-\"hello\"}\"\n";
    const std::string own =
        "#!/bin/sh\n# Custom\n\n    export PATH=/own:$PATH\n    export B='c d'\n";
    ImageConfig config = config_of({{".singularity.d/env/10-docker2singularity.sh", docker},
                                    {".singularity.d/env/90-environment.sh", own},
                                    {".singularity.d/labels.json", R"({"team":"atse"})"}});
    CHECK(config.environment == Texts{"B=c d", "GREETING=hello", "PATH=/own:/opt/bin:/usr/bin"});
    CHECK(config.labels == Map{{"team", "atse"}});
    ImageConfig oci;
    oci.environment = {"PATH=/oci", "A=1"};
    config = config_of({{".singularity.d/env/90-environment.sh", own}}, oci);
    CHECK(config.environment == Texts{"A=1", "B=c d", "PATH=/own:/oci"});
    config = config_of({{".singularity.d/env/90-environment.sh", "export A=b"}});
    CHECK(config.environment == Texts{"A=b"});
}

TEST_CASE("assignments are read as a shell would") {
    CHECK(exports("A=b") == Map{{"A", "b"}});
    CHECK(exports("export A=\"b \\\"c\\\" \\$d \\\\ \\x\"\nB='$x \"y\"'\n") ==
          Map{{"A", "b \"c\" $d \\ \\x"}, {"B", "$x \"y\""}});
    CHECK(exports("A=b'c d'\"e\"f # a comment") == Map{{"A", "bc def"}});
    CHECK(exports("A=$B:x:${B}", {{"B", "1"}}) == Map{{"A", "1:x:1"}, {"B", "1"}});
    CHECK(exports("A=${A:-\"b c\"}\nB=${A:-d}") == Map{{"A", "b c"}, {"B", "b c"}});
    CHECK(exports("A=\nexport A\n\t# x\n") == Map{{"A", ""}});
}

TEST_CASE("reading ends where a shell is needed") {
    for (const std::string line :
         {"if true; then", "A=`id`",         "A=$(id)", "A=$NONE",      "A=b; B=c", "A=b c",
          "A=\"b",         "A='b",           "A=${B",   "A=${B:=c}",    "A=${B%x}", "A=$1",
          "A=$",           "A=b&",           "A=<(x)",  "A=~/x",        "A=\\b",    "export B C",
          "1A=b",          ". /etc/profile", "A+=b",    "A=${B:-`id`}", "unset A",  "A=*"}) {
        INFO(line);
        CHECK(exports("X=1\n" + line + "\nY=2\n") == Map{{"X", "1"}});
    }
}

TEST_CASE("assignments that double each other end before they fill the memory") {
    std::string one = "A=0123456789abcdef\n";
    for (int i = 0; i < 100; ++i) {
        one += "A=$A\"$A\"\n";
    }
    CHECK(exports(one).at("A").size() < std::size_t{1} << 20);
    std::string many = "A=" + std::string(100000, 'x') + "\n";
    for (int i = 0; i < 100000; ++i) {
        many += "B" + std::to_string(i) + "=$A\n";
    }
    CHECK(exports(many).size() < 20);
}

TEST_CASE("what Shifter and Sarus keep beside an image is its configuration") {
    ImageConfig shifter;
    REQUIRE(
        add_side_file("FORMAT: squashfs\nENTRY: ['/bin/x']\nWORKDIR: /srv\nENV: A=b c\n"
                      "ENV: PATH=/usr/bin\nENV: none\nUSERACL: 1\n",
                      shifter));
    CHECK(shifter.environment == Texts{"A=b c", "PATH=/usr/bin"});
    CHECK(shifter.workdir == "/srv");
    ImageConfig sarus;
    REQUIRE(add_side_file(R"({"Cmd":["/bin/x"],"Entrypoint":[],"WorkingDir":"/srv","Env":["A=b"]})",
                          sarus));
    CHECK(sarus.environment == Texts{"A=b"});
    CHECK(sarus.command == Texts{"/bin/x"});
    CHECK(sarus.workdir == "/srv");
    ImageConfig other;
    REQUIRE(add_side_file("any other tool's", other));
    CHECK(other == ImageConfig{});
    CHECK_FALSE(add_side_file("{} , {", other));
    CHECK_FALSE(add_side_file("{\"Env\":7}", other));
}

TEST_CASE("the side file lies beside a .squashfs, and nowhere else") {
    CHECK(side_file_of("/images/a1b2.squashfs") == "/images/a1b2.meta");
    CHECK(side_file_of("/images/a.sqsh").empty());
    CHECK(side_file_of("").empty());
}

TEST_CASE("damaged descriptions are refused or read, and no more") {
    const std::string script =
        "export PATH=\"/a:${PATH:-\"b\"}\"\nexport A='b'$PATH\nB=${A:-${PATH:-c}}\n";
    for_each_mutation(script, 5000, [](const std::string& text) {
        ImageConfig config;
        CHECK(add_tool_files({{".singularity.d/env/90-environment.sh", text}}, config));
    });
    for_each_mutation(std::string(kEnrootRc), 2000, [](const std::string& text) {
        ImageConfig config;
        CHECK(add_tool_files({{"etc/rc", text}, {"etc/environment", text}}, config));
    });
    for_each_mutation(R"({"Cmd":["/bin/x"],"WorkingDir":"/srv","Env":["A=b"]})", 2000,
                      [](const std::string& text) {
                          ImageConfig config;
                          static_cast<void>(add_side_file(text, config));
                      });
}
