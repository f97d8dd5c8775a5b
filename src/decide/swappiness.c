/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Swappiness says what swapping costs against reading files again. The kernel's own advice is 200 x / (1 + x) for swap
 * that is x times as fast as the storage of the files. What x is nobody knows before there is a load: a slow CPU makes
 * zram slow, an NVMe drive makes files cheap. So auto begins with what the kind of swap suggests, and measures what a
 * page takes each way as soon as enough are read (swap-cost.c).
 *
 * Whether it is right shows in the refaults: pages that were thrown out and are wanted back. At the cost of a page each
 * way, either the pages of swap take clearly more of the time, and too much is swapped, or those of files do, and it is
 * too little. That says which way to go. How far, the formula says, with x as it was measured: half the way to there
 * where it lies in that direction, else one small step. The formula alone moves nothing: it knows the devices, not how
 * often either kind of page is wanted, nor the time of the CPU around a read. In an emulated guest (Linux 6.1, a page of
 * a file 33 us, one of zram 110 to 160) it asked for 35 to 45, where the load did a third more at 120 and 180 than at 60,
 * and a quarter less at 20. The refaults, at the same costs, asked for more at 20, 60 and 120, and for nothing at 180.
 *
 * A value that wanders with every program that starts is worse than one that is not quite right: several windows must
 * agree, there is at most one move a minute, and each move back needs more evidence than the one before.
 */

#include "decide/swappiness.h"

/*
 * How many times as fast as the storage of the files swap is, as a fraction, before anything was measured.
 * zram:  decompressing takes some microseconds, an SSD 50 to 100: taken as 9, which gives the 180 that
 *        distributions with zram use.
 * zswap: the same while the page is in the pool; some went on to the device: 4, gives 160. It stays a guess: the
 *        kernel counts no times for the pool.
 * ssd:   the same device, but an anonymous page has to be written before it can be read: 1/2, gives 66.
 * disk:  swap is scattered, files lie in order and are read ahead: 1/4, gives 40.
 * Source: Documentation/admin-guide/sysctl/vm.rst, swappiness (Linux 5.8).
 */
static const struct {
        uint32_t num, den;
} speeds[_SWAP_KIND_MAX] = {
        [SWAP_ZRAM] = { 9, 1 },
        [SWAP_ZSWAP] = { 4, 1 },
        [SWAP_SSD] = { 1, 2 },
        [SWAP_DISK] = { 1, 4 },
};

static bool cost_of_kind(SwapKind kind, PageCost *ret) {
        if ((size_t)kind >= ARRAY_SIZE(speeds) || speeds[kind].den == 0)
                return false;
        *ret = (PageCost){ .swap_nsec = speeds[kind].den, .file_nsec = speeds[kind].num };
        return true;
}

bool swappiness_of_kind(SwapKind kind, uint32_t *ret) {
        PageCost c;

        if (!cost_of_kind(kind, &c))
                return false;
        *ret = swap_cost_swappiness(&c);
        return true;
}

/* ---- moves ---- */

static uint32_t clamp(const SysctlPolicy *p, int64_t v) {
        return (uint32_t)MIN(MAX(v, (int64_t)p->swappiness_min), (int64_t)p->swappiness_max);
}

static bool may_move(const SwappinessState *s, uint64_t now_usec) {
        return !s->has_moved || u64_sub_sat(now_usec, s->moved_usec) >= TUNE_MOVE_GAP_USEC;
}

/* ---- what comes back ---- */

static void forget_windows(SwappinessState *s) {
        s->has_window = false;
        s->direction = 0;
        s->n_windows = 0;
}

static void begin_window(SwappinessState *s, uint64_t now_usec, uint64_t anon, uint64_t file) {
        s->has_window = true;
        s->window_begin_usec = now_usec;
        s->window_anon = anon;
        s->window_file = file;
}

/* What a window asks for: a factor of two either way is what no noise makes. */
static int32_t window_direction(const PageCost *c, uint64_t anon, uint64_t file) {
        uint64_t cost_anon = u64_mul_sat(anon, c->swap_nsec), cost_file = u64_mul_sat(file, c->file_nsec);

        if (u64_add_sat(anon, file) < TUNE_REFAULTS_MIN)
                return 0;
        if (cost_anon / 2 > cost_file)
                return -1;
        return cost_file / 2 > cost_anon ? 1 : 0;
}

/* How far the formula would go in @direction: half the way, since it does not know all; 0 or less where it would not. */
static int64_t formula_distance(const SwappinessState *s, int32_t direction) {
        if (!s->is_measured)
                return 0;
        return ((int64_t)swap_cost_swappiness(&s->cost) - s->value) * direction / 2;
}

static bool is_evidence(const SwappinessState *s, bool is_by_formula) {
        uint32_t needed = is_by_formula ? TUNE_WINDOWS_FORMULA : TUNE_WINDOWS;

        if (s->direction_moved != 0 && s->direction != s->direction_moved)
                needed *= 2u << MIN(s->n_reversals, (uint32_t)TUNE_REVERSALS_MAX);
        return s->n_windows >= needed;
}

static void consider_move(SwappinessState *s, const SysctlPolicy *p, uint64_t now_usec, const SysctlAdvice *numbers) {
        int64_t distance = formula_distance(s, s->direction);
        bool is_by_formula = distance > TUNE_MOVE;
        uint32_t from = s->value;

        if (s->direction == 0 || !is_evidence(s, is_by_formula) ||
            !(may_move(s, now_usec) || (is_by_formula && s->direction_moved == 0)))
                return;
        uint32_t to = clamp(p, from + s->direction * MAX(distance, (int64_t)TUNE_MOVE));
        if (to == from)
                return;
        /* never forgotten: what swings for an hour would else do so all day */
        if (s->direction_moved != 0 && s->direction != s->direction_moved)
                s->n_reversals++;
        s->direction_moved = s->direction;
        s->value = to;
        s->advice = *numbers;
        s->advice.why = s->direction > 0 ? SYSCTL_WHY_REFAULTS_FILE : SYSCTL_WHY_REFAULTS_ANON;
        s->advice.from = from;
        s->advice.n_windows = s->n_windows;
        s->has_moved = true;
        s->moved_usec = now_usec;
        s->direction = 0;
        s->n_windows = 0;
}

static void weigh_refaults(SwappinessState *s, const SysctlPolicy *p, const Snapshot *snap) {
        const HostSample *h = &snap->host;
        uint64_t now = snap->mono_usec;

        if (!host_has(h, HOST_VM_REFAULT_ANON) || !host_has(h, HOST_VM_REFAULT_FILE)) {
                forget_windows(s);
                return;
        }
        uint64_t anon = h->value[HOST_VM_REFAULT_ANON], file = h->value[HOST_VM_REFAULT_FILE];
        uint64_t span = u64_sub_sat(now, s->window_begin_usec);
        if (!s->has_window || anon < s->window_anon || file < s->window_file || now < s->window_begin_usec ||
            span > TUNE_WINDOW_MAX_USEC) {
                forget_windows(s);
                begin_window(s, now, anon, file);
                return;
        }
        if (span < TUNE_WINDOW_USEC)
                return;
        const SysctlAdvice numbers = {
                .is_wanted = true,
                .swap_kind = s->kind,
                .refault_anon = anon - s->window_anon,
                .refault_file = file - s->window_file,
                .window_usec = span,
        };
        begin_window(s, now, anon, file);
        int32_t direction = window_direction(&s->cost, numbers.refault_anon, numbers.refault_file);
        s->n_windows = direction == 0 ? 0 : direction == s->direction ? s->n_windows + 1 : 1;
        s->direction = direction;
        consider_move(s, p, now, &numbers);
}

/* ---- all ---- */

/* What zswap keeps never gets to the device, so that the device alone would be measured. */
static void measure(SwappinessState *s, const SysctlSample *sample, uint64_t now_usec) {
        if (sample->has_swap_kind && sample->swap_kind == s->kind && s->kind != SWAP_ZSWAP &&
            swap_cost_step(&s->measuring, sample, now_usec, &s->cost))
                s->is_measured = true;
}

/* What a page takes, and what the formula makes of it, is told with each reason. */
static void note_cost(const SwappinessState *s, SysctlAdvice *a) {
        if (!s->is_measured)
                return;
        a->swap_page_nsec = s->cost.swap_nsec;
        a->file_page_nsec = s->cost.file_nsec;
        a->n_swap_pages = s->cost.n_swap_pages;
        a->n_file_pages = s->cost.n_file_pages;
        a->formula = swap_cost_swappiness(&s->cost);
}

void swappiness_forget(SwappinessState *s) {
        *s = (SwappinessState){ .has_moved = s->has_moved, .moved_usec = s->moved_usec };
}

/* Another kind of swap is another host: begins anew, but not faster than any other move. */
static void begin(SwappinessState *s, const SysctlPolicy *p, SwapKind kind, const PageCost *cost, uint64_t now_usec) {
        swappiness_forget(s);
        s->has_value = true;
        s->kind = kind;
        s->cost = *cost;
        s->value = clamp(p, swap_cost_swappiness(cost));
        s->advice = (SysctlAdvice){ .is_wanted = true, .why = SYSCTL_WHY_SWAP_KIND, .swap_kind = kind };
        s->has_moved = true;
        s->moved_usec = now_usec;
}

/**
 * swappiness_step() - what swappiness should be now
 * @s:      all zero at first
 * @p:      bounds; may be others at each step
 * @sample: kind of swap and block devices, as read just now
 * @snap:   refaults and time
 * @ret:    always filled
 *
 * Source: Documentation/admin-guide/sysctl/vm.rst, swappiness (Linux 5.8).
 */
void swappiness_step(SwappinessState *s, const SysctlPolicy *p, const SysctlSample *sample, const Snapshot *snap,
                     SysctlAdvice *ret) {
        PageCost cost;

        if (sample->has_swap_kind && !cost_of_kind(sample->swap_kind, &cost)) {
                swappiness_forget(s);
                *ret = (SysctlAdvice){ .why = sample->swap_kind == SWAP_NONE ? SYSCTL_WHY_NO_SWAP :
                                                                               SYSCTL_WHY_SWAP_UNKNOWN };
                return;
        }
        if (sample->has_swap_kind && (!s->has_value || s->kind != sample->swap_kind)) {
                if (may_move(s, snap->mono_usec))
                        begin(s, p, sample->swap_kind, &cost, snap->mono_usec);
                else if (!s->has_value) {
                        *ret = (SysctlAdvice){ .why = SYSCTL_WHY_SWAP_KIND, .swap_kind = sample->swap_kind };
                        return;
                }
        }
        if (!s->has_value) {
                *ret = (SysctlAdvice){ .why = SYSCTL_WHY_SWAP_UNKNOWN };
                return;
        }
        measure(s, sample, snap->mono_usec);
        weigh_refaults(s, p, snap);
        /* the bounds may be new */
        s->value = clamp(p, s->value);
        *ret = s->advice;
        ret->wanted = s->value;
        note_cost(s, ret);
}
