/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who has grown. Each process has a base, a size that was seen between 10 and 20 s ago (or at the last
 * scan before that, when scans are rare on a calm host), and growth is the size now less the base.
 *
 * A process that started after the previous scan has grown by all it holds. One that was there before
 * we first looked, or was missed by a scan, has no base yet: its growth is unknown, not zero. Which of
 * the two a process without a base is, its start time says: who started before the youngest one that was
 * ever seen was there, too.
 *
 * Shared memory counts, mapped files do not: their pages go again as soon as somebody needs memory, and
 * are counted as available. Else whoever reads a big file through a mapping would be to blame for a leak.
 *
 * The table is dense and is rebuilt at each scan, so that a host with 300 processes touches the pages of
 * 300 entries, however many the state is sized for.
 */

#include "decide/growth.h"

#include "decide/badness.h"

#define GROWTH_STEP_USEC (10 * USEC_PER_SEC)

static uint32_t entry_hash(int32_t pid, uint64_t start_ticks) {
        return hash_index_mix((uint32_t)pid, start_ticks);
}

size_t growth_table_size(uint32_t max_processes) {
        return 2 * (size_t)max_processes * sizeof(GrowthEntry) +
               (size_t)hash_index_slots(max_processes) * sizeof(uint32_t);
}

void growth_table_init(GrowthTable *t, void *memory, uint32_t max_processes) {
        GrowthEntry *e = memory;
        *t = (GrowthTable){
                .entries = { e, e + max_processes },
                .index.slots = (uint32_t *)(e + 2 * (size_t)max_processes),
                .max = max_processes,
        };
}

static const GrowthEntry *table_find(const GrowthTable *t, int32_t pid, uint64_t start_ticks) {
        if (t->n == 0)
                return NULL;
        HASH_INDEX_FOREACH(&t->index, entry_hash(pid, start_ticks), k) {
                const GrowthEntry *e = &t->entries[t->present][k];
                if (e->pid == pid && e->start_ticks == start_ticks)
                        return e;
        }
        return NULL;
}

bool growth_size_pages(const ProcessSample *p, uint64_t total_pages, uint64_t *ret) {
        if (p->flags & PROCESS_SIZES) {
                *ret = p->rss_anon + p->rss_file + p->rss_shmem + p->swap + p->pgtables;
                return true;
        }
        if ((p->flags & PROCESS_SCORE) && (p->flags & PROCESS_IDENTITY) && p->oom_score > 0) {
                *ret = badness_size_from_oom_score(p->oom_score, p->oom_score_adj, total_pages);
                return true;
        }
        return false;
}

void growth_table_update(GrowthTable *t, const Snapshot *snap, uint64_t total_pages) {
        uint64_t now = snap->mono_usec, youngest_ticks = t->youngest_ticks;
        GrowthEntry *next = t->entries[!t->present];
        uint32_t n = 0;

        for (uint32_t i = 0; i < snap->n_processes && n < t->max; i++) {
                const ProcessSample *p = &snap->processes[i];
                GrowthPoint seen = { .usec = now, .file_pages = p->flags & PROCESS_SIZES ? p->rss_file : UINT64_MAX };
                if (!(p->flags & PROCESS_IDENTITY) || (p->flags & PROCESS_KTHREAD) ||
                    !growth_size_pages(p, total_pages, &seen.pages))
                        continue;
                youngest_ticks = MAX(youngest_ticks, p->start_ticks);
                const GrowthEntry *before = table_find(t, p->pid, p->start_ticks);
                GrowthEntry e = { .pid = p->pid, .start_ticks = p->start_ticks, .base = seen, .next = seen };
                if (before) {
                        e = *before;
                        if (now - e.next.usec >= GROWTH_STEP_USEC) {
                                e.base = e.next;
                                e.next = seen;
                        }
                } else if (t->scan_usec > 0 && p->start_ticks >= t->youngest_ticks)
                        /* new since the last scan: it held nothing then */
                        e.base = (GrowthPoint){ .usec = t->scan_usec };
                next[n++] = e;
        }
        t->present = !t->present;
        t->n = n;
        t->scan_usec = now;
        t->youngest_ticks = youngest_ticks;
        hash_index_reset(&t->index, n);
        for (uint32_t k = 0; k < n; k++)
                hash_index_add(&t->index, entry_hash(next[k].pid, next[k].start_ticks), k);
}

bool growth_of(const GrowthTable *t, const ProcessSample *p, uint64_t size_pages, uint64_t now_usec,
               uint64_t *ret_pages, uint64_t *ret_span_usec) {
        const GrowthEntry *e = table_find(t, p->pid, p->start_ticks);
        if (!e || e->base.usec >= now_usec)
                return false;
        const GrowthPoint *base = &e->base;
        uint64_t file_pages = p->flags & PROCESS_SIZES ? p->rss_file : 0, own_pages = u64_sub_sat(size_pages, file_pages);
        if (!(p->flags & PROCESS_SIZES))
                *ret_pages = u64_sub_sat(size_pages, base->pages);
        else if (base->file_pages != UINT64_MAX)
                *ret_pages = u64_sub_sat(own_pages, u64_sub_sat(base->pages, base->file_pages));
        else /* how much of the base was file pages is not known: at most all of the growth, at least none */
                *ret_pages = MIN(u64_sub_sat(size_pages, base->pages), own_pages);
        *ret_span_usec = now_usec - base->usec;
        return true;
}
