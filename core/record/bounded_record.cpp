// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/bounded_record.hpp"

#include <string_view>
#include <utility>

#include "core/formats/utf8.hpp"
#include "core/record/library_record.hpp"
#include "core/record/steps.hpp"

namespace lading::record {
namespace {

// So that the smallest record there can be always fits, in the worst case of six bytes (\u0001) for
// each byte of text.
constexpr std::size_t kWordBytes = 64;
constexpr std::size_t kDigestBytes = 96;
constexpr std::size_t kReferenceBytes = 200;
constexpr std::size_t kLabelBytes = 1024;  ///< of name and value together
constexpr std::string_view kCut = "...";

std::string bounded(const std::string& text, std::size_t limit) {
    std::string repaired = formats::repair_utf8(text);
    if (repaired.size() <= limit) {
        return repaired;
    }
    return std::string(formats::utf8_prefix(repaired, limit - kCut.size())).append(kCut);
}

void bound_labels(ImageRecord& image) {
    std::map<std::string, std::string> labels;
    for (const auto& [name, value] : image.labels) {
        if (name.size() + value.size() > kLabelBytes) {
            image.labels_omitted = true;
        } else {
            labels[formats::repair_utf8(name)] = formats::repair_utf8(value);
        }
    }
    // Repairing makes some longer: once more, so that a second time changes nothing.
    if (std::erase_if(labels, [](const auto& label) {
            return label.first.size() + label.second.size() > kLabelBytes;
        }) > 0) {
        image.labels_omitted = true;
    }
    image.labels = std::move(labels);
}

}  // namespace

JobRecord bounded_record(JobRecord record) {
    record.plugin = bounded(record.plugin, kWordBytes);
    record.kernel = bounded(record.kernel, kWordBytes);
    record.host_libc = bounded(record.host_libc, kWordBytes);
    for (ImageRecord& image : record.images) {
        image.reference = bounded(image.reference, kReferenceBytes);
        image.digest = bounded(image.digest, kDigestBytes);
        image.libc = bounded(image.libc, kWordBytes);
        bound_labels(image);
        image.libraries = bounded_libraries(std::move(image.libraries));
        image.steps = sorted_steps(image.steps);
    }
    return record;
}

}  // namespace lading::record
