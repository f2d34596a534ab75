// SPDX-License-Identifier: BSD-3-Clause
#include "spank/session.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"
#include "core/sys/file.hpp"
#include "spank/options.hpp"
#include "spank/plugin.hpp"

namespace lading::spank {
namespace {

/// Longer than any file system that still answers takes to open an image; a step that waits for
/// ever could not even be cancelled.
constexpr int kHelperSeconds = 300;

/// slurmctld's own time to answer is 10 s (MessageTimeout); beyond this the node's log keeps the
/// record instead.
constexpr int kReportMilliseconds = 3000;

/// For a helper that has nothing left to do but to end.
constexpr int kReleaseMilliseconds = 1000;

/// A helper sees nothing of the job's environment and nothing of slurmstepd's.
const std::vector<std::string> kHelperEnvironment = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                                                     "LC_ALL=C.UTF-8"};

/// The descriptor by which Slurm's PMI-1 and PMI-2 servers speak with a task.
std::vector<int> pmi_descriptors(spank_t spank) {
    const std::optional<std::string> text = job_variable(spank, "PMI_FD");
    return text ? std::vector<int>{std::atoi(text->c_str())} : std::vector<int>{};
}

void write_lines(std::string_view text) {
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        dprintf(STDERR_FILENO, "lading: %.*s\n", static_cast<int>(line.size()), line.data());
        text.remove_prefix(std::min(text.size(), line.size() + 1));
    }
}

}  // namespace

Result<Arguments> parse_arguments(int count, char** values) {
    Arguments arguments;
    for (int i = 0; i < count; ++i) {
        const std::string_view text = values[i];
        if (text.starts_with("config=/")) {
            arguments.config = text.substr(7);
        } else if (text.starts_with("helpers=/")) {
            arguments.helpers = text.substr(8);
        } else {
            return fail(Code::site, fmt::format("plugstack.conf: unknown argument '{}'", text),
                        "lading takes config=PATH and helpers=DIRECTORY");
        }
    }
    return arguments;
}

bool Session::wanted(spank_t spank) {
    const std::optional<std::string> container = job_variable(spank, kContainerVariable);
    return container && !container->empty() && *container != "none" && !slurm_has_oci_support();
}

Session::Session(spank_t spank, int argument_count, char** arguments) : step_(read_step(spank)) {
    if (const Result<> started = start_helper(spank, argument_count, arguments); !started) {
        error_ = started.error();
        return;
    }
    if (step_.facts.node_id == 0) {
        if (const Result<> started = start_report(); !started) {
            slurm_info("lading: %s", started.error().what.c_str());
        }
    }
}

Result<> Session::start_helper(spank_t spank, int argument_count, char** arguments) {
    arguments_ = TRY(parse_arguments(argument_count, arguments));
    sys::SocketPair sockets = TRY(sys::make_socket_pair());
    TRY(sys::set_receive_timeout(sockets.ours.get(), kHelperSeconds));
    sys::ChildSpec spec;
    spec.program = arguments_.helpers + "/lading-step";
    spec.environment = kHelperEnvironment;
    spec.input = sockets.theirs.get();
    helper_ = TRY(sys::start_child(spec));
    socket_ = std::move(sockets.ours);

    const StepFacts& facts = step_.facts;
    formats::Fields fields;
    fields.add("config", arguments_.config);
    fields.add("container", job_variable(spank, kContainerVariable).value_or(""));
    fields.add("request", job_variable(spank, kRequestVariable).value_or(""));
    fields.add("uid", step_.uid);
    fields.add("gid", step_.gid);
    for (const gid_t group : step_.groups) {
        fields.add("group", group);
    }
    fields.add("job", facts.job_id);
    fields.add("step", facts.step_id);
    fields.add("step_name", step_name(facts.step_id));
    fields.add("node", facts.node_id);
    fields.add("nodes", facts.node_count);
    fields.add("batch", facts.batch ? 1U : 0U);
    if (job_variable(spank, "SLURM_MPI_TYPE").value_or("").starts_with("pmix")) {
        fields.add("pmix_directory", spool_directory());
    }
    fields.add("argument", facts.argv);
    fields.add("environment", facts.environment);
    return sys::send_message(socket_.get(), formats::encode_fields(fields));
}

void Session::collect(spank_t spank) {
    if (error_) {
        return;
    }
    const Result<> received = receive_container(spank);
    if (!received) {
        error_ = received.error();
        release_helper();
    }
}

/// First without SIGKILL: the helper's own child would be slurmstepd's to reap.  But a user can
/// stop that one, or a file system can, and slurmstepd waits for neither.
void Session::release_helper() {
    if (socket_.valid()) {
        shutdown(socket_.get(), SHUT_RDWR);  // the forked task holds a copy of it
        socket_.reset();
    }
    if (helper_) {
        static_cast<void>(helper_->ends_within(kReleaseMilliseconds));
        helper_.reset();
    }
}

Result<> Session::receive_container(spank_t spank) {
    // Slurm has changed to the job's working directory, or to /tmp where that is missing.
    formats::Fields more;
    char* const directory = get_current_dir_name();
    more.add("directory", directory != nullptr ? directory : "/tmp");
    std::free(directory);
    // A helper that has failed already is gone and takes nothing; its answer waits to be read.
    static_cast<void>(sys::send_message(socket_.get(), formats::encode_fields(more)));

    sys::Message message = TRY(sys::receive_message(socket_.get()));
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    TRY(formats::check_error(fields));
    if (message.descriptors.size() != 2) {
        return fail(Code::internal, "the step helper sent no container");
    }
    container_.mounts = std::move(message.descriptors[0]);
    container_.root = std::move(message.descriptors[1]);
    container_.seccomp = fields.get("seccomp");
    container_.unshare = {fields.number("unshare_pid") != 0, fields.number("unshare_ipc") != 0,
                          fields.number("unshare_net") != 0, fields.number("unshare_uts") != 0};
    for (std::string& path : fields.all("working_directory")) {
        container_.working_directories.push_back({std::move(path)});
    }
    words_ = fields.all("word");
    record_ = fields.get("record");
    for (const std::string& name : fields.all("unset")) {
        spank_unsetenv(spank, name.c_str());
    }
    for (const std::string& assignment : fields.all("set")) {
        const std::size_t equals = assignment.find('=');
        if (equals != std::string::npos) {
            spank_setenv(spank, assignment.substr(0, equals).c_str(),
                         assignment.c_str() + equals + 1, 1);
        }
    }
    return {};
}

void Session::keep_capabilities() {
    if (error_) {
        return;
    }
    if (const Result<> kept = sys::keep_capabilities(); !kept) {
        error_ = kept.error();
    }
}

Result<> Session::enter(spank_t spank) {
    if (error_) {
        refuse_task(spank, *error_);
    }
    if (const Result<> entered = enter_container(spank); !entered) {
        refuse_task(spank, entered.error());
    }
    return {};
}

Result<> Session::enter_container(spank_t spank) {
    const GuestPath entered = TRY(sys::enter_container(container_, pmi_descriptors(spank)));
    if (local_task_id(spank) == 0) {
        for (const std::string& word : words_) {
            write_lines(word);
        }
        if (entered != container_.working_directories.front()) {
            write_lines(fmt::format("the working directory {} is not in the container: using {}",
                                    container_.working_directories.front().value, entered.value));
        }
    }
    spank_setenv(spank, "PWD", entered.value.c_str(), 1);
    return {};
}

void refuse_task(spank_t spank, const Error& error) noexcept {
    // One voice a node: with a thousand tasks the same lines a thousand times hide the reason.
    if (local_task_id(spank) == 0) {
        write_lines(error.what);
        write_lines(error.hint);
    }
    // Not a failing hook: for that Slurm adds its own lines and ends the task with status 1.
    _exit(kExitStatus);
}

void Session::on_forked_task() {
    release_helper();
    if (++forked_ != step_.local_tasks || step_.facts.node_id != 0) {
        return;
    }
    if (error_ || record_.empty()) {
        report_.reset();  // nothing to say, or the site wants nothing said
    } else if (const Result<> sent = send_record(); !sent) {
        report_.reset();
        log_undelivered(sent.error().what);
    }
}

Result<> Session::start_report() {
    sys::SocketPair sockets = TRY(sys::make_socket_pair());
    sys::ChildSpec spec;
    spec.program = arguments_.helpers + "/lading-report";
    spec.arguments = {std::to_string(step_.facts.job_id)};
    spec.in_background = true;
    spec.environment = kHelperEnvironment;
    if (const char* const conf = std::getenv("SLURM_CONF")) {
        spec.environment.push_back(fmt::format("SLURM_CONF={}", conf));
    }
    spec.input = sockets.theirs.get();
    report_ = TRY(sys::start_child(spec));
    report_end_ = std::move(sockets.ours);
    return {};
}

Result<> Session::send_record() {
    if (!report_) {
        return fail(Code::system, "lading-report could not be started");
    }
    // A job of milliseconds must not be over before slurmctld is asked: it refuses one that is.
    report_->to_foreground();
    TRY(sys::send_message(report_end_.get(), record_));
    record_sent_ = true;
    return {};
}

void Session::log_undelivered(const std::string& reason) const {
    // For the node's log alone: the user's job is none the worse for it.
    slurm_info("lading: job %u: the container's record did not reach slurmctld (%s): %s",
               step_.facts.job_id, reason.c_str(), record_.c_str());
}

void Session::finish_report() {
    if (!record_sent_) {
        report_.reset();  // no task was started
        return;
    }
    shutdown(report_end_.get(), SHUT_WR);  // the answer is wanted now
    pollfd answer{report_end_.get(), POLLIN, 0};
    std::string what = "no answer from slurmctld in time";
    if (poll(&answer, 1, kReportMilliseconds) == 1) {
        const auto read_answer = [this]() -> Result<> {
            const sys::Message message = TRY(sys::receive_message(report_end_.get()));
            return formats::check_error(TRY(formats::decode_fields(message.bytes)));
        };
        const Result<> delivered = read_answer();
        if (delivered) {
            report_.reset();
            return;
        }
        what = delivered.error().what;
    }
    log_undelivered(what);
    report_.reset();
}

}  // namespace lading::spank
