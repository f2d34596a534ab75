// SPDX-License-Identifier: BSD-3-Clause
/// The floor's builder: makes one step's root and hands it over.
#pragma once

#include <sys/types.h>

#include <string>

struct Options {
    std::string image;
    std::string home = "/";
    uid_t uid = 65534;
    gid_t gid = 65534;
    int rounds = 50;
    bool each = false;
};

struct Container {
    int mounts = -1;
    int root = -1;
};

/// Every call must succeed, or the number means nothing.
int check(long result, const char* what);

/// Starts the builder child and waits until the container is there.
Container start_builder(const Options& options, pid_t& builder);
