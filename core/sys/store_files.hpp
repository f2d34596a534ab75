// SPDX-License-Identifier: BSD-3-Clause
/// The steps of which every change of a store is made: each is durable when it returns, and one
/// that is never reached leaves what was there.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "core/sys/image_store.hpp"
#include "lading/result.hpp"

namespace lading::sys {

inline constexpr mode_t kDirectoryMode = 0755;
inline constexpr mode_t kPrivateMode = 0700;
inline constexpr mode_t kFileMode = 0444;

/// The error for a failed call, with what to do about a full disk or a store of somebody else.
tl::unexpected<Error> store_errno(std::string_view what);

/// mkdir with the mode that everybody can read, whatever the umask says.
Result<> make_directory(const ImageStore& store, const std::string& relative,
                        mode_t mode = kDirectoryMode);

/// Unlinks a file; false and errno.
bool remove_file(const ImageStore& store, const std::string& relative);

Result<Fd> lock_file(int directory, const std::string& relative, int operation);

/// Waits until nobody else changes the store.
Result<Fd> lock_store(const ImageStore& store);

std::string parent_of(const std::string& path);

Result<ImageStore> open_existing(const std::string& path);

/// Writes a small file into a staging area, durable and readable by all.
Result<> stage_file(const Fd& directory, const std::string& name, std::string_view bytes);

Result<> move_into_place(const Fd& staging, const std::string& name, const ImageStore& store,
                         const std::string& relative);

/// Replaces a small file of the store, under the store's lock.
Result<> write_durably(const ImageStore& store, const std::string& relative,
                       std::string_view bytes);

/// The directories of an image's name below `top`.
Result<> make_name_directories(const ImageStore& store, const std::string& top,
                               const std::string& name);

/// Takes them away, from the innermost, until one is in use.
void prune_name_directories(const ImageStore& store, const std::string& top, std::string name);

}  // namespace lading::sys
