// SPDX-License-Identifier: BSD-3-Clause
// lading-step: makes one step's container on one node, for the plugin in slurmstepd.
//
// Started by slurmstepd as root with a socket as its standard input; takes an order, then the
// working directory, and answers with two descriptors (mount namespace, root) and what the tasks
// need, or with an error; then it stays until the socket is closed.  It prints nothing: slurmstepd
// speaks to the user.
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>

#include "core/app/prepare_step.hpp"
#include "core/formats/fields.hpp"
#include "core/sys/channel.hpp"

namespace {

using namespace lading;

constexpr int kSocket = STDIN_FILENO;

app::StepOrder read_order(const formats::Fields& fields) {
    app::StepOrder order;
    order.config_file = fields.get("config");
    order.container = fields.get("container");
    order.request = fields.get("request");
    order.uid = static_cast<uid_t>(fields.number("uid"));
    order.gid = static_cast<gid_t>(fields.number("gid"));
    for (const std::string& group : fields.all("group")) {
        order.groups.push_back(static_cast<gid_t>(std::stoul(group)));
    }
    order.step_name = fields.get("step_name");
    order.step.job_id = static_cast<std::uint32_t>(fields.number("job"));
    order.step.step_id = static_cast<std::uint32_t>(fields.number("step"));
    order.step.node_id = static_cast<std::uint32_t>(fields.number("node"));
    order.step.node_count = static_cast<std::uint32_t>(fields.number("nodes"));
    order.step.batch = fields.number("batch") != 0;
    order.step.pmix_directory = fields.get("pmix_directory");
    order.step.argv = fields.all("argument");
    order.step.environment = fields.all("environment");
    return order;
}

Result<std::string> receive_directory() {
    const sys::Message message = TRY(sys::receive_message(kSocket));
    return std::string(TRY(formats::decode_fields(message.bytes)).get("directory"));
}

formats::Fields describe(const app::PreparedStep& step) {
    formats::Fields fields;
    for (const EnvironmentEdit& edit : step.plan.environment) {
        if (edit.value) {
            fields.add("set", edit.name + "=" + *edit.value);
        } else {
            fields.add("unset", edit.name);
        }
    }
    for (const GuestPath& path : step.plan.working_directories) {
        fields.add("working_directory", path.value);
    }
    fields.add("unshare_pid", step.plan.unshare.pid ? 1U : 0U);
    fields.add("unshare_ipc", step.plan.unshare.ipc ? 1U : 0U);
    fields.add("unshare_net", step.plan.unshare.net ? 1U : 0U);
    fields.add("unshare_uts", step.plan.unshare.uts ? 1U : 0U);
    fields.add("seccomp", step.seccomp);
    fields.add("word", step.words);
    if (step.report) {
        fields.add("record", format_record(step.record));
    }
    return fields;
}

Result<> serve() {
    const sys::Message message = TRY(sys::receive_message(kSocket));
    const formats::Fields fields = TRY(formats::decode_fields(message.bytes));
    const app::PreparedStep step = TRY(app::prepare_step(read_order(fields), receive_directory));
    TRY(sys::send_message(kSocket, formats::encode_fields(describe(step)),
                          {step.mounts.get(), step.root.get()}));
    // The image's reader goes on reading ahead until the tasks are on their way.
    static_cast<void>(sys::receive_message(kSocket));
    return {};
}

Result<> serve_safely() {
    try {
        return serve();
    } catch (const std::exception& exception) {
        return fail(Code::internal, std::string("lading-step: ") + exception.what());
    }
}

}  // namespace

int main() {
    umask(022);
    // slurmstepd started it with euid root; the job's user must not be able to trace it.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (const Result<> served = serve_safely(); !served) {
        formats::Fields fields;
        formats::add_error(fields, served.error());
        return sys::send_message(kSocket, formats::encode_fields(fields)) ? 0 : 1;
    }
    return 0;
}
