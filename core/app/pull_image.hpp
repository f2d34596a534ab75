// SPDX-License-Identifier: BSD-3-Clause
/// From a registry into a store.
///
/// The manifest is asked for first: its digest is the image's identity, so that what a store has
/// already is not fetched, and several who want the same image at once fetch it once.  Layers go
/// through a cache that images share, and from there through the same reader and packer as every
/// import: the same manifest gives the same bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/image.hpp"
#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::app {

struct PullRequest {
    RegistryImage source;
    std::optional<ImageName> name;    ///< in the store; none: stored_name(source)
    std::string store;                ///< to pull into
    std::vector<std::string> stores;  ///< where it may be already, under the same name
    std::string architecture;         ///< GOARCH value; empty: this machine's
    std::string signatures;           ///< a containers-policy.json(5); empty: the machine's own
    std::string shared_layers;        ///< SiteConfig::shared_layers
};

/// What the user may want to hear meanwhile.
struct PullEvents {
    std::function<void(std::string_view)> begins;  ///< a new stage, in a few words
    /// Bytes of this stage; `total` is 0 where it is not known.
    std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct PulledImage {
    ImageName name;     ///< with digest
    std::string store;  ///< where it is
    ImageDocument document;
    bool was_there = false;
};

Result<PulledImage> pull_image(const PullRequest& request, const PullEvents& events);

}  // namespace lading::app
