// SPDX-License-Identifier: BSD-3-Clause
#include "spank/fake_host.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "spank/plugin.hpp"

namespace {
test::FakeHost* host = nullptr;

void log(const char* format, va_list arguments) {
    char line[4096];
    std::vsnprintf(line, sizeof line, format, arguments);
    host->messages += line;
    host->messages += '\n';
}
}  // namespace

namespace test {

FakeHost::FakeHost(spank_context_t in) : context(in) {
    host = this;
    lading::spank::plugin() = {};
}

FakeHost::~FakeHost() {
    host = nullptr;
}

bool FakeHost::has_option(const std::string& name) const {
    return std::ranges::any_of(options, [&](const spank_option& o) { return o.name == name; });
}

int FakeHost::give(const std::string& name, const char* argument) {
    const auto option =
        std::ranges::find_if(options, [&](const spank_option& o) { return o.name == name; });
    return option == options.end() ? -99 : option->cb(option->val, argument, 0);
}

}  // namespace test

extern "C" {

enum spank_context spank_context() {
    return host->context;
}

spank_err_t spank_option_register(spank_t, spank_option* option) {
    host->options.push_back(*option);
    return static_cast<spank_err_t>(ESPANK_SUCCESS);
}

const char* spank_strerror(spank_err_t) {
    return "an error of the fake host";
}

spank_err_t spank_get_item(spank_t, spank_item_t, ...) {
    return static_cast<spank_err_t>(ESPANK_NOT_AVAIL);
}

spank_err_t spank_setenv(spank_t, const char*, const char*, int) {
    return static_cast<spank_err_t>(ESPANK_NOT_AVAIL);
}

spank_err_t spank_unsetenv(spank_t, const char*) {
    return static_cast<spank_err_t>(ESPANK_NOT_AVAIL);
}

void slurm_error(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    log(format, arguments);
    va_end(arguments);
}

void slurm_info(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    log(format, arguments);
    va_end(arguments);
}

}  // extern "C"
