/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The kernel's own measure of a victim, to the page: mm/oom_kill.c, oom_badness(), 5.9 to 7.x.
 *
 *     points = rss (anonymous, file and shared) + swap entries + page tables, in pages
 *     points += oom_score_adj * (totalpages / 1000)        integer division first
 *
 * There is no bonus for root, no clamp at 1, no term for children or run time (all gone since 4.17).
 * What user space cannot see is MMF_OOM_SKIP and a vfork in progress; sense/ guesses both
 * (PROCESS_DYING, PROCESS_VFORK).
 */

#include "decide/badness.h"

/**
 * badness_pages() - oom_badness of one process
 * @p:           with PROCESS_SIZES and PROCESS_IDENTITY
 * @total_pages: RAM and swap of the OOM domain, in pages
 * @ret_reject:  why it is not selectable, REJECT_NONE otherwise
 *
 * A recording may say anything: what no int64_t holds is cut off at its ends.
 *
 * Return: points in pages, possibly negative; INT64_MIN where the kernel would never select it or where
 *         what it needs was not read.
 * Source: mm/oom_kill.c, Linux 5.9 and later.
 */
int64_t badness_pages(const ProcessSample *p, uint64_t total_pages, Reject *ret_reject) {
        static const struct {
                ProcessFlag flag;
                Reject reject;
        } never[] = {
                { PROCESS_INIT, REJECT_INIT },   { PROCESS_KTHREAD, REJECT_KTHREAD }, { PROCESS_NO_MM, REJECT_NO_MM },
                { PROCESS_DYING, REJECT_DYING }, { PROCESS_VFORK, REJECT_VFORK },
        };
        for (size_t i = 0; i < ARRAY_SIZE(never); i++)
                if (p->flags & never[i].flag) {
                        *ret_reject = never[i].reject;
                        return INT64_MIN;
                }
        uint32_t needed = PROCESS_SIZES | PROCESS_IDENTITY;
        if ((p->flags & needed) != needed) {
                *ret_reject = REJECT_UNREAD;
                return INT64_MIN;
        }
        if (p->oom_score_adj == -1000) {
                *ret_reject = REJECT_ADJ;
                return INT64_MIN;
        }
        *ret_reject = REJECT_NONE;
        uint64_t pages = u64_add_sat(u64_add_sat(p->rss_anon, p->rss_file), u64_add_sat(p->rss_shmem, p->swap));
        __int128 points = u64_add_sat(pages, p->pgtables);
        points += (__int128)p->oom_score_adj * (total_pages / 1000);
        return points > INT64_MAX ? INT64_MAX : points <= INT64_MIN ? INT64_MIN + 1 : (int64_t)points;
}

/**
 * badness_to_oom_score() - /proc/PID/oom_score from points
 * Return: (1000 + points * 1000 / total_pages) * 2 / 3, as fs/proc/base.c computes it; never negative.
 * Source: fs/proc/base.c, proc_oom_score(), Linux 5.9 and later.
 */
uint32_t badness_to_oom_score(int64_t points, uint64_t total_pages) {
        if (points == INT64_MIN || total_pages == 0)
                return 0;
        int64_t product, thousandths;
        /* Nearly always; a division of 128 bits takes several times as long, and this is asked for each process. */
        if (total_pages <= INT64_MAX && !__builtin_mul_overflow(points, INT64_C(1000), &product))
                thousandths = product / (int64_t)total_pages;
        else {
                __int128 wide = (__int128)points * 1000 / total_pages;
                thousandths = wide > INT64_MAX ? INT64_MAX : wide < INT64_MIN ? INT64_MIN : (int64_t)wide;
        }
        int64_t score = (1000 + MIN(MAX(thousandths, INT64_C(-1000)), (int64_t)UINT32_MAX * 2)) * 2 / 3;
        return (uint32_t)MIN(score, (int64_t)UINT32_MAX);
}

/**
 * badness_size_from_oom_score() - undo badness_to_oom_score()
 *
 * The kernel's rounding loses up to 0.15 % of RAM and swap; good enough to see who grows, never enough
 * to choose a victim by.
 */
uint64_t badness_size_from_oom_score(uint32_t oom_score, int32_t adj, uint64_t total_pages) {
        int64_t thousandths = (int64_t)oom_score * 3 / 2 - 1000 - adj;
        return thousandths > 0 ? u64_mul_div((uint64_t)thousandths, total_pages, 1000) : 0;
}
