// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/nearest.hpp"

#include <algorithm>
#include <utility>

namespace lading::formats {
namespace {

/// Names and references are short; what is longer comes from a hostile user and costs O(n·m).
constexpr std::size_t kCompared = 512;

/// A third of the letters may differ; a name that merely continues the wanted one, or lies in
/// another group (`group/atse` for `atse`), counts as near as well.
bool is_near(std::string_view wanted, std::string_view name, std::size_t distance) {
    const std::size_t longest = std::max(wanted.size(), name.size());
    return distance <= std::max<std::size_t>(1, longest / 3) ||
           (wanted.size() >= 3 && name.find(wanted) != std::string_view::npos);
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
    left = left.substr(0, kCompared);
    right = right.substr(0, kCompared);
    std::vector<std::size_t> before(right.size() + 1);
    std::vector<std::size_t> last(right.size() + 1);
    std::vector<std::size_t> row(right.size() + 1);
    for (std::size_t j = 0; j <= right.size(); ++j) {
        last[j] = j;
    }
    for (std::size_t i = 1; i <= left.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const std::size_t change = left[i - 1] == right[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + change});
            if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last[right.size()];
}

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& names, std::size_t most) {
    std::vector<std::pair<std::size_t, std::string_view>> ranked;
    for (const std::string& name : names) {
        const std::size_t distance = edit_distance(wanted, name);
        if (is_near(wanted, name, distance)) {
            ranked.emplace_back(distance, name);
        }
    }
    std::ranges::sort(ranked);
    ranked.erase(std::unique(ranked.begin(), ranked.end()), ranked.end());
    std::vector<std::string> nearest;
    for (const auto& [distance, name] : ranked) {
        if (nearest.size() == most) {
            break;
        }
        nearest.emplace_back(name);
    }
    return nearest;
}

}  // namespace lading::formats
