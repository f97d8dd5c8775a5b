/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What can be taken from where it is not missed: for reclaim the coldest cgroup, for pageout an idle process.
 *
 * A cgroup is as hot as it was refaulting and standing still over the last seconds, for its size. Among those that
 * are equally cold the one with the most to take goes first: file pages, and anonymous ones where swap is usable.
 * One of which that is not known comes after all of which it is. What memory.min or memory.low promises is never
 * touched: the kernel would spare it, too, but only as far as the cgroups above promise the same.
 */

#include <string.h>

#include "decide/domain.h"
#include "decide/growth.h"
#include "decide/offender.h"
#include "decide/protection.h"
#include "model/cgroup-path.h"

/* Of one cgroup at a time: what is small is in use, however little of it shows in refaults yet. */
#define SHARE_DIVISOR 4
/* A call for less is not worth its cost. */
#define RECLAIM_MIN (UINT64_C(4) << 20)
/* One call: 64 MiB take some 50 ms from RAM, a second to a disk. */
#define CHUNK_MAX          (UINT64_C(64) << 20)
#define CHUNK_HOST_DIVISOR 20
/* Heat is told apart in steps of 1 %: below that it is chance. */
#define HEAT_STEP_PERMYRIAD 100
/* Processes that hold less are not worth a walk of their page tables. */
#define PAGEOUT_MIN (UINT64_C(8) << 20)
/* One that has grown by more than this share of its size does something. */
#define IDLE_GROWTH_DIVISOR 100
/* The kernel's own services and whoever was put out of the OOM killer's reach by hand. */
#define PAGEOUT_ADJ_MIN (-900)

uint64_t reclaim_chunk_bytes(const Snapshot *snap) {
        if (!host_has(&snap->host, HOST_MEM_TOTAL))
                return RECLAIM_MIN;
        return MAX(RECLAIM_MIN, MIN(CHUNK_MAX, snap->host.value[HOST_MEM_TOTAL] / CHUNK_HOST_DIVISOR));
}

/* ---- cgroups ---- */

/* Swap that @c may still fill. */
static uint64_t swap_room(const CgroupSample *c, const MetricInput *in) {
        MetricInput of_it = { .snap = in->snap, .cgroup = c };
        uint64_t bytes, total;
        return metric_swap_free(&of_it, &bytes, &total) ? bytes : 0;
}

/* False where it is not known what it holds. */
static bool reclaimable_bytes(const MetricInput *in, uint32_t i, uint64_t *ret) {
        const CgroupSample *c = &in->snap->cgroups[i];
        if (!cgroup_has(c, CGROUP_INACTIVE_FILE) || !cgroup_has(c, CGROUP_ACTIVE_FILE) || !cgroup_has(c, CGROUP_ANON))
                return false;
        uint64_t file = u64_add_sat(c->value[CGROUP_INACTIVE_FILE], c->value[CGROUP_ACTIVE_FILE]);
        uint64_t anon = u64_sub_sat(c->value[CGROUP_ANON], c->value[CGROUP_UNEVICTABLE]);
        uint64_t bytes = u64_add_sat(u64_sub_sat(file, c->value[CGROUP_FILE_DIRTY]), MIN(anon, swap_room(c, in)));
        uint64_t promised = cgroup_promised_bytes(in->snap, i);
        *ret = MIN(bytes, u64_sub_sat(c->value[CGROUP_CURRENT], promised));
        return true;
}

static uint64_t heat_permyriad(const CgroupSample *c, const UsageChange *u, uint64_t page_size) {
        uint64_t refaults = u64_mul_div(u64_mul_sat(u->refault_pages, page_size), PERMYRIAD, c->value[CGROUP_CURRENT]);
        uint64_t a_second = u64_mul_div(refaults, USEC_PER_SEC, u->span_usec);
        return u64_add_sat(a_second, u->stall_permyriad) / HEAT_STEP_PERMYRIAD;
}

static uint64_t share_bytes(const CgroupSample *c, uint64_t bytes) {
        return MIN(bytes, c->value[CGROUP_CURRENT] / SHARE_DIVISOR);
}

typedef struct Cold {
        uint32_t cgroup;
        bool is_avoided;
        uint64_t heat, bytes, id;
} Cold;

static bool is_colder(const Cold *a, const Cold *b) {
        if (b->cgroup == INDEX_NONE)
                return true;
        if (a->is_avoided != b->is_avoided)
                return b->is_avoided;
        if (a->heat != b->heat)
                return a->heat < b->heat;
        return a->bytes != b->bytes ? a->bytes > b->bytes : a->id < b->id;
}

Choice coldest_choose(const DecideState *s, const Domain *d, const MetricInput *in, const LevelPolicy *lp, Measure *m) {
        const Snapshot *snap = in->snap;
        Cold best = { .cgroup = INDEX_NONE };
        bool is_known = false;
        UsageChange u;

        uint32_t needs = offender_needs(STEP_RECLAIM);
        if ((snap->detail & needs) != needs)
                return CHOICE_UNKNOWN;
        offender_flags(s, snap);
        for (uint32_t i = 0; i < snap->n_cgroups; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                Cold cold = { .cgroup = i, .heat = UINT64_MAX, .id = c->id };
                if (!offender_is_open(s, d, snap, i, STEP_RECLAIM) || !reclaimable_bytes(in, i, &cold.bytes))
                        continue;
                if (usage_change(&s->usage, c->id, &u) && u.has_refaults) {
                        is_known = true;
                        cold.heat = heat_permyriad(c, &u, snap->page_size);
                }
                cold.is_avoided = offender_is_avoided(snap, i);
                if (share_bytes(c, cold.bytes) >= RECLAIM_MIN && is_colder(&cold, &best))
                        best = cold;
        }
        if (best.cgroup == INDEX_NONE)
                return CHOICE_NOBODY;
        if (!is_known)
                return CHOICE_UNKNOWN; /* at the second look they can be told apart */
        offender_set_target(snap, best.cgroup, m);
        if (usage_change(&s->usage, best.id, &u))
                offender_set_change(&u, snap->page_size, m);
        uint64_t bytes = share_bytes(&snap->cgroups[best.cgroup], best.bytes);
        m->value = MIN(bytes, reclaim_chunk_bytes(snap)) / snap->page_size * snap->page_size;
        m->swappiness = lp->reclaim_swappiness;
        return CHOICE_FOUND;
}

/* ---- processes ---- */

static bool was_paged_out(const DecideState *s, const ProcessSample *p, uint64_t now_usec) {
        for (uint32_t i = 0; i < s->n_held; i++) {
                const HeldMeasure *m = &s->held_measures[i];
                if (m->step == STEP_PAGEOUT && m->pid == p->pid && m->start_ticks == p->start_ticks &&
                    (m->phase != HELD_PAST || now_usec < m->forget_usec))
                        return true;
        }
        return false;
}

/* Where there are no cgroups at all none is closed. */
static bool cgroup_is_closed(const Snapshot *snap, uint32_t i) {
        if (snap->n_cgroups == 0)
                return false;
        if (i >= snap->n_cgroups || cgroup_is_within_promise(snap, i))
                return true;
        for (uint32_t depth = 0; i < snap->n_cgroups && depth < 64; i = snap->cgroups[i].parent, depth++)
                if (snap->cgroups[i].marks & CGROUP_MARK_OMIT)
                        return true;
        return false;
}

/* Nothing tells directly that a process is idle; one that somebody sits in front of, or that grows, is not. */
static bool is_idle(const DecideState *s, const Domain *d, const Snapshot *snap, const ProcessSample *p, bool *ret_is_unknown) {
        const uint32_t never = PROCESS_KTHREAD | PROCESS_INIT | PROCESS_SELF | PROCESS_NO_MM | PROCESS_DYING | PROCESS_VFORK |
                               PROCESS_HAS_TTY | PROCESS_TRACED | PROCESS_DSTATE;
        const uint32_t always = PROCESS_SIZES | PROCESS_IDENTITY;
        uint64_t bytes = u64_mul_sat(p->rss_anon, snap->page_size), size, growth, span;

        if ((p->flags & never) || (p->flags & always) != always || p->tier == TIER_NEVER || p->oom_score_adj <= PAGEOUT_ADJ_MIN ||
            bytes < PAGEOUT_MIN || comm_is_vital(p->comm))
                return false;
        if (d->id != 0 && !cgroup_path_inside(p->cgroup_path, d->path))
                return false;
        if (cgroup_is_closed(snap, p->cgroup) || was_paged_out(s, p, snap->mono_usec))
                return false;
        size = p->rss_anon + p->rss_file + p->rss_shmem + p->swap + p->pgtables;
        if (!growth_of(&s->growth, p, size, snap->mono_usec, &growth, &span)) {
                *ret_is_unknown = true;
                return false;
        }
        return growth <= size / IDLE_GROWTH_DIVISOR;
}

/* Those that shall be avoided last; then the biggest; then the older; then the pid. */
static bool is_better(const ProcessSample *a, const ProcessSample *b) {
        if (!b)
                return true;
        bool avoid_a = a->tier == TIER_AVOID, avoid_b = b->tier == TIER_AVOID;
        if (avoid_a != avoid_b)
                return avoid_b;
        if (a->rss_anon != b->rss_anon)
                return a->rss_anon > b->rss_anon;
        return a->start_ticks != b->start_ticks ? a->start_ticks < b->start_ticks : a->pid < b->pid;
}

Choice idle_choose(const DecideState *s, const Domain *d, const MetricInput *in, Measure *m) {
        const Snapshot *snap = in->snap;
        const ProcessSample *best = NULL;
        bool is_unknown = false;
        uint64_t swap, total;

        uint32_t needs = offender_needs(STEP_PAGEOUT);
        if ((snap->detail & needs) != needs)
                return CHOICE_UNKNOWN;
        if (!metric_swap_free(in, &swap, &total) || swap < PAGEOUT_MIN)
                return CHOICE_NOBODY;
        for (uint32_t i = 0; i < snap->n_processes; i++)
                if (is_idle(s, d, snap, &snap->processes[i], &is_unknown) && is_better(&snap->processes[i], best))
                        best = &snap->processes[i];
        if (!best)
                return is_unknown ? CHOICE_UNKNOWN : CHOICE_NOBODY;
        if (best->cgroup < snap->n_cgroups)
                offender_set_target(snap, best->cgroup, m);
        m->pid = best->pid;
        m->start_ticks = best->start_ticks;
        memcpy(m->comm, best->comm, sizeof(m->comm));
        m->value = MIN(MIN(u64_mul_sat(best->rss_anon, snap->page_size), swap), reclaim_chunk_bytes(snap));
        m->value = m->value / snap->page_size * snap->page_size;
        return CHOICE_FOUND;
}
