/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dear part of a detailed sample. memory.stat, pressure and events of every cgroup would take
 * 40 us each and a flush of statistics; a victim is among the biggest, among those that grew most since
 * the last look, or within a cgroup that is monitored. Those few are read in full, and so are the
 * monitored ones themselves and the root, whose memory.stat has the host's sums.
 */
#include "sense/cgroup-detail.h"

#include <fcntl.h>

#include "sense/cgroup-attr.h"
#include "sense/pick.h"

/* Of each kind. Three times this many at about 50 us bound the cost to some 10 ms. */
#define PICKED 64

static uint64_t footprint(const CgroupSample *s) {
        return u64_add_sat(s->value[CGROUP_CURRENT], s->value[CGROUP_SWAP_CURRENT]);
}

static bool is_in_monitored(const CgroupTree *t, uint32_t i) {
        const CgroupSample *samples = cgroup_tree_samples(t);

        for (; i != INDEX_NONE; i = samples[i].parent)
                if (samples[i].policy >= 0)
                        return true;
        return false;
}

static void pick_take(const Pick *p, CgroupNode *nodes) {
        for (uint32_t i = 0; i < p->n; i++)
                nodes[p->items[i].index].is_of_interest = true;
}

static void interest_choose(CgroupTree *t) {
        const CgroupSample *samples = cgroup_tree_samples(t);
        CgroupNode *nodes = cgroup_tree_nodes(t);
        Pick biggest, grown, inside;

        pick_init(&biggest, PICKED);
        pick_init(&grown, PICKED);
        pick_init(&inside, PICKED);
        for (uint32_t i = 0; i < cgroup_tree_size(t); i++) {
                uint64_t now = footprint(&samples[i]);
                nodes[i].is_of_interest = i == 0 || samples[i].policy >= 0;
                pick_offer(&biggest, now, i);
                /* one that was not there at the last look has grown by all it has */
                pick_offer(&grown, u64_sub_sat(now, nodes[i].has_base ? nodes[i].base_bytes : 0), i);
                /* without the memory controller every one is as good as another */
                if (is_in_monitored(t, i))
                        pick_offer(&inside, u64_add_sat(now, 1), i);
        }
        pick_take(&biggest, nodes);
        pick_take(&grown, nodes);
        pick_take(&inside, nodes);
}

static void node_read(CgroupTree *t, const MonitoredSet *m, Peaks *peaks, bool has_limits, uint32_t i) {
        CgroupSample *s = &cgroup_tree_samples(t)[i];
        uint32_t slot = monitored_find(m, t, i);
        bool is_monitored = slot != INDEX_NONE;

        _cleanup_close_ int opened = is_monitored ? -EBADF : cgroup_tree_open(t, s, O_PATH);
        int fd = is_monitored ? m->items[slot].dir_fd : opened;
        if (fd < 0)
                return;
        CgroupAttrSource a = { .dir_fd = fd,
                               .prefix = "",
                               .scratch = t->scratch,
                               .scratch_size = t->scratch_size,
                               .complaints = t->complaints };
        if (!cgroup_has(s, CGROUP_PSI_SOME_USEC))
                cgroup_attr_read_pressure(&a, s);
        if (!t->has_memory)
                return;
        if (s->policy >= 0 && !has_limits)
                cgroup_attr_read_limits(&a, s); /* of the others as of the discovery */
        cgroup_attr_read_events(&a, s);
        cgroup_attr_read_stat(&a, s);
        peaks_read(peaks, fd, t->complaints, s);
}

/**
 * cgroup_detail_read() - read the cgroups of interest in full
 * @t: just walked, and its monitored cgroups read by monitored_read(); its samples are completed
 * @peaks: completes them as well, while it is on
 * @has_limits: those of the discovery are good enough (DETAIL_KNOWN_STATS)
 */
void cgroup_detail_read(CgroupTree *t, const MonitoredSet *m, Peaks *peaks, bool has_limits) {
        interest_choose(t);
        for (uint32_t i = 0; i < cgroup_tree_size(t); i++)
                if (cgroup_tree_nodes(t)[i].is_of_interest)
                        node_read(t, m, peaks, has_limits, i);
        peaks_sweep(peaks);
        cgroup_detail_rebase(t);
}

/* From here on growth is counted anew. */
void cgroup_detail_rebase(CgroupTree *t) {
        for (uint32_t i = 0; i < cgroup_tree_size(t); i++) {
                const CgroupSample *s = &cgroup_tree_samples(t)[i];
                CgroupNode *n = &cgroup_tree_nodes(t)[i];
                n->has_base = cgroup_has(s, CGROUP_CURRENT);
                n->base_bytes = n->has_base ? footprint(s) : 0;
        }
}
