// SPDX-License-Identifier: BSD-3-Clause
#include "core/sys/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "core/sys/file.hpp"

namespace lading::sys {

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

Result<Sha256> Sha256::start() {
    Sha256 hash(EVP_MD_CTX_new());
    if (!hash.context_ || EVP_DigestInit_ex(hash.context_.get(), EVP_sha256(), nullptr) != 1) {
        return fail(Code::system, "OpenSSL offers no SHA-256",
                    "look at the host's OpenSSL configuration");
    }
    return hash;
}

void Sha256::add(std::string_view bytes) {
    failed_ = EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1 || failed_;
}

Result<std::string> Sha256::digest() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned length = 0;
    if (failed_ || EVP_DigestFinal_ex(context_.get(), bytes.data(), &length) != 1) {
        return fail(Code::system, "OpenSSL could not compute a SHA-256");
    }
    std::string text = "sha256:";
    for (unsigned i = 0; i < length; ++i) {
        text += fmt::format("{:02x}", bytes[i]);
    }
    return text;
}

Result<std::string> file_digest(int fd, std::string_view name) {
    Sha256 hash = TRY(Sha256::start());
    std::vector<char> buffer(1U << 20);
    off_t offset = 0;
    for (;;) {
        const ssize_t got = pread(fd, buffer.data(), buffer.size(), offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return fail_errno(Code::system, fmt::format("cannot read {}", name));
        }
        if (got == 0) {
            return hash.digest();
        }
        hash.add({buffer.data(), static_cast<std::size_t>(got)});
        offset += got;
    }
}

}  // namespace lading::sys
