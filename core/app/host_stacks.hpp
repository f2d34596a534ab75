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
    /// Reads the profiles and their files.  `as_root`: refuses profiles that others could have
    /// written, lets an unprivileged child read the libraries, and keeps what it found in
    /// /run/lading for the next step and for everybody else.
    static Result<HostStacks> load(const SiteConfig& site, const std::string& architecture,
                                   bool as_root);

    /// No stacks at all.
    HostStacks() = default;

    bool empty() const { return host_.stacks.empty(); }

    /// Fills in the host's side of a question; lives as long as this object.
    const compat::HostSide& side() const { return *side_; }

  private:
    Result<> open(const std::string& architecture);
    ProbedHost host_;
    std::unique_ptr<formats::ElfIndex> index_;
    std::unique_ptr<compat::HostSide> side_;
};

}  // namespace lading::app
