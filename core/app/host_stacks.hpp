// SPDX-License-Identifier: BSD-3-Clause
/// The host's stacks, from the site's profiles and the files behind them; read once a node and
/// kept, since a stack has hundreds of files and a step has milliseconds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/app/probe_stacks.hpp"
#include "core/compat/question.hpp"
#include "core/sys/mapped_file.hpp"
#include "lading/site.hpp"

namespace lading::app {

class HostStacks {
  public:
    struct Caller {
        /// Refuses profiles that others could have written, lets an unprivileged child read the
        /// libraries, and keeps what it found in /run/lading for everybody.
        bool as_root = false;
        std::string home;  ///< of others, who keep theirs below it; empty: nowhere
    };

    /// Reads the profiles and their files, or what was kept of an earlier reading.
    static Result<HostStacks> load(const SiteConfig& site, const std::string& architecture,
                                   const Caller& caller);

    /// No stacks at all.
    HostStacks() = default;

    bool empty() const { return side_ == nullptr || side_->stacks.empty(); }

    /// Fills in the host's side of a question; lives as long as this object.
    const compat::HostSide& side() const { return *side_; }

  private:
    Result<> open(std::string_view index, const std::string& architecture);
    ProbedHost host_;
    sys::MappedFile kept_;  ///< whose bytes hold the index, where it was not probed now
    std::unique_ptr<formats::ElfIndex> index_;
    std::unique_ptr<compat::HostSide> side_;
};

}  // namespace lading::app
