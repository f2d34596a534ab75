// SPDX-License-Identifier: BSD-3-Clause
/// What a name stands for at the moment of submission, so that it stands for it when the job runs.
#pragma once

#include "lading/request.hpp"
#include "spank/session.hpp"

namespace lading::spank {

/// The image by its digest.  A registry's is pulled first, with the progress on stderr, by the
/// `lading` command; not on a compute node, where a store has it already or the step must do
/// without.  A name that no store has here stays as it is: the nodes may have stores of their own.
Result<ImageReference> pin_image(const ImageReference& image, const Arguments& arguments);

}  // namespace lading::spank
