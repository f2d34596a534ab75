// SPDX-License-Identifier: BSD-3-Clause
/// An image and a host that meet, and what comes of it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "compat/fake_root.hpp"
#include "contains.hpp"
#include "core/compat/question.hpp"

struct FakeSite {
    FakeRoot image;
    FakeRoot host;
    lading::compat::Question question;

    explicit FakeSite(int image_glibc = 36, int host_glibc = 36) : host_glibc_(host_glibc) {
        if (image_glibc > 0) {
            image.glibc(image_glibc);
        }
        host.glibc(host_glibc);
        question.image.reference = "app:1";
        question.image.architecture = "amd64";
        question.host.architecture = "amd64";
        question.host.isa_level = 3;
    }

    /// A profile of these libraries, and all that they need.
    lading::Profile& offers(const std::string& name, const std::string& provides, Names roots,
                            lading::StackKind kind = lading::StackKind::mpi) {
        Offer& offer = offers_.emplace_back();
        offer.profile.name = name;
        offer.profile.provides = provides;
        offer.profile.kind = kind;
        offer.roots = roots;
        return offer.profile;
    }
    /// A file in one of the last profile's plugin directories.
    void with_module(const std::string& path) { offers_.back().modules.push_back(path); }
    /// A further name that a library of the last profile's serves.
    void also_named(const std::string& soname, const std::string& name) {
        offers_.back().names.emplace_back(soname, name);
    }

    /// MPICH, as Debian has it: libmpi.so.12 is another name for libmpich.so.12.
    static FakeFile& mpich(FakeRoot& root) {
        root.link(kLibraries + "/libmpi.so.12", "libmpich.so.12");
        return root.library("libmpich.so.12")
            .exports({"MPI_Init", "MPI_Send"})
            .needs("libc.so.6", "GLIBC_2.17");
    }
    FakeFile& host_mpich() {
        offers("mpich", "mpich", {"libmpich.so.12"});
        also_named("libmpich.so.12", "libmpi.so.12");
        return mpich(host);
    }
    static FakeFile& openmpi(FakeRoot& root, const std::string& soname = "libmpi.so.40") {
        return root.library(soname)
            .exports({"MPI_Init", "MPI_Send"})
            .holds("ompi_mpi_comm_world", 512)
            .needs("libc.so.6", "GLIBC_2.17");
    }
    FakeFile& app(const std::string& library = "libmpich.so.12") {
        question.image.programs = {"/usr/bin/app"};
        return image.program("/usr/bin/app")
            .needs(library)
            .needs("libc.so.6", "GLIBC_2.17")
            .imports({"MPI_Init"});
    }

    const lading::Injection& plan() {
        if (!planned_) {
            question.image.index = &image.index();
            question.host.index = &host.index();
            fill_in_libc();
            for (const Offer& offer : offers_) {
                question.host.stacks.push_back(stack_of(offer));
            }
            injection_ = lading::compat::plan_injection(question);
            planned_ = true;
        }
        return injection_;
    }

    const lading::Finding& finding(const std::string& need) {
        const auto& all = plan().findings;
        const auto found = std::find_if(
            all.begin(), all.end(), [&](const lading::Finding& one) { return one.need == need; });
        INFO(need);
        REQUIRE(found != all.end());
        return *found;
    }
    const lading::Finding& mpi() { return finding("MPI"); }
    std::string verdict() { return std::string(name_of(mpi().verdict)); }

    /// Sonames, but for those of glibc's family.
    std::string injected() {
        std::string names;
        for (const lading::InjectedFile& file : plan().files) {
            if (!question.host.libc.family.contains(file.soname)) {
                names += (names.empty() ? "" : " ") + file.soname;
            }
        }
        return names;
    }
    std::string kept() {
        std::string names;
        for (const lading::KeptFile& file : plan().kept) {
            names += (names.empty() ? "" : " ") + file.soname;
        }
        return names;
    }
    const lading::InjectedFile& file(const std::string& soname) {
        const auto& all = plan().files;
        const auto found =
            std::find_if(all.begin(), all.end(),
                         [&](const lading::InjectedFile& one) { return one.soname == soname; });
        INFO(soname);
        REQUIRE(found != all.end());
        return *found;
    }
    std::vector<std::string> targets(const std::string& soname) {
        std::vector<std::string> paths;
        for (const lading::GuestPath& target : file(soname).targets) {
            paths.push_back(target.value);
        }
        return paths;
    }
    bool covers(const std::string& soname, const std::string& path) {
        const auto all = targets(soname);
        return std::find(all.begin(), all.end(), path) != all.end();
    }

  private:
    using StackLibrary = lading::compat::StackLibrary;
    struct Offer {
        lading::Profile profile;
        std::vector<std::string> roots;
        std::vector<std::string> modules;
        std::vector<std::pair<std::string, std::string>> names;
    };

    void fill_in_libc() {
        lading::compat::HostLibc& libc = question.host.libc;
        libc.version = "2." + std::to_string(host_glibc_);
        libc.loader = {kLibraries + "/ld-linux-x86-64.so.2"};
        for (const std::string name :
             {"ld-linux-x86-64.so.2", "libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"}) {
            libc.family[name] = host.id(name);
        }
    }

    lading::compat::Stack stack_of(const Offer& offer) {
        lading::compat::Stack stack;
        stack.profile = offer.profile;
        const auto add = [&](StackLibrary::Role role, std::uint32_t id, const std::string& name) {
            for (const StackLibrary& known : stack.libraries) {
                if (known.file == id) {
                    return;
                }
            }
            StackLibrary library{role, {name}, id};
            for (const auto& [soname, other] : offer.names) {
                if (soname == name) {
                    library.names.push_back(other);
                }
            }
            stack.libraries.push_back(library);
        };
        for (const std::string& root : offer.roots) {
            add(StackLibrary::Role::root, host.id(root), root.substr(root.rfind('/') + 1));
        }
        for (const std::string& module : offer.modules) {
            add(StackLibrary::Role::module, host.id(module), module.substr(module.rfind('/') + 1));
        }
        for (std::size_t i = 0; i < stack.libraries.size(); ++i) {
            for (const std::string_view name : host.index().needed(stack.libraries[i].file)) {
                if (const auto file = dependency(stack.libraries[i].file, name)) {
                    add(StackLibrary::Role::dependency, *file, std::string(name));
                }
            }
        }
        return stack;
    }

    /// Beside the one that needs it, else where the system's are.
    std::optional<std::uint32_t> dependency(std::uint32_t asker, std::string_view name) {
        const std::string path = host.path(asker);
        for (const std::string& directory : {path.substr(0, path.rfind('/')), kLibraries}) {
            if (const auto file = host.index().find(directory + "/" + std::string(name))) {
                return file->id;
            }
        }
        return std::nullopt;
    }

    int host_glibc_;
    std::deque<Offer> offers_;
    lading::Injection injection_;
    bool planned_ = false;
};
