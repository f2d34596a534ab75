// SPDX-License-Identifier: BSD-3-Clause
#include "core/formats/squeue_text.hpp"

#include "catch.hpp"

using namespace lading;
using namespace lading::formats;

TEST_CASE("jobs are read from squeue, whatever their container's text and comment hold") {
    const auto jobs = parse_squeue(
        "12|#alice|#PENDING|#2026-11-23T20:15:47|#0|#atse:1|#(null)|#\n"
        "13_[1-5%2]|#bob|#RUNNING|#N/A|#2|#two\nlines|13|#{\"a\": \"|\"}\n|#\n",
        "|#");
    REQUIRE(jobs);
    CHECK(*jobs == std::vector<QueuedJob>{
                       {"12", "alice", "PENDING", 1795464947, 0, "atse:1", ""},
                       {"13_[1-5%2]", "bob", "RUNNING", {}, 2, "two\nlines|13", "{\"a\": \"|\"}\n"},
                   });
    CHECK(parse_squeue("", "|#")->empty());
    const auto cut = parse_squeue("12|#alice|#", "|#");
    REQUIRE_FALSE(cut);
    CHECK(cut.error().what == "cannot understand what squeue prints: job 1 ends before its State");
}

TEST_CASE("squeue is asked for as many fields as are read") {
    CHECK(squeue_format("|#") ==
          "JobArrayID:|#,UserName:|#,State:|#,SubmitTime:|#,RestartCnt:|#,Container:|#,"
          "admin_comment:|#");
}

TEST_CASE("a job whose state is not known has not ended") {
    CHECK(has_ended("COMPLETED"));
    CHECK(has_ended("OUT_OF_MEMORY"));
    for (const char* const state : {"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUE_HOLD",
                                    "CONFIGURING", "STAGE_OUT", "NEW_IN_2030", ""}) {
        CHECK_FALSE(has_ended(state));
    }
}

TEST_CASE("a Slurm that hides other users' jobs is recognised") {
    const SlurmPrivacy shown = parse_slurm_privacy(
        "PreemptType             = (null)\nPrivateData             = none\n"
        "SlurmUser               = slurm(64030)\n");
    CHECK_FALSE(shown.jobs_hidden);
    CHECK(shown.slurm_user == "slurm(64030)");
    CHECK(parse_slurm_privacy("PrivateData             = accounts,jobs,usage").jobs_hidden);
    CHECK(parse_slurm_privacy("PrivateData = all\n").jobs_hidden);
    CHECK_FALSE(parse_slurm_privacy("PrivateData = jobsx,xjobs\n").jobs_hidden);
    CHECK_FALSE(parse_slurm_privacy("").jobs_hidden);
}
