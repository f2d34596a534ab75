// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>

#include "core/record/bounded_record.hpp"
#include "core/record/steps.hpp"
#include "lading/record.hpp"

namespace lading {
namespace {

void take_if_empty(std::string& mine, const std::string& other) {
    if (mine.empty()) {
        mine = other;
    }
}

/// Steps that were left out stay so: a late report of one of them would otherwise push out a newer
/// one, or come and go with each report.
void add_steps(ImageRecord& entry, const ImageRecord& step) {
    const std::uint32_t first = entry.steps_omitted ? record::first_number(entry.steps) : 0;
    for (const std::string& name : step.steps) {
        if (!record::is_before(name, first)) {
            entry.steps.push_back(name);
        }
    }
    entry.steps = record::sorted_steps(entry.steps);
    entry.steps_omitted = entry.steps_omitted || step.steps_omitted;
}

void add_image(JobRecord& job, const ImageRecord& step) {
    const auto entry = std::ranges::find_if(job.images, [&](const ImageRecord& image) {
        // What did not fit is no difference: verdicts and profiles always do.
        return image.reference == step.reference && image.digest == step.digest &&
               image.libraries.verdicts == step.libraries.verdicts &&
               image.libraries.profiles == step.libraries.profiles;
    });
    if (entry == job.images.end()) {
        job.images.push_back(step);
        return;
    }
    take_if_empty(entry->libc, step.libc);
    if (entry->labels.empty() && !entry->labels_omitted) {
        entry->labels = step.labels;
        entry->labels_omitted = step.labels_omitted;
    }
    add_steps(*entry, step);
    entry->nodes = std::max(entry->nodes, step.nodes);
}

}  // namespace

JobRecord merge_records(JobRecord job, const JobRecord& step) {
    JobRecord merged = record::bounded_record(std::move(job));
    const JobRecord added = record::bounded_record(step);
    take_if_empty(merged.plugin, added.plugin);
    take_if_empty(merged.kernel, added.kernel);
    take_if_empty(merged.host_libc, added.host_libc);
    for (const ImageRecord& image : added.images) {
        add_image(merged, image);
    }
    merged.images_omitted = merged.images_omitted || added.images_omitted;
    return merged;
}

}  // namespace lading
