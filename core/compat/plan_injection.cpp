// SPDX-License-Identifier: BSD-3-Clause
// Needs -> the best stack for each -> what they mean together -> findings and files.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "core/compat/absent.hpp"
#include "core/compat/attempt.hpp"
#include "core/compat/describe.hpp"
#include "core/compat/families.hpp"
#include "core/compat/materialise.hpp"
#include "core/compat/nvidia_require.hpp"
#include "core/compat/question.hpp"

namespace lading::compat {
namespace {

using formats::ElfIndex;
using formats::IndexedFile;

constexpr std::string_view kWithout = "run with --container-inject=none";

/// A need with what was found for it.
struct Answer {
    Need need;
    std::optional<Attempt> attempt;  ///< the best that was tried
    Finding finding;
};

bool demanded(const Wish& wish, StackKind kind) {
    return wish.demands.contains(kind == StackKind::mpi ? "mpi" : "gpu");
}

bool wanted(const Wish& wish, StackKind kind) {
    return !wish.none && (wish.automatic || demanded(wish, kind));
}

/// A library that some module of the image would use if it could is no need of the job's.
bool concerns(const Question& question, const Need& need) {
    return need.kind == StackKind::mpi || need.declared || need.direct ||
           demanded(question.wish, need.kind) ||
           std::ranges::any_of(question.host.stacks, [&](const Stack& stack) {
               return stack.profile.kind == need.kind && stack.profile.provides == need.provides;
           });
}

/// What the user demands although nothing in the image speaks of it: the site's first of that kind.
Need need_by_demand(const Question& question, StackKind kind) {
    Need need;
    need.kind = kind;
    need.provides = kind == StackKind::mpi ? "MPI" : "GPU";
    const auto of_kind = [&](const Stack& stack) { return stack.profile.kind == kind; };
    const auto first = std::ranges::find_if(question.host.stacks, of_kind);
    if (first != question.host.stacks.end()) {
        need.provides = first->profile.provides;
    }
    return need;
}

/// The image's kind of libc rules injection out: why; else empty.
std::string without_libc(const Question& question, const Loader& loader, const Subject& subject) {
    if (subject.any_static && !subject.scripted) {
        return fmt::format("{} is linked statically: no library can be given to it",
                           question.image.index->file(subject.programs.front()).path);
    }
    if (loader.system("libc.so.6")) {
        return {};
    }
    for (std::uint32_t id = 0; id < question.image.index->size(); ++id) {
        const IndexedFile file = question.image.index->file(id);
        if (file.interpreter.find("ld-musl") != std::string_view::npos ||
            file.path.find("/ld-musl-") != std::string_view::npos) {
            return "the image's libc is musl, this host's libraries are made for glibc";
        }
    }
    return "the image has no libc.so.6 for this host's libraries to run with";
}

/// A program with a loader of its own kind finds what the system's would, in other places.
std::string foreign_loader(const Question& question, const Loader& loader, const Subject& subject) {
    const std::string home = loader.libc_directory();
    for (const std::uint32_t program : subject.programs) {
        const IndexedFile file = question.image.index->file(program);
        const std::string at = question.image.index->resolve(file.interpreter);
        if (!file.interpreter.empty() && question.image.index->find(at) &&
            at.substr(0, at.rfind('/')) != home) {
            return std::string(file.interpreter);
        }
    }
    return {};
}

/// What a foreign loader finds, it finds in the places of copies that the image has already.
std::string out_of_reach(const Question& question, const Loader& loader, const Subject& subject,
                         const Attempt& tried) {
    const std::string foreign = foreign_loader(question, loader, subject);
    if (foreign.empty()) {
        return {};
    }
    if (tried.needs_glibc) {
        return fmt::format("the program's loader is {}, which has a glibc of its own", foreign);
    }
    for (const auto& [name, library] : tried.selection.libraries) {
        if (library.inject && library.replaces.empty()) {
            return fmt::format("the program's loader is {}, which would not find {}", foreign,
                               name);
        }
    }
    return {};
}

/// Will the job use it, as far as can be told?  A program that does not is no worse off without.
bool relies_on(const Subject& subject, const Need& need) {
    const bool any_program = subject.scripted || subject.programs.empty();
    return need.direct || need.declared || (any_program && !need.users.empty());
}

/// The host's MPI is there for the job; does anything say that the job uses it?
void judge_proof(const Question& question, const Subject& subject, const Need& need,
                 Finding& finding) {
    const bool any_program = subject.scripted || subject.programs.empty();
    const bool proven = need.direct || (any_program && !need.users.empty());
    if (proven || need.kind != StackKind::mpi || finding.verdict < Verdict::ok ||
        finding.verdict > Verdict::ok_glibc) {
        return;
    }
    finding.verdict = Verdict::unproven;
    finding.reason += finding.reason.empty() ? "" : "; ";
    finding.reason +=
        need.users.empty()
            ? "no file of the image names it: it is loaded at run time, if at all"
            : fmt::format("{} names no library of it: it is loaded at run time, if at all",
                          question.image.index->file(subject.programs.front()).path);
}

/// What becomes of a need that the host does not answer.
void settle(const Question& question, const Need& need, Finding& finding) {
    if (finding.verdict < Verdict::missing) {
        return;
    }
    const bool own = !need.providers.empty();
    const bool offered = finding.verdict != Verdict::missing;
    finding.refuses = finding.refuses || demanded(question.wish, need.kind) ||
                      (need.direct && !own) || (need.declared && offered);
    if (need.kind == StackKind::mpi && own) {
        finding.speed =
            "the image's own MPI is used: TCP between nodes, unless it knows the fabric";
    }
    if (finding.refuses && finding.remedy.empty()) {
        finding.remedy = own ? std::string(kWithout)
                             : "use an image that has it, or ask the administrator for a profile";
    }
}

Answer answer_need(const Question& question, const Loader& loader, const Subject& subject,
                   Need need) {
    Answer answer;
    answer.need = std::move(need);
    const Need& asked = answer.need;
    Finding& finding = answer.finding;
    for (const Stack& stack : question.host.stacks) {
        if (stack.profile.kind != asked.kind || stack.profile.provides != asked.provides) {
            continue;
        }
        Attempt tried = attempt(question, loader, subject, asked, stack);
        if (!answer.attempt || tried.verdict < answer.attempt->verdict) {
            answer.attempt = std::move(tried);
        }
    }
    if (answer.attempt) {
        finding.verdict = answer.attempt->verdict;
        finding.reason = answer.attempt->reason;
        finding.remedy = answer.attempt->remedy;
        finding.offers = describe_offer(question, *answer.attempt);
        if (finding.verdict < Verdict::missing) {
            finding.note = answer.attempt->note;
            finding.speed = speed_of(answer.attempt->selection, asked.kind);
        }
    } else {
        finding = finding_without_attempt(question, asked);
    }
    finding.need = asked.kind == StackKind::mpi ? "MPI" : "GPU";
    finding.wants = describe_wish(question, asked);
    if (const std::string why = without_libc(question, loader, subject);
        !why.empty() && answer.attempt) {
        finding.verdict = Verdict::no_libc;
        finding.reason = why;
        finding.remedy = "link it dynamically on a base with glibc";
        finding.speed.clear();
        finding.note.clear();
    }
    if (answer.attempt && finding.verdict < Verdict::missing) {
        if (std::string why = out_of_reach(question, loader, subject, *answer.attempt);
            !why.empty()) {
            finding.verdict = Verdict::no_libc;
            finding.reason = std::move(why);
            finding.remedy = kWithout;
            finding.speed.clear();
            finding.note.clear();
        }
    }
    if (answer.attempt && asked.provides == "cuda" && finding.verdict < Verdict::missing) {
        judge_nvidia_driver(question, *answer.attempt, relies_on(subject, asked), finding);
    }
    judge_proof(question, subject, asked, finding);
    if (!asked.contradiction.empty()) {
        finding.reason += (finding.reason.empty() ? "" : "; ") + asked.contradiction;
    }
    settle(question, asked, finding);
    return answer;
}

/// Stacks of all answers that hold, none twice.
std::vector<const Stack*> chosen_stacks(const std::vector<Answer>& answers) {
    std::vector<const Stack*> stacks;
    for (const Answer& answer : answers) {
        if (answer.attempt && answer.finding.verdict < Verdict::missing) {
            for (const Stack* const stack : answer.attempt->stacks) {
                if (std::ranges::find(stacks, stack) == stacks.end()) {
                    stacks.push_back(stack);
                }
            }
        }
    }
    return stacks;
}

std::vector<std::uint32_t> users_of(const std::vector<Answer>& answers, const Subject& subject) {
    std::vector<std::uint32_t> users = subject.files;
    for (const Answer& answer : answers) {
        users.insert(users.end(), answer.need.users.begin(), answer.need.users.end());
    }
    return users;
}

/// What each allows alone they may not allow together: the later need yields.
Selection select_together(const Question& question, const Loader& loader, const Subject& subject,
                          std::vector<Answer>& answers) {
    for (;;) {
        std::vector<Answer*> holding;
        for (Answer& answer : answers) {
            if (answer.attempt && answer.finding.verdict < Verdict::missing) {
                holding.push_back(&answer);
            }
        }
        if (holding.size() == 1) {
            return holding.front()->attempt->selection;
        }
        Selection selection =
            select_libraries(question, loader, chosen_stacks(answers),
                             find_searchers(question, loader, users_of(answers, subject)));
        const std::vector<Broken> broken = check_users(question, loader, selection);
        // What one of them has accepted by itself is no quarrel between them.
        const auto accepted = [&](const Broken& user) {
            return std::ranges::any_of(holding, [&](const Answer* answer) {
                return std::ranges::find(answer->attempt->broken, user.file, &Broken::file) !=
                       answer->attempt->broken.end();
            });
        };
        const auto ours = std::ranges::find_if(broken, [&](const Broken& user) {
            return std::ranges::find(subject.files, user.file) != subject.files.end() &&
                   !accepted(user);
        });
        if (ours == broken.end() || holding.empty()) {
            return selection;
        }
        Finding& yielding = holding.back()->finding;
        yielding.verdict = Verdict::conflict;
        yielding.reason =
            fmt::format("{} {}", question.image.index->file(ours->file).path, ours->why);
        settle(question, holding.back()->need, yielding);
    }
}

}  // namespace

Injection plan_injection(const Question& question) {
    Injection injection;
    const Loader loader(*question.image.index, question.host.architecture, question.host.isa_level,
                        question.image.library_path);
    const Subject subject = find_subject(question.image, loader);
    if (auto finding = check_architecture(question, subject)) {
        injection.findings.push_back(std::move(*finding));
        return injection;
    }
    std::vector<Answer> answers;
    const std::vector<Need> needs = find_needs(question.image, question.host.architecture, subject);
    for (const Need& need : needs) {
        if (wanted(question.wish, need.kind) && concerns(question, need)) {
            answers.push_back(answer_need(question, loader, subject, need));
        }
    }
    for (const StackKind kind : {StackKind::mpi, StackKind::gpu}) {
        const auto answered = [&](const Answer& answer) { return answer.need.kind == kind; };
        if (demanded(question.wish, kind) && std::ranges::none_of(answers, answered)) {
            answers.push_back(
                answer_need(question, loader, subject, need_by_demand(question, kind)));
        }
    }
    const Selection selection = select_together(question, loader, subject, answers);
    materialise(question, loader, chosen_stacks(answers), selection, injection);
    for (Answer& answer : answers) {
        injection.findings.push_back(std::move(answer.finding));
    }
    for (auto& finding : {describe_fabric(question, selection),
                          describe_pmi(question, needs, chosen_stacks(answers))}) {
        if (finding) {
            injection.findings.push_back(*finding);
        }
    }
    if (auto finding = find_absent(question, loader, subject, selection)) {
        injection.findings.push_back(std::move(*finding));
    }
    injection.findings.push_back(describe_libc(question, injection, image_libc(question, loader)));
    injection.findings.push_back(check_cpu(question, loader, subject));
    return injection;
}

}  // namespace lading::compat
