-- SPDX-License-Identifier: BSD-3-Clause
-- For sites with CliFilterPlugins=cli_filter/lua: Slurm's own Container column (sacct, squeue,
-- scontrol) shows the image by the digest that it had at submission:
--     atse:1.2.4@sha256:…  instead of  atse:1.2.4
-- Slurm calls this before lading's plugin, which then finds the digest there already.  Merge these
-- functions into the site's own cli_filter.lua.

-- With its --config where the site's configuration is not /etc/lading/lading.json.
local lading = "lading"

local function pinned_image(image)
    -- What no shell needs quotes for; anything else is left to the plugin's own messages.
    if not image:match("^[%w%.%-_/:@]+$") then
        return nil
    end
    local pipe = io.popen(lading .. " resolve " .. image .. " 2>/dev/null")
    local pin = pipe:read("*l")
    pipe:close()
    return pin
end

function slurm_cli_setup_defaults(options, early_pass)
    return slurm.SUCCESS
end

function slurm_cli_pre_submit(options, pack_offset)
    local image = options["container"]
    local pin = image and pinned_image(image)
    if pin then
        options["container"] = pin
    end
    return slurm.SUCCESS
end

function slurm_cli_post_submit(offset, job_id, step_id)
    return slurm.SUCCESS
end
