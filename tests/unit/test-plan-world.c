/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What is remembered of a host between its samples, and the details that are made of it. */

#include "test.h"

#include <stdio.h>
#include <string.h>

#include "plan/world-index.h"
#include "plan/world.h"

#define CG 8
#define PR 8

typedef struct Scene {
        PlanWorld *w;
        TraceRecord r;
        CgroupSample cgroups[CG];
        ProcessSample processes[PR];
} Scene;

static Scene *scene_new(const WorldLimits *limits) {
        Scene *s = calloc(1, sizeof(*s));
        assert_non_null(s);
        assert_int_equal(plan_world_new(limits, &s->w), 0);
        s->r.kind = TRACE_SAMPLE;
        s->r.snap = (Snapshot){ .mono_usec = 1000, .page_size = 4096, .cgroups = s->cgroups, .processes = s->processes };
        return s;
}

static void scene_free(Scene *s) {
        plan_world_free(s->w);
        free(s);
}

static void feed(Scene *s) {
        assert_int_equal(plan_world_feed(s->w, &s->r), 0);
}

static CgroupSample *add_cgroup(Scene *s, uint64_t id, const char *path, uint32_t parent) {
        CgroupSample *c = &s->cgroups[s->r.snap.n_cgroups++];
        *c = (CgroupSample){ .id = id, .path = path, .parent = parent, .policy = -1 };
        cgroup_set(c, CGROUP_CURRENT, id * 100);
        return c;
}

static ProcessSample *add_process(Scene *s, int32_t pid, uint64_t cgroup_id, const char *path) {
        ProcessSample *p = &s->processes[s->r.snap.n_processes++];
        *p = (ProcessSample){ .pid = pid, .start_ticks = 7, .cgroup_id = cgroup_id, .cgroup_path = path, .cgroup = INDEX_NONE,
                              .rss_anon = (uint64_t)pid, .flags = PROCESS_SIZES | PROCESS_IDENTITY };
        return p;
}

/* A detailed sample of two cgroups and two processes. */
static void detailed(Scene *s) {
        s->r.snap.n_cgroups = s->r.snap.n_processes = 0;
        add_cgroup(s, 10, "/", INDEX_NONE);
        CgroupSample *c = add_cgroup(s, 20, "/a", 0);
        cgroup_set(c, CGROUP_PSI_FULL_USEC, 5);
        cgroup_set(c, CGROUP_ANON, 77);
        add_process(s, 1, 10, "/");
        add_process(s, 2, 20, "/a");
        s->r.snap.detail = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        feed(s);
}

static void cheap(Scene *s, uint64_t usec) {
        s->r.snap.mono_usec += usec;
        s->r.snap.detail = 0;
        s->r.snap.n_cgroups = s->r.snap.n_processes = 0;
        add_cgroup(s, 20, "/a", INDEX_NONE);
        cgroup_set(&s->cgroups[0], CGROUP_PSI_FULL_USEC, 6);
        cgroup_set(&s->cgroups[0], CGROUP_CURRENT, 9999);
        feed(s);
}

static void test_fields_keep_their_time(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        detailed(s);
        cheap(s, 50);
        const WorldCgroup *c = plan_world_cgroup(s->w, 20);
        assert_non_null(c);
        assert_true(c->value[CGROUP_CURRENT] == 9999 && c->seen_usec[CGROUP_CURRENT] == 1050);
        assert_true(c->value[CGROUP_ANON] == 77 && c->seen_usec[CGROUP_ANON] == 1000);
        assert_true(!(c->have >> CGROUP_HIGH & 1));
        assert_true(c->parent_id == 10);
        const WorldProcess *p = plan_world_process(s->w, 2, 7);
        assert_non_null(p);
        assert_true(p->last_usec == 1000 && p->sizes_usec == 1000);
        assert_null(plan_world_process(s->w, 2, 8));
        scene_free(s);
}

static void test_gone(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        uint32_t n;
        detailed(s);
        cheap(s, 50); /* lists only one, which ends nobody */
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 2);
        (void)plan_world_processes(s->w, &n);
        assert_int_equal(n, 2);
        s->r.snap.detail = DETAIL_KNOWN_PROCESSES;
        add_process(s, 2, 20, "/a");
        feed(s);
        (void)plan_world_processes(s->w, &n);
        assert_int_equal(n, 1);
        assert_null(plan_world_process(s->w, 1, 7));
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 2);
        s->r.snap.detail = DETAIL_KNOWN_CGROUPS;
        feed(s);
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 2);
        s->r.snap.detail = DETAIL_CGROUPS;
        feed(s);
        const WorldCgroup *c = plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 1);
        assert_true(c[0].id == 20);
        scene_free(s);
}

/* The victim of a kill is gone when that has ended, not when it was decided. */
static void test_victim(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        detailed(s);
        s->r.has_decision = s->r.decision.has_kill = true;
        s->r.decision.kill = (TraceKill){ .kill_id = 3, .victim_kind = CANDIDATE_PROCESS, .pid = 2, .start_ticks = 7 };
        cheap(s, 10);
        assert_non_null(plan_world_process(s->w, 2, 7));
        s->r.has_decision = s->r.decision.has_kill = false;
        s->r.snap.n_kills = 1;
        s->r.snap.kills[0] = (KillStatus){ .kill_id = 3, .outcome = KILL_PENDING };
        cheap(s, 10);
        assert_non_null(plan_world_process(s->w, 2, 7));
        s->r.snap.kills[0].outcome = KILL_EXITED;
        cheap(s, 10);
        assert_null(plan_world_process(s->w, 2, 7));
        assert_non_null(plan_world_process(s->w, 1, 7));
        scene_free(s);
}

static void test_details_are_added(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        Snapshot full;
        uint64_t age;
        s->r.snap.mono_usec = 1000;
        cheap(s, 0);
        assert_int_equal(plan_world_detailed(s->w, &s->r.snap, DETAIL_PROCESSES, &full, &age), -ENODATA);
        assert_int_equal(full.detail, 0);
        detailed(s);
        cheap(s, 500);
        const uint32_t want = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        assert_int_equal(plan_world_detailed(s->w, &s->r.snap, want, &full, &age), 0);
        assert_true(full.detail == want && age == 500);
        assert_int_equal(full.n_cgroups, 2);
        assert_int_equal(full.n_processes, 2);
        /* the one of the sample: its own values stay, old amounts are added */
        const CgroupSample *a = &full.cgroups[0];
        assert_true(a->id == 20 && a->value[CGROUP_CURRENT] == 9999 && a->value[CGROUP_ANON] == 77);
        assert_true(cgroup_has(a, CGROUP_PSI_FULL_USEC) && a->value[CGROUP_PSI_FULL_USEC] == 6);
        assert_true(a->parent == 1 && full.cgroups[1].id == 10);
        assert_true(full.processes[0].cgroup == 1 || full.processes[1].cgroup == 1);
        for (uint32_t i = 0; i < 2; i++)
                assert_true(full.cgroups[full.processes[i].cgroup].id == full.processes[i].cgroup_id);
        /* nothing is missing: nothing is added */
        assert_int_equal(plan_world_detailed(s->w, &s->r.snap, 0, &full, &age), 0);
        assert_true(full.cgroups == s->cgroups && age == 0);
        /* processes that were known then are those of that moment */
        s->r.snap.detail = DETAIL_KNOWN_PROCESSES;
        add_process(s, 1, 10, "/");
        add_process(s, 2, 20, "/a")->rss_anon = 55;
        feed(s);
        assert_int_equal(plan_world_detailed(s->w, &s->r.snap, DETAIL_PROCESSES, &full, &age), 0);
        assert_true(full.detail == DETAIL_PROCESSES && age == 0 && full.n_processes == 2);
        assert_true(full.processes[0].rss_anon == 55 || full.processes[1].rss_anon == 55);
        scene_free(s);
}

/* A counter of long ago makes no rate. */
static void test_old_counters_stay_absent(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        Snapshot full;
        uint64_t age;
        detailed(s);
        s->r.snap.mono_usec += 100;
        s->r.snap.detail = 0;
        s->r.snap.n_cgroups = s->r.snap.n_processes = 0;
        feed(s);
        assert_int_equal(plan_world_detailed(s->w, &s->r.snap, DETAIL_CGROUPS | DETAIL_STATS, &full, &age), 0);
        for (uint32_t i = 0; i < full.n_cgroups; i++)
                if (full.cgroups[i].id == 20) {
                        assert_true(cgroup_has(&full.cgroups[i], CGROUP_ANON));
                        assert_false(cgroup_has(&full.cgroups[i], CGROUP_PSI_FULL_USEC));
                }
        scene_free(s);
}

static void test_facts(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        TraceRecord f = { .kind = TRACE_FACTS,
                          .facts = { .pid = 2, .start_ticks = 7, .has_exe = true, .exe = "/bin/x", .has_cmdline = false } };
        assert_int_equal(plan_world_feed(s->w, &f), 0);
        detailed(s);
        const WorldProcess *p = plan_world_process(s->w, 2, 7);
        assert_true(p->has_facts);
        assert_string_equal(p->exe, "/bin/x");
        assert_null(p->cmdline);
        assert_false(plan_world_process(s->w, 1, 7)->has_facts);
        scene_free(s);
}

static void test_boots_and_clocks(void **state) {
        (void)state;
        Scene *s = scene_new(NULL);
        TraceRecord start = { .kind = TRACE_START, .start = { .boot_id = "one" } };
        uint32_t n;
        assert_int_equal(plan_world_feed(s->w, &start), 0);
        detailed(s);
        assert_int_equal(plan_world_feed(s->w, &start), 0); /* the recorder was restarted */
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 2);
        assert_true(plan_world_info(s->w)->n_boots == 1);
        strcpy(start.start.boot_id, "two");
        assert_int_equal(plan_world_feed(s->w, &start), 0);
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 0);
        assert_true(plan_world_info(s->w)->n_boots == 2 && !plan_world_info(s->w)->has_host);
        detailed(s);
        s->r.snap.mono_usec = 900;
        s->r.snap.detail = 0;
        s->r.snap.n_cgroups = s->r.snap.n_processes = 0;
        feed(s);
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 0);
        scene_free(s);
}

static void test_bounded(void **state) {
        (void)state;
        Scene *s = scene_new(&(WorldLimits){ 1, 1 });
        uint32_t n;
        detailed(s);
        (void)plan_world_cgroups(s->w, &n);
        assert_int_equal(n, 1);
        (void)plan_world_processes(s->w, &n);
        assert_int_equal(n, 1);
        assert_true(plan_world_info(s->w)->n_over == 2);
        scene_free(s);
}

/* Against an array, over many additions and removals. */
static void test_index(void **state) {
        (void)state;
        WorldIndex x = { 0 };
        uint32_t at[512];
        uint64_t rng = 88172645463325252u;
        memset(at, 0xff, sizeof(at));
        for (uint32_t i = 0; i < 200000; i++) {
                rng ^= rng << 13;
                rng ^= rng >> 7;
                rng ^= rng << 17;
                uint32_t key = (uint32_t)(rng >> 20) % 512;
                if (rng & 1) {
                        assert_int_equal(world_index_add(&x, key * 64, i), 0);
                        at[key] = i;
                } else {
                        world_index_remove(&x, key * 64);
                        at[key] = UINT32_MAX;
                }
                uint32_t other = (uint32_t)(rng >> 40) % 512;
                assert_true(world_index_find(&x, other * 64) == at[other]);
        }
        world_index_done(&x);
        assert_true(world_index_find(&x, 1) == UINT32_MAX);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fields_keep_their_time), cmocka_unit_test(test_gone), cmocka_unit_test(test_victim),
                cmocka_unit_test(test_details_are_added), cmocka_unit_test(test_old_counters_stay_absent),
                cmocka_unit_test(test_facts), cmocka_unit_test(test_boots_and_clocks), cmocka_unit_test(test_bounded),
                cmocka_unit_test(test_index),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
