// SPDX-License-Identifier: BSD-3-Clause
#include "core/record/job_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/formats/utf8.hpp"
#include "core/record/library_record.hpp"
#include "core/record/steps.hpp"

namespace lading::record {
namespace {

using nlohmann::ordered_json;

/// `title  value`, or nothing where there is no value.
class Page {
  public:
    void line(std::string_view title, std::string_view value) {
        if (!value.empty()) {
            text_ += fmt::format("{:<12}  {}\n", title, formats::printable(value));
        }
    }
    void gap() { text_ += '\n'; }
    std::string take() && { return std::move(text_); }

  private:
    std::string text_;
};

std::vector<std::string> omitted(const ImageRecord& image) {
    std::vector<std::string> words;
    if (image.labels_omitted) {
        words.emplace_back("labels");
    }
    if (image.steps_omitted) {
        words.emplace_back("steps");
    }
    if (image.libraries.omitted) {
        words.emplace_back("details of its libraries");
    }
    return words;
}

void add_libraries(Page& page, const char* title, const std::vector<LibraryRecord>& libraries) {
    for (const LibraryRecord& library : libraries) {
        page.line(title,
                  fmt::format("{}{}{}{}{}{}", library.soname, library.path.empty() ? "" : " = ",
                              library.path, library.reason.empty() ? "" : " (", library.reason,
                              library.reason.empty() ? "" : ")"));
        title = "";
    }
}

void add_image(Page& page, const ImageRecord& image) {
    page.gap();
    page.line("image", image.reference);
    page.line("  digest", image.digest.empty() ? "none (a bare directory or file)" : image.digest);
    page.line("  libc", image.libc);
    page.line("  steps", fmt::format("{}", fmt::join(step_ranges(image.steps), ", ")));
    page.line("  nodes", image.nodes > 0 ? std::to_string(image.nodes) : "");
    std::vector<std::string> verdicts;
    for (const auto& [need, verdict] : image.libraries.verdicts) {
        verdicts.push_back(fmt::format("{} {}", need, verdict));
    }
    page.line("  verdicts", fmt::format("{}", fmt::join(verdicts, ", ")));
    page.line("  profiles", fmt::format("{}", fmt::join(image.libraries.profiles, ", ")));
    add_libraries(page, "  injected", image.libraries.injected);
    add_libraries(page, "  kept", image.libraries.kept);
    const char* title = "  labels";
    for (const auto& [name, value] : image.labels) {
        page.line(title, fmt::format("{}={}", name, value));
        title = "";
    }
    for (const std::string& word : omitted(image)) {
        page.line("", fmt::format("(further {} did not fit into the record)", word));
    }
}

ordered_json to_object(const ImageRecord& image) {
    ordered_json object = {{"reference", image.reference}, {"digest", image.digest},
                           {"libc", image.libc},           {"labels", image.labels},
                           {"steps", image.steps},         {"nodes", image.nodes}};
    if (image.libraries != LibrariesRecord{}) {
        object["libraries"] = libraries_json(image.libraries);
    }
    if (const std::vector<std::string> words = omitted(image); !words.empty()) {
        object["omitted"] = words;
    }
    return object;
}

}  // namespace

Result<JobReport> make_job_report(const formats::AccountedJob& job,
                                  const std::optional<std::string>& step) {
    AdminComment comment = parse_admin_comment(job.admin_comment);
    if (!comment.record) {
        return fail(Code::not_found, fmt::format("job {} has no record of a container", job.id),
                    "it ran in none, or has not started yet, or its record could not be delivered: "
                    "then the log of its first node has it");
    }
    JobReport report{job, std::move(*comment.record)};
    if (step) {
        std::erase_if(report.record.images, [&](const ImageRecord& image) {
            return std::ranges::find(image.steps, *step) == image.steps.end();
        });
        if (report.record.images.empty()) {
            return fail(Code::not_found,
                        fmt::format("step {}.{} has no record of a container", job.id, *step),
                        fmt::format("'lading record {}' shows those that have one", job.id));
        }
    }
    return report;
}

std::string to_page(const JobReport& report) {
    const formats::AccountedJob& job = report.job;
    Page page;
    page.line("job", job.name.empty() ? job.id : fmt::format("{} ({})", job.id, job.name));
    page.line("user", job.user);
    page.line("state", fmt::format("{}, exit code {}", job.state, job.exit_code));
    page.line("time", fmt::format("{} to {}", job.start, job.end));
    page.line("nodes", fmt::format("{} ({})", job.nodes, job.node_list));
    page.line("container", job.container);
    page.line("lading", report.record.plugin);
    page.line("kernel", report.record.kernel);
    page.line("host libc", report.record.host_libc);
    for (const ImageRecord& image : report.record.images) {
        add_image(page, image);
    }
    if (report.record.images_omitted) {
        page.gap();
        page.line("", "(further images did not fit into the record)");
    }
    return std::move(page).take();
}

std::string to_json(const JobReport& report) {
    const formats::AccountedJob& job = report.job;
    ordered_json object = {{"job", job.id},
                           {"name", job.name},
                           {"user", job.user},
                           {"state", job.state},
                           {"exit_code", job.exit_code},
                           {"start", job.start},
                           {"end", job.end},
                           {"nodes", job.nodes},
                           {"node_list", job.node_list},
                           {"container", job.container},
                           {"lading", report.record.plugin},
                           {"kernel", report.record.kernel},
                           {"host_libc", report.record.host_libc},
                           {"images", ordered_json::array()}};
    for (const ImageRecord& image : report.record.images) {
        object["images"].push_back(to_object(image));
    }
    if (report.record.images_omitted) {
        object["omitted"] = {"images"};
    }
    return object.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace lading::record
