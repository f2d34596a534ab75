// SPDX-License-Identifier: BSD-3-Clause
// /run/lading/stacks: a line of JSON (what it was made of, and the stacks), then the index.
#include "core/app/host_stacks.hpp"

#include "core/app/load_profiles.hpp"

namespace lading::app {

Result<HostStacks> HostStacks::load(const SiteConfig& site, const std::string& architecture,
                                    bool as_root) {
    HostStacks stacks;
    const std::vector<Profile> profiles = TRY(load_profiles({site.profiles, site.cdi, as_root}));
    if (!profiles.empty()) {
        stacks.host_ = TRY(probe_stacks(profiles, architecture));
    } else {
        stacks.host_.index = formats::ElfIndexBuilder().finish();
    }
    TRY(stacks.open(architecture));
    return stacks;
}

Result<> HostStacks::open(const std::string& architecture) {
    index_ = std::make_unique<formats::ElfIndex>(TRY(formats::ElfIndex::open(host_.index)));
    side_ = std::make_unique<compat::HostSide>();
    side_->index = index_.get();
    side_->stacks = host_.stacks;
    side_->libc = host_.libc;
    side_->architecture = architecture;
    side_->isa_level = probe_isa_level();
    return {};
}

}  // namespace lading::app
