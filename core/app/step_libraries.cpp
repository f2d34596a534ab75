// SPDX-License-Identifier: BSD-3-Clause
#include "core/app/step_libraries.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/app/index_cache.hpp"

namespace lading::app {

Result<> check_injection(const Injection& injection, const compat::HostSide& host) {
    const auto refuse = [](const std::string& path) {
        return fail(Code::refused,
                    fmt::format("{} is in none of this site's profiles: not injected", path));
    };
    for (const InjectedFile& file : injection.files) {
        if (!host.index->find(file.source.value)) {
            return refuse(file.source.value);
        }
    }
    for (const InjectedMount& mount : injection.mounts) {
        const bool known = std::ranges::any_of(host.stacks, [&](const compat::Stack& stack) {
            const Profile& profile = stack.profile;
            const auto same = [&](const ProfileMount& own) { return own.source == mount.source; };
            return std::ranges::any_of(profile.plugins, same) ||
                   std::ranges::any_of(profile.data, same) ||
                   std::ranges::find(profile.programs, mount.source) != profile.programs.end();
        });
        if (!known) {
            return refuse(mount.source.value);
        }
    }
    if (!injection.libc.version.empty() && injection.libc.loader != host.libc.loader) {
        return refuse(injection.libc.loader.value);
    }
    return {};
}

namespace {

Error mismatch(const Finding& finding, const Request& request) {
    return {Code::mismatch,
            fmt::format("{} of image {}: {} ({})", finding.need, request.text, finding.reason,
                        name_of(finding.verdict)),
            fmt::format("{}; 'lading check {}' says more", finding.remedy, request.text)};
}

}  // namespace

Result<Injection> plan_libraries(const StepLibrariesQuestion& of, int image, ImageReader& reader,
                                 std::vector<std::string>& words) {
    const JudgeQuestion question = judge_question(of.request, of.site, of.image, of.host, of.plan);
    if (of.stacks.empty() || question.inject.what == Inject::What::none ||
        hides_libraries(of.plan)) {
        return Injection{};
    }
    Judged judged = TRY(reader.judge_compatibility(question, image));
    if (!judged.index.empty()) {
        keep_index_as(of.host.user, cached_index_path(of.host.user.home, of.file), judged.index);
    }
    Injection injection = std::move(judged.injection);
    TRY(check_injection(injection, of.stacks.side()));
    const OnMismatch action = of.request.on_mismatch.value_or(of.site.on_mismatch);
    if (const Finding* const refusal = refusal_of(injection);
        refusal != nullptr && action == OnMismatch::refuse) {
        return tl::unexpected<Error>(mismatch(*refusal, of.request));
    }
    for (const Finding& finding : injection.findings) {
        if (finding.verdict > Verdict::missing && action != OnMismatch::none) {
            words.push_back(fmt::format("{}: {}: {}{}{}", finding.need, name_of(finding.verdict),
                                        finding.reason, finding.speed.empty() ? "" : "; ",
                                        finding.speed));
        }
    }
    return injection;
}

LibrariesRecord libraries_record(const Injection& injection) {
    LibrariesRecord record;
    for (const Finding& finding : injection.findings) {
        record.verdicts[finding.need] = name_of(finding.verdict);
    }
    record.profiles = injection.profiles;
    for (const InjectedFile& file : injection.files) {
        record.injected.push_back({file.soname, file.source.value, file.reason});
    }
    for (const KeptFile& file : injection.kept) {
        record.kept.push_back({file.soname, file.path.value, file.reason});
    }
    return record;
}

}  // namespace lading::app
