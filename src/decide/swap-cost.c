/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A page that was thrown out and is wanted back costs the time of its reading; one of swap was written before, too.
 * What devices were busy with is in their counters: requests, sectors, and how long each request took, added up.
 *
 * File: time of the reads / pages that were read. Readahead makes that less than the time of a request, and rightly
 * so: the pages that came along need no request of their own.
 *
 * Swap: the same, and the time of the writes, of as many pages as were read: what lies in swap for good was written,
 * but never comes back, and to have it there is what swap is for. zram writes in the time of whoever reclaims; that
 * counts in full. A disk writes by itself, in long queues that nobody stands in: there a page written counts what it
 * takes from the readers at most, as much as a page read. Where zram is only the first of several areas, that holds
 * for all of them: the sum does not say which of them wrote.
 */

#include "decide/swap-cost.h"

#define SECTORS_PER_PAGE UINT64_C(8)
#define NSEC_PER_MSEC    UINT64_C(1000000)
/*
 * The longest clock tick there is (100 Hz). zram, LVM and LUKS are counted in ticks: this is added to what swap took,
 * and the least that files do, so that luck cannot make either free.
 */
#define TICK_MSEC UINT64_C(10)

static bool is_behind(const BlockIo *now, const BlockIo *before) {
        return now->n_reads < before->n_reads || now->read_sectors < before->read_sectors ||
               now->read_msec < before->read_msec || now->n_writes < before->n_writes ||
               now->write_sectors < before->write_sectors || now->write_msec < before->write_msec;
}

static BlockIo io_between(const BlockIo *now, const BlockIo *before) {
        return (BlockIo){
                .n_reads = now->n_reads - before->n_reads,
                .read_sectors = now->read_sectors - before->read_sectors,
                .read_msec = now->read_msec - before->read_msec,
                .n_writes = now->n_writes - before->n_writes,
                .write_sectors = now->write_sectors - before->write_sectors,
                .write_msec = now->write_msec - before->write_msec,
        };
}

static void count_in(BlockIo *sum, const BlockIo *window) {
        sum->n_reads = u64_add_sat(sum->n_reads / 2, window->n_reads);
        sum->read_sectors = u64_add_sat(sum->read_sectors / 2, window->read_sectors);
        sum->read_msec = u64_add_sat(sum->read_msec / 2, window->read_msec);
        sum->n_writes = u64_add_sat(sum->n_writes / 2, window->n_writes);
        sum->write_sectors = u64_add_sat(sum->write_sectors / 2, window->write_sectors);
        sum->write_msec = u64_add_sat(sum->write_msec / 2, window->write_msec);
}

static bool is_enough(const BlockIo *swap, const BlockIo *file) {
        return swap->read_sectors / SECTORS_PER_PAGE >= SWAP_COST_PAGES_MIN &&
               file->read_sectors / SECTORS_PER_PAGE >= SWAP_COST_PAGES_MIN && file->n_reads >= SWAP_COST_READS_MIN;
}

static bool is_all_zram(const SysctlSample *sample) {
        return sample->swap_kinds == UINT32_C(1) << SWAP_ZRAM;
}

static uint64_t swap_msec(const BlockIo *swap, bool is_zram) {
        uint64_t written = swap->write_sectors, msec = swap->write_msec;

        if (written > swap->read_sectors)
                msec = u64_mul_div(msec, swap->read_sectors, written);
        if (!is_zram)
                msec = MIN(msec, u64_mul_div(swap->read_msec, MIN(written, swap->read_sectors), swap->read_sectors));
        return u64_add_sat(u64_add_sat(swap->read_msec, msec), TICK_MSEC);
}

static uint64_t nsec_per_page(uint64_t msec, uint64_t sectors) {
        return MAX(u64_mul_div(u64_mul_sat(msec, NSEC_PER_MSEC), SECTORS_PER_PAGE, sectors), UINT64_C(1));
}

static void begin_window(SwapCost *s, const SysctlSample *sample, uint64_t now_usec) {
        s->has_window = true;
        s->window_begin_usec = now_usec;
        s->window_swap = sample->swap_io;
        s->window_file = sample->file_io;
}

/**
 * swap_cost_step() - take in the counters of this moment
 * @s:   all zero at first, and where the kind of swap is another one
 * @ret: cost of a page each way; untouched where false is returned
 *
 * Source: Documentation/admin-guide/iostats.rst; block/blk-core.c, bdev_end_io_acct().
 */
bool swap_cost_step(SwapCost *s, const SysctlSample *sample, uint64_t now_usec, PageCost *ret) {
        if (!sample->has_block_io) {
                s->has_window = false;
                return false;
        }
        if (sample->block_set != s->block_set) {
                *s = (SwapCost){ .block_set = sample->block_set };
                begin_window(s, sample, now_usec);
                return false;
        }
        if (!s->has_window || now_usec < s->window_begin_usec || is_behind(&sample->swap_io, &s->window_swap) ||
            is_behind(&sample->file_io, &s->window_file)) {
                begin_window(s, sample, now_usec);
                return false;
        }
        uint64_t span = now_usec - s->window_begin_usec;
        BlockIo swap = io_between(&sample->swap_io, &s->window_swap);
        BlockIo file = io_between(&sample->file_io, &s->window_file);
        if (span > SWAP_COST_WINDOW_MAX_USEC) {
                begin_window(s, sample, now_usec);
                return false;
        }
        if (span < SWAP_COST_WINDOW_USEC || !is_enough(&swap, &file))
                return false;
        begin_window(s, sample, now_usec);
        count_in(&s->swap, &swap);
        count_in(&s->file, &file);
        *ret = (PageCost){
                .swap_nsec = nsec_per_page(swap_msec(&s->swap, is_all_zram(sample)), s->swap.read_sectors),
                .file_nsec = nsec_per_page(MAX(s->file.read_msec, TICK_MSEC), s->file.read_sectors),
                .n_swap_pages = s->swap.read_sectors / SECTORS_PER_PAGE,
                .n_file_pages = s->file.read_sectors / SECTORS_PER_PAGE,
        };
        return true;
}

uint32_t swap_cost_swappiness(const PageCost *c) {
        return (uint32_t)u64_mul_div(200, c->file_nsec, MAX(u64_add_sat(c->file_nsec, c->swap_nsec), UINT64_C(1)));
}
