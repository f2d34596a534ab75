-- SPDX-License-Identifier: BSD-3-Clause
-- For sites with CliFilterPlugins=cli_filter/lua: Slurm's own Container column (sacct, squeue,
-- scontrol) shows the image by the digest that lading has pinned at submission:
--     atse:1.2.4@sha256:…  instead of  atse:1.2.4
-- lading's plugin has run by the time that slurm_cli_pre_submit is called, and has left its request
-- in the environment.  Merge these functions into the site's own cli_filter.lua.

local function pinned_image()
    local request = os.getenv("SLURM_LADING")
    return request and request:match('"pin":"([^"\\]+)"')
end

function slurm_cli_setup_defaults(options, early_pass)
    return slurm.SUCCESS
end

function slurm_cli_pre_submit(options, pack_offset)
    local pin = pinned_image()
    if pin and options["container"] then
        options["container"] = pin
    end
    return slurm.SUCCESS
end

function slurm_cli_post_submit(offset, job_id, step_id)
    return slurm.SUCCESS
end
