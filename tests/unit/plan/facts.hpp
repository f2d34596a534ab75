// SPDX-License-Identifier: BSD-3-Clause
/// An ordinary job of alice's, to be changed by each test.
#pragma once

#include <initializer_list>
#include <string>

#include "catch.hpp"
#include "core/plan/plan_text.hpp"
#include "lading/plan.hpp"

struct Facts {
    lading::Request request;
    lading::ImageFacts image;
    lading::HostFacts host;
    lading::SiteConfig site;

    Facts() {
        request.text = "atse:1.2.4";
        request.image = *lading::parse_image_reference(request.text);
        image.reference = request.text;
        image.origin.value = "/var/lib/lading/store/blobs/sha256/aa";
        image.kernel_may_parse = true;
        image.document.config.architecture = "amd64";
        image.document.config.environment = {"PATH=/opt/atse/bin:/bin", "LANG=C.UTF-8"};
        host.architecture = "amd64";
        host.memory_bytes = std::uint64_t{64} << 30U;
        host.user = {1000, 1000, "alice", "Alice", "/home/alice", "/bin/bash", {{1000, "alice"}}};
        host.step.working_directory = "/scratch/run1";
        host.step.environment = {"PATH=/usr/bin:/bin", "HOME=/home/alice", "SLURM_JOB_ID=7"};
    }

    Facts& mounts(const std::string& text) {
        const auto parsed = lading::parse_mounts(text);
        INFO(text);
        REQUIRE(parsed);
        request.mounts = *parsed;
        return *this;
    }

    lading::Plan plan() const {
        auto planned = lading::plan_step(request, image, host, site);
        INFO((planned ? "" : planned.error().what));
        REQUIRE(planned);
        return *planned;
    }

    lading::Error error() const {
        const auto planned = lading::plan_step(request, image, host, site);
        REQUIRE_FALSE(planned);
        return planned.error();
    }

    /// The plan's lines that begin with `verb`, without it.
    std::string lines(const std::string& verb) const {
        std::string found;
        const std::string text = lading::plan::to_text(plan());
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = text.find('\n', start);
            if (text.compare(start, verb.size() + 1, verb + " ") == 0) {
                found += text.substr(start + verb.size() + 1, end - start - verb.size());
            }
            start = end + 1;
        }
        return found;
    }

    /// Is this line among the plan's?
    bool has(const std::string& line) const {
        return ("\n" + lading::plan::to_text(plan())).find("\n" + line + "\n") != std::string::npos;
    }
};
