// SPDX-License-Identifier: BSD-3-Clause
#include "facts.hpp"

using namespace lading;

namespace {

/// What the tasks see, after the plan's edits.
std::map<std::string, std::string> environment_of(const Facts& facts) {
    std::map<std::string, std::string> variables;
    for (const std::string& entry : facts.host.step.environment) {
        variables.emplace(entry.substr(0, entry.find('=')), entry.substr(entry.find('=') + 1));
    }
    for (const EnvironmentEdit& edit : facts.plan().environment) {
        if (edit.value) {
            variables[edit.name] = *edit.value;
        } else {
            CHECK(variables.erase(edit.name) == 1);  // nothing is removed that was not there
        }
    }
    return variables;
}

Facts with(std::vector<std::string> job, std::vector<std::string> image) {
    Facts facts;
    facts.host.step.environment = std::move(job);
    facts.image.document.config.environment = std::move(image);
    return facts;
}

}  // namespace

TEST_CASE("the image's variables beat the job's, and the job's others stay") {
    const auto variables = environment_of(with({"A=job", "B=job"}, {"A=image", "C=image"}));
    CHECK(variables.at("A") == "image");
    CHECK(variables.at("B") == "job");
    CHECK(variables.at("C") == "image");
}

TEST_CASE("Slurm's, PMI's and the user's own variables beat the image's") {
    for (const std::string name : {"SLURM_JOB_ID", "SLURMD_NODENAME", "SPANK_X", "PMI_RANK",
                                   "PMIX_RANK", "PMI2_X", "HOME", "USER", "LOGNAME"}) {
        INFO(name);
        CHECK(environment_of(with({name + "=job"}, {name + "=image"})).at(name) == "job");
        // An image cannot even invent one: slurmstepd and the PMI libraries act upon them.
        CHECK_FALSE(environment_of(with({}, {name + "=image"})).contains(name));
    }
    for (const std::string name : {"CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TERM", "TMPDIR"}) {
        INFO(name);
        CHECK(environment_of(with({name + "=job"}, {name + "=image"})).at(name) == "job");
        CHECK(environment_of(with({}, {name + "=image"})).at(name) == "image");
    }
}

TEST_CASE("PATH is the image's, else the usual one, and never the host's") {
    CHECK(environment_of(with({"PATH=/host"}, {"PATH=/image"})).at("PATH") == "/image");
    const std::string usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    CHECK(environment_of(with({"PATH=/host"}, {})).at("PATH") == usual);
    CHECK(environment_of(with({}, {"PATH="})).at("PATH") == usual);
}

TEST_CASE("what would break the image's programs does not come along") {
    for (const std::string name :
         {"LD_LIBRARY_PATH", "LD_PRELOAD", "LD_AUDIT", "PYTHONHOME", "GCONV_PATH", "LOCPATH"}) {
        INFO(name);
        CHECK_FALSE(environment_of(with({name + "=job"}, {})).contains(name));
        CHECK(environment_of(with({name + "=job"}, {name + "=image"})).at(name) == "image");
    }
    for (const std::string name : {"SHELL", "PYTHONPATH", "MODULEPATH", "LD_BIND_NOW", "LANG"}) {
        INFO(name);
        CHECK(environment_of(with({name + "=job"}, {})).at(name) == "job");
    }
}

TEST_CASE("what the user names is the job's, whatever it is") {
    Facts facts =
        with({"A=job", "LD_PRELOAD=job", "PATH=job"}, {"A=image", "PATH=image", "B=image"});
    facts.request.environment = {"A", "LD_PRELOAD", "PATH", "B", "MISSING"};
    const auto variables = environment_of(facts);
    CHECK(variables.at("A") == "job");
    CHECK(variables.at("LD_PRELOAD") == "job");
    CHECK(variables.at("PATH") == "job");
    CHECK(variables.at("B") == "image");  // the job has none to pass
    CHECK_FALSE(variables.contains("MISSING"));
}

TEST_CASE("what the site passes is the job's, by name or by beginning") {
    Facts facts = with({"EB_A=job", "EBX=job", "X=job", "XY=job"},
                       {"EB_A=image", "EBX=image", "X=image", "XY=image"});
    facts.site.pass_environment = {"EB_*", "X"};
    const auto variables = environment_of(facts);
    CHECK(variables.at("EB_A") == "job");
    CHECK(variables.at("EBX") == "image");
    CHECK(variables.at("X") == "job");
    CHECK(variables.at("XY") == "image");
}

TEST_CASE("what the site sets beats everything") {
    Facts facts = with({"A=job", "HOME=/h"}, {"A=image", "PATH=/image"});
    facts.request.environment = {"A"};
    facts.site.environment = {{"A", "site"}, {"PATH", "/site"}, {"HOME", "/site"}};
    const auto variables = environment_of(facts);
    CHECK(variables.at("A") == "site");
    CHECK(variables.at("PATH") == "/site");
    CHECK(variables.at("HOME") == "/site");
}

TEST_CASE("the edits are the fewest that do it, in alphabetical order") {
    Facts facts = with({"B=same", "PATH=/bin", "LD_PRELOAD=x"}, {"B=same", "PATH=/bin", "A=new"});
    CHECK(facts.lines("set") == "A=new\n");
    CHECK(facts.lines("unset") == "LD_PRELOAD\n");
    const auto edits = with({"LD_AUDIT=x"}, {"M=1", "A=1", "PATH=/"}).plan().environment;
    REQUIRE(edits.size() == 4);
    CHECK(std::is_sorted(edits.begin(), edits.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
}

TEST_CASE("entries that are no variables are left alone") {
    const auto variables = environment_of(
        with({"PATH=/bin"}, {"=x", "novalue", std::string("N\0=x", 4), "OK=a=b", "OK=second"}));
    CHECK(variables.at("OK") == "a=b");
    CHECK(variables.size() == 2);
}

TEST_CASE("an image whose variables no exec can carry is refused") {
    CHECK(with({}, {"A=" + std::string(128U << 10U, 'x')}).error().code == Code::bad_image);
    std::vector<std::string> many;
    for (int i = 0; i < 20; ++i) {
        many.push_back("A" + std::to_string(i) + "=" + std::string(100'000, 'x'));
    }
    CHECK(with({}, many).error().code == Code::bad_image);
}
