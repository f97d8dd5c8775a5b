/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Demand is what a record shows without regard to how much the host had; supply what a host has without regard to what
 * was asked of it. The same demand is then laid on another supply.
 *
 * Demand is taken from the top, not added up: MemTotal less what is free and what reclaim can drop. So it holds all that
 * no cgroup and no process accounts for, such as the kernel's own and drivers' memory.
 *
 * MemTotal is less than the RAM of a machine: the kernel's image, which has a fixed size, and struct page, 64 bytes for
 * each page of 4 KiB. Both are inferred from the recorded MemTotal, whose machine is taken to have the next size above
 * that is a multiple of an eighth of a power of two.
 */

#include "plan/sim-supply.h"

#define MIB (UINT64_C(1) << 20)
/* struct page is 64 bytes for each 4 KiB: 1.6 % */
#define STRUCT_PAGE_DIVISOR 64
/* setup_per_zone_lowmem_reserve(): a zone keeps 1/256 of the ones above it, which MemAvailable leaves out, too */
#define LOWMEM_RESERVE_DIVISOR 256
/* Below this the kernel turns transparent huge pages off, and with them the higher min_free_kbytes (khugepaged.c) */
#define THP_LEAST_BYTES (512 * MIB)
#define THP_MIN_FREE_DIVISOR 20
/* What it wants on a host with two populated zones and page blocks of 2 MiB: 11264 pages */
#define THP_MIN_FREE_BYTES (44 * MIB)
/* Per-CPU counters and rounding make MemAvailable inexact by less than this */
#define RAISED_LEAST_BYTES (4 * MIB)
/* Without a measured ratio: what metric.c assumes as well, so that both speak of the same swap */
#define ZRAM_DEFAULT_PERMYRIAD 5000
#define SWAPPINESS_DEFAULT 60
/* A ratio that was measured on less than this says nothing */
#define ZRAM_LEAST_BYTES MIB

static uint64_t get(const HostSample *h, HostField f) {
        return host_has(h, f) ? h->value[f] : 0;
}

static uint64_t int_sqrt(uint64_t n) {
        uint64_t r = 0;
        /* the root of a number has half as many bits */
        for (uint64_t bit = n > 0 ? UINT64_C(1) << (63 - __builtin_clzll(n)) / 2 : 0; bit > 0; bit >>= 1)
                if ((r | bit) * (r | bit) <= n)
                        r |= bit;
        return r;
}

/* mm/page_alloc.c: __setup_per_zone_wmarks() with watermark_scale_factor 10. */
static Watermarks watermarks_from(uint64_t total_bytes, uint64_t min) {
        uint64_t gap = MAX(min / 4, total_bytes / 1000);
        uint64_t high = u64_add_sat(min, 2 * gap);
        return (Watermarks){
                .min = min,
                .low = u64_add_sat(min, gap),
                .high = high,
                .reserve = u64_add_sat(high, total_bytes / LOWMEM_RESERVE_DIVISOR),
        };
}

/* mm/page_alloc.c: calculate_min_free_kbytes() */
Watermarks watermarks_of(uint64_t total_bytes, uint64_t raised_min) {
        uint64_t min = int_sqrt(MIN(total_bytes / 1024, UINT64_C(1) << 40) * 16);
        min = MIN(MAX(min, UINT64_C(128)), UINT64_C(262144)) * 1024;
        return watermarks_from(total_bytes, MIN(MAX(min, raised_min), total_bytes / 4));
}

static uint64_t unhalved(uint64_t bytes, uint64_t low) {
        return bytes - MIN(bytes / 2, low);
}

/* si_mem_available(), as far as meminfo shows what it is made of. */
uint64_t supply_available(const Supply *s, uint64_t free, uint64_t file, uint64_t slab) {
        uint64_t sum = u64_add_sat(free, u64_add_sat(unhalved(file, s->marks.low), unhalved(slab, s->marks.low)));
        return MIN(u64_sub_sat(sum, s->marks.reserve), s->total);
}

static void demand_cache(const HostSample *h, HostDemand *d) {
        d->slab = get(h, HOST_SLAB_RECLAIMABLE);
        if (host_has(h, HOST_ACTIVE_FILE) && host_has(h, HOST_INACTIVE_FILE)) {
                d->file = u64_add_sat(h->value[HOST_ACTIVE_FILE], h->value[HOST_INACTIVE_FILE]);
                d->hot_file = h->value[HOST_ACTIVE_FILE];
        } else {
                if (host_has(h, HOST_CACHED))
                        d->file = u64_sub_sat(u64_add_sat(h->value[HOST_CACHED], get(h, HOST_BUFFERS)), get(h, HOST_SHMEM));
                else
                        d->file = u64_sub_sat(d->available, d->free);
                d->hot_file = d->file / 2;
        }
        /* hostile numbers: the parts are never more than the whole */
        d->file = MIN(d->file, d->total - d->free);
        d->slab = MIN(d->slab, d->total - d->free - d->file);
        d->hot_file = MIN(d->hot_file, d->file);
}

static void demand_swap(const HostSample *h, HostDemand *d) {
        uint64_t total = get(h, HOST_SWAP_TOTAL), used = u64_sub_sat(total, get(h, HOST_SWAP_FREE));
        if (!host_has(h, HOST_SWAP_FREE))
                used = 0;
        /* a page of the swap cache is in memory as well: counted there */
        used = u64_sub_sat(used, get(h, HOST_SWAP_CACHED));
        d->swapped_zram = MIN(get(h, HOST_ZRAM_SWAP_USED), used);
        d->swapped_disk = used - d->swapped_zram;
        d->zram_stored = MIN(get(h, HOST_ZRAM_MEM_USED), d->total - d->free - d->file - d->slab);
}

/* What MemAvailable leaves out on a host with these watermarks. */
static uint64_t left_out(const HostDemand *d, const Watermarks *w) {
        return w->reserve + MIN(d->file / 2, w->low) + MIN(d->slab / 2, w->low);
}

/*
 * All that MemAvailable leaves out hangs on min_free_kbytes, which khugepaged raises by an order of magnitude on hosts
 * with transparent huge pages. Where more is left out than the kernel's own choice explains, it is found by trying.
 */
static void demand_reserve(HostDemand *d, bool has_formula) {
        Watermarks own = watermarks_of(d->total, 0);
        uint64_t sum = d->free + d->file + d->slab, left = u64_sub_sat(sum, d->available);

        d->low = own.low;
        d->reserve = own.reserve;
        if (!has_formula)
                return;
        if (left > left_out(d, &own) + RAISED_LEAST_BYTES) {
                uint64_t lo = own.min, hi = d->total / 4;
                while (hi - lo > 4096 && hi > lo) {
                        uint64_t mid = lo + (hi - lo) / 2;
                        Watermarks w = watermarks_from(d->total, mid);
                        if (left_out(d, &w) < left)
                                lo = mid;
                        else
                                hi = mid;
                }
                d->raised_min = hi;
                d->low = watermarks_from(d->total, hi).low;
        }
        d->reserve = u64_sub_sat(left, MIN(d->file / 2, d->low) + MIN(d->slab / 2, d->low));
}

/**
 * host_demand_of() - take a sample of a host apart
 * @ret: filled whole; nothing of it exceeds MemTotal but what is in swap, whatever the sample says
 */
void host_demand_of(const HostSample *h, HostDemand *ret) {
        *ret = (HostDemand){ 0 };
        uint64_t total = get(h, HOST_MEM_TOTAL);
        bool has_free = host_has(h, HOST_MEM_FREE), has_available = host_has(h, HOST_MEM_AVAILABLE);
        if (total == 0 || (!has_free && !has_available))
                return;
        HostDemand d = { .is_known = true, .total = total };
        d.available = MIN(has_available ? h->value[HOST_MEM_AVAILABLE] : h->value[HOST_MEM_FREE], total);
        d.free = MIN(has_free ? h->value[HOST_MEM_FREE] : d.available, total);
        demand_cache(h, &d);
        demand_swap(h, &d);
        uint64_t resident = total - d.free - d.file - d.slab - d.zram_stored;
        uint64_t swapped = u64_add_sat(d.swapped_disk, d.swapped_zram);
        d.demand = u64_add_sat(resident, swapped);
        uint64_t anon = u64_add_sat(get(h, HOST_ANON_PAGES), get(h, HOST_SHMEM));
        if (!host_has(h, HOST_ANON_PAGES))
                anon = u64_add_sat(get(h, HOST_ACTIVE_ANON), get(h, HOST_INACTIVE_ANON));
        d.swappable = u64_add_sat(MIN(u64_sub_sat(anon, get(h, HOST_UNEVICTABLE)), resident), swapped);

        demand_reserve(&d, has_free && has_available && d.available > 0);
        *ret = d;
}

uint64_t supply_ram_of_total(uint64_t total_bytes) {
        uint64_t step = MIB;
        while (step < UINT64_MAX / 32 && step * 8 < total_bytes)
                step *= 2;
        return u64_mul_sat((total_bytes - 1) / step + 1, step);
}

uint64_t supply_total_of_ram(uint64_t recorded_total, uint64_t ram_bytes) {
        if (recorded_total == 0)
                return ram_bytes;
        uint64_t ram = supply_ram_of_total(recorded_total), kept = ram - recorded_total;
        uint64_t pages = MIN(kept, ram / STRUCT_PAGE_DIVISOR), fixed = kept - pages;
        return u64_sub_sat(ram_bytes, u64_add_sat(fixed, u64_mul_div(pages, ram_bytes, ram)));
}

/* What would be left of a raised min_free_kbytes: khugepaged.c, set_recommended_min_free_kbytes(). */
static uint64_t raised_min_of(const HostDemand *d, uint64_t total) {
        if (d->raised_min == 0 || total == d->total)
                return d->raised_min;
        if (total < THP_LEAST_BYTES)
                return 0;
        /* one that was cut off at 5 % would have been more on a larger host */
        bool is_cut = d->raised_min > d->total / THP_MIN_FREE_DIVISOR * 9 / 10;
        uint64_t wanted = is_cut ? MAX(d->raised_min, THP_MIN_FREE_BYTES) : d->raised_min;
        return MIN(wanted, total / THP_MIN_FREE_DIVISOR);
}

static void supply_swap(const PlanQuestion *q, const HostSample *h, Supply *s) {
        uint64_t total = get(h, HOST_SWAP_TOTAL), zram = MIN(get(h, HOST_ZRAM_SWAP_TOTAL), total);
        bool is_measured = get(h, HOST_ZRAM_ORIG) >= ZRAM_LEAST_BYTES && host_has(h, HOST_ZRAM_MEM_USED);

        s->swap_disk = q->has_swap ? q->swap_bytes : total - zram;
        s->swap_zram = q->has_zram ? q->zram_bytes : zram;
        s->zram_permyriad = ZRAM_DEFAULT_PERMYRIAD;
        if (q->zram_permyriad > 0)
                s->zram_permyriad = MIN((uint64_t)q->zram_permyriad, PERMYRIAD);
        else if (is_measured)
                s->zram_permyriad = MIN(u64_mul_div(h->value[HOST_ZRAM_MEM_USED], PERMYRIAD, h->value[HOST_ZRAM_ORIG]), PERMYRIAD);
        else if (s->swap_zram > 0 && q->has_zram)
                s->confidence = PLAN_LOW;
        s->is_swap_new = (s->swap_disk > 0 && total == zram) || (s->swap_zram > 0 && zram == 0);
}

/**
 * supply_of() - the host of the question
 * @h, @d: a sample of the recorded host, and what host_demand_of() made of it
 *
 * The recorded host itself where the question changes nothing of it. The question's RAM is that of the machine.
 */
void supply_of(const PlanQuestion *q, const HostSample *h, const HostDemand *d, Supply *ret) {
        Supply s = { .total = d->total, .confidence = PLAN_MODELLED };
        if (q->ram_bytes > 0)
                s.total = supply_total_of_ram(d->total, q->ram_bytes);
        s.swappiness = q->swappiness >= 0 ? (uint32_t)MIN(q->swappiness, 200) : SWAPPINESS_DEFAULT;
        supply_swap(q, h, &s);
        s.marks = watermarks_of(s.total, raised_min_of(d, s.total));
        uint64_t swap = get(h, HOST_SWAP_TOTAL), zram = MIN(get(h, HOST_ZRAM_SWAP_TOTAL), swap);
        s.is_recorded = s.total == d->total && s.swap_disk == swap - zram && s.swap_zram == zram && q->swappiness < 0 &&
                        q->zram_permyriad == 0;
        if (s.total == d->total)
                s.marks.reserve = d->reserve;
        *ret = s;
}
