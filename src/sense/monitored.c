/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kept descriptor belongs to one cgroup for ever: when that is removed it reads ENODEV, whoever has
 * its path then. Memory is allocated by monitored_update() only, at a discovery.
 */
#include "sense/monitored.h"

#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "sense/cgroup-attr.h"
#include "sense/memory-stat.h"
#include "sense/psi.h"
#include "sense/read.h"

static void slot_close(SenseMonitored *item, MonitoredFiles *f) {
        item->dir_fd = fd_close(item->dir_fd);
        f->psi_fd = fd_close(f->psi_fd);
        f->current_fd = fd_close(f->current_fd);
        f->swap_fd = fd_close(f->swap_fd);
        f->events_fd = fd_close(f->events_fd);
}

void monitored_done(MonitoredSet *m) {
        for (uint32_t i = 0; i < m->n; i++)
                slot_close(&m->items[i], &m->files[i]);
        free(m->items);
        free(m->files);
        free(m->samples);
        free(m->sample_index);
        *m = (MonitoredSet){};
}

static int set_allocate(MonitoredSet *m, uint32_t n) {
        *m = (MonitoredSet){ .items = calloc(MAX(n, 1u), sizeof(SenseMonitored)),
                             .files = calloc(MAX(n, 1u), sizeof(MonitoredFiles)),
                             .samples = calloc(MAX(n, 1u), sizeof(CgroupSample)),
                             .sample_index = calloc(MAX(n, 1u), sizeof(uint32_t)) };
        if (m->items && m->files && m->samples && m->sample_index)
                return 0;
        monitored_done(m);
        return -ENOMEM;
}

static void keep_open(int *fd, int dir_fd, const char *name) {
        if (*fd < 0)
                *fd = fd_open_at(dir_fd, name); /* a missing file is an absent field */
}

/* Opens what is not open yet: a controller may have been enabled since, or a limit set. */
static int slot_open(SenseMonitored *item, MonitoredFiles *f, const CgroupTree *t, const CgroupSample *s,
                     bool is_limited) {
        if (item->dir_fd < 0) {
                int fd = cgroup_tree_open(t, s, O_RDONLY);
                if (fd < 0)
                        return fd;
                item->dir_fd = fd;
        }
        keep_open(&f->psi_fd, item->dir_fd, "memory.pressure");
        if (t->has_memory) {
                keep_open(&f->current_fd, item->dir_fd, "memory.current");
                keep_open(&f->swap_fd, item->dir_fd, "memory.swap.current");
                /* events high and max are the evidence that it is against a limit of its own */
                if (is_limited)
                        keep_open(&f->events_fd, item->dir_fd, "memory.events");
        }
        return 0;
}

/* Moves the slot of a cgroup that is monitored already, or starts one. Returns false if it cannot be opened. */
static bool slot_fill(MonitoredSet *next, MonitoredSet *old, CgroupTree *t, uint32_t node, Complaints *c) {
        CgroupNode *n = &cgroup_tree_nodes(t)[node];
        const CgroupSample *s = &cgroup_tree_samples(t)[node];
        SenseMonitored item = { .id = s->id, .dir_fd = -EBADF };
        MonitoredFiles files = { .psi_fd = -EBADF, .current_fd = -EBADF, .swap_fd = -EBADF, .events_fd = -EBADF };

        if (n->slot < old->n && old->items[n->slot].id == s->id) {
                item = old->items[n->slot];
                files = old->files[n->slot];
                old->items[n->slot] = (SenseMonitored){ .dir_fd = -EBADF };
                old->files[n->slot] = (MonitoredFiles){
                        .psi_fd = -EBADF, .current_fd = -EBADF, .swap_fd = -EBADF, .events_fd = -EBADF
                };
        }
        if (files.is_gone)
                slot_close(&item, &files); /* it lives after all: a controller was switched off, or off and on */
        int r = slot_open(&item, &files, t, s, n->is_limited);
        if (r < 0) {
                slot_close(&item, &files);
                if (!read_is_gone(r))
                        complaint_raise_file(c, COMPLAINT_MONITORED, s->path, "", r);
                return false;
        }
        files.is_gone = false;
        next->items[next->n] = item;
        next->files[next->n] = files;
        n->slot = next->n++;
        return true;
}

static bool sets_differ(const MonitoredSet *a, const SenseMonitored *b, uint32_t n) {
        if (a->n != n)
                return true;
        for (uint32_t i = 0; i < n; i++)
                if (a->items[i].id != b[i].id || a->items[i].policy != b[i].policy)
                        return true;
        return false;
}

/**
 * monitored_update() - after a discovery: open what is monitored now, close what no longer is
 * @t: its latest walk; CgroupNode.slot is set
 *
 * Return: 1 if the set changed (another cgroup, another policy), else 0; -ENOMEM, and nothing is
 *         monitored then.
 */
int monitored_update(MonitoredSet *m, CgroupTree *t, Complaints *c) {
        CgroupSample *samples = cgroup_tree_samples(t);
        CgroupNode *nodes = cgroup_tree_nodes(t);
        uint32_t n_wanted = 0, size = cgroup_tree_size(t);
        _cleanup_free_ SenseMonitored *before = NULL;
        MonitoredSet next;

        for (uint32_t i = 0; i < size; i++)
                n_wanted += samples[i].policy >= 0;
        if (n_wanted > MONITORED_MAX) {
                complaint_raise(c, COMPLAINT_MONITORED, "%u cgroups match a policy: monitoring the first %d of them",
                                n_wanted, MONITORED_MAX);
                n_wanted = MONITORED_MAX;
        }
        uint32_t n_before = m->n;
        if (n_before > 0 && (before = calloc(n_before, sizeof(*before))))
                memcpy(before, m->items, n_before * sizeof(*before));
        if ((n_before > 0 && !before) || set_allocate(&next, n_wanted) < 0) {
                monitored_done(m);
                for (uint32_t i = 0; i < size; i++)
                        nodes[i].slot = INDEX_NONE;
                return -ENOMEM;
        }
        for (uint32_t i = 0; i < size; i++)
                if (samples[i].policy < 0 || next.n == n_wanted || !slot_fill(&next, m, t, i, c))
                        nodes[i].slot = INDEX_NONE;
        monitored_done(m);
        *m = next;
        monitored_repoint(m, t);
        return sets_differ(m, before, n_before);
}

/* Takes over what the walk says of them, path addresses included. */
void monitored_repoint(MonitoredSet *m, CgroupTree *t) {
        const CgroupSample *samples = cgroup_tree_samples(t);
        const CgroupNode *nodes = cgroup_tree_nodes(t);

        for (uint32_t i = 0; i < cgroup_tree_size(t); i++) {
                uint32_t slot = nodes[i].slot;
                if (slot == INDEX_NONE)
                        continue;
                CgroupSample known = samples[i];
                /* of the walk's reading only the limits stay true */
                known.have &= ~(UINT64_C(1) << CGROUP_CURRENT | UINT64_C(1) << CGROUP_SWAP_CURRENT);
                known.value[CGROUP_CURRENT] = known.value[CGROUP_SWAP_CURRENT] = 0;
                m->files[slot].known = known;
                m->files[slot].parent = known.parent == INDEX_NONE ? INDEX_NONE : nodes[known.parent].slot;
                m->items[slot].policy = known.policy;
                m->items[slot].path = known.path;
        }
}

/* Returns false if the cgroup is gone. */
static bool number_read(int fd, CgroupField f, const char *file, Complaints *c, CgroupSample *ret) {
        char text[32];
        uint64_t v;

        if (fd < 0)
                return true;
        int r = read_once(fd, text, sizeof(text));
        if (read_is_gone(r))
                return false;
        if (r >= 0)
                r = cgroup_attr_number_parse(text, /* may_be_max= */ false, &v);
        if (r < 0)
                complaint_raise_file(c, COMPLAINT_CGROUP_FILE, ret->path, file, r);
        else
                cgroup_set(ret, f, v);
        return true;
}

/**
 * monitored_read() - the cheap fields of one monitored cgroup, from kept descriptors
 * @ret: its path is set; pressure, current, swap.current and events are set or left as they are
 *
 * Return: false if it has vanished; it stays out of every sample until the next discovery.
 */
bool monitored_read(MonitoredSet *m, uint32_t slot, Complaints *c, CgroupSample *ret) {
        MonitoredFiles *f = &m->files[slot];
        PsiTotals t;
        char text[512]; /* ten counters at most */

        if (f->is_gone)
                return false;
        int r = f->psi_fd < 0 ? 0 : psi_read(f->psi_fd, &t);
        if (r == READ_E_GONE)
                return !(f->is_gone = true);
        if (r < 0 && r != -EOPNOTSUPP)
                complaint_raise_file(c, COMPLAINT_CGROUP_FILE, ret->path, "memory.pressure", r);
        if (f->psi_fd >= 0 && r == 0 && t.has_some)
                cgroup_set(ret, CGROUP_PSI_SOME_USEC, t.some_usec);
        if (f->psi_fd >= 0 && r == 0 && t.has_full)
                cgroup_set(ret, CGROUP_PSI_FULL_USEC, t.full_usec);
        if (!number_read(f->current_fd, CGROUP_CURRENT, "memory.current", c, ret) ||
            !number_read(f->swap_fd, CGROUP_SWAP_CURRENT, "memory.swap.current", c, ret))
                return !(f->is_gone = true);
        if (f->events_fd < 0)
                return true;
        r = read_once(f->events_fd, text, sizeof(text));
        if (read_is_gone(r))
                return !(f->is_gone = true);
        if (r >= 0)
                r = memory_events_parse(text, ret);
        if (r < 0)
                complaint_raise_file(c, COMPLAINT_CGROUP_FILE, ret->path, "memory.events", r);
        return true;
}

/* The cheap sample: fills @m->samples. Returns how many; those that vanished are not among them. */
uint32_t monitored_sample(MonitoredSet *m, Complaints *c) {
        uint32_t n = 0;

        for (uint32_t slot = 0; slot < m->n; slot++) {
                CgroupSample *s = &m->samples[n];
                *s = m->files[slot].known;
                m->sample_index[slot] = INDEX_NONE;
                if (!monitored_read(m, slot, c, s))
                        continue;
                /* slots are in walk order: a parent has its index already */
                uint32_t up = m->files[slot].parent;
                s->parent = up == INDEX_NONE ? INDEX_NONE : m->sample_index[up];
                m->sample_index[slot] = n++;
        }
        return n;
}
