-- SPDX-License-Identifier: BSD-3-Clause
-- For sites with JobSubmitPlugins=lua: as cli_filter.lua, in slurmctld, for batch jobs only, whose
-- environment slurmctld gets to see.  Merge these functions into the site's own job_submit.lua.

local function pinned_image(job_desc)
    local environment = job_desc.environment
    local request = environment and environment["SLURM_LADING"]
    return request and request:match('"pin":"([^"\\]+)"')
end

function slurm_job_submit(job_desc, part_list, submit_uid)
    local pin = pinned_image(job_desc)
    if pin and job_desc.container then
        job_desc.container = pin
    end
    return slurm.SUCCESS
end

function slurm_job_modify(job_desc, job_rec, part_list, modify_uid)
    return slurm.SUCCESS
end
