/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The plan document: one JSON object that tables, HTML, JSON Lines and the fleet's sum are all made from, so that no two of
 * them can say different things.
 *
 * A number is an object: "bytes" (or "permyriad", "usec", "n"), "source" (measured, replayed, estimated, modelled or low:
 * how far it may be trusted), "samples", "span_usec"; "low_bytes" and "high_bytes" where there is an interval. Absent is
 * null, never 0.
 * Untrusted text is escaped as in lines. Histograms: "buckets" is a list of [index, weight], index i holding what is above
 * edge i - 1 and up to edge i; edge 0 is 1 MiB, each next one is the last plus a twentieth of it, rounded down, 376 in
 * all; weights are milliseconds (interval-peak: intervals). Two histograms add up bucket by bucket.
 *
 * "format"          "headroom-plan", "version" 1, "kind" "host" or "fleet", "command" "plan" or "report"
 * "trace"           path, hash, bytes, records, files, damaged and torn places
 * "host"            boot_id, kernel, machine, page_size, cpus, recorder, mem_total, swap_total
 * "policy"          recorded hashes, the hash that was asked for, whether a dry run
 * "span"            first and last time, observed and total time, samples, gaps
 * "headroom"        min, p1, p5, p50, p95, when it was least, histogram
 * "demand"          what could not have been reclaimed by MemAvailable's measure, with swap: peak, p95, histogram
 * "series"          the memory stack over time; not in JSON Lines
 * "pressure"        stalls, and whether the trace has seen any ("is_calibrated")
 * "kills"           what stood in the record: "events"
 * "cgroups"         each path: estimators of its working set with histograms, VPA, stalls, kills, limits
 * "answers"         "recorded" and "asked": one simulation each, with events and regret
 * "ram"             "curve" over sizes, "safe": the smallest safe size with margin and interval
 * "density"         for each cgroup asked for
 * "forecast"        windows, the earliest, and how forecasts fared on this trace
 * "commit"          CommitLimit and overcommit_ratio
 * "advice"          drop-ins and policies for units, and why others have none
 * "notes"           what must be known to read the numbers
 */

#include <jansson.h>

#include "plan/advise.h"
#include "plan/run.h"

#define PLAN_DOCUMENT_VERSION 1
#define PLAN_DOCUMENT_CGROUPS 256

typedef struct DocumentOptions {
        bool is_report;
        bool is_line; /* for JSON Lines: without the series */
} DocumentOptions;

/* A new reference; NULL when out of memory. */
json_t *plan_document(const PlanRequest *q, const PlanRun *r, const DocumentOptions *o);

/* The version is one that this program understands, and the kind is @kind (NULL: any); else why not in *ret_why. */
bool plan_document_check(const json_t *doc, const char *kind, const char **ret_why);

json_t *histogram_to_json(const Histogram *h);
/* -EBADMSG where it is none: counts that are negative, buckets that there are not, a total that is not the sum. */
int histogram_from_json(const json_t *o, Histogram *ret);
