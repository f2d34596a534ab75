// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/describe_stacks.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "catch.hpp"

using namespace lading;
using namespace lading::app;

namespace {

/// A host as a table: files with what is in them, links to them.
class TableHost : public HostFiles {
  public:
    void library(const std::string& path, LibraryFacts facts, std::vector<std::string> words = {}) {
        if (facts.soname.empty()) {
            facts.soname = path.substr(path.rfind('/') + 1);
        }
        files_[path] = {std::move(facts), std::move(words), "", true};
    }
    void file(const std::string& path, const std::string& text = "") {
        files_[path] = {{}, {}, text, false};
    }
    void link(const std::string& path, const std::string& target) { links_[path] = target; }

    /// What the loader's cache would name.
    LibraryPlace place(const std::string& prefix = "",
                       const std::string& directory = "/usr/lib/x") const {
        LibraryPlace place{prefix, {}};
        for (const std::string& name : list(directory)) {
            place.paths.emplace(name, directory + '/' + name);
        }
        return place;
    }

    std::vector<std::string> list(const std::string& directory) const override {
        std::vector<std::string> names;
        const auto add = [&](const std::string& path) {
            if (path.starts_with(directory + '/')) {
                const std::string rest = path.substr(directory.size() + 1);
                names.push_back(rest.substr(0, rest.find('/')));
            }
        };
        for (const auto& [path, file] : files_) {
            add(path);
        }
        for (const auto& [path, target] : links_) {
            add(path);
        }
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return names;
    }
    bool exists(const std::string& path) const override { return !resolve(path).empty(); }
    std::string resolve(const std::string& path) const override {
        if (const auto link = links_.find(path); link != links_.end()) {
            return resolve(link->second);
        }
        return files_.contains(path) || !list(path).empty() ? path : "";
    }
    std::string text(const std::string& path) const override {
        const auto file = files_.find(resolve(path));
        return file == files_.end() ? "" : file->second.text;
    }
    std::optional<LibraryFacts> library(const std::string& path) const override {
        const auto file = files_.find(resolve(path));
        return file == files_.end() || !file->second.is_library ? std::nullopt
                                                                : std::optional(file->second.facts);
    }
    std::vector<std::string> path_words(const std::string& path) const override {
        const auto file = files_.find(resolve(path));
        return file == files_.end() ? std::vector<std::string>{} : file->second.words;
    }

  private:
    struct File {
        LibraryFacts facts;
        std::vector<std::string> words;
        std::string text;
        bool is_library = false;
    };
    std::map<std::string, File> files_;
    std::map<std::string, std::string> links_;
};

const std::string kLib = "/usr/lib/x/";

/// MPICH as Debian 13 has it: libmpi.so.12 is a link of the package's own.
void add_mpich(TableHost& host) {
    host.library(kLib + "libmpich.so.12.4.1",
                 {"libmpich.so.12", {"libucp.so.0", "libc.so.6"}, false, true});
    host.link(kLib + "libmpich.so.12", kLib + "libmpich.so.12.4.1");
    host.link(kLib + "libmpich.so", kLib + "libmpich.so.12");
    host.library(kLib + "libmpichfort.so.12.4.1", {"libmpichfort.so.12", {}, false, false});
    host.link(kLib + "libmpichfort.so.12", kLib + "libmpichfort.so.12.4.1");
    host.link(kLib + "libmpichf90.so.12", kLib + "libmpichfort.so.12.4.1");
}

/// Open MPI 4.1 as Debian 12 has it.
void add_open_mpi(TableHost& host) {
    host.library(kLib + "libmpi.so.40",
                 {"", {"libopen-rte.so.40", "libopen-pal.so.40", "libc.so.6"}, true, true});
    host.library(kLib + "libmpi_mpifh.so.40", {"", {"libmpi.so.40"}, true, false});
    host.library(kLib + "libopen-rte.so.40", {"", {"libopen-pal.so.40"}, false, false});
    host.library(kLib + "libopen-pal.so.40", {},
                 {"/etc/openmpi", "${prefix}/lib/x/openmpi/lib", "${libdir}/openmpi3",
                  "${datadir}/openmpi"});
    host.library("/usr/lib/x/openmpi/lib/openmpi3/mca_pml_ucx.so",
                 {"mca_pml_ucx.so", {"libucp.so.0", "libmpi.so.40"}, false, false});
    host.file("/usr/lib/x/openmpi/lib/openmpi3/ompi_monitoring.txt");
    host.file("/usr/share/openmpi/help.txt");
    host.file("/etc/openmpi/openmpi-mca-params.conf");
}

void add_ucx(TableHost& host) {
    host.library(kLib + "libucp.so.0", {"", {"libucs.so.0"}, false, false});
    host.library(kLib + "libucs.so.0", {}, {"/usr/lib/x/ucx", "/etc/ucx"});
    host.library("/usr/lib/x/ucx/libuct_ib.so.0", {"", {"libibverbs.so.1"}, false, false});
}

const Profile* find(const std::vector<Profile>& profiles, const std::string& name) {
    const auto found = std::ranges::find(profiles, name, &Profile::name);
    return found == profiles.end() ? nullptr : &*found;
}

std::vector<Profile> describe(const TableHost& host) {
    return describe_stacks(host, {host.place()});
}

}  // namespace

TEST_CASE("MPICH is described with every name that its interface is asked for by") {
    TableHost host;
    add_mpich(host);
    const std::vector<Profile> found = describe(host);
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == "mpich");
    CHECK(found[0].kind == StackKind::mpi);
    CHECK(found[0].provides == "mpich");
    CHECK(found[0].libraries ==
          std::vector<ProfileLibrary>{
              {{kLib + "libmpich.so.12"}, {"libmpi.so.12"}},
              {{kLib + "libmpichfort.so.12"}, {"libmpichf90.so.12", "libmpifort.so.12"}}});
    CHECK(found[0].with.empty());
    // Upstream's names, on a host that has those alone.
    TableHost plain;
    plain.library(kLib + "libmpi.so.12", {"", {}, false, true});
    CHECK(describe(plain).at(0).libraries ==
          std::vector<ProfileLibrary>{{{kLib + "libmpi.so.12"}, {"libmpich.so.12"}}});
}

TEST_CASE("an MPI is what its symbols say, not its name") {
    TableHost host;
    host.library(kLib + "libmpi.so.12", {"", {}, true, true});  // Open MPI 1.10
    CHECK(describe(host).empty());
    TableHost none;
    none.library(kLib + "libmpi.so.12", {"", {}, false, false});
    none.library(kLib + "libmpi.so.40", {"", {}, false, true});
    CHECK(describe(none).empty());
}

TEST_CASE("Open MPI is described with the modules that its own file names") {
    TableHost host;
    add_open_mpi(host);
    add_ucx(host);
    const std::vector<Profile> found = describe(host);
    const Profile* const openmpi = find(found, "openmpi");
    REQUIRE(openmpi != nullptr);
    std::vector<std::string> paths;
    for (const ProfileLibrary& library : openmpi->libraries) {
        paths.push_back(library.path.value);
    }
    CHECK(paths == std::vector<std::string>{kLib + "libmpi.so.40", kLib + "libmpi_mpifh.so.40",
                                            kLib + "libopen-rte.so.40",
                                            kLib + "libopen-pal.so.40"});
    CHECK(openmpi->plugins ==
          std::vector<ProfileMount>{
              {{"/usr/lib/x/openmpi/lib/openmpi3"}, {"/usr/lib/x/openmpi/lib/openmpi3"}, true}});
    CHECK(openmpi->data ==
          std::vector<ProfileMount>{{{"/etc/openmpi"}, {"/etc/openmpi"}, false},
                                    {{"/usr/share/openmpi"}, {"/usr/share/openmpi"}, false}});
}

TEST_CASE("what a stack's libraries and modules need comes along, by name") {
    TableHost host;
    add_mpich(host);
    add_open_mpi(host);
    add_ucx(host);
    host.library(kLib + "libibverbs.so.1", {});
    host.library(kLib + "libhsa-runtime64.so.1", {});
    host.library("/usr/lib/x/ucx/libuct_rocm.so.0", {"", {"libhsa-runtime64.so.1"}, false, false});
    const std::vector<Profile> found = describe(host);
    REQUIRE(find(found, "rocm") != nullptr);
    CHECK(find(found, "mpich")->with == std::vector<std::string>{"ucx"});
    CHECK(find(found, "openmpi")->with == std::vector<std::string>{"ucx"});  // by a module alone
    CHECK(find(found, "ucx")->with == std::vector<std::string>{"verbs"});
    CHECK(find(found, "verbs")->with.empty());
}

TEST_CASE("fabrics are described with their modules, data and devices") {
    TableHost host;
    add_ucx(host);
    host.file("/etc/ucx/ucx.conf");
    host.library(kLib + "libibverbs.so.1", {}, {"/usr/lib/x/libibverbs/lib%s-rdmav34.so"});
    host.library(kLib + "librdmacm.so.1", {});
    host.library("/usr/lib/x/libibverbs/libmlx5-rdmav34.so", {});
    host.file("/dev/infiniband/uverbs0");
    host.file("/dev/infiniband/rdma_cm");
    host.file("/dev/infiniband/issm0");
    host.library("/usr/lib/x/pmix2/lib/libpmix.so.2.6.2", {"libpmix.so.2", {}, false, false},
                 {"/usr/lib/x/pmix2/share", "/usr/lib/x/pmix2/lib"});
    host.link(kLib + "libpmix.so.2", "/usr/lib/x/pmix2/lib/libpmix.so.2.6.2");
    host.library("/usr/lib/x/pmix2/lib/pmix/pmix_mca_prm_slurm.so", {});
    host.file("/usr/lib/x/pmix2/share/pmix/help.txt");
    host.library(kLib + "libfabric.so.1", {});
    const std::vector<Profile> found = describe(host);
    CHECK(find(found, "ucx")->plugins.at(0).source.value == "/usr/lib/x/ucx");
    CHECK(find(found, "ucx")->data.at(0).source.value == "/etc/ucx");
    CHECK(find(found, "verbs")->plugins.at(0).source.value == "/usr/lib/x/libibverbs");
    CHECK(find(found, "verbs")->devices ==
          std::vector<HostPath>{{"/dev/infiniband/rdma_cm"}, {"/dev/infiniband/uverbs0"}});
    CHECK(find(found, "pmix")->plugins.at(0).source.value == "/usr/lib/x/pmix2/lib/pmix");
    CHECK(find(found, "pmix")->data.at(0).source.value == "/usr/lib/x/pmix2/share/pmix");
    CHECK(find(found, "libfabric")->plugins.empty());
    for (const Profile& profile : found) {
        CHECK(profile.kind == StackKind::fabric);
        CHECK(profile.provides == profile.name);
    }
}

TEST_CASE("the standard interface is a stack of its own, which brings its flavour's") {
    TableHost host;
    add_open_mpi(host);
    host.library(kLib + "libmpi_abi.so.1", {"", {"libopen-pal.so.40"}, true, true});
    std::vector<Profile> found = describe(host);
    REQUIRE(find(found, "mpi-abi") != nullptr);
    CHECK(find(found, "mpi-abi")->provides == "mpi-abi");
    CHECK(find(found, "mpi-abi")->with == std::vector<std::string>{"openmpi"});
    // MPICH's is among MPICH's own libraries as well.
    TableHost other;
    add_mpich(other);
    other.library(kLib + "libmpi_abi.so.1", {"", {}, false, true});
    found = describe(other);
    CHECK(find(found, "mpich")->libraries.back().path.value == kLib + "libmpi_abi.so.1");
    CHECK(find(found, "mpi-abi") != nullptr);
}

TEST_CASE("a stack below a prefix has the prefix's name") {
    TableHost host;
    add_mpich(host);
    host.library("/opt/mpich-5.0/lib/libmpi.so.12", {"", {}, false, true});
    host.library("/opt/site/lib/libmpi.so.12", {"", {}, false, true});
    host.library("/srv/site/lib/libmpi.so.12", {"", {}, false, true});
    host.library("/opt/o/lib/libmpi.so.40", {"", {"libopen-pal.so.40"}, true, true});
    host.library("/opt/o/lib/libopen-pal.so.40", {},
                 {"/opt/o", "${exec_prefix}/lib", "${libdir}/openmpi", "${prefix}/etc"});
    host.library("/opt/o/lib/openmpi/mca_pml_ob1.so", {});
    host.file("/opt/o/etc/openmpi-mca-params.conf");
    const std::vector<Profile> found = describe_stacks(
        host, {host.place(), host.place("/opt/mpich-5.0", "/opt/mpich-5.0/lib"),
               host.place("/opt/site", "/opt/site/lib"), host.place("/srv/site", "/srv/site/lib"),
               host.place("/opt/o", "/opt/o/lib")});
    REQUIRE(found.size() == 5);
    CHECK(found[0].name == "mpich");
    CHECK(found[1].name == "mpich-5.0");
    CHECK(found[2].name == "mpich-site");
    CHECK(found[3].name == "mpich-site-2");
    CHECK(found[4].name == "openmpi-o");
    CHECK(found[4].plugins.at(0).source.value == "/opt/o/lib/openmpi");
    CHECK(found[4].data == std::vector<ProfileMount>{{{"/opt/o/etc"}, {"/opt/o/etc"}, false}});
}

TEST_CASE("NVIDIA's driver is all libraries of one version") {
    TableHost host;
    for (const std::string name :
         {"libcuda", "libnvidia-ml", "libnvidia-opencl", "libnvidia-ptxjitcompiler"}) {
        host.library(kLib + name + ".so.550.67", {name + ".so.1", {}, false, false});
        host.link(kLib + name + ".so.1", kLib + name + ".so.550.67");
    }
    host.library(kLib + "libnvidia-glcore.so.550.67", {});
    host.library(kLib + "libnvidia-ml.so.535.1", {"libnvidia-ml.so.1", {}, false, false});
    host.library(kLib + "libother.so.550.67", {});
    host.file("/etc/OpenCL/vendors/nvidia.icd", "libnvidia-opencl.so.1\n");
    host.file("/dev/nvidia0");
    host.file("/dev/nvidiactl");
    host.file("/dev/nvidia-caps/nvidia-cap1");
    host.file("/usr/bin/nvidia-smi");
    const std::vector<Profile> found = describe(host);
    REQUIRE(found.size() == 1);
    CHECK(found[0].provides == "cuda");
    CHECK(found[0].kind == StackKind::gpu);
    CHECK(found[0].libraries ==
          std::vector<ProfileLibrary>{{{kLib + "libcuda.so.1"}, {}},
                                      {{kLib + "libnvidia-glcore.so.550.67"}, {}},
                                      {{kLib + "libnvidia-ml.so.1"}, {}},
                                      {{kLib + "libnvidia-opencl.so.1"}, {}},
                                      {{kLib + "libnvidia-ptxjitcompiler.so.1"}, {}}});
    CHECK(found[0].devices == std::vector<HostPath>{{"/dev/nvidia0"}, {"/dev/nvidiactl"}});
    CHECK(found[0].programs == std::vector<HostPath>{{"/usr/bin/nvidia-smi"}});
    CHECK(found[0].data.at(0).source.value == "/etc/OpenCL/vendors/nvidia.icd");
}

TEST_CASE("OpenCL is the vendors that are registered, by the library that each names") {
    TableHost host;
    host.library(kLib + "libpocl.so.2.10.0", {"libpocl.so.2", {}, false, false});
    host.link(kLib + "libpocl.so.2", kLib + "libpocl.so.2.10.0");
    host.library("/opt/i/libigdrcl.so", {});
    host.library(kLib + "pocl/libpocl-devices-basic.so", {});
    host.file("/usr/share/pocl/kernel.bc");
    host.file("/etc/OpenCL/vendors/pocl.icd", "libpocl.so.2.10.0");
    host.file("/etc/OpenCL/vendors/intel.icd", "/opt/i/libigdrcl.so\n");
    host.file("/etc/OpenCL/vendors/gone.icd", "libgone.so\n");
    host.file("/etc/OpenCL/vendors/README", "libpocl.so.2\n");
    LibraryPlace place = host.place();
    place.paths.erase("libpocl.so.2.10.0");  // the cache has sonames
    const std::vector<Profile> found = describe_stacks(host, {place});
    REQUIRE(found.size() == 1);
    CHECK(found[0].provides == "opencl");
    CHECK(found[0].libraries ==
          std::vector<ProfileLibrary>{{{"/opt/i/libigdrcl.so"}, {}},
                                      {{kLib + "libpocl.so.2"}, {"libpocl.so.2.10.0"}}});
    CHECK(found[0].plugins.at(0).source.value == kLib + "pocl");
    CHECK(found[0].data ==
          std::vector<ProfileMount>{
              {{"/etc/OpenCL/vendors/intel.icd"}, {"/etc/OpenCL/vendors/intel.icd"}, false},
              {{"/etc/OpenCL/vendors/pocl.icd"}, {"/etc/OpenCL/vendors/pocl.icd"}, false},
              {{"/usr/share/pocl"}, {"/usr/share/pocl"}, false}});
}

TEST_CASE("ROCm is found in its own prefix") {
    TableHost host;
    host.library("/opt/rocm-6.2/lib/libhsa-runtime64.so.1", {});
    host.library("/opt/rocm-6.2/lib/libamdhip64.so.6", {});
    host.library("/opt/rocm-6.2/lib/libamdhip64.so.6.2.41133",
                 {"libamdhip64.so.6", {}, false, false});
    host.link("/opt/rocm/lib/libhsa-runtime64.so.1", "/opt/rocm-6.2/lib/libhsa-runtime64.so.1");
    host.file("/dev/kfd");
    host.file("/dev/dri/renderD128");
    host.file("/dev/dri/card0");
    const std::vector<Profile> found = describe(host);
    REQUIRE(found.size() == 1);
    CHECK(found[0].provides == "rocm");
    CHECK(found[0].libraries ==
          std::vector<ProfileLibrary>{{{"/opt/rocm-6.2/lib/libamdhip64.so.6"}, {}},
                                      {{"/opt/rocm-6.2/lib/libhsa-runtime64.so.1"}, {}}});
    CHECK(found[0].devices == std::vector<HostPath>{{"/dev/kfd"}, {"/dev/dri/renderD128"}});
}

TEST_CASE("every description that is made can be read as a profile") {
    TableHost host;
    add_mpich(host);
    add_open_mpi(host);
    add_ucx(host);
    for (const Profile& profile : describe(host)) {
        const auto read = parse_profile(format_profile(profile), profile.name, "");
        INFO((read ? "" : read.error().what));
        REQUIRE(read);
        CHECK(*read == profile);
    }
}
