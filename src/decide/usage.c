/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How cgroups have changed over the last seconds: who has grown, whose pages came back, who stood still. For the
 * choice of whom a step of the ladder is taken on, and for what others feel while one is throttled.
 *
 * Each cgroup has a base that is BASE_STEP_USEC to twice that old, or younger while there is no older one. A cgroup
 * that was not there at the last look has grown by all it holds. After a long time without a look nobody has a base:
 * who grew during the last hour is not who grows now.
 *
 * For Rank=pressure and Rank=scan: deltas, never the counters themselves, since a cgroup that was scanned a lot last
 * week is not the one that is scanned now. A cgroup that was re-created has another id and starts anew; a counter that
 * goes backwards has no delta.
 */

#include "decide/usage.h"

/* Long enough that a garbage collector's saw-tooth is not taken for growth, short enough to see who began it. */
#define BASE_STEP_USEC (4 * USEC_PER_SEC)
#define BASE_MAX_USEC  (30 * USEC_PER_SEC)

size_t usage_table_size(uint32_t max_cgroups) {
        return 2 * (size_t)max_cgroups * sizeof(UsageEntry) + (size_t)hash_index_slots(max_cgroups) * sizeof(uint32_t);
}

void usage_table_init(UsageTable *t, void *memory, uint32_t max_cgroups) {
        UsageEntry *e = memory;
        *t = (UsageTable){
                .entries = { e, e + max_cgroups },
                .index.slots = (uint32_t *)(e + 2 * (size_t)max_cgroups),
                .max = max_cgroups,
        };
}

const UsageEntry *usage_table_find(const UsageTable *t, uint64_t cgroup_id) {
        if (t->n == 0)
                return NULL;
        HASH_INDEX_FOREACH(&t->index, hash_index_mix(cgroup_id, 0), k) {
                if (t->entries[t->present][k].id == cgroup_id)
                        return &t->entries[t->present][k];
        }
        return NULL;
}

static UsagePoint point_of(const CgroupSample *c, uint64_t now_usec) {
        return (UsagePoint){
                .usec = now_usec,
                .bytes = u64_add_sat(c->value[CGROUP_CURRENT], c->value[CGROUP_SWAP_CURRENT]),
                .refault_pages = u64_add_sat(c->value[CGROUP_REFAULT_ANON], c->value[CGROUP_REFAULT_FILE]),
                .full_usec = c->value[CGROUP_PSI_FULL_USEC],
                .has_bytes = cgroup_has(c, CGROUP_CURRENT),
                .has_refaults = cgroup_has(c, CGROUP_REFAULT_ANON) && cgroup_has(c, CGROUP_REFAULT_FILE),
                .has_full = cgroup_has(c, CGROUP_PSI_FULL_USEC),
        };
}

static UsageCounter counter_take(const UsageCounter *before, const CgroupSample *c, CgroupField field) {
        UsageCounter now = { .value = c->value[field], .has_value = cgroup_has(c, field) };
        if (before && now.has_value && before->has_value && now.value >= before->value) {
                now.has_delta = true;
                now.delta = now.value - before->value;
        }
        return now;
}

static void take_points(UsageLadder *e, const UsageLadder *before, const UsagePoint *now, uint64_t last_look_usec) {
        e->last = *now;
        if (!before || now->usec - before->next.usec > BASE_MAX_USEC) {
                e->next = e->base = *now;
                if (!before && last_look_usec > 0 && now->usec - last_look_usec <= BASE_MAX_USEC)
                        e->base = (UsagePoint){
                                .usec = last_look_usec,
                                .has_bytes = now->has_bytes,
                                .has_refaults = now->has_refaults,
                                .has_full = now->has_full,
                        };
                return;
        }
        e->base = before->base;
        e->next = before->next;
        if (now->usec - e->next.usec >= BASE_STEP_USEC) {
                e->base = e->next;
                e->next = *now;
        }
}

/* Both kinds or neither: they are compared with each other. */
static void take_stall(UsageLadder *e, const UsageLadder *before, const CgroupSample *c) {
        static const CgroupField fields[N_STALLS] = {
                [STALL_SOME] = CGROUP_PSI_SOME_USEC,
                [STALL_FULL] = CGROUP_PSI_FULL_USEC,
        };
        for (int k = 0; k < N_STALLS; k++)
                if (!cgroup_has(c, fields[k]))
                        return;
        for (int k = 0; k < N_STALLS; k++)
                e->stall[k] = counter_take(before ? &before->stall[k] : NULL, c, fields[k]);
        if (!e->stall[STALL_SOME].has_delta || !e->stall[STALL_FULL].has_delta)
                e->stall[STALL_SOME].has_delta = e->stall[STALL_FULL].has_delta = false;
}

void usage_table_update(UsageTable *t, const Snapshot *snap, bool for_ladder) {
        UsageEntry *next = t->entries[!t->present];
        uint32_t n = 0;

        for (uint32_t i = 0; i < snap->n_cgroups && n < t->max; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                const UsageEntry *before = usage_table_find(t, c->id);
                const UsageLadder *ladder = before && before->ladder.is_known ? &before->ladder : NULL;
                UsageEntry e = {
                        .id = c->id,
                        .full = counter_take(before ? &before->full : NULL, c, CGROUP_PSI_FULL_USEC),
                        .scan = counter_take(before ? &before->scan : NULL, c, CGROUP_PGSCAN),
                };
                if (for_ladder) {
                        UsagePoint now = point_of(c, snap->mono_usec);
                        e.ladder.is_known = true;
                        take_points(&e.ladder, ladder, &now, t->ladder_usec);
                        take_stall(&e.ladder, ladder, c);
                } else if (ladder)
                        e.ladder = *ladder;
                next[n++] = e;
        }
        t->present = !t->present;
        t->n = n;
        if (for_ladder)
                t->ladder_usec = snap->mono_usec;
        hash_index_reset(&t->index, n);
        for (uint32_t k = 0; k < n; k++)
                hash_index_add(&t->index, hash_index_mix(next[k].id, 0), k);
}

bool usage_change(const UsageTable *t, uint64_t cgroup_id, UsageChange *ret) {
        const UsageEntry *e = usage_table_find(t, cgroup_id);

        *ret = (UsageChange){};
        if (!e || !e->ladder.is_known || e->ladder.base.usec >= e->ladder.last.usec)
                return false;
        const UsagePoint *a = &e->ladder.base, *b = &e->ladder.last;
        ret->span_usec = b->usec - a->usec;
        ret->has_growth = a->has_bytes && b->has_bytes;
        if (ret->has_growth)
                ret->growth_bytes = u64_sub_sat(b->bytes, a->bytes);
        ret->has_refaults = a->has_refaults && b->has_refaults;
        if (ret->has_refaults)
                ret->refault_pages = u64_sub_sat(b->refault_pages, a->refault_pages);
        ret->has_stall = a->has_full && b->has_full;
        if (ret->has_stall)
                ret->stall_permyriad = (uint32_t)MIN(
                        u64_mul_div(u64_sub_sat(b->full_usec, a->full_usec), PERMYRIAD, ret->span_usec), PERMYRIAD);
        return true;
}
