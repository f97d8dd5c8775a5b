/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One host as a few amounts. Each step lays the demand of the moment on the supply:
 *
 *  1. Page cache grows as it did in the record, as far as it was let.
 *  2. What is missing to the high watermark is reclaimed: first cache that is not used again; then, in the ratio in which
 *     the kernel scans (size x swappiness against size x (200 - swappiness)), anonymous memory to swap, as fast as its
 *     device takes it, and cache that is used. zram goes before disk and takes RAM itself.
 *  3. Of what is used but not there, some comes back: the whole of the working set is touched once in TOUCH_USEC, and
 *     what is missing of it the more often the less is left (missing / present): the knee is sharp. Reading it back
 *     takes the device's time, and that is the stall.
 *  4. Demand beyond the minimum watermark stands still while swap is being written, and is the kernel's OOM when there
 *     is nothing left to write or drop.
 *
 * While neither supply nor demand differ from the record nothing is modelled: amounts and stall are the recorded ones.
 * Integers only: the same trace gives the same on each machine.
 */

#include "plan/sim-memory.h"

#define MIB (UINT64_C(1) << 20)
/* A page that is used is used again within this: what "hot" means here. The kernel's own measure is its LRU's turn. */
#define TOUCH_USEC (10 * USEC_PER_SEC)
/* The last part of a working set, mapped programs foremost, is touched this many times as often as its first. */
#define TOUCH_MAX 50
/* Of anonymous memory, the part that is used again. A record without swap cannot tell. */
#define HOT_ANON_PERMYRIAD 5000
/* Devices that were never measured: a plain SSD or virtual disk with small requests; zram with lzo or lz4 on one CPU. */
#define DISK_BYTES_PER_SEC (100 * MIB)
#define ZRAM_BYTES_PER_SEC (400 * MIB)
/* How much of the time in which some task stands still all do, where the record cannot tell. */
#define FULL_PERMYRIAD 6000
/* Cache that cannot be dropped: pages in flight, locked or being written. */
#define FILE_FLOOR_BYTES (4 * MIB)
#define FILE_FLOOR_DIVISOR 512
/* A record that moved less or stood still for less than this teaches nothing. */
#define CALIBRATE_BYTES (16 * MIB)
#define CALIBRATE_USEC  USEC_PER_SEC
/* Reclaim looks at more pages than it takes: efficiency of a host in distress is below a third, of a calm one near 1. */
#define SCANS_PER_STEAL 2

void memory_reset(HostMemory *m) {
        StallScale scale = m->scale;
        *m = (HostMemory){ .scale = scale };
}

static uint64_t delta(const HostSample *before, const HostSample *now, HostField f) {
        return host_has(before, f) && host_has(now, f) ? u64_sub_sat(now->value[f], before->value[f]) : 0;
}

void memory_calibrate(HostMemory *m, const HostSample *before, const HostSample *now, uint64_t usec, uint32_t page_size) {
        uint64_t some = MIN(delta(before, now, HOST_PSI_SOME_USEC), usec), full = MIN(delta(before, now, HOST_PSI_FULL_USEC), some);
        uint64_t pages = u64_add_sat(delta(before, now, HOST_VM_REFAULT_FILE),
                                     u64_add_sat(delta(before, now, HOST_VM_PSWPIN), delta(before, now, HOST_VM_PSWPOUT)));
        StallScale *s = &m->scale;
        if (some == 0 || pages == 0)
                return;
        s->bytes = u64_add_sat(s->bytes, u64_mul_sat(pages, page_size));
        s->some_usec = u64_add_sat(s->some_usec, some);
        s->full_usec = u64_add_sat(s->full_usec, full);
        s->is_calibrated = s->bytes >= CALIBRATE_BYTES && s->some_usec >= CALIBRATE_USEC;
}

/* Stall for moving @bytes; the record's own ratio where it has one. */
static uint64_t move_usec(const HostMemory *m, uint64_t bytes, uint64_t bytes_per_sec) {
        if (m->scale.is_calibrated)
                return u64_mul_div(bytes, m->scale.some_usec, m->scale.bytes);
        return u64_mul_div(bytes, USEC_PER_SEC, bytes_per_sec);
}

static uint64_t zram_store(const HostMemory *m, const Supply *s) {
        return u64_mul_div(m->swapped_zram, s->zram_permyriad, PERMYRIAD);
}

static uint64_t swapped(const HostMemory *m) {
        return u64_add_sat(m->swapped_disk, m->swapped_zram);
}

static uint64_t used(const HostMemory *m, const Supply *s) {
        uint64_t resident = u64_add_sat(u64_sub_sat(m->demand, swapped(m)), zram_store(m, s));
        return u64_add_sat(resident, u64_add_sat(m->file, m->slab));
}

/* ---- swap ---- */

typedef struct Devices {
        uint64_t disk_left, zram_left; /* bytes that may go out in this step */
} Devices;

/* Moves up to @bytes of gain out. Return: what was gained. */
static uint64_t swap_out(HostMemory *m, const Supply *s, Devices *dev, uint64_t bytes, uint64_t *ret_moved) {
        uint64_t resident = u64_sub_sat(m->swappable, swapped(m)), gain = PERMYRIAD - s->zram_permyriad, gained = 0;

        if (gain > 0) {
                uint64_t out = MIN(MIN(u64_mul_div(bytes, PERMYRIAD, gain), u64_sub_sat(s->swap_zram, m->swapped_zram)),
                                   MIN(dev->zram_left, resident));
                m->swapped_zram += out;
                dev->zram_left -= out;
                resident -= out;
                gained = MIN(u64_mul_div(out, gain, PERMYRIAD), bytes);
                *ret_moved = u64_add_sat(*ret_moved, out);
        }
        uint64_t out = MIN(MIN(bytes - gained, u64_sub_sat(s->swap_disk, m->swapped_disk)), MIN(dev->disk_left, resident));
        m->swapped_disk += out;
        dev->disk_left -= out;
        *ret_moved = u64_add_sat(*ret_moved, out);
        return gained + out;
}

static void swap_in(HostMemory *m, uint64_t bytes) {
        uint64_t zram = MIN(bytes, m->swapped_zram);
        m->swapped_zram -= zram;
        m->swapped_disk -= MIN(bytes - zram, m->swapped_disk);
}

/* No more may be in swap than there is to be swapped, nor than it holds. */
static void swap_bound(HostMemory *m, const Supply *s) {
        m->swapped_zram = MIN(MIN(m->swapped_zram, s->swap_zram), m->swappable);
        m->swapped_disk = MIN(MIN(m->swapped_disk, s->swap_disk), m->swappable - m->swapped_zram);
}

uint64_t memory_usable_swap(const HostMemory *m, const Supply *s) {
        uint64_t zram = u64_mul_div(u64_sub_sat(s->swap_zram, m->swapped_zram), PERMYRIAD - s->zram_permyriad, PERMYRIAD);
        return u64_add_sat(zram, u64_sub_sat(s->swap_disk, m->swapped_disk));
}

void memory_release(HostMemory *m, uint64_t bytes) {
        if (!m->is_own || m->swappable == 0)
                return;
        m->swapped_zram -= MIN(u64_mul_div(m->swapped_zram, MIN(bytes, m->swappable), m->swappable), m->swapped_zram);
        m->swapped_disk -= MIN(u64_mul_div(m->swapped_disk, MIN(bytes, m->swappable), m->swappable), m->swapped_disk);
}

/* ---- reclaim ---- */

typedef struct Reclaimed {
        uint64_t dropped, moved; /* bytes of cache; bytes that went to swap */
} Reclaimed;

/* What is still missing afterwards. */
static uint64_t reclaim(HostMemory *m, const Supply *s, const HostDemand *d, uint64_t hot, uint64_t shortage, uint64_t usec,
                        Reclaimed *r) {
        Devices dev = { .disk_left = u64_mul_div(DISK_BYTES_PER_SEC, usec, USEC_PER_SEC),
                        .zram_left = u64_mul_div(ZRAM_BYTES_PER_SEC, usec, USEC_PER_SEC) };
        uint64_t floor = MIN(m->file, FILE_FLOOR_BYTES + s->total / FILE_FLOOR_DIVISOR);

        uint64_t cold = MIN(shortage, m->file - MAX(floor, MIN(hot, m->file)));
        m->file -= cold;
        uint64_t slab = MIN(shortage - cold, u64_sub_sat(m->slab, d->slab / 4));
        m->slab -= slab;
        r->dropped = cold + slab;
        shortage -= cold + slab;
        if (shortage == 0)
                return 0;

        uint64_t anon_weight = u64_mul_sat(u64_sub_sat(m->swappable, swapped(m)), s->swappiness);
        uint64_t file_weight = u64_mul_sat(m->file - floor, 200 - s->swappiness);
        uint64_t part = u64_mul_div(shortage, anon_weight, MAX(u64_add_sat(anon_weight, file_weight), UINT64_C(1)));
        shortage -= MIN(swap_out(m, s, &dev, part, &r->moved), shortage);
        uint64_t file = MIN(shortage, m->file - floor);
        m->file -= file;
        r->dropped += file;
        shortage -= file;
        /* swappiness 0 keeps the rest in memory as long as there is cache, not longer */
        return shortage - MIN(swap_out(m, s, &dev, shortage, &r->moved), shortage);
}

/* Bytes that come back in @usec of a working set of @hot of which @missing is not there. */
static uint64_t refaulted(uint64_t hot, uint64_t missing, uint64_t usec) {
        if (missing == 0)
                return 0;
        uint64_t present = MAX(u64_sub_sat(hot, missing), hot / TOUCH_MAX);
        return u64_mul_div(u64_mul_div(missing, hot, MAX(present, UINT64_C(1))), usec, TOUCH_USEC);
}

static void count(HostMemory *m, const Reclaimed *r, uint64_t file_in, uint64_t anon_in, bool is_direct, uint32_t page_size) {
        uint64_t taken = u64_add_sat(u64_add_sat(r->dropped, r->moved), u64_add_sat(file_in, anon_in)) / page_size;
        if (is_direct) {
                m->stolen_direct += taken;
                m->scanned_direct += taken * SCANS_PER_STEAL;
                m->allocstall += taken / 32 + 1;
        } else {
                m->stolen_kswapd += taken;
                m->scanned_kswapd += taken * SCANS_PER_STEAL;
        }
        m->refault_file += file_in / page_size;
        m->refault_anon += anon_in / page_size;
        m->swapped_in += anon_in / page_size;
        m->swapped_out += (r->moved + anon_in) / page_size;
}

/* ---- the step ---- */

static void take_recorded(HostMemory *m, const HostDemand *d) {
        m->demand = d->demand;
        m->swappable = d->swappable;
        m->swapped_disk = d->swapped_disk;
        m->swapped_zram = d->swapped_zram;
        m->file = d->file;
        m->slab = d->slab;
        m->free = d->free;
        m->available = d->available;
        m->deficit = 0;
        m->is_oom = false;
}

/* Cache as the record's moved; what is used again returns as there is room. */
static void cache_follow(HostMemory *m, const Supply *s, const HostDemand *d, const DemandChange *c, uint64_t hot, uint64_t usec,
                         uint64_t *ret_read) {
        uint64_t wanted = u64_sub_sat(u64_add_sat(d->file, c->more_file), c->less_file);
        if (m->has_last)
                m->file = u64_add_sat(m->file, u64_sub_sat(d->file, m->last.file));
        m->file = MIN(m->file, wanted);
        m->slab = MIN(u64_add_sat(m->slab, u64_sub_sat(d->slab, m->last.slab)), d->slab);
        uint64_t room = u64_sub_sat(s->total, u64_add_sat(used(m, s), s->marks.high));
        uint64_t back = MIN(MIN(u64_sub_sat(hot, m->file), room), u64_mul_div(DISK_BYTES_PER_SEC, usec, USEC_PER_SEC));
        m->file += back;
        *ret_read = back;
}

static void stall(HostMemory *m, const Supply *s, uint64_t moved, uint64_t file_in, uint64_t anon_in, uint64_t usec, uint64_t some,
                  uint64_t full) {
        /* pages go out beside the work unless allocations have to wait for it: half of it is felt */
        uint64_t bytes_per_sec = s->swap_zram > 0 && m->swapped_zram >= m->swapped_disk ? ZRAM_BYTES_PER_SEC : DISK_BYTES_PER_SEC;
        uint64_t more = u64_add_sat(move_usec(m, file_in, DISK_BYTES_PER_SEC), move_usec(m, anon_in + moved / 2, bytes_per_sec));
        uint64_t share = m->scale.is_calibrated ? u64_mul_div(m->scale.full_usec, PERMYRIAD, m->scale.some_usec) : FULL_PERMYRIAD;
        m->some_usec = MIN(u64_add_sat(some, more), usec);
        m->full_usec = MIN(u64_add_sat(full, u64_mul_div(MIN(more, usec), share, PERMYRIAD)), m->some_usec);
        if (m->deficit > 0)
                m->some_usec = m->full_usec = usec;
        m->modelled_usec = u64_sub_sat(m->full_usec, full);
}

void memory_step(HostMemory *m, const Supply *s, const HostDemand *d, const DemandChange *c, uint64_t usec, uint64_t some_usec,
                 uint64_t full_usec, bool has_scanned, uint32_t page_size) {
        Reclaimed r = { 0 };
        uint64_t read = 0;

        if (!m->has_last)
                take_recorded(m, d);
        m->is_own |= !s->is_recorded || c->more > 0 || c->less > 0 || c->more_file > 0 || c->less_file > 0;
        m->room_swap = 0;
        if (!m->is_own) {
                take_recorded(m, d);
                m->some_usec = some_usec;
                m->full_usec = full_usec;
                m->modelled_usec = 0;
                m->last = *d;
                m->has_last = true;
                return;
        }
        m->demand = u64_sub_sat(u64_add_sat(d->demand, c->more), c->less);
        m->swappable = MIN(u64_sub_sat(u64_add_sat(d->swappable, c->more), c->less), m->demand);
        swap_bound(m, s);
        uint64_t hot = u64_sub_sat(u64_add_sat(d->hot_file, c->more_file / 2), c->less_file / 2);
        cache_follow(m, s, d, c, hot, usec, &read);

        uint64_t shortage = u64_sub_sat(u64_add_sat(used(m, s), s->marks.high), s->total);
        uint64_t missing = shortage > 0 ? reclaim(m, s, d, hot, shortage, usec, &r) : 0;
        m->free = u64_sub_sat(s->total, used(m, s));
        m->room_swap = MIN(memory_usable_swap(m, s), u64_sub_sat(m->swappable, swapped(m)));
        m->deficit = u64_sub_sat(u64_add_sat(used(m, s), s->marks.min), s->total);
        m->is_oom = m->deficit > 0 && m->room_swap == 0;

        uint64_t hot_anon = u64_mul_div(m->swappable, HOT_ANON_PERMYRIAD, PERMYRIAD);
        uint64_t anon_gone = u64_sub_sat(swapped(m), m->swappable - hot_anon);
        uint64_t file_in = refaulted(hot, u64_sub_sat(hot, m->file), usec), anon_in = refaulted(hot_anon, anon_gone, usec);
        if (shortage == 0 && anon_gone > 0)
                swap_in(m, MIN(anon_in, u64_sub_sat(m->free, s->marks.high)));
        /* What is read back takes room, and reclaim pays for it in the next step, with anonymous memory as well: so the
         * two come to terms. */
        uint64_t back = MIN(MIN(file_in, u64_sub_sat(hot, m->file)), u64_sub_sat(m->free, s->marks.low));
        m->file += back;
        m->free -= back;
        bool is_short = shortage > 0 || file_in > 0 || anon_in > 0;
        /* what the record stood still for want of memory does not hold where there is enough */
        if (has_scanned && !is_short)
                some_usec = full_usec = 0;
        stall(m, s, r.moved, u64_add_sat(file_in, shortage > 0 ? read : 0), anon_in, usec, some_usec, full_usec);
        if (is_short)
                count(m, &r, file_in, anon_in, missing > 0, page_size);
        m->available = supply_available(s, m->free, m->file, m->slab);
        m->last = *d;
        m->has_last = true;
}
