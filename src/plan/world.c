/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Two tables, of cgroups by id and of processes by pid and start, each an array with an index beside it. Whoever
 * asks for them sorted has them sorted then; a sample that changes nobody's existence allocates nothing.
 */

#include "plan/world.h"

#include <string.h>

#include "model/cgroup-path.h"
#include "plan/world-state.h"

#define CGROUPS_MAX   8192
#define PROCESSES_MAX 65536

static uint64_t process_key(int32_t pid, uint64_t start_ticks) {
        return start_ticks << 22 ^ (uint32_t)pid;
}

static void process_done(WorldProcess *p) {
        free((char *)p->sample.cgroup_path);
        free(p->exe);
        free(p->cmdline);
}

static void world_clear(PlanWorld *w) {
        for (uint32_t i = 0; i < w->n_cgroups; i++)
                free(w->cgroups[i].path);
        for (uint32_t i = 0; i < w->n_processes; i++)
                process_done(&w->processes[i]);
        w->n_cgroups = w->n_processes = 0;
        world_index_clear(&w->cgroup_index);
        world_index_clear(&w->process_index);
        memset(w->pending, 0, sizeof(w->pending));
        w->info = (WorldInfo){ .n_boots = w->info.n_boots, .n_gaps = w->info.n_gaps, .n_over = w->info.n_over };
}

int plan_world_new(const WorldLimits *limits, PlanWorld **ret) {
        PlanWorld *w = calloc(1, sizeof(*w));

        if (!w)
                return -ENOMEM;
        w->limits = (WorldLimits){
                .max_cgroups = limits && limits->max_cgroups ? limits->max_cgroups : CGROUPS_MAX,
                .max_processes = limits && limits->max_processes ? limits->max_processes : PROCESSES_MAX,
        };
        *ret = w;
        return 0;
}

PlanWorld *plan_world_free(PlanWorld *w) {
        if (!w)
                return NULL;
        world_clear(w);
        free(w->cgroups);
        free(w->processes);
        free(w->out_cgroups);
        free(w->out_processes);
        world_index_done(&w->cgroup_index);
        world_index_done(&w->process_index);
        free(w);
        return NULL;
}

int world_reserve(void *array, uint32_t n, uint32_t *size, size_t item) {
        void **p = array;

        if (n < *size)
                return 0;
        uint32_t bigger = MAX(2 * *size, MAX(n + 1, UINT32_C(64)));
        void *q = reallocarray(*p, bigger, item);
        if (!q)
                return -ENOMEM;
        *p = q;
        *size = bigger;
        return 0;
}

static int set_text(char **target, const char *text) {
        if (*target && strcmp(*target, text) == 0)
                return 0;
        char *copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        free(*target);
        *target = copy;
        return 0;
}

/* ---- cgroups ---- */

WorldCgroup *world_cgroup_find(const PlanWorld *w, uint64_t id) {
        uint32_t at = world_index_find(&w->cgroup_index, id);
        return at == INDEX_NONE ? NULL : &w->cgroups[at];
}

static int cgroup_get(PlanWorld *w, uint64_t id, WorldCgroup **ret) {
        *ret = world_cgroup_find(w, id);
        if (*ret)
                return 0;
        if (w->n_cgroups >= w->limits.max_cgroups) {
                w->info.n_over++;
                return 0;
        }
        if (world_reserve(&w->cgroups, w->n_cgroups, &w->size_cgroups, sizeof(*w->cgroups)) < 0 ||
            world_index_add(&w->cgroup_index, id, w->n_cgroups) < 0)
                return -ENOMEM;
        *ret = &w->cgroups[w->n_cgroups++];
        **ret = (WorldCgroup){ .id = id, .policy = -1 };
        w->cgroups_sorted = false;
        return 0;
}

static int cgroup_take(PlanWorld *w, const Snapshot *s, const CgroupSample *c) {
        WorldCgroup *wc;

        int r = cgroup_get(w, c->id, &wc);
        if (r < 0 || !wc)
                return r;
        r = set_text(&wc->path, c->path ? c->path : "");
        if (r < 0)
                return r;
        if (wc->last_usec == 0)
                wc->first_usec = s->mono_usec;
        wc->last_usec = s->mono_usec;
        wc->serial = w->serial;
        wc->marks = c->marks;
        wc->policy = c->policy;
        if (c->parent < s->n_cgroups)
                wc->parent_id = s->cgroups[c->parent].id;
        for (uint64_t left = c->have; left != 0; left &= left - 1) {
                int f = __builtin_ctzll(left);
                wc->value[f] = c->value[f];
                wc->seen_usec[f] = s->mono_usec;
        }
        wc->have |= c->have;
        return 0;
}

static void cgroup_remove(PlanWorld *w, uint32_t at) {
        free(w->cgroups[at].path);
        world_index_remove(&w->cgroup_index, w->cgroups[at].id);
        if (at != --w->n_cgroups) {
                w->cgroups[at] = w->cgroups[w->n_cgroups];
                world_index_move(&w->cgroup_index, w->cgroups[at].id, at);
                w->cgroups_sorted = false;
        }
}

/* ---- processes ---- */

static WorldProcess *process_find(const PlanWorld *w, int32_t pid, uint64_t start_ticks) {
        uint32_t at = world_index_find(&w->process_index, process_key(pid, start_ticks));
        return at == INDEX_NONE ? NULL : &w->processes[at];
}

static int process_get(PlanWorld *w, int32_t pid, uint64_t start_ticks, WorldProcess **ret) {
        *ret = process_find(w, pid, start_ticks);
        if (*ret)
                return 0;
        if (w->n_processes >= w->limits.max_processes) {
                w->info.n_over++;
                return 0;
        }
        if (world_reserve(&w->processes, w->n_processes, &w->size_processes, sizeof(*w->processes)) < 0 ||
            world_index_add(&w->process_index, process_key(pid, start_ticks), w->n_processes) < 0)
                return -ENOMEM;
        *ret = &w->processes[w->n_processes++];
        **ret = (WorldProcess){ .sample = { .pid = pid, .start_ticks = start_ticks, .cgroup = INDEX_NONE, .rule = -1,
                                            .kernel_rule = -1, .tier = TIER_NORMAL },
                                .serial = w->serial };
        w->processes_sorted = false;
        return 0;
}

/* What this sample did not read of it stays as it was. */
static ProcessSample process_merge(const ProcessSample *old, const ProcessSample *new) {
        ProcessSample p = *new;

        if (!(new->flags & PROCESS_SIZES) && (old->flags & PROCESS_SIZES)) {
                p.rss_anon = old->rss_anon;
                p.rss_file = old->rss_file;
                p.rss_shmem = old->rss_shmem;
                p.swap = old->swap;
                p.pgtables = old->pgtables;
                p.flags |= PROCESS_SIZES;
        }
        if (!(new->flags & PROCESS_SCORE) && (old->flags & PROCESS_SCORE)) {
                p.oom_score = old->oom_score;
                p.flags |= PROCESS_SCORE;
        }
        if (!(new->flags & PROCESS_IDENTITY) && (old->flags & PROCESS_IDENTITY)) {
                p.ppid = old->ppid;
                p.pgid = old->pgid;
                p.sid = old->sid;
                p.uid = old->uid;
                p.oom_score_adj = old->oom_score_adj;
                memcpy(p.comm, old->comm, sizeof(p.comm));
                p.flags |= PROCESS_IDENTITY;
        }
        return p;
}

static int process_take(PlanWorld *w, const Snapshot *s, const ProcessSample *p) {
        WorldProcess *wp;

        int r = process_get(w, p->pid, p->start_ticks, &wp);
        if (r < 0 || !wp)
                return r;
        char *path = (char *)wp->sample.cgroup_path;
        r = set_text(&path, p->cgroup_path ? p->cgroup_path : "");
        if (r < 0)
                return r;
        wp->sample = process_merge(&wp->sample, p);
        wp->sample.cgroup_path = path;
        wp->sample.cgroup = INDEX_NONE;
        if (wp->last_usec == 0)
                wp->first_usec = s->mono_usec;
        wp->last_usec = s->mono_usec;
        wp->serial = w->serial;
        if (p->flags & PROCESS_SIZES)
                wp->sizes_usec = s->mono_usec;
        return 0;
}

static void process_remove(PlanWorld *w, uint32_t at) {
        WorldProcess *p = &w->processes[at];

        process_done(p);
        world_index_remove(&w->process_index, process_key(p->sample.pid, p->sample.start_ticks));
        if (at != --w->n_processes) {
                *p = w->processes[w->n_processes];
                world_index_move(&w->process_index, process_key(p->sample.pid, p->sample.start_ticks), at);
                w->processes_sorted = false;
        }
}

static int take_facts(PlanWorld *w, const TraceFacts *f) {
        WorldProcess *wp;

        int r = process_get(w, f->pid, f->start_ticks, &wp);
        if (r < 0 || !wp)
                return r;
        wp->has_facts = true;
        if (f->has_exe && f->exe)
                r = set_text(&wp->exe, f->exe);
        if (r >= 0 && f->has_cmdline && f->cmdline)
                r = set_text(&wp->cmdline, f->cmdline);
        return r;
}

/* ---- kills ---- */

static void note_kill(PlanWorld *w, const TraceKill *k) {
        if (k->dry_run)
                return;
        PendingKill *p = NULL;
        for (uint32_t i = 0; i < PENDING_MAX && !p; i++)
                if (w->pending[i].kill_id == k->kill_id)
                        p = &w->pending[i];
        if (!p) {
                p = &w->pending[w->next_pending];
                w->next_pending = (w->next_pending + 1) % PENDING_MAX;
        }
        *p = (PendingKill){ .kill_id = k->kill_id, .kind = k->victim_kind, .pid = k->pid, .start_ticks = k->start_ticks };
        memcpy(p->cgroup_path, k->cgroup_path, sizeof(p->cgroup_path));
}

/* The next sample of all processes may be seconds away. One of a group is as good as all of it only there. */
static void end_kill(PlanWorld *w, const KillStatus *st) {
        for (uint32_t i = 0; i < PENDING_MAX; i++) {
                PendingKill *k = &w->pending[i];
                if (k->kill_id == 0 || k->kill_id != st->kill_id)
                        continue;
                for (uint32_t n = w->n_processes; st->outcome == KILL_EXITED && st->candidate == 0 && n-- > 0;) {
                        const ProcessSample *p = &w->processes[n].sample;
                        bool is_it = k->kind == CANDIDATE_CGROUP
                                             ? k->cgroup_path[0] && p->cgroup_path &&
                                                       cgroup_path_inside(p->cgroup_path, k->cgroup_path)
                                             : p->pid == k->pid && p->start_ticks == k->start_ticks;
                        if (is_it)
                                process_remove(w, n);
                }
                *k = (PendingKill){ 0 };
        }
}

/* ---- records ---- */

static int take_lists(PlanWorld *w, const Snapshot *s) {
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                int r = cgroup_take(w, s, &s->cgroups[i]);
                if (r < 0)
                        return r;
        }
        for (uint32_t i = 0; i < s->n_processes; i++) {
                int r = process_take(w, s, &s->processes[i]);
                if (r < 0)
                        return r;
        }
        /* of cgroups that are merely known from before, some may be gone and others new: that ends nobody */
        for (uint32_t i = w->n_cgroups; (s->detail & DETAIL_CGROUPS) && i-- > 0;)
                if (w->cgroups[i].serial != w->serial)
                        cgroup_remove(w, i);
        for (uint32_t i = w->n_processes; (s->detail & DETAIL_ANY_PROCESSES) && i-- > 0;)
                if (w->processes[i].serial != w->serial)
                        process_remove(w, i);
        return 0;
}

static int take_snapshot(PlanWorld *w, const Snapshot *s) {
        WorldInfo *info = &w->info;

        if (s->mono_usec < info->mono_usec)
                world_clear(w);
        w->serial++;
        for (uint64_t left = s->host.have; left != 0; left &= left - 1) {
                int f = __builtin_ctzll(left);
                info->host.value[f] = s->host.value[f];
        }
        info->host.have |= s->host.have;
        info->has_host = true;
        info->page_size = s->page_size;
        info->mono_usec = s->mono_usec;
        info->real_usec = s->real_usec;
        if (s->detail & DETAIL_ANY_CGROUPS)
                info->cgroups_usec = s->mono_usec;
        if (s->detail & DETAIL_ANY_STATS)
                info->stats_usec = s->mono_usec;
        if (s->detail & DETAIL_ANY_PROCESSES)
                info->processes_usec = s->mono_usec;
        for (uint32_t i = 0; i < s->n_kills; i++)
                if (s->kills[i].outcome != KILL_PENDING)
                        end_kill(w, &s->kills[i]);
        return take_lists(w, s);
}

int plan_world_feed(PlanWorld *w, const TraceRecord *r) {
        int n = 0;

        switch (r->kind) {
        case TRACE_START:
                /* another recorder on the same boot goes on with the same host */
                if (w->info.n_boots == 0 || strcmp(w->boot_id, r->start.boot_id) != 0 || w->boot_id[0] == '\0') {
                        world_clear(w);
                        w->info.n_boots++;
                }
                memcpy(w->boot_id, r->start.boot_id, sizeof(w->boot_id));
                w->boot_id[sizeof(w->boot_id) - 1] = '\0';
                break;
        case TRACE_SAMPLE:
                n = take_snapshot(w, &r->snap);
                if (n >= 0 && r->has_decision && r->decision.has_kill)
                        note_kill(w, &r->decision.kill);
                break;
        case TRACE_CONFIRM:
                n = take_snapshot(w, &r->snap);
                break;
        case TRACE_FACTS:
                n = take_facts(w, &r->facts);
                break;
        case TRACE_GAP:
                w->info.n_gaps++;
                break;
        case TRACE_POLICY: /* ids of kills begin anew */
                memset(w->pending, 0, sizeof(w->pending));
                break;
        case TRACE_CANCEL:
        case TRACE_END:
        case _TRACE_KIND_MAX:
        case _TRACE_KIND_INVALID:
                break;
        }
        return n;
}

/* ---- looking ---- */

const WorldInfo *plan_world_info(const PlanWorld *w) {
        return &w->info;
}

const WorldCgroup *plan_world_cgroup(const PlanWorld *w, uint64_t id) {
        return world_cgroup_find(w, id);
}

const WorldProcess *plan_world_process(const PlanWorld *w, int32_t pid, uint64_t start_ticks) {
        return process_find(w, pid, start_ticks);
}

static int cgroup_compare(const void *a, const void *b) {
        const WorldCgroup *x = a, *y = b;
        return x->id < y->id ? -1 : x->id > y->id;
}

const WorldCgroup *plan_world_cgroups(PlanWorld *w, uint32_t *ret_n) {
        if (!w->cgroups_sorted && w->n_cgroups > 0) {
                qsort(w->cgroups, w->n_cgroups, sizeof(*w->cgroups), cgroup_compare);
                for (uint32_t i = 0; i < w->n_cgroups; i++)
                        world_index_move(&w->cgroup_index, w->cgroups[i].id, i);
        }
        w->cgroups_sorted = true;
        *ret_n = w->n_cgroups;
        return w->cgroups;
}

static int process_compare(const void *a, const void *b) {
        const ProcessSample *x = &((const WorldProcess *)a)->sample, *y = &((const WorldProcess *)b)->sample;
        if (x->pid != y->pid)
                return x->pid < y->pid ? -1 : 1;
        return x->start_ticks < y->start_ticks ? -1 : x->start_ticks > y->start_ticks;
}

const WorldProcess *plan_world_processes(PlanWorld *w, uint32_t *ret_n) {
        if (!w->processes_sorted && w->n_processes > 0) {
                qsort(w->processes, w->n_processes, sizeof(*w->processes), process_compare);
                for (uint32_t i = 0; i < w->n_processes; i++)
                        world_index_move(&w->process_index,
                                         process_key(w->processes[i].sample.pid, w->processes[i].sample.start_ticks), i);
        }
        w->processes_sorted = true;
        *ret_n = w->n_processes;
        return w->processes;
}
