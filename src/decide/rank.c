/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who goes. A good victim is the cause of the trouble, its death brings enough memory back, it is
 * nothing that somebody asked to spare, and nothing else dies with it.
 *
 * The order, first difference decides:
 *  1. tier: prefer, normal, avoid. The operator's word comes before any measurement. `never` is no
 *     candidate at all. A prefer does not overrule a negative oom_score_adj: whoever set that knew the
 *     process itself.
 *  2. not protected before protected: a cgroup within its memory.min or memory.low was promised that
 *     memory.
 *  3. enough relief before too little: a death that does not help is a death too many.
 *  4. Rank=auto: the one that took the largest part of the recent growth, if that is at least a third.
 *     A database that has held its 4 GB for a week does not die for a script that took the last 2 GB.
 *     Where no single one has grown that much, but the members of one cgroup together have, its most grown.
 *  5. badness: oom_badness to the page, plus the rules' adjustment in the same unit, less what of that
 *     adjustment the kernel's own figure holds already (ApplyToKernel=).
 *  6. the younger, then the higher pid, then the cgroup id: any total order, so that the result does not
 *     depend on the order of the snapshot.
 *
 * Whole cgroups and process groups stand for their members where memory.oom.group or Victim= says so, or
 * where the growth is spread over many small members (a fork storm): no single one of them is big,
 * and killing them one by one loses the race.
 */

#include <string.h>

#include "decide/domain.h"
#include "decide/metric.h"
#include "decide/rank.h"

/* The cause has at least a third of all growth, and all growth together is more than noise. */
#define GROWTH_SHARE_MIN        (PERMYRIAD / 3)
/* Below a sixteenth of what is missing, and below 1 % of the whole, a death is pointless. */
#define POINTLESS_DEFICIT_DIVISOR 16
#define POINTLESS_TOTAL_DIVISOR   100

/* One possible victim while it is sorted: an item or a group. */
typedef struct RankEntry {
        uint32_t item;  /* the process, or the biggest member */
        uint32_t group; /* INDEX_NONE for a process */
        Tier tier;
        bool is_protected, is_small, is_cause;
        uint64_t rank_value, freeable, growth;
        int64_t score;
        uint64_t start_ticks, cgroup_id;
        int32_t pid;
} RankEntry;

size_t rank_scratch_size(const DecideLimits *limits) {
        size_t n = limits->max_processes;
        return sizeof(struct RankScratch) + n * sizeof(RankItem) + 2 * n * sizeof(RankGroup) +
               (size_t)hash_index_slots(2 * limits->max_processes) * sizeof(uint32_t);
}

struct RankScratch *rank_scratch_init(void *memory, const DecideLimits *limits) {
        struct RankScratch *r = memory;
        size_t n = limits->max_processes;
        r->items = (RankItem *)(r + 1);
        r->groups = (RankGroup *)(r->items + n);
        r->index.slots = (uint32_t *)(r->groups + 2 * n);
        r->max = limits->max_processes;
        r->n_items = r->n_groups = 0;
        return r;
}

/* ---- ordering ---- */

static uint64_t entry_rank_value(const RankContext *x, const RankEntry *e, Rank rank) {
        const ProcessSample *p = &x->snap->processes[x->scratch->items[e->item].process];
        const UsageEntry *u;

        switch (rank) {
        case RANK_GROWTH:
                return e->growth;
        case RANK_SWAP:
                if (e->group == INDEX_NONE)
                        return u64_mul_sat(p->swap, x->snap->page_size);
                if (p->cgroup < x->snap->n_cgroups)
                        return x->snap->cgroups[p->cgroup].value[CGROUP_SWAP_CURRENT];
                return 0;
        case RANK_PRESSURE:
                u = usage_table_find(&x->s->usage, p->cgroup_id);
                return u && u->full.has_delta ? u->full.delta : 0;
        case RANK_SCAN:
                u = usage_table_find(&x->s->usage, p->cgroup_id);
                return u && u->scan.has_delta ? u->scan.delta : 0;
        case RANK_AUTO:
        case RANK_BADNESS:
        case _RANK_MAX:
        case _RANK_INVALID:
                return 0; /* the score itself may be negative: it is compared as the next key */
        }
        return 0;
}

static bool entry_before(const RankEntry *a, const RankEntry *b) {
        if (a->tier != b->tier)
                return a->tier < b->tier;
        if (a->is_protected != b->is_protected)
                return b->is_protected;
        if (a->is_small != b->is_small)
                return b->is_small;
        if (a->is_cause != b->is_cause)
                return a->is_cause;
        if (a->rank_value != b->rank_value)
                return a->rank_value > b->rank_value;
        if (a->score != b->score)
                return a->score > b->score;
        if (a->start_ticks != b->start_ticks)
                return a->start_ticks > b->start_ticks;
        if (a->pid != b->pid)
                return a->pid > b->pid;
        if (a->group != b->group && (a->group == INDEX_NONE || b->group == INDEX_NONE))
                return a->group != INDEX_NONE;
        return a->cgroup_id > b->cgroup_id;
}

static void top_insert(RankEntry *top, uint32_t *n, const RankEntry *e, bool (*before)(const RankEntry *, const RankEntry *)) {
        uint32_t i = MIN(*n, (uint32_t)CANDIDATES_MAX);
        while (i > 0 && before(e, &top[i - 1]))
                i--;
        if (i >= CANDIDATES_MAX)
                return;
        uint32_t tail = MIN(*n, (uint32_t)CANDIDATES_MAX - 1);
        memmove(&top[i + 1], &top[i], (tail - i) * sizeof(*top));
        top[i] = *e;
        *n = tail + 1;
}

static bool entry_is_bigger(const RankEntry *a, const RankEntry *b) {
        if (a->rank_value != b->rank_value)
                return a->rank_value > b->rank_value;
        return a->pid > b->pid;
}

static bool item_in_whole_group(const RankContext *x, const RankItem *item) {
        const RankGroup *g = x->scratch->groups;
        return (item->cgroup_group != INDEX_NONE && g[item->cgroup_group].is_whole) ||
               (item->pgrp_group != INDEX_NONE && g[item->pgrp_group].is_whole);
}

static RankEntry entry_of_item(const RankContext *x, uint32_t index) {
        const RankItem *item = &x->scratch->items[index];
        const ProcessSample *p = &x->snap->processes[item->process];
        return (RankEntry){
                .item = index,
                .group = INDEX_NONE,
                .tier = item->tier,
                .is_protected = item->is_protected,
                .is_small = item->freeable < x->relief_min,
                .freeable = item->freeable,
                .growth = item->growth,
                .score = item->score,
                .start_ticks = p->start_ticks,
                .cgroup_id = p->cgroup_id,
                .pid = p->pid,
        };
}

static RankEntry entry_of_group(const RankContext *x, uint32_t index) {
        const RankGroup *g = &x->scratch->groups[index];
        RankEntry e = entry_of_item(x, g->biggest);
        e.group = index;
        e.tier = g->tier;
        e.is_protected = g->is_protected;
        e.is_small = g->freeable < x->relief_min;
        e.freeable = g->freeable;
        e.growth = g->growth;
        e.score = g->score;
        e.cgroup_id = g->cgroup_id;
        return e;
}

static bool entry_is_pointless(const RankContext *x, const RankEntry *e) {
        return e->freeable < x->k->deficit_bytes / POINTLESS_DEFICIT_DIVISOR &&
               e->freeable < x->total_bytes / POINTLESS_TOTAL_DIVISOR;
}

typedef void (*EntryFn)(RankContext *x, const RankEntry *e, void *userdata);

/* Every possible victim once: groups that stand for their members, and all other eligible processes. */
static void entries_each(RankContext *x, EntryFn fn, void *userdata) {
        struct RankScratch *r = x->scratch;
        for (uint32_t g = 0; g < r->n_groups; g++) {
                if (!r->groups[g].is_whole)
                        continue;
                /* a process group inside a cgroup that goes as a whole goes with it */
                uint32_t outer = r->items[r->groups[g].biggest].cgroup_group;
                if (r->groups[g].pgid != 0 && outer != INDEX_NONE && r->groups[outer].is_whole)
                        continue;
                RankEntry e = entry_of_group(x, g);
                fn(x, &e, userdata);
        }
        for (uint32_t i = 0; i < r->n_items; i++)
                if (r->items[i].reject == REJECT_NONE && !item_in_whole_group(x, &r->items[i])) {
                        RankEntry e = entry_of_item(x, i);
                        fn(x, &e, userdata);
                }
}

typedef struct CauseSearch {
        bool found;
        RankEntry best;
        Tier best_tier;
        bool has_tier;
} CauseSearch;

static void cause_best_tier(RankContext *x, const RankEntry *e, void *userdata) {
        CauseSearch *c = userdata;
        if (e->is_protected || e->is_small || entry_is_pointless(x, e))
                return;
        if (!c->has_tier || e->tier < c->best_tier)
                c->best_tier = e->tier;
        c->has_tier = true;
}

/* @growth: its own, or that of those it stands for. */
static void cause_offer(const RankContext *x, const RankEntry *e, uint64_t growth, CauseSearch *c) {
        /* a score of 0 or less: somebody lowered it on purpose, so growth alone does not condemn it */
        if (!c->has_tier || e->tier != c->best_tier || e->is_protected || e->is_small || e->score <= 0)
                return;
        if (u64_mul_div(growth, PERMYRIAD, x->growth_total) < GROWTH_SHARE_MIN)
                return;
        if (!c->found || e->growth > c->best.growth || (e->growth == c->best.growth && entry_before(e, &c->best)))
                c->best = *e;
        c->found = true;
}

static void cause_consider(RankContext *x, const RankEntry *e, void *userdata) {
        cause_offer(x, e, e->growth, userdata);
}

/*
 * Nobody has grown much alone, but a cgroup as a whole has, and one death in it is enough: then it is the one in
 * there that grew most, and not the biggest of those who have nothing to do with it.
 */
static void cause_consider_member(RankContext *x, const RankEntry *e, void *userdata) {
        uint32_t group = x->scratch->items[e->item].cgroup_group;
        if (e->group == INDEX_NONE && group != INDEX_NONE)
                cause_offer(x, e, x->scratch->groups[group].growth, userdata);
}

typedef struct TopLists {
        Rank rank;
        const CauseSearch *cause;
        RankEntry candidates[CANDIDATES_MAX], rejected[CANDIDATES_MAX];
        uint32_t n_candidates, n_rejected;
        Reject why[CANDIDATES_MAX];
} TopLists;

static void lists_consider(RankContext *x, const RankEntry *entry, void *userdata) {
        TopLists *t = userdata;
        RankEntry e = *entry;
        if (entry_is_pointless(x, &e)) {
                e.rank_value = x->scratch->items[e.item].size_pages;
                top_insert(t->rejected, &t->n_rejected, &e, entry_is_bigger);
                return;
        }
        e.rank_value = entry_rank_value(x, &e, t->rank);
        e.is_cause = t->cause->found && t->cause->best.item == e.item && t->cause->best.group == e.group;
        top_insert(t->candidates, &t->n_candidates, &e, entry_before);
}

static void lists_add_rejected(RankContext *x, TopLists *t) {
        const struct RankScratch *r = x->scratch;
        for (uint32_t i = 0; i < r->n_items; i++) {
                const RankItem *item = &r->items[i];
                if (item->reject == REJECT_NONE || item->reject == REJECT_NO_MM || item->size_pages == 0)
                        continue;
                RankEntry e = entry_of_item(x, i);
                e.rank_value = item->size_pages;
                top_insert(t->rejected, &t->n_rejected, &e, entry_is_bigger);
        }
}

/* ---- the result ---- */

static void copy_path(char dst[static CGROUP_PATH_MAX], const char *path, size_t n) {
        n = MIN(n, (size_t)CGROUP_PATH_MAX - 1);
        memcpy(dst, path, n);
        dst[n] = '\0';
}

static void candidate_fill(const RankContext *x, const RankEntry *e, Candidate *c) {
        const RankItem *item = &x->scratch->items[e->item];
        const ProcessSample *p = &x->snap->processes[item->process];

        memset(c, 0, sizeof(*c));
        c->kind = CANDIDATE_PROCESS;
        c->reject = item->reject;
        c->pid = p->pid;
        c->pgid = p->pgid;
        c->start_ticks = p->start_ticks;
        c->uid = p->uid;
        memcpy(c->comm, p->comm, COMM_MAX - 1);
        c->cgroup_id = p->cgroup_id;
        copy_path(c->cgroup_path, p->cgroup_path, strlen(p->cgroup_path));
        c->n_processes = 1;
        c->badness_pages = item->reject == REJECT_NONE ? item->badness : 0;
        c->score_pages = item->score;
        c->size_pages = item->size_pages;
        c->oom_score_adj = p->oom_score_adj;
        c->rule_adjust = p->rule_adjust;
        c->kernel_adjust = p->kernel_adjust;
        c->rule = p->rule;
        c->tier = item->tier;
        c->is_protected = item->is_protected;
        c->freeable_bytes = item->freeable;
        c->has_growth = item->has_growth;
        c->growth_bytes = item->growth;
        c->growth_span_usec = item->span_usec;
        if (e->group != INDEX_NONE) {
                const RankGroup *g = &x->scratch->groups[e->group];
                c->kind = g->pgid ? CANDIDATE_GROUP : CANDIDATE_CGROUP;
                c->cgroup_id = g->cgroup_id;
                copy_path(c->cgroup_path, g->path, g->path_len);
                c->n_processes = g->n;
                c->badness_pages = g->badness;
                c->score_pages = g->score;
                c->size_pages = g->size_pages;
                c->tier = g->tier;
                c->is_protected = g->is_protected;
                c->freeable_bytes = g->freeable;
                c->has_growth = g->has_growth;
                c->growth_bytes = g->growth;
                c->growth_span_usec = g->span_usec;
        }
        c->growth_share = (uint32_t)MIN(u64_mul_div(c->growth_bytes, PERMYRIAD, x->growth_total), PERMYRIAD);
        c->rank_value = e->rank_value;
}

static bool member_before(const GroupMember *a, const GroupMember *b) {
        return a->start_ticks != b->start_ticks ? a->start_ticks < b->start_ticks : a->pid < b->pid;
}

/* Members of a process group, oldest first: the parent that forks the others is among the first to go. */
static void members_fill(const RankContext *x, uint32_t group, KillDecision *k) {
        uint32_t cap = MIN(x->policy->max_processes, (uint32_t)GROUP_MEMBERS_MAX);
        k->n_members = 0;
        for (uint32_t i = 0; i < x->scratch->n_items; i++) {
                const RankItem *item = &x->scratch->items[i];
                if (item->pgrp_group != group || item->reject != REJECT_NONE)
                        continue;
                const ProcessSample *p = &x->snap->processes[item->process];
                GroupMember m = { p->pid, p->start_ticks };
                uint32_t at = k->n_members;
                while (at > 0 && member_before(&m, &k->members[at - 1]))
                        at--;
                if (at >= cap)
                        continue;
                uint32_t tail = MIN(k->n_members, cap - 1);
                memmove(&k->members[at + 1], &k->members[at], (tail - at) * sizeof(m));
                k->members[at] = m;
                k->n_members = tail + 1;
        }
}

/* totalpages of oom_badness: for a cgroup its own limit and swap, for the host all RAM and swap. */
static uint64_t domain_total_pages(const DecideState *s, const Domain *d, const Snapshot *snap) {
        const HostSample *h = &snap->host;
        if (!host_has(h, HOST_MEM_TOTAL) || snap->page_size == 0)
                return 0;
        uint64_t memory = h->value[HOST_MEM_TOTAL];
        uint64_t swap = host_has(h, HOST_SWAP_TOTAL) ? h->value[HOST_SWAP_TOTAL] : 0;
        if (d->sample < snap->n_cgroups) {
                const CgroupSample *c = &snap->cgroups[d->sample];
                MetricInput in = domain_input(s, d, snap);
                uint64_t limit;
                if (metric_cgroup_limit(&in, &limit))
                        memory = MIN(memory, limit);
                if (cgroup_has(c, CGROUP_SWAP_MAX))
                        swap = MIN(swap, c->value[CGROUP_SWAP_MAX]);
        }
        return MAX(u64_add_sat(memory, swap) / snap->page_size, UINT64_C(1));
}

uint32_t rank_domain(const DecideState *s, const Domain *d, const Snapshot *snap, KillDecision *k) {
        RankContext x = {
                .s = s,
                .d = d,
                .policy = &s->policy->cgroups[d->policy],
                .snap = snap,
                .scratch = s->rank,
                .k = k,
        };
        k->n_candidates = k->n_rejected = k->n_members = 0;
        k->n_considered = 0;
        k->total_pages = domain_total_pages(s, d, snap);
        if (k->total_pages == 0)
                return 0;
        x.total_bytes = u64_mul_sat(k->total_pages, snap->page_size);
        rank_build_items(&x);
        rank_build_groups(&x);

        CauseSearch cause = { 0 };
        k->rank = x.policy->rank;
        if (k->rank == RANK_AUTO) {
                if (x.growth_total >= MAX(x.total_bytes / GROWTH_NOISE_DIVISOR, GROWTH_NOISE_BYTES)) {
                        entries_each(&x, cause_best_tier, &cause);
                        entries_each(&x, cause_consider, &cause);
                        if (!cause.found)
                                entries_each(&x, cause_consider_member, &cause);
                }
                k->rank = cause.found ? RANK_GROWTH : RANK_BADNESS;
        }
        /* after the cause itself the others stand in order of badness */
        TopLists lists = { .rank = x.policy->rank, .cause = &cause };
        entries_each(&x, lists_consider, &lists);
        lists_add_rejected(&x, &lists);

        for (uint32_t i = 0; i < lists.n_candidates; i++)
                candidate_fill(&x, &lists.candidates[i], &k->candidates[i]);
        for (uint32_t i = 0; i < lists.n_rejected; i++) {
                candidate_fill(&x, &lists.rejected[i], &k->rejected[i]);
                if (k->rejected[i].reject == REJECT_NONE)
                        k->rejected[i].reject = REJECT_NO_RELIEF;
        }
        k->n_candidates = lists.n_candidates;
        k->n_rejected = lists.n_rejected;
        k->n_considered = x.scratch->n_items;
        if (k->n_candidates > 0 && k->candidates[0].kind == CANDIDATE_GROUP)
                members_fill(&x, lists.candidates[0].group, k);
        return k->n_candidates;
}
