/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Each process of the domain once: its terms, its tier, and why it is no candidate where it is none. */

#include <string.h>

#include "decide/badness.h"
#include "decide/kill.h"
#include "decide/protection.h"
#include "decide/rank.h"
#include "model/cgroup-path.h"

#define MARKS_OF_INTEREST (CGROUP_MARK_PREFER | CGROUP_MARK_AVOID | CGROUP_MARK_OMIT)

bool rank_domain_holds(const Domain *d, const char *cgroup_path) {
        return d->id == 0 || (cgroup_path[0] && cgroup_path_inside(cgroup_path, d->path));
}

static bool victim_is_virtual(const DecideState *s, const ProcessSample *p) {
        for (uint32_t i = 0; i < s->n_virtuals; i++)
                if (virtual_victim_holds(&s->virtuals[i], p))
                        return true;
        return false;
}

bool rank_was_tried(const DecideState *s, CandidateKind kind, int32_t pid, uint64_t start_ticks,
                             uint64_t cgroup_id, uint64_t now_usec) {
        for (uint32_t i = 0; i < s->n_tried; i++) {
                const TriedVictim *t = &s->tried[i];
                if (t->was_only_asked || t->until_usec <= now_usec || t->kind != kind)
                        continue;
                if (kind == CANDIDATE_PROCESS ? t->pid == pid && t->start_ticks == start_ticks
                                              : t->cgroup_id == cgroup_id && (kind == CANDIDATE_CGROUP || t->pid == pid))
                        return true;
        }
        return false;
}

/* Marks of the process's cgroup and of those above it, up to its unit: delegated subgroups inherit. */
static uint32_t process_marks(const Snapshot *snap, const ProcessSample *p) {
        uint32_t marks = 0, steps = 0;
        for (uint32_t i = p->cgroup; i < snap->n_cgroups && steps < 64; i = snap->cgroups[i].parent, steps++) {
                const char *path = snap->cgroups[i].path;
                size_t n = strlen(path);
                if (steps > 0 && cgroup_path_ends(path, n, ".slice"))
                        break;
                marks |= snap->cgroups[i].marks & MARKS_OF_INTEREST;
                if (cgroup_path_ends(path, n, ".service") || cgroup_path_ends(path, n, ".scope"))
                        break;
        }
        return marks;
}

static bool process_is_protected(const Snapshot *snap, const ProcessSample *p) {
        if (p->cgroup >= snap->n_cgroups || !cgroup_has(&snap->cgroups[p->cgroup], CGROUP_CURRENT))
                return false;
        uint64_t promised = cgroup_promised_bytes(snap, p->cgroup);
        return promised > 0 && snap->cgroups[p->cgroup].value[CGROUP_CURRENT] <= promised;
}

static Tier process_tier(const ProcessSample *p, uint32_t marks) {
        Tier tier = p->tier >= TIER_PREFER && p->tier < _TIER_MAX ? p->tier : TIER_NORMAL;
        if (tier == TIER_NORMAL && (marks & CGROUP_MARK_AVOID))
                tier = TIER_AVOID;
        if (tier == TIER_NORMAL && (marks & CGROUP_MARK_PREFER))
                tier = TIER_PREFER;
        if (tier == TIER_PREFER && p->oom_score_adj - p->kernel_adjust < 0)
                tier = TIER_NORMAL;
        return tier;
}

static Reject process_reject(const RankContext *x, const ProcessSample *p, const RankItem *item) {
        if (item->reject != REJECT_NONE)
                return item->reject;
        if (p->flags & PROCESS_SELF)
                return REJECT_SELF;
        if (item->tier == TIER_NEVER)
                return REJECT_NEVER;
        if (item->is_omitted)
                return REJECT_OMIT;
        if (victim_is_virtual(x->s, p))
                return REJECT_VIRTUAL;
        if (rank_was_tried(x->s, CANDIDATE_PROCESS, p->pid, p->start_ticks, 0, x->snap->mono_usec))
                return REJECT_TRIED;
        return REJECT_NONE;
}

static void item_fill(const RankContext *x, RankItem *item, uint32_t index) {
        const ProcessSample *p = &x->snap->processes[index];
        uint32_t marks = x->has_marks ? process_marks(x->snap, p) : 0;

        *item = (RankItem){ .process = index, .cgroup_group = INDEX_NONE, .pgrp_group = INDEX_NONE };
        item->badness = badness_pages(p, x->k->total_pages, &item->reject);
        item->tier = process_tier(p, marks);
        item->is_omitted = marks & CGROUP_MARK_OMIT;
        item->reject = process_reject(x, p, item);
        (void)growth_size_pages(p, x->k->total_pages, &item->size_pages);
        item->has_growth = growth_of(&x->s->growth, p, item->size_pages, x->snap->mono_usec, &item->growth, &item->span_usec);
        item->growth = u64_mul_sat(item->growth, x->snap->page_size);
        if (item->reject != REJECT_NONE)
                return;
        /* what was written to oom_score_adj is in the badness already: it must not count twice */
        item->score = i64_add_sat(item->badness, i64_mul_sat((int64_t)p->rule_adjust - p->kernel_adjust,
                                                             (int64_t)(x->k->total_pages / 1000)));
        item->is_protected = process_is_protected(x->snap, p);
        item->freeable = u64_mul_sat(p->rss_anon + p->swap + p->pgtables, x->snap->page_size);
}

void rank_build_items(RankContext *x) {
        struct RankScratch *r = x->scratch;
        r->n_items = r->n_groups = 0;
        hash_index_reset(&r->index, 2 * x->snap->n_processes);
        for (uint32_t i = 0; i < x->snap->n_cgroups; i++)
                x->has_marks |= (x->snap->cgroups[i].marks & MARKS_OF_INTEREST) != 0;
        for (uint32_t i = 0; i < x->snap->n_processes && r->n_items < r->max; i++) {
                const ProcessSample *p = &x->snap->processes[i];
                if (p->flags & PROCESS_KTHREAD || !rank_domain_holds(x->d, p->cgroup_path))
                        continue;
                RankItem *item = &r->items[r->n_items];
                item_fill(x, item, i);
                x->growth_total += item->has_growth ? item->growth : 0;
                x->freeable_total += item->freeable;
                x->relief_min = MAX(x->relief_min, item->freeable);
                r->n_items++;
        }
        x->relief_min = MIN(x->relief_min / 2, x->k->deficit_bytes / 4);
}

