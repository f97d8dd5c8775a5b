/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * How cgroups have changed over the last seconds: who has grown, whose pages came back, who stood still. For the
 * choice of whom a step of the ladder is taken on, and for what others feel while one is throttled.
 *
 * Each cgroup has a base that is BASE_STEP_USEC to twice that old, or younger while there is no older one. A cgroup
 * that was not there at the last look has grown by all it holds. After a long time without a look nobody has a base:
 * who grew during the last hour is not who grows now.
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

static void entry_take_points(UsageEntry *e, const UsageEntry *before, const UsagePoint *now, uint64_t last_look_usec) {
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

static void entry_take_stall(UsageEntry *e, const UsageEntry *before, const CgroupSample *c, uint64_t now_usec) {
        if (!cgroup_has(c, CGROUP_PSI_SOME_USEC) || !cgroup_has(c, CGROUP_PSI_FULL_USEC))
                return;
        e->has_stall = true;
        e->stall_seen_usec = now_usec;
        e->stall[STALL_SOME] = c->value[CGROUP_PSI_SOME_USEC];
        e->stall[STALL_FULL] = c->value[CGROUP_PSI_FULL_USEC];
        if (!before || !before->has_stall || e->stall[STALL_SOME] < before->stall[STALL_SOME] ||
            e->stall[STALL_FULL] < before->stall[STALL_FULL])
                return;
        e->has_stall_delta = true;
        for (int k = 0; k < N_STALLS; k++)
                e->stall_delta[k] = e->stall[k] - before->stall[k];
}

void usage_table_update(UsageTable *t, const Snapshot *snap) {
        UsageEntry *next = t->entries[!t->present];
        uint32_t n = 0;

        for (uint32_t i = 0; i < snap->n_cgroups && n < t->max; i++) {
                const CgroupSample *c = &snap->cgroups[i];
                const UsageEntry *before = usage_table_find(t, c->id);
                UsagePoint now = point_of(c, snap->mono_usec);
                UsageEntry e = { .id = c->id };
                entry_take_points(&e, before, &now, t->usec);
                entry_take_stall(&e, before, c, snap->mono_usec);
                next[n++] = e;
        }
        t->present = !t->present;
        t->n = n;
        t->usec = snap->mono_usec;
        hash_index_reset(&t->index, n);
        for (uint32_t k = 0; k < n; k++)
                hash_index_add(&t->index, hash_index_mix(next[k].id, 0), k);
}

bool usage_change(const UsageTable *t, uint64_t cgroup_id, UsageChange *ret) {
        const UsageEntry *e = usage_table_find(t, cgroup_id);

        *ret = (UsageChange){};
        if (!e || e->base.usec >= e->last.usec)
                return false;
        const UsagePoint *a = &e->base, *b = &e->last;
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
