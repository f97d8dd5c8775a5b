/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Trace: a recorded host. A stream of records, each of which is what one call into decide/ was given, so that the same
 * calls can be made again: replay and plan read nothing else.
 *
 * The records are plain data; how they become bytes and a file that survives a crash is the business of file.h, and how
 * they are found again that of reader.h. format.h describes the file.
 */

#include "base/macros.h"
#include "model/decision.h"
#include "model/snapshot.h"

typedef enum TraceKind {
        TRACE_START,   /* a recorder begins: of the host and of the recorder. First record of each file */
        TRACE_POLICY,  /* the policy from here on; a new decision state begins here */
        TRACE_SAMPLE,  /* a snapshot; with has_decision what decide_step() made of it, without: merely observed */
        TRACE_CONFIRM, /* a snapshot that decide_confirm() was given, for the kill of the latest decision, and its answer */
        TRACE_CANCEL,  /* decide_cancel() was called */
        TRACE_FACTS,   /* what rules may match of one process; once for each process */
        TRACE_GAP,     /* records were lost here: rates over it are void, and a replay is open from here on */
        TRACE_END,     /* the recorder ended in order */
        _TRACE_KIND_MAX,
        _TRACE_KIND_INVALID = -EINVAL,
} TraceKind;

/* What the recorder knows of the host. Text is untrusted. */
typedef struct TraceStart {
        char boot_id[40];     /* /proc/sys/kernel/random/boot_id; "" where unknown */
        char kernel[72];      /* uname -r */
        char machine[32];     /* uname -m */
        char recorder[32];    /* version of headroom that wrote it */
        uint32_t page_size;
        uint32_t n_cpus;
        uint64_t mono_usec, real_usec;
        uint64_t interval_usec;        /* between two samples while nothing happens */
        uint64_t detail_interval_usec; /* between two samples with all cgroups and processes */
        /* of the decision state; all 0 where nothing decided */
        uint32_t max_domains, max_cgroups, max_processes;
        bool decides; /* samples have decisions */
        bool dry_run;
} TraceStart;

typedef struct TracePolicy {
        uint64_t hash;    /* Policy.hash */
        const char *text; /* of policy_dump(); borrowed */
        size_t n;
} TracePolicy;

/* What is kept of a decision: enough to tell what was done without recomputing it, and a digest of all of it. */
typedef struct TraceKill {
        uint64_t kill_id;
        Step step;
        bool is_escalation, dry_run;
        char policy_name[64];
        uint64_t domain_id;
        char domain_path[CGROUP_PATH_MAX];
        Reason reason;
        CandidateKind victim_kind;
        int32_t pid;
        uint64_t start_ticks;
        char comm[COMM_MAX];
        uint64_t cgroup_id;
        char cgroup_path[CGROUP_PATH_MAX];
        uint32_t n_processes;
        uint64_t freeable_bytes, available_bytes, deficit_bytes;
} TraceKill;

typedef struct TraceChange {
        uint64_t domain_id;
        char domain_path[CGROUP_PATH_MAX];
        char policy_name[64];
        Level from, to;
        Reason reason;
} TraceChange;

typedef struct TraceMeasure {
        uint64_t measure_id;
        Step step;
        MeasureVerb verb;
        uint64_t domain_id, cgroup_id;
        char cgroup_path[CGROUP_PATH_MAX];
        uint64_t value, old_value;
} TraceMeasure;

typedef struct TraceDecision {
        uint64_t seq;
        uint64_t digest; /* decision_digest() of the whole Decision */
        uint32_t need;
        bool need_now;
        uint64_t next_usec;
        Hold hold; /* HOLD_NONE, or why a kill that was asked for did not happen */
        uint32_t n_changes;
        TraceChange changes[LEVEL_CHANGES_MAX];
        uint32_t n_measures;
        TraceMeasure measures[MEASURES_MAX];
        bool has_kill;
        TraceKill kill;
} TraceDecision;

typedef struct TraceFacts {
        int32_t pid;
        uint64_t start_ticks;
        bool has_exe, has_cmdline;
        const char *exe, *cmdline; /* borrowed; NULL where not recorded. Untrusted text */
} TraceFacts;

typedef struct TraceRecord {
        TraceKind kind;
        uint64_t offset; /* in the file, of the chunk it stands in: for messages. Set by the reader */
        TraceStart start;
        TracePolicy policy;
        Snapshot snap;      /* SAMPLE, CONFIRM; of START and GAP only mono_usec and real_usec */
        bool has_decision;  /* SAMPLE */
        TraceDecision decision;
        uint64_t kill_id;   /* CONFIRM, CANCEL */
        Hold hold;          /* CONFIRM: the answer. CANCEL: why */
        TraceFacts facts;
        uint64_t n_lost;    /* GAP; 0 where not known */
} TraceRecord;

/*
 * Whoever hands out records one by one: a reader of files, a generator. The record and all it points to belong to the
 * source until the next call. Return: 1: *ret is a record; 0: the end; -EBADMSG: damaged here (the source says where);
 * other negative errno.
 */
typedef struct TraceSource {
        void *userdata;
        int (*next)(void *userdata, const TraceRecord **ret);
} TraceSource;

static inline int trace_next(const TraceSource *s, const TraceRecord **ret) {
        return s->next(s->userdata, ret);
}

/* The essentials of @d, its digest included. @ret: filled whole. */
void trace_decision_from(const Decision *d, TraceDecision *ret);
const char *trace_kind_to_string(TraceKind k);
