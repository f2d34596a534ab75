// SPDX-License-Identifier: BSD-3-Clause
// What other tools write into an image: one text in the place of each file.
#include "core/formats/tool_files.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/formats/sif.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace lading::formats;
    const std::string text(reinterpret_cast<const char*>(data), size);
    for (const ToolFiles& files : {ToolFiles{{"ch/environment", text}, {"ch/metadata.json", text}},
                                   ToolFiles{{"etc/rc", text}, {"etc/environment", text}},
                                   ToolFiles{{".singularity.d/env/10-docker2singularity.sh", text},
                                             {".singularity.d/env/90-environment.sh", text}}}) {
        lading::ImageConfig config;
        (void)add_tool_files(files, config);
    }
    lading::ImageConfig config;
    (void)add_side_file(text, config);
    (void)add_sif_metadata(text, config);
    (void)add_sif_oci(text, config);
    return 0;
}
