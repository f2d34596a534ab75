// SPDX-License-Identifier: BSD-3-Clause
/// A record whose every text is valid, bounded and in one order, so that equal ones look equal.
#pragma once

#include "lading/record.hpp"

namespace lading::record {

/// Repairs UTF-8, cuts texts that are too long, drops labels that are too large, sorts steps.
/// Applied twice it does what it does once.
JobRecord bounded_record(JobRecord record);

}  // namespace lading::record
