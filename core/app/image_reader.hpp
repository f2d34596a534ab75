// SPDX-License-Identifier: BSD-3-Clause
/// What only the job's user may open and only the job's user may parse, asked of a UserProcess.
#pragma once

#include <optional>
#include <string>

#include "core/app/check_program.hpp"
#include "core/app/judge_compatibility.hpp"
#include "core/formats/sif.hpp"
#include "core/sys/fd.hpp"
#include "core/sys/user_process.hpp"
#include "lading/image.hpp"
#include "lading/plan.hpp"
#include "lading/request.hpp"
#include "lading/site.hpp"

namespace lading::app {

/// An image as the user could open it.
struct OpenedImage {
    ImageFacts facts;   ///< without mount_by and kernel_may_parse: root decides, by the descriptor
    std::string store;  ///< the store's directory; empty for an image given by path
    sys::Fd file;       ///< the squashfs file or SIF (readable) or the directory (O_PATH)
    formats::Extent squashfs;  ///< where in the file: the reader's word
};

/// A bind source as the user could open it.
struct OpenedSource {
    sys::Fd fd;  ///< O_PATH
    bool directory = false;
    bool regular = false;

    /// After symbolic links: what will be mounted, whoever opened it.
    Result<HostPath> where() const;
};

/// What the finished root holds.
struct RootFacts {
    std::string passwd;
    std::string group;
    std::string libc;
};

struct Judged {
    Injection injection;
    std::string index;  ///< to be kept: the image had none that could be used
};

class ImageReader {
  public:
    /// `stacks` are what plan_injection() chooses from.
    static Result<ImageReader> start(const User& user, const SiteConfig& site,
                                     const HostStacks& stacks);

    Result<OpenedImage> open_image(const Request& request);
    Result<OpenedSource> open_source(const HostPath& source);
    /// What the image that was opened gets of the host's libraries.  `root`, a directory of the
    /// image's, is indexed where the image has no index.
    Result<Judged> judge_compatibility(const JudgeQuestion& question, int root);
    /// The configuration of an image that no store has, with what other tools' files in it add.
    Result<ImageConfig> complete_config(int root, const ImageConfig& config);
    /// Reads /etc/passwd, /etc/group and, where `with_libc`, the libc's version inside `root`.
    Result<RootFacts> inspect_root(int root, bool with_libc);
    Result<std::string> check_program(int root, const ProgramQuestion& question);
    /// Begins to read ahead, and does not wait for it.
    Result<> warm_program(int root, const std::string& program);

  private:
    explicit ImageReader(sys::UserProcess process) : process_(std::move(process)) {}

    sys::UserProcess process_;
};

/// Opens a bind source with the caller's own rights; what the reader does as the user, and what
/// root does for the site's mounts.
Result<OpenedSource> open_bind_source(const HostPath& source);

}  // namespace lading::app
