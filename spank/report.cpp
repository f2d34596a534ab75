// SPDX-License-Identifier: BSD-3-Clause
// lading-report JOBID: adds a step's record to the job's AdminComment.
//
// A process of its own: what goes wrong in Slurm's client library or takes its time there stays
// out of slurmstepd, and the running task never waits for slurmctld.  Gets the record as one
// message on the socket that is its standard input, and answers there.
#include <fmt/format.h>
#include <poll.h>
#include <slurm/slurm.h>
#include <slurm/slurm_errno.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <memory>
#include <random>

#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "lading/record.hpp"

namespace {

using namespace lading;

constexpr int kSocket = STDIN_FILENO;

/// Another step's report may come between this one's load and update; then both try again.
constexpr int kTries = 20;
/// slurmctld says "try again" while it asks for the job's database index, by codes that differ
/// from release to release: a refusal is final only when it is repeated.
constexpr int kRefusals = 5;
constexpr int kReadBackMilliseconds = 200;

struct JobInfoFree {
    void operator()(job_info_msg_t* jobs) const noexcept { slurm_free_job_info_msg(jobs); }
};

tl::unexpected<Error> fail_slurm(std::string_view what) {
    return fail(Code::system, fmt::format("{}: {}", what, slurm_strerror(errno)));
}

// From 26.05 on jobs are named by step ids, in C by way of macros that C++ cannot use.
#if SLURM_VERSION_NUMBER >= SLURM_VERSION_NUM(26, 5, 0)
slurm_step_id_t name_job(std::uint32_t job_id) {
    slurm_step_id_t id = SLURM_STEP_ID_INITIALIZER;
    id.job_id = job_id;
    return id;
}
std::uint32_t id_of(const job_info_t& job) {
    return job.step_id.job_id;
}
void set_id(job_desc_msg_t& update, std::uint32_t job_id) {
    update.step_id = name_job(job_id);
}
#undef slurm_load_job
#else
std::uint32_t name_job(std::uint32_t job_id) {
    return job_id;
}
std::uint32_t id_of(const job_info_t& job) {
    return job.job_id;
}
void set_id(job_desc_msg_t& update, std::uint32_t job_id) {
    update.job_id = job_id;
}
#endif

Result<std::string> load_comment(std::uint32_t job_id) {
    job_info_msg_t* loaded = nullptr;
    if (slurm_load_job(&loaded, name_job(job_id), SHOW_ALL) != SLURM_SUCCESS) {
        return fail_slurm("cannot load the job");
    }
    const std::unique_ptr<job_info_msg_t, JobInfoFree> jobs(loaded);
    for (std::uint32_t i = 0; i < jobs->record_count; ++i) {
        const job_info_t& job = jobs->job_array[i];
        if (id_of(job) == job_id) {
            return std::string(job.admin_comment != nullptr ? job.admin_comment : "");
        }
    }
    return fail(Code::not_found, "slurmctld does not know the job");
}

Result<> store_comment(std::uint32_t job_id, std::string comment) {
    job_desc_msg_t update;
    slurm_init_job_desc_msg(&update);
    set_id(update, job_id);
    update.admin_comment = comment.data();
    if (slurm_update_job(&update) != SLURM_SUCCESS) {
        return fail_slurm("cannot update the job");
    }
    return {};
}

/// Waits for the given time, or until slurmstepd wants the answer now or has gone.
void wait_for_slurmstepd(int milliseconds) {
    pollfd socket{kSocket, POLLRDHUP, 0};
    poll(&socket, 1, milliseconds);
}

void back_off(std::minstd_rand& random, int attempt) {
    std::uniform_int_distribution<int> milliseconds(1, 10 * (attempt + 1));
    wait_for_slurmstepd(milliseconds(random));
}

Result<> deliver(std::uint32_t job_id, const JobRecord& step) {
    std::minstd_rand random(static_cast<unsigned>(getpid()));
    int refusals = 0;
    for (int attempt = 0; attempt < kTries; ++attempt) {
        const std::string before = TRY(load_comment(job_id));
        AdminComment comment = parse_admin_comment(before);
        comment.record = merge_records(comment.record.value_or(JobRecord{}), step);
        const std::string after = format_admin_comment(comment);
        if (after == before) {
            return {};  // read back as written: the record is there
        }
        if (const Result<> stored = store_comment(job_id, after); stored) {
            // Slurm has no compare-and-swap: the next round reads back whether another step's
            // report replaced this one.  Not at once: slurmctld has the step's end to deal with.
            wait_for_slurmstepd(kReadBackMilliseconds);
        } else if (++refusals == kRefusals) {
            return stored;
        } else {
            back_off(random, attempt);
        }
    }
    return fail(Code::system, "other steps' reports kept coming between");
}

Result<> report(const char* argument) {
    const std::string_view text = argument;
    std::uint32_t job_id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), job_id);
    if (error != std::errc{} || end != text.data() + text.size()) {
        return fail(Code::usage, "lading-report is started by slurmstepd, with a job id");
    }
    const sys::Message message = TRY(sys::receive_message(kSocket));
    return deliver(job_id, TRY(parse_record(message.bytes)));
}

Result<> report_safely(const char* argument) {
    try {
        return report(argument);
    } catch (const std::exception& exception) {
        return fail(Code::internal, exception.what());
    }
}

}  // namespace

int main(int count, char** arguments) {
    slurm_init(nullptr);
    const Result<> reported = report_safely(count == 2 ? arguments[1] : "");
    formats::Fields answer;
    if (!reported) {
        formats::add_error(answer, reported.error());
    }
    // slurmstepd may have stopped waiting; then the node's log already has the record.
    const Result<> sent = sys::send_message(kSocket, formats::encode_fields(answer));
    // Stays until slurmstepd's exit hook closes the socket: when a child that is no task ends
    // earlier, slurmstepd's wait for its tasks sleeps 100 ms before it looks again (seen on 22.05).
    pollfd socket{kSocket, 0, 0};
    poll(&socket, 1, -1);
    return reported && sent ? 0 : 1;
}
