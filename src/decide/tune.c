/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * All settings together, and overcommit. Strict overcommit is the one setting that can make a host unusable at once:
 * with more committed than the limit allows every fork() fails. So it is never switched on, nor made tighter, in such
 * a moment. Swappiness has a file of its own.
 */

#include "decide/tune.h"

/* Readahead from swap, as a power of two: the kernel's own default, and none where nothing has to be sought. */
#define PAGE_CLUSTER_DEVICE 3
#define PAGE_CLUSTER_MEMORY 0

void tune_init(TuneState *s, bool has_peak, uint64_t peak_bytes) {
        *s = (TuneState){ .has_peak = has_peak, .peak_bytes = has_peak ? peak_bytes : 0 };
}

static SysctlAdvice page_cluster_auto(const SysctlSample *sample) {
        SysctlAdvice a = { .why = SYSCTL_WHY_SWAP_KIND, .swap_kind = sample->swap_kind };

        if (!sample->has_swap_kind || sample->swap_kind == SWAP_UNKNOWN)
                return (SysctlAdvice){ .why = SYSCTL_WHY_SWAP_UNKNOWN };
        if (sample->swap_kind == SWAP_NONE)
                return (SysctlAdvice){ .why = SYSCTL_WHY_NO_SWAP };
        a.is_wanted = true;
        a.wanted = sample->swap_kind == SWAP_ZRAM || sample->swap_kind == SWAP_ZSWAP ? PAGE_CLUSTER_MEMORY :
                                                                                       PAGE_CLUSTER_DEVICE;
        return a;
}

/* ---- overcommit ---- */

/* What CommitLimit is made of. */
typedef struct Commit {
        bool is_known;
        uint64_t base_bytes; /* memory without huge pages */
        uint64_t swap_bytes, committed_bytes, reserve_bytes;
} Commit;

static bool is_wanted(const TuneDecision *d, Sysctl key) {
        return d->advice[key].is_wanted && !d->advice[key].is_held;
}

/* The value that will be there when all that is wanted was written. */
static bool value_then(const TuneDecision *d, const SysctlSample *sample, Sysctl key, uint64_t *ret) {
        if (is_wanted(d, key)) {
                *ret = d->advice[key].wanted;
                return true;
        }
        *ret = sample->value[key];
        return sysctl_has(sample, key);
}

static Commit commit_of(const TuneDecision *d, const SysctlSample *sample, const HostSample *h) {
        Commit c = {
                .is_known = host_has(h, HOST_MEM_TOTAL) && host_has(h, HOST_SWAP_TOTAL) &&
                            host_has(h, HOST_COMMITTED_AS) && sample->has_hugetlb,
                .base_bytes = u64_sub_sat(h->value[HOST_MEM_TOTAL], sample->hugetlb_bytes),
                .swap_bytes = h->value[HOST_SWAP_TOTAL],
                .committed_bytes = h->value[HOST_COMMITTED_AS],
        };
        uint64_t kbytes;

        /* That part of the limit is for root alone: others fail before. */
        if (value_then(d, sample, SYSCTL_ADMIN_RESERVE_KBYTES, &kbytes))
                c.reserve_bytes = u64_mul_sat(kbytes, 1024);
        return c;
}

static uint64_t limit_of(const Commit *c, uint64_t ratio, uint64_t kbytes) {
        uint64_t part = kbytes > 0 ? u64_mul_sat(kbytes, 1024) : u64_mul_div(c->base_bytes, ratio, 100);
        return u64_add_sat(part, c->swap_bytes);
}

/* The least ratio whose limit holds the highest Committed_AS there was, and the margin. */
static uint64_t ratio_for_peak(const TuneState *s, const SysctlPolicy *p, const Commit *c) {
        uint64_t need = u64_add_sat(
                u64_add_sat(s->peak_bytes, u64_mul_div(s->peak_bytes, p->overcommit_margin_permyriad, PERMYRIAD)),
                c->reserve_bytes);
        uint64_t part = u64_sub_sat(need, c->swap_bytes);
        uint64_t ratio = u64_mul_div(part, 100, MAX(c->base_bytes, UINT64_C(1)));

        ratio = u64_add_sat(ratio, TUNE_RATIO_STEP) / TUNE_RATIO_STEP * TUNE_RATIO_STEP;
        return MIN(MAX(ratio, TUNE_RATIO_MIN), TUNE_RATIO_MAX);
}

static void advise_ratio(const TuneState *s, const SysctlPolicy *p, const Commit *c, TuneDecision *d) {
        SysctlAdvice *a = &d->advice[SYSCTL_OVERCOMMIT_RATIO];

        if (p->settings[SYSCTL_OVERCOMMIT_RATIO].mode != SYSCTL_AUTO)
                return;
        a->is_wanted = true;
        a->is_held = !c->is_known || !s->has_peak;
        a->why = a->is_held ? SYSCTL_WHY_COMMIT_UNKNOWN : SYSCTL_WHY_COMMIT_PEAK;
        if (a->is_held)
                return;
        a->wanted = ratio_for_peak(s, p, c);
        a->peak_bytes = s->peak_bytes;
        a->committed_bytes = c->committed_bytes;
        a->reserve_bytes = c->reserve_bytes;
        a->limit_bytes = limit_of(c, a->wanted, 0);
}

static void hold(SysctlAdvice *a, const Commit *c, bool is_limit_known, uint64_t limit) {
        a->is_held = true;
        a->why = is_limit_known ? SYSCTL_WHY_COMMIT_ABOVE : SYSCTL_WHY_COMMIT_UNKNOWN;
        a->committed_bytes = c->committed_bytes;
        a->reserve_bytes = c->reserve_bytes;
        a->limit_bytes = is_limit_known ? limit : 0;
}

/* A ratio set zeroes the amount, an amount set zeroes the ratio. */
static bool limit_then(const TuneDecision *d, const SysctlSample *sample, const Commit *c, uint64_t *ret) {
        uint64_t ratio = 0, kbytes = 0;

        if (is_wanted(d, SYSCTL_OVERCOMMIT_KBYTES)) {
                *ret = limit_of(c, 0, d->advice[SYSCTL_OVERCOMMIT_KBYTES].wanted);
                return c->is_known;
        }
        if (is_wanted(d, SYSCTL_OVERCOMMIT_RATIO)) {
                *ret = limit_of(c, d->advice[SYSCTL_OVERCOMMIT_RATIO].wanted, 0);
                return c->is_known;
        }
        bool is_known = value_then(d, sample, SYSCTL_OVERCOMMIT_KBYTES, &kbytes);
        if (is_known && kbytes == 0)
                is_known = value_then(d, sample, SYSCTL_OVERCOMMIT_RATIO, &ratio);
        *ret = limit_of(c, ratio, kbytes);
        return is_known && c->is_known;
}

static bool fits(const Commit *c, uint64_t limit) {
        return u64_add_sat(c->committed_bytes, c->reserve_bytes) <= limit;
}

/* While strict overcommit is on: a limit that would make every fork() fail is not written. */
static void guard_limit(const SysctlSample *sample, const Commit *c, TuneDecision *d) {
        static const Sysctl keys[] = { SYSCTL_OVERCOMMIT_RATIO, SYSCTL_OVERCOMMIT_KBYTES };
        uint64_t ratio = sample->value[SYSCTL_OVERCOMMIT_RATIO], kbytes = sample->value[SYSCTL_OVERCOMMIT_KBYTES];
        uint64_t limit, now = limit_of(c, ratio, kbytes);
        bool is_now_known = sysctl_has(sample, SYSCTL_OVERCOMMIT_RATIO) && sysctl_has(sample, SYSCTL_OVERCOMMIT_KBYTES);

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
                SysctlAdvice *a = &d->advice[keys[i]];
                if (!is_wanted(d, keys[i]) || (sysctl_has(sample, keys[i]) && sample->value[keys[i]] == a->wanted))
                        continue;
                bool is_known = limit_then(d, sample, c, &limit);
                if (is_known && (fits(c, limit) || (is_now_known && limit >= now)))
                        continue;
                hold(a, c, is_known, limit);
        }
}

static void guard_strict(const SysctlSample *sample, const Commit *c, TuneDecision *d) {
        SysctlAdvice *a = &d->advice[SYSCTL_OVERCOMMIT_MEMORY];
        bool is_strict = sysctl_has(sample, SYSCTL_OVERCOMMIT_MEMORY) &&
                         sample->value[SYSCTL_OVERCOMMIT_MEMORY] == OVERCOMMIT_STRICT;
        uint64_t limit;

        if (is_strict && !(a->is_wanted && a->wanted != OVERCOMMIT_STRICT))
                guard_limit(sample, c, d);
        if (is_strict || !a->is_wanted || a->wanted != OVERCOMMIT_STRICT)
                return;
        bool is_known = limit_then(d, sample, c, &limit);
        a->committed_bytes = c->committed_bytes;
        a->reserve_bytes = c->reserve_bytes;
        a->limit_bytes = is_known ? limit : 0;
        if (!is_known || !fits(c, limit))
                hold(a, c, is_known, limit);
}

static void note_peak(TuneState *s, const HostSample *h) {
        if (!host_has(h, HOST_COMMITTED_AS))
                return;
        s->peak_bytes = s->has_peak ? MAX(s->peak_bytes, h->value[HOST_COMMITTED_AS]) : h->value[HOST_COMMITTED_AS];
        s->has_peak = true;
}

/* ---- all ---- */

/* Strict overcommit is switched on after what it goes by is there, and off before that changes. */
static void put_in_order(const SysctlSample *sample, TuneDecision *d) {
        const SysctlAdvice *a = &d->advice[SYSCTL_OVERCOMMIT_MEMORY];
        bool is_strict = sysctl_has(sample, SYSCTL_OVERCOMMIT_MEMORY) &&
                         sample->value[SYSCTL_OVERCOMMIT_MEMORY] == OVERCOMMIT_STRICT;
        bool is_first = is_strict && !(a->is_wanted && a->wanted == OVERCOMMIT_STRICT);
        uint32_t n = 0;

        if (is_first)
                d->order[n++] = SYSCTL_OVERCOMMIT_MEMORY;
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                if (!is_first || key != SYSCTL_OVERCOMMIT_MEMORY)
                        d->order[n++] = key;
}

/**
 * tune_step() - what each setting should be now
 * @s:      from tune_init()
 * @p:      may be another one at each step: a reload needs no new state
 * @sample: as read just now
 * @snap:   host fields and time; cheap is enough
 * @ret:    always filled
 *
 * Source: Documentation/admin-guide/sysctl/vm.rst; mm/util.c, vm_commit_limit() and __vm_enough_memory().
 */
void tune_step(TuneState *s, const SysctlPolicy *p, const SysctlSample *sample, const Snapshot *snap,
               TuneDecision *ret) {
        *ret = (TuneDecision){ .mono_usec = snap->mono_usec };
        note_peak(s, &snap->host);
        for (Sysctl key = 0; key < _SYSCTL_MAX; key++)
                if (p->settings[key].mode == SYSCTL_VALUE)
                        ret->advice[key] = (SysctlAdvice){
                                .is_wanted = true, .wanted = p->settings[key].value, .why = SYSCTL_WHY_CONFIGURED
                        };
        if (p->settings[SYSCTL_SWAPPINESS].mode == SYSCTL_AUTO)
                swappiness_step(&s->swappiness, p, sample, snap, &ret->advice[SYSCTL_SWAPPINESS]);
        else
                swappiness_forget(&s->swappiness);
        if (p->settings[SYSCTL_PAGE_CLUSTER].mode == SYSCTL_AUTO)
                ret->advice[SYSCTL_PAGE_CLUSTER] = page_cluster_auto(sample);
        Commit c = commit_of(ret, sample, &snap->host);
        advise_ratio(s, p, &c, ret);
        guard_strict(sample, &c, ret);
        put_in_order(sample, ret);
}
