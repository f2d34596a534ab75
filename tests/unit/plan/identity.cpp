// SPDX-License-Identifier: BSD-3-Clause
#include "catch.hpp"
#include "lading/plan.hpp"
#include "mutation.hpp"

using namespace lading;

namespace {

User alice() {
    return {1000,
            1000,
            "alice",
            "Alice A.",
            "/home/alice",
            "/bin/bash",
            {{1000, "alice"}, {2000, "chem"}, {2001, ""}}};
}

constexpr const char* kAlice = "alice:x:1000:1000:Alice A.:/home/alice:/bin/bash\n";
constexpr const char* kGroups = "alice:x:1000:\nchem:x:2000:alice\ngid2001:x:2001:alice\n";

}  // namespace

TEST_CASE("the image's accounts stay, and the user's come from the host") {
    const IdentityFiles files = plan_identity(
        alice(), "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n",
        "root:x:0:\nmail:x:8:postfix,dovecot\n");
    CHECK(files.passwd == std::string("root:x:0:0:root:/root:/bin/bash\n"
                                      "nobody:x:65534:65534::/:/bin/false\n") +
                              kAlice);
    CHECK(files.group == std::string("root:x:0:\nmail:x:8:postfix,dovecot\n") + kGroups);
}

TEST_CASE("an image without accounts gets the user's alone") {
    const IdentityFiles files = plan_identity(alice(), "", "");
    CHECK(files.passwd == kAlice);
    CHECK(files.group == kGroups);
}

TEST_CASE("no line of the image speaks for the user or the user's groups") {
    const IdentityFiles files =
        plan_identity(alice(),
                      "alice:x:0:0::/:/bin/sh\n"
                      "mallory:x:1000:0::/:/bin/sh\n"
                      "eve:x:0001000:0::/:/bin/sh\n"  // 1000 to the C library
                      "alice2:x:1001:0::/:/bin/sh\n",
                      "chem:x:0:\n"
                      "alice:x:5:\n"
                      "wheel:x:2000:\n"
                      "gid2001:x:7:\n"
                      "other:x:02001:\n"
                      "chemistry:x:3:\n");
    CHECK(files.passwd == std::string("alice2:x:1001:0::/:/bin/sh\n") + kAlice);
    CHECK(files.group == std::string("chemistry:x:3:\n") + kGroups);
}

TEST_CASE("damaged lines of the image are dropped, the others stay") {
    const std::string good = "ok:x:5:5::/:/bin/sh\n";
    for (const std::string& bad :
         {std::string("short:x:1\n"), std::string("a:x:b:1::/:\n"), std::string("a:x:-1:1::/:\n"),
          std::string("a:x:1:b::/:\n"), std::string("a:x::1::/:\n"), std::string(":x:1:1::/:\n"),
          std::string("+::::::\n"), std::string("-a:x:1:1::/:\n"), std::string("#a:x:1:1::/:\n"),
          std::string(" a:x:1:1::/:\n"), std::string("a:x:1:1:g:/:/s:more\n"),
          std::string("a:x:4294967296:1::/:\n"), std::string("a:x:1:1:\x01:/:\n"),
          std::string("a\0:x:1:1::/:\n", 13), std::string("a:x:1:1::/:\r\n"), std::string("\n\n"),
          "a:x:1:1:" + std::string(5000, 'g') + ":/:\n"}) {
        INFO(bad);
        CHECK(plan_identity(alice(), bad + good, "").passwd == good + kAlice);
    }
    CHECK(plan_identity(alice(), good + "ok:x:6:6::/:/bin/false\n", "").passwd == good + kAlice);
    CHECK(plan_identity(alice(), "ok:x:5:5::/:/bin/sh", "").passwd == good + kAlice);
}

TEST_CASE("the host's name service cannot forge a second line or field") {
    User user = alice();
    user.name = "al:ice\nroot";
    user.gecos = "A:0\nroot:x:0:0";
    user.home = "";
    user.shell = "";
    user.groups = {{1000, "a:b\nc"}, {5, "x"}, {6, "x"}, {6, "y"}, {7, "+"}};
    const IdentityFiles files = plan_identity(user, "", "");
    CHECK(files.passwd == "al_ice_root:x:1000:1000:A_0_root_x_0_0:/:/bin/sh\n");
    CHECK(files.group ==
          "a_b_c:x:1000:\nx:x:5:al_ice_root\ngid6:x:6:al_ice_root\n_:x:7:al_ice_root\n");
    user.name = "";
    CHECK(plan_identity(user, "", "").passwd.starts_with("1000:x:1000:"));
}

TEST_CASE("the primary group is there although the host does not list it") {
    User user = alice();
    user.groups = {};
    CHECK(plan_identity(user, "", "").group == "gid1000:x:1000:\n");
}

TEST_CASE("whatever the image's files hold, the user's line is there once") {
    const std::string passwd =
        "root:x:0:0:root:/root:/bin/bash\nalice:x:1:1::/:/bin/sh\nbob:x:1000:1::/:/bin/sh\n";
    for_each_mutation(passwd, 4000, [](const std::string& damaged) {
        const IdentityFiles files = plan_identity(alice(), damaged, damaged);
        CHECK(files.passwd.ends_with(kAlice));
        CHECK(files.group.ends_with(kGroups));
        CHECK(("\n" + files.passwd).find("\nalice:") + 1 ==
              files.passwd.size() + 1 - std::string(kAlice).size());
        CHECK(files.passwd.find(":x:1000:") == files.passwd.rfind(":x:1000:"));
    });
}
