// SPDX-License-Identifier: BSD-3-Clause
// Catch2 under one name: version 2 (Debian 12) and version 3 (Debian 13).
#pragma once

#ifdef LADING_CATCH3
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
