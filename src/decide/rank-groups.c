/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who stands or falls together. A cgroup or a process group stands for its members as one candidate where
 * memory.oom.group or Victim= says so, or where it is a storm; never when somebody in it must not die.
 */

#include <string.h>

#include "base/text.h"
#include "decide/rank.h"
#include "model/cgroup-path.h"

/* A storm has at least this many members, none of which holds more than a quarter of it. */
#define STORM_MEMBERS_MIN       8
#define STORM_MEMBER_SHARE_MAX  4
/* One death out of many is enough only if what it frees lasts this long: several times a cooldown. */
#define STORM_PAUSE_USEC        (5 * USEC_PER_SEC)

/* A cgroup that may die as a whole: neither the root nor a mere container of units. */
static bool can_die_whole(const char *path) {
        size_t n = strlen(path);
        return n > 1 && !cgroup_path_ends(path, n, ".slice") && strcmp(path, "/init.scope") != 0;
}

/* The cgroup that a process stands or falls with: the highest oom.group one in the domain, the unit, or its own. */
static const char *item_cgroup(const RankContext *x, const ProcessSample *p, size_t *ret_len, uint32_t *ret_cgroup,
                               bool *ret_oom_group) {
        *ret_cgroup = p->cgroup;
        *ret_len = strlen(p->cgroup_path);
        *ret_oom_group = false;
        uint32_t steps = 0;
        for (uint32_t i = p->cgroup; i < x->snap->n_cgroups && steps < 64; i = x->snap->cgroups[i].parent, steps++) {
                const CgroupSample *c = &x->snap->cgroups[i];
                if (!rank_domain_holds(x->d, c->path))
                        break;
                if (cgroup_has(c, CGROUP_OOM_GROUP) && c->value[CGROUP_OOM_GROUP] == 1) {
                        *ret_oom_group = true;
                        *ret_cgroup = i;
                        *ret_len = strlen(c->path);
                }
        }
        if (*ret_oom_group || x->policy->victim != VICTIM_UNIT)
                return p->cgroup_path;
        size_t n = cgroup_path_unit_length(p->cgroup_path);
        if (n == 0)
                return p->cgroup_path;
        if (x->d->id != 0) /* never outside the cgroup in trouble */
                n = MAX(n, strlen(x->d->path));
        *ret_len = n;
        steps = 0;
        for (uint32_t i = p->cgroup; i < x->snap->n_cgroups && steps < 64; i = x->snap->cgroups[i].parent, steps++)
                if (strlen(x->snap->cgroups[i].path) == n)
                        *ret_cgroup = i;
        return p->cgroup_path;
}

static uint32_t group_get(struct RankScratch *r, const char *path, size_t path_len, int32_t pgid, uint32_t cgroup,
                          uint64_t cgroup_id) {
        uint64_t key = cgroup_id != 0 ? cgroup_id : text_hash(TEXT_HASH_INIT, path, path_len);
        uint32_t hash = hash_index_mix(key, (uint32_t)pgid);

        HASH_INDEX_FOREACH(&r->index, hash, k) {
                const RankGroup *g = &r->groups[k];
                if (g->pgid != pgid || g->cgroup_id != cgroup_id)
                        continue;
                if (cgroup_id != 0 || (g->path_len == path_len && memcmp(g->path, path, path_len) == 0))
                        return k;
        }
        r->groups[r->n_groups] = (RankGroup){
                .cgroup_id = cgroup_id,
                .pgid = pgid,
                .cgroup = cgroup,
                .path = path,
                .path_len = (uint32_t)path_len,
                .biggest = INDEX_NONE,
        };
        hash_index_add(&r->index, hash, r->n_groups);
        return r->n_groups++;
}

/* Would @a rather than @b speak for its group? A total order: bigger, then younger, then the higher pid. */
static bool item_is_bigger(const RankContext *x, uint32_t a, uint32_t b) {
        const RankItem *ia = &x->scratch->items[a], *ib = &x->scratch->items[b];
        const ProcessSample *pa = &x->snap->processes[ia->process], *pb = &x->snap->processes[ib->process];
        if (ia->size_pages != ib->size_pages)
                return ia->size_pages > ib->size_pages;
        if (pa->start_ticks != pb->start_ticks)
                return pa->start_ticks > pb->start_ticks;
        return pa->pid > pb->pid;
}

static void group_add(const RankContext *x, RankGroup *g, uint32_t index) {
        const RankItem *item = &x->scratch->items[index];
        const ProcessSample *p = &x->snap->processes[item->process];

        g->n++;
        if ((p->flags & PROCESS_HAS_TTY) && p->sid == p->pid)
                g->has_terminal = true;
        /* by the facts, not by item->reject: that names only the first reason of several */
        if (p->flags & (PROCESS_SELF | PROCESS_INIT) || !(p->flags & PROCESS_IDENTITY) || p->oom_score_adj == -1000 ||
            item->tier == TIER_NEVER || item->is_omitted)
                g->blocked = true;
        if (item->reject != REJECT_NONE)
                return;
        g->tier = g->n_eligible == 0 ? item->tier : MAX(g->tier, item->tier);
        g->n_eligible++;
        g->is_protected |= item->is_protected;
        g->badness = i64_add_sat(g->badness, item->badness);
        g->score = i64_add_sat(g->score, item->score);
        g->size_pages = u64_add_sat(g->size_pages, item->size_pages);
        g->freeable = u64_add_sat(g->freeable, item->freeable);
        g->max_freeable = MAX(g->max_freeable, item->freeable);
        if (item->has_growth) {
                g->has_growth = true;
                g->growth = u64_add_sat(g->growth, item->growth);
                g->max_growth = MAX(g->max_growth, item->growth);
                g->span_usec = MAX(g->span_usec, item->span_usec);
        }
        if (g->biggest == INDEX_NONE || item_is_bigger(x, index, g->biggest))
                g->biggest = index;
}

/*
 * Would the death of the biggest member alone end the trouble, and not only for a moment? At the limit next to
 * nothing is missing yet, and the others go on growing: by the rate at which the domain's memory goes or, where that
 * is not known, at that of the group.
 */
static bool one_death_lasts(const RankContext *x, const RankGroup *g) {
        uint64_t spare = u64_sub_sat(g->max_freeable, x->k->deficit_bytes);
        uint64_t usec = g->span_usec, bytes = g->growth;

        if (x->d->exhaustion_usec != USEC_INFINITY) {
                usec = x->d->exhaustion_usec;
                bytes = u64_add_sat(x->d->available_bytes, x->d->swap_free_bytes);
        }
        if (spare == 0 || bytes == 0)
                return spare > 0;
        return u64_mul_div(spare, usec, bytes) >= STORM_PAUSE_USEC;
}

/* Many small members which together are the trouble, and none whose death alone would end it. */
static bool group_is_storm(const RankContext *x, const RankGroup *g) {
        if (g->n_eligible < STORM_MEMBERS_MIN || one_death_lasts(x, g))
                return false;
        uint64_t noise = MAX(x->total_bytes / GROWTH_NOISE_DIVISOR, GROWTH_NOISE_BYTES);
        if (g->has_growth && g->growth >= noise && g->growth >= x->growth_total / 2)
                return g->max_growth <= g->growth / STORM_MEMBER_SHARE_MAX;
        return x->growth_total < noise && g->freeable >= x->freeable_total / 2 &&
               g->max_freeable <= g->freeable / STORM_MEMBER_SHARE_MAX;
}

static bool group_decide_whole(const RankContext *x, const RankGroup *g) {
        if (g->n_eligible == 0 || g->blocked)
                return false;
        if (rank_was_tried(x->s, g->pgid ? CANDIDATE_GROUP : CANDIDATE_CGROUP, g->pgid, 0, g->cgroup_id, x->snap->mono_usec))
                return false;
        if (g->pgid != 0)
                return x->policy->victim == VICTIM_AUTO && !g->has_terminal && group_is_storm(x, g);
        if (g->cgroup >= x->snap->n_cgroups || !can_die_whole(x->snap->cgroups[g->cgroup].path))
                return false;
        switch (x->policy->victim) {
        case VICTIM_PROCESS:
                return false;
        case VICTIM_CGROUP:
        case VICTIM_UNIT:
                return g->n <= x->policy->max_processes;
        case VICTIM_AUTO:
                if (g->oom_group)
                        return true;
                return g->n <= x->policy->max_processes && !g->has_terminal && group_is_storm(x, g);
        case _VICTIM_KIND_MAX:
        case _VICTIM_KIND_INVALID:
                break;
        }
        return false;
}

/*
 * cgroup.kill takes the subtree. An oom.group group is built of all of it; any other cgroup that is not a
 * leaf must answer for those below it too, before it may go as a whole.
 */
static void group_absorb_subtree(const RankContext *x, uint32_t group) {
        struct RankScratch *r = x->scratch;
        RankGroup *g = &r->groups[group];
        if (g->pgid != 0 || g->oom_group || (x->snap->cgroups[g->cgroup].marks & CGROUP_MARK_LEAF))
                return;
        for (uint32_t i = 0; i < r->n_items; i++) {
                const char *path = x->snap->processes[r->items[i].process].cgroup_path;
                if (r->items[i].cgroup_group != group && cgroup_path_inside_n(path, g->path, g->path_len))
                        group_add(x, g, i);
        }
        g->is_whole = group_decide_whole(x, g);
}

void rank_build_groups(RankContext *x) {
        struct RankScratch *r = x->scratch;
        for (uint32_t i = 0; i < r->n_items; i++) {
                RankItem *item = &r->items[i];
                const ProcessSample *p = &x->snap->processes[item->process];
                if (!p->cgroup_path[0])
                        continue;
                size_t len;
                uint32_t cgroup;
                bool oom_group;
                const char *path = item_cgroup(x, p, &len, &cgroup, &oom_group);
                uint64_t id = cgroup < x->snap->n_cgroups ? x->snap->cgroups[cgroup].id : p->cgroup_id;
                item->cgroup_group = group_get(r, path, len, 0, cgroup, id);
                r->groups[item->cgroup_group].oom_group |= oom_group;
                group_add(x, &r->groups[item->cgroup_group], i);
                if (p->pgid > 0) {
                        item->pgrp_group = group_get(r, p->cgroup_path, strlen(p->cgroup_path), p->pgid, p->cgroup, p->cgroup_id);
                        group_add(x, &r->groups[item->pgrp_group], i);
                }
        }
        for (uint32_t g = 0; g < r->n_groups; g++) {
                r->groups[g].is_whole = group_decide_whole(x, &r->groups[g]);
                if (r->groups[g].is_whole)
                        group_absorb_subtree(x, g);
        }
}

