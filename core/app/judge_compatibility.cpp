// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/judge_compatibility.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/app/check_program.hpp"
#include "core/app/index_root.hpp"
#include "core/formats/environment_names.hpp"
#include "core/formats/search_path.hpp"
#include "core/sys/mapped_file.hpp"
#include "lading/plan.hpp"

namespace lading::app {
namespace {

using formats::ElfIndex;
using formats::Fields;

/// Looks programs up as the container will: in the image, or in what it shows of the host.
class Programs {
  public:
    Programs(const JudgeQuestion& question, const ElfIndex& image)
        : question_(question), image_(image) {}

    /// The path in the container; empty where nothing is known of it.
    std::string find(const std::string& name) {
        if (name.find('/') != std::string::npos) {
            return look_at(absolute(name)) ? absolute(name) : "";
        }
        for (const std::string& directory : formats::split_search_path(question_.path)) {
            const std::string path = absolute(fmt::format("{}/{}", directory, name));
            if (look_at(path)) {
                return path;
            }
        }
        return {};
    }

    /// The programs that lie outside of the image, as an index of their own.
    std::string outside() && { return std::move(builder_).finish(); }
    bool any_outside() const { return builder_.files() > 0 || scripts_; }

  private:
    std::string absolute(const std::string& path) const {
        return formats::join_link(
            "/", path.starts_with('/') ? path : question_.working_directory + "/" + path);
    }

    bool look_at(const std::string& path) {
        const ShownPath* deepest = nullptr;
        for (const ShownPath& shown : question_.shown) {
            if (path_covers(shown.guest, path) &&
                (deepest == nullptr || deepest->guest.size() < shown.guest.size())) {
                deepest = &shown;
            }
        }
        if (deepest == nullptr) {
            return image_.find(path) || !image_.script_interpreter(path).empty();
        }
        const auto file = sys::MappedFile::open(deepest->host + path.substr(deepest->guest.size()));
        if (!file) {
            return false;
        }
        index_file(builder_, path, true, file->bytes());
        scripts_ = scripts_ || file->bytes().starts_with("#!");
        return true;
    }

    const JudgeQuestion& question_;
    const ElfIndex& image_;
    formats::ElfIndexBuilder builder_;
    bool scripts_ = false;
};

compat::Wish wish_of(const Inject& inject) {
    compat::Wish wish;
    wish.automatic = inject.what == Inject::What::automatic;
    wish.none = inject.what == Inject::What::none;
    if (inject.mpi) {
        wish.demands.insert("mpi");
    }
    if (inject.gpu) {
        wish.demands.insert("gpu");
    }
    return wish;
}

/// What a variable will be in the container.
std::string planned(const Plan& plan, const std::vector<std::string>& environment,
                    std::string_view name) {
    for (const EnvironmentEdit& edit : plan.environment) {
        if (edit.name == name) {
            return edit.value.value_or("");
        }
    }
    return formats::environment_value(environment, name);
}

/// What the image asks of NVIDIA's driver, and whether that is to be heeded.
std::vector<std::string> nvidia_variables(const Plan& plan, const ImageFacts& image,
                                          const std::vector<std::string>& environment) {
    constexpr std::string_view kDisable = "NVIDIA_DISABLE_REQUIRE";
    std::vector<std::string> variables;
    for (const std::string& entry : image.document.config.environment) {
        if (entry.starts_with("NVIDIA_REQUIRE_")) {
            variables.push_back(entry);
        }
    }
    variables.push_back(fmt::format("{}={}", kDisable, planned(plan, environment, kDisable)));
    return variables;
}

}  // namespace

JudgeQuestion judge_question(const Request& request, const SiteConfig& site,
                             const ImageFacts& image, const HostFacts& host, const Plan& plan) {
    JudgeQuestion question;
    question.image = request.text;
    question.architecture = image.document.config.architecture;
    question.labels = request.labels;
    question.labels.insert(image.document.config.labels.begin(),
                           image.document.config.labels.end());
    question.inject = request.inject.value_or(site.inject);
    const StepFacts& step = host.step;
    // A batch script may run anything.
    if (!step.batch && !step.argv.empty() && !is_multi_prog(step.argv)) {
        question.programs = {step.argv.front()};
    }
    question.path = planned(plan, step.environment, "PATH");
    question.library_path = planned(plan, step.environment, "LD_LIBRARY_PATH");
    question.environment = nvidia_variables(plan, image, step.environment);
    question.working_directory = plan.working_directories.front().value;
    for (const RootOperation& operation : plan.operations) {
        if (const Bind* const bind = std::get_if<Bind>(&operation)) {
            question.shown.push_back({bind->target.value, bind->source.value});
        }
    }
    return question;
}

Fields to_fields(const JudgeQuestion& question) {
    Fields fields;
    fields.add("image", question.image);
    fields.add("architecture", question.architecture);
    for (const auto& [name, value] : question.labels) {
        fields.add("label", name);
        fields.add("label_value", value);
    }
    fields.add("inject", to_string(question.inject));
    fields.add("program", question.programs);
    fields.add("path", question.path);
    fields.add("working_directory", question.working_directory);
    fields.add("library_path", question.library_path);
    fields.add("environment", question.environment);
    for (const ShownPath& shown : question.shown) {
        fields.add("guest", shown.guest);
        fields.add("host", shown.host);
    }
    return fields;
}

JudgeQuestion from_fields(const Fields& fields) {
    JudgeQuestion question;
    question.image = fields.get("image");
    question.architecture = fields.get("architecture");
    const auto names = fields.all("label");
    const auto values = fields.all("label_value");
    for (std::size_t i = 0; i < std::min(names.size(), values.size()); ++i) {
        question.labels[names[i]] = values[i];
    }
    question.inject = parse_inject(fields.get("inject")).value_or(Inject{});
    question.programs = fields.all("program");
    question.path = fields.get("path");
    question.working_directory = fields.get("working_directory");
    question.library_path = fields.get("library_path");
    question.environment = fields.all("environment");
    const auto guests = fields.all("guest");
    const auto hosts = fields.all("host");
    for (std::size_t i = 0; i < std::min(guests.size(), hosts.size()); ++i) {
        question.shown.push_back({guests[i], hosts[i]});
    }
    return question;
}

Result<Injection> judge_compatibility(const JudgeQuestion& question, std::string_view image_index,
                                      const compat::HostSide& host) {
    ElfIndex image = TRY(ElfIndex::open(image_index));
    Programs programs(question, image);
    compat::Question asked;
    for (const std::string& name : question.programs) {
        if (std::string path = programs.find(name); !path.empty()) {
            asked.image.programs.push_back(std::move(path));
        } else if (question.insist) {
            return fail(Code::not_found,
                        fmt::format("the program {} is not in the image {}", name, question.image),
                        fmt::format("looked in PATH={}", question.path));
        }
    }
    std::string outside;
    if (programs.any_outside()) {
        outside = std::move(programs).outside();
        image.append(TRY(ElfIndex::open(outside)));
    }
    asked.image.index = &image;
    asked.image.reference = question.image;
    asked.image.labels = question.labels;
    asked.image.architecture = question.architecture;
    asked.image.library_path = formats::split_search_path(question.library_path);
    asked.image.environment = question.environment;
    for (const ShownPath& shown : question.shown) {
        asked.image.shown.push_back(shown.guest);
    }
    asked.host = host;
    asked.wish = wish_of(question.inject);
    return compat::plan_injection(asked);
}

}  // namespace lading::app
