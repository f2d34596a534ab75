// SPDX-License-Identifier: BSD-3-Clause
/// SHA-256 of bytes as they stream by.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "lading/result.hpp"

struct evp_md_ctx_st;

namespace lading::sys {

class Sha256 {
  public:
    static Result<Sha256> start();
    void add(std::string_view bytes);
    /// `sha256:` and 64 hex digits.  Ends the computation.
    Result<std::string> digest();

  private:
    struct Free {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    explicit Sha256(evp_md_ctx_st* context) : context_(context) {}
    std::unique_ptr<evp_md_ctx_st, Free> context_;
    bool failed_ = false;
};

/// The digest of a whole file, from its beginning; the descriptor's position is not moved.
Result<std::string> file_digest(int fd, std::string_view name);

}  // namespace lading::sys
