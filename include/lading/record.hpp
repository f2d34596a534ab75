// SPDX-License-Identifier: BSD-3-Clause
/// The record of what really ran, kept in Slurm's accounting (the job's AdminComment).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lading/result.hpp"

namespace lading {

/// Most that lading adds to an AdminComment: slurmctld keeps the field in memory for every job.
inline constexpr std::size_t kRecordBytes = 4096;

/// A library that an image was given, or kept.
struct LibraryRecord {
    std::string soname;
    std::string path;    ///< the host's file, or the image's where it was kept
    std::string reason;  ///< empty where it did not fit
    bool operator==(const LibraryRecord&) const = default;
};

/// What was decided about the host's libraries for an image.
struct LibrariesRecord {
    std::map<std::string, std::string> verdicts;  ///< need and verdict: `MPI`, `OK_GLIBC`
    std::vector<std::string> profiles;            ///< of the site, that were used
    std::vector<LibraryRecord> injected;
    std::vector<LibraryRecord> kept;
    bool omitted = false;  ///< reasons, paths or more did not fit
    bool operator==(const LibrariesRecord&) const = default;
};

/// One image of a job, with the steps that ran in it.
struct ImageRecord {
    std::string reference;  ///< as the user wrote it
    std::string digest;     ///< manifest or content digest; empty for a bare directory
    std::string libc;       ///< the image's: `glibc 2.36`, `musl`, or empty
    std::map<std::string, std::string> labels;
    std::vector<std::string> steps;  ///< `batch`, `interactive`, `0`, `1`, …
    std::uint32_t nodes = 0;         ///< most nodes that one of these steps had
    bool labels_omitted = false;     ///< some did not fit
    bool steps_omitted = false;      ///< likewise: those before the first that is left
    LibrariesRecord libraries = {};
    bool operator==(const ImageRecord&) const = default;
};

struct JobRecord {
    std::string plugin;               ///< lading's version
    std::string kernel;               ///< of the first node that reported
    std::string host_libc;            ///< likewise
    std::vector<ImageRecord> images;  ///< in the order of their first steps
    bool images_omitted = false;      ///< later ones did not fit
    bool operator==(const JobRecord&) const = default;
};

/// Adds one step's record to a job's: the same reference, digest, verdicts and profiles share an
/// entry, whose labels are the first report's.  Adding the same step twice changes nothing.
JobRecord merge_records(JobRecord job, const JobRecord& step);

/// The record's compact JSON in ASCII, at most kRecordBytes with what embeds it.  What does not fit
/// is left out and said so in a member `omitted`: reasons and paths of libraries first, then labels, the largest before others, then the
/// oldest steps, then the latest images.  Digests stay.
std::string format_record(const JobRecord& record);
Result<JobRecord> parse_record(std::string_view json);

/// An AdminComment as the site's text and lading's record, which share the field:
/// a site's JSON object gets a member `lading`; any other text is followed by ` {"lading":…}`.
struct AdminComment {
    std::string site;  ///< what was there without lading
    std::optional<JobRecord> record;
};
AdminComment parse_admin_comment(std::string_view text);
std::string format_admin_comment(const AdminComment& comment);

}  // namespace lading
