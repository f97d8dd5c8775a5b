/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The decision core. Pure: no I/O, no clock, no allocation, no logging, no floats, no globals. Given the
 * same state, policy and snapshot it makes the same decision, whatever order cgroups and processes
 * stand in. Live operation, dry-run, replay and planning all go through decide_step().
 */

#include "base/macros.h"
#include "model/decision.h"
#include "model/policy.h"
#include "model/snapshot.h"

typedef struct DecideState DecideState;

typedef struct DecideLimits {
        uint32_t max_domains;   /* cgroups monitored at once, the host included */
        uint32_t max_cgroups;   /* in one snapshot */
        uint32_t max_processes; /* in one snapshot */
} DecideLimits;

/*
 * Bytes that decide_state_init() needs for this policy and these limits. The memory is the caller's
 * (zeroed or not, 16-byte aligned); pages that a calm host never needs are never touched.
 */
size_t decide_state_size(const Policy *p, const DecideLimits *limits);
/* 0; -ENOSPC if @size is too small. The state refers to @p, which must outlive it. */
int decide_state_init(void *memory, size_t size, const Policy *p, const DecideLimits *limits, DecideState **ret);

/*
 * decide_step() - one step of the whole machine
 * @s:    state, changed
 * @snap: time must not run backwards; a snapshot that is older than the last is answered with an empty Decision
 * @ret:  always filled
 * Return: 0; -EINVAL where the snapshot is not well formed (then nothing is decided and the state is untouched)
 */
int decide_step(DecideState *s, const Snapshot *snap, Decision *ret);

/*
 * Second look at a kill right before it: is the condition of @k still true in @snap (cheap sample taken
 * after the Decision), and is memory still short? Leaves the state as it is. HOLD_NONE: go ahead.
 */
Hold decide_confirm(const DecideState *s, const Snapshot *snap, const KillDecision *k);
/* The kill was not carried out after all (not confirmed): the state forgets it. */
void decide_cancel(DecideState *s, uint64_t kill_id, Hold why);

/*
 * What the latest step has asked for will not be done, but shall be counted as if: as in a dry run, of this one kill or measure.
 * For a replay under another policy than the one that was in force. Unknown ids are ignored.
 */
void decide_kill_virtually(DecideState *s, uint64_t kill_id);
void decide_measure_virtually(DecideState *s, uint64_t measure_id);

/* ---- looking into the state, for status and explain ---- */

typedef struct DomainView {
        int32_t policy;
        uint64_t id; /* 0: the host */
        const char *path; /* borrowed, until the next step */
        Level level;
        uint64_t level_since_usec;
        uint64_t available_bytes, swap_free_bytes; /* UINT64_MAX where not known */
        uint64_t exhaustion_usec;                  /* USEC_INFINITY where memory does not shrink, or is not known */
        uint64_t some_permyriad, full_permyriad;   /* over the last 10 s; UINT64_MAX where not known */
        uint64_t kill_in_flight;                   /* kill_id or 0 */
        uint64_t cooldown_left_usec;
} DomainView;
uint32_t decide_domains(const DecideState *s, DomainView *ret, uint32_t max);

/*
 * Ranks as decide_step() would if the domain were in trouble now. @snap must be detailed. @domain_id 0 is the
 * host. Fills candidates, rejected, condition (of [Kill] When=) of @ret; changes nothing. -ENOENT: no such domain.
 */
int decide_explain(const DecideState *s, const Snapshot *snap, uint64_t domain_id, KillDecision *ret);

/* A measure of the ladder that lasts, and is in force or about to be. */
typedef struct MeasureView {
        uint64_t measure_id;
        Step step;
        int32_t policy;
        uint64_t domain_id;
        uint64_t cgroup_id;
        const char *cgroup_path; /* borrowed, until the next step */
        uint64_t since_usec;
        uint64_t value, old_value; /* throttle: bytes; slow: weight, 0; freeze: 1, 0 */
        bool is_in_force;          /* the answer to BEGIN has come */
} MeasureView;
/* Room for all that can be in force at once. */
#define MEASURES_IN_FORCE_MAX 16
uint32_t decide_measures(const DecideState *s, MeasureView *ret, uint32_t max);
