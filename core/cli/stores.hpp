// SPDX-License-Identifier: BSD-3-Clause
/// Which image stores a command looks at.
#pragma once

#include <string>
#include <vector>

#include "lading/request.hpp"
#include "lading/result.hpp"

namespace lading::cli {

/// `--store` if it was given, else the configured ones whose `~/` can be replaced, in order.
/// Code::usage where there is none.
Result<std::vector<std::string>> stores_to_read(const std::string& given);

/// `--store` if it was given, else the first configured one that the caller may write to.
/// `for_import`: one that does not exist yet may be made.
Result<std::string> store_to_write(const std::string& given, bool for_import);

/// `--store` if it was given, else every configured one that is there and that the caller may write
/// to.  Code::refused where there is none.
Result<std::vector<std::string>> stores_to_clean(const std::string& given);

/// The caller's, as the name service has it, because that is what a job's step will use.
std::string home_directory();

/// Reads `NAME[:TAG][@DIGEST]`; a path or `none` is an error here.
Result<ImageName> parse_image_name(const std::string& text);

/// `as_given` or, where it is relative, below the working directory.
Result<std::string> absolute_path(const std::string& path);

}  // namespace lading::cli
