// SPDX-License-Identifier: BSD-3-Clause
// The record's JSON: short names, since slurmctld keeps it for every job; ASCII, since slurmdbd's
// database may know no better.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>

#include "core/formats/strict_json.hpp"
#include "core/record/bounded_record.hpp"
#include "core/record/library_record.hpp"
#include "core/record/steps.hpp"
#include "lading/record.hpp"

namespace lading {
namespace {

using formats::JsonNode;
using nlohmann::json;

constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kName = "lading's record";
constexpr std::string_view kEmbedding = R"( {"lading":})";
constexpr std::size_t kLimit = kRecordBytes - kEmbedding.size();
/// What is read may have been written by a lading with other bounds.
constexpr std::size_t kReadBytes = 64U << 10;

std::string dump(const json& value) {
    return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

/// One image, its steps as the parts of their text.
struct Draft {
    ImageRecord image;
    std::vector<std::string> names;
    std::deque<std::string> numbers;  ///< the oldest first

    explicit Draft(const ImageRecord& from) : image(from) {
        for (std::string& range : record::step_ranges(from.steps)) {
            if (range.find_first_not_of("0123456789-") == std::string::npos) {
                numbers.push_back(std::move(range));
            } else {
                names.push_back(std::move(range));
            }
        }
    }

    json to_json() const {
        json object = {{"ref", image.reference}, {"nodes", image.nodes}};
        if (!image.digest.empty()) {
            object["digest"] = image.digest;
        }
        if (!image.libc.empty()) {
            object["libc"] = image.libc;
        }
        if (!image.labels.empty()) {
            object["labels"] = image.labels;
        }
        if (!names.empty() || !numbers.empty()) {
            const bool both = !names.empty() && !numbers.empty();
            object["steps"] = fmt::format("{}{}{}", fmt::join(names, ","), both ? "," : "",
                                          fmt::join(numbers, ","));
        }
        if (image.libraries != LibrariesRecord{}) {
            object["libraries"] = record::libraries_json(image.libraries);
        }
        if (image.labels_omitted) {
            object["omitted"].push_back("labels");
        }
        if (image.steps_omitted) {
            object["omitted"].push_back("steps");
        }
        return object;
    }
};

struct DraftJob {
    const JobRecord& job;
    std::vector<Draft> images;
    bool images_omitted = false;

    std::string text() const {
        json object = {{"v", kVersion}};
        const std::pair<const char*, const std::string*> words[] = {
            {"plugin", &job.plugin}, {"kernel", &job.kernel}, {"host_libc", &job.host_libc}};
        for (const auto& [name, value] : words) {
            if (!value->empty()) {
                object[name] = *value;
            }
        }
        object["images"] = json::array();
        for (const Draft& image : images) {
            object["images"].push_back(image.to_json());
        }
        if (images_omitted) {
            object["omitted"].push_back("images");
        }
        return dump(object);
    }
};

/// The image with the most to say about its libraries says less; false where none can.
bool shorten_libraries(DraftJob& draft) {
    std::vector<Draft*> images;
    for (Draft& image : draft.images) {
        images.push_back(&image);
    }
    std::ranges::stable_sort(images, std::greater<>(), [](const Draft* image) {
        return dump(record::libraries_json(image->image.libraries)).size();
    });
    return std::ranges::any_of(
        images, [](Draft* image) { return record::shorten(image->image.libraries); });
}

/// Takes the largest labels away until about `excess` bytes are gone; false where none is left.
bool drop_labels(DraftJob& draft, std::size_t excess) {
    struct Label {
        std::size_t bytes;
        Draft* image;
        std::string name;
    };
    std::vector<Label> labels;
    for (Draft& image : draft.images) {
        for (const auto& [name, value] : image.image.labels) {
            labels.push_back({dump(name).size() + dump(value).size() + 2, &image, name});
        }
    }
    std::ranges::stable_sort(labels, std::greater<>(), &Label::bytes);
    std::size_t gone = 0;
    for (const Label& label : labels) {
        if (gone >= excess) {
            break;
        }
        label.image->image.labels.erase(label.name);
        label.image->image.labels_omitted = true;
        gone += label.bytes;
    }
    return gone > 0;
}

/// Takes the oldest numbers away, of the image with the longest list, until about `excess` bytes
/// are gone; the newest of each image stays.  False where nothing could be taken.
bool drop_steps(DraftJob& draft, std::size_t excess) {
    std::size_t gone = 0;
    while (gone < excess) {
        const auto longest = std::ranges::max_element(
            draft.images, {}, [](const Draft& image) { return image.numbers.size(); });
        if (longest == draft.images.end() || longest->numbers.size() < 2) {
            break;
        }
        gone += longest->numbers.front().size() + 1;
        longest->numbers.pop_front();
        longest->image.steps_omitted = true;
    }
    return gone > 0;
}

Result<bool> read_omitted(const JsonNode& node, bool& first, const char* first_name, bool* second,
                          const char* second_name) {
    for (const std::string& name : TRY(node.texts())) {
        if (name == first_name) {
            first = true;
        } else if (second != nullptr && name == second_name) {
            *second = true;
        } else {
            return node.fail(fmt::format("unknown word '{}'", name.substr(0, 40)));
        }
    }
    return true;
}

Result<> read(const JsonNode& node, std::string& into) {
    into = TRY(node.text());
    return {};
}

Result<> read_labels(const JsonNode& node, ImageRecord& image) {
    for (const auto& [name, value] : TRY(node.members())) {
        image.labels[name] = TRY(value.text());
    }
    return {};
}

Result<> read_steps(const JsonNode& node, ImageRecord& image) {
    auto steps = record::parse_steps(TRY(node.text()));
    if (!steps) {
        return node.fail(steps.error().what);
    }
    image.steps = std::move(*steps);
    return {};
}

Result<> read_nodes(const JsonNode& node, ImageRecord& image) {
    const std::uint64_t nodes = TRY(node.number());
    if (nodes > UINT32_MAX) {
        return node.fail("more nodes than Slurm can count");
    }
    image.nodes = static_cast<std::uint32_t>(nodes);
    return {};
}

Result<ImageRecord> read_image(const JsonNode& node) {
    ImageRecord image;
    TRY(node.read_object({
        {"ref", [&](const JsonNode& n) { return read(n, image.reference); }, true},
        {"digest", [&](const JsonNode& n) { return read(n, image.digest); }},
        {"libc", [&](const JsonNode& n) { return read(n, image.libc); }},
        {"labels", [&](const JsonNode& n) { return read_labels(n, image); }},
        {"steps", [&](const JsonNode& n) { return read_steps(n, image); }},
        {"nodes", [&](const JsonNode& n) { return read_nodes(n, image); }, true},
        {"libraries",
         [&](const JsonNode& n) { return record::read_libraries(n, image.libraries); }},
        {"omitted",
         [&](const JsonNode& n) {
             return read_omitted(n, image.labels_omitted, "labels", &image.steps_omitted, "steps")
                 .map([](bool) {});
         }},
    }));
    return image;
}

Result<> read_images(const JsonNode& node, JobRecord& job) {
    for (const JsonNode& item : TRY(node.items())) {
        job.images.push_back(TRY(read_image(item)));
    }
    return {};
}

}  // namespace

std::string format_record(const JobRecord& record) {
    const JobRecord job = record::bounded_record(record);
    DraftJob draft{job, {}, job.images_omitted};
    for (const ImageRecord& image : job.images) {
        draft.images.emplace_back(image);
    }
    std::string text = draft.text();
    while (text.size() > kLimit) {
        const std::size_t excess = text.size() - kLimit;
        if (!shorten_libraries(draft) && !drop_labels(draft, excess) &&
            !drop_steps(draft, excess)) {
            draft.images.pop_back();
            draft.images_omitted = true;
        }
        text = draft.text();
    }
    return text;
}

Result<JobRecord> parse_record(std::string_view text) {
    const formats::JsonRules rules{kName, Code::usage, kReadBytes, false};
    const json document = TRY(formats::parse_strict_json(text, rules));
    JobRecord job;
    TRY(JsonNode(document, rules)
            .read_object({
                {"v",
                 [](const JsonNode& n) -> Result<> {
                     return TRY(n.number()) == kVersion ? Result<>()
                                                        : n.fail("a record of another version");
                 },
                 true},
                {"plugin", [&](const JsonNode& n) { return read(n, job.plugin); }},
                {"kernel", [&](const JsonNode& n) { return read(n, job.kernel); }},
                {"host_libc", [&](const JsonNode& n) { return read(n, job.host_libc); }},
                {"images", [&](const JsonNode& n) { return read_images(n, job); }, true},
                {"omitted",
                 [&](const JsonNode& n) {
                     return read_omitted(n, job.images_omitted, "images", nullptr, "")
                         .map([](bool) {});
                 }},
            }));
    return job;
}

}  // namespace lading
