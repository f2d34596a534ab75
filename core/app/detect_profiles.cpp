// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/detect_profiles.hpp"

#include <algorithm>

#include "core/app/describe_stacks.hpp"
#include "core/sys/user.hpp"

namespace lading::app {

Result<std::vector<Profile>> detect_profiles(const std::vector<std::string>& prefixes) {
    const std::string architecture = TRY(sys::probe_host()).architecture;
    const auto host = make_host_files(architecture);
    std::vector<LibraryPlace> places = {TRY(system_place(*host, architecture))};
    for (const std::string& prefix : prefixes) {
        LibraryPlace place = TRY(prefix_place(*host, prefix));
        if (std::ranges::find(places, place.prefix, &LibraryPlace::prefix) == places.end()) {
            places.push_back(std::move(place));
        }
    }
    return describe_stacks(*host, places);
}

}  // namespace lading::app
