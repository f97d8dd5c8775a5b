/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Whom a step is taken on: by contribution, and never on who must not be touched. */

#include "test.h"

#include "decide/ladder.h"
#include "decide/offender.h"
#include "world.h"

#define A 11
#define B 12
#define C 13

enum { SYSTEM, A_AT, B_AT, C_AT };

static World *start(void) {
        World *w = world_new(1024 * MB, 512 * MB);
        world_host_policy(w);
        w->cgroup_policies[0].levels[LEVEL_RELIEVE] = (LevelPolicy){
                .when = world_share(w, METRIC_AVAILABLE, COMPARE_LT, 20, 0),
                .until = EXPR_NONE,
                .steps = STEPS_LADDER,
                .reclaim_swappiness = -1,
                .throttle_floor_permyriad = 5000,
                .slow_weight = 10,
                .freeze_max_usec = 10 * USEC_PER_SEC,
        };
        world_start(w);
        w->snap.detail = DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES;
        world_unit(w, 10, "/system.slice", INDEX_NONE, 600 * MB)->marks = 0;
        world_unit(w, A, "/system.slice/a.service", SYSTEM, 100 * MB);
        world_unit(w, B, "/system.slice/b.service", SYSTEM, 300 * MB);
        world_unit(w, C, "/system.slice/c.service", SYSTEM, 200 * MB);
        world_process(w, 100, "a", 90 * MB, A_AT);
        world_process(w, 200, "b", 290 * MB, B_AT);
        world_process(w, 300, "c", 190 * MB, C_AT);
        (void)world_step(w, STEP_USEC, 0, 0);
        return w;
}

typedef struct Change {
        uint64_t growth_mb, refault_mb, stall_percent;
} Change;

/* One second in which the three change so. */
static void change(World *w, const Change by[static 3]) {
        for (uint32_t i = 0; i < 3; i++) {
                CgroupSample *c = &w->cgroups[A_AT + i];
                c->value[CGROUP_CURRENT] += by[i].growth_mb * MB;
                c->value[CGROUP_ANON] += by[i].growth_mb * MB;
                c->value[CGROUP_REFAULT_ANON] += by[i].refault_mb * MB / WORLD_PAGE;
                c->value[CGROUP_PSI_FULL_USEC] += USEC_PER_SEC / 100 * by[i].stall_percent;
        }
        (void)world_step(w, USEC_PER_SEC, 0, 0);
}

static Choice choose(World *w, Step step, Measure *m) {
        const Domain *host = &w->state->domains[0];
        const LevelPolicy *lp = &w->cgroup_policies[0].levels[LEVEL_RELIEVE];
        MetricInput in = { .snap = &w->snap };
        uint64_t floor = 0;
        memset(m, 0, sizeof(*m));
        if (step == STEP_RECLAIM)
                return coldest_choose(w->state, host, &in, lp, m);
        if (step == STEP_PAGEOUT)
                return idle_choose(w->state, host, &in, m);
        return offender_choose(w->state, host, &w->snap, step, lp, m, &floor);
}

/* ---- contributions ---- */

static void test_by_contribution(void **state) {
        (void)state;
        static const struct {
                Change by[3];
                uint64_t expected; /* 0: nobody */
                uint32_t permyriad;
        } cases[] = {
                /* who grows, although he is the smallest */
                { { { 20, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } }, A, 10000 },
                { { { 30, 0, 0 }, { 10, 0, 0 }, { 0, 0, 0 } }, A, 7500 },
                /* who refaults */
                { { { 0, 0, 0 }, { 0, 40, 0 }, { 0, 10, 0 } }, B, 8000 },
                /* growth and refaults weigh the same */
                { { { 20, 0, 0 }, { 0, 10, 0 }, { 0, 30, 0 } }, A, 5000 },
                /* stall adds to it, and weighs half */
                { { { 20, 0, 0 }, { 20, 0, 60 }, { 0, 0, 30 } }, B, (4 * 5000 + 2 * 6666) / 6 },
                /* who only stands still is a victim */
                { { { 0, 0, 0 }, { 0, 0, 90 }, { 0, 0, 0 } }, 0, 0 },
                /* who does not grow while others do is their victim, however much it reads back and stands still */
                { { { 30, 0, 40 }, { 0, 60, 60 }, { 0, 0, 0 } }, A, (4 * 10000 + 2 * 4000) / 10 },
                { { { 30, 0, 40 }, { 2, 60, 60 }, { 0, 0, 0 } }, A, (4 * 9375 + 2 * 4000) / 10 },
                /* a little growth of somebody explains nothing */
                { { { 2, 0, 0 }, { 0, 60, 60 }, { 0, 0, 0 } }, B, 6000 },
                /* the size alone says nothing */
                { { { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } }, 0, 0 },
                /* equal: the one that uses more */
                { { { 10, 0, 0 }, { 10, 0, 0 }, { 10, 0, 0 } }, B, 3333 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                World *w = start();
                Measure m;
                change(w, cases[i].by);
                Choice choice = choose(w, STEP_THROTTLE, &m);
                assert_int_equal(choice, cases[i].expected ? CHOICE_FOUND : CHOICE_NOBODY);
                if (cases[i].expected) {
                        assert_int_equal(m.cgroup_id, cases[i].expected);
                        assert_int_equal(m.contribution_permyriad, cases[i].permyriad);
                        assert_true(m.has_contribution);
                }
                world_free(w);
        }
}

static void test_explanation(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        change(w, (const Change[]){ { 30, 5, 10 }, { 10, 0, 0 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_string_equal(m.cgroup_path, "/system.slice/a.service");
        assert_int_equal(m.growth_bytes, 30 * MB);
        assert_int_equal(m.refault_bytes, 5 * MB);
        assert_int_equal(m.span_usec, USEC_PER_SEC);
        assert_int_equal(m.stall_permyriad, 1000);
        assert_int_equal(m.usage_bytes, 130 * MB);
        assert_string_equal(m.runner_up_path, "/system.slice/b.service");
        assert_int_equal(m.runner_up_permyriad, 2500 * 4 / 10);
        world_free(w);
}

/* Nothing to compare with yet. */
static void test_one_look_is_not_enough(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_UNKNOWN);
        w->snap.detail = 0;
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_UNKNOWN);
        world_free(w);
}

/* In a livelock hardly anybody moves: a quarter of a second without a culprit does not say that there is none. */
static void test_a_moment_does_not_acquit(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        (void)world_step(w, 250 * USEC_PER_MSEC, 0, 0);
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_UNKNOWN);
        w->cgroups[A_AT].value[CGROUP_CURRENT] += 20 * MB;
        (void)world_step(w, 250 * USEC_PER_MSEC, 0, 0);
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND); /* but it does blame */
        world_free(w);

        w = start();
        (void)world_step(w, 500 * USEC_PER_MSEC, 0, 0);
        (void)world_step(w, 500 * USEC_PER_MSEC, 0, 0);
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_NOBODY);
        world_free(w);
}

/* After an hour without a look nobody is blamed for what he took in that hour. */
static void test_old_looks_do_not_count(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        w->cgroups[A_AT].value[CGROUP_CURRENT] += 50 * MB;
        (void)world_step(w, 3600 * USEC_PER_SEC, 0, 0);
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_UNKNOWN);
        world_free(w);
}

static void test_new_cgroup_has_grown_by_all_it_holds(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        world_unit(w, 40, "/system.slice/new.service", SYSTEM, 80 * MB);
        change(w, (const Change[]){ { 5, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, 40);
        assert_int_equal(m.growth_bytes, 80 * MB);
        world_free(w);
}

static void test_order_of_the_snapshot_does_not_matter(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        change(w, (const Change[]){ { 10, 3, 7 }, { 10, 3, 7 }, { 10, 3, 7 } });
        w->cgroups[A_AT].value[CGROUP_CURRENT] = w->cgroups[B_AT].value[CGROUP_CURRENT] = 310 * MB;
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, A); /* as much use: the lower id */
        CgroupSample t = w->cgroups[A_AT];
        w->cgroups[A_AT] = w->cgroups[C_AT];
        w->cgroups[C_AT] = t;
        Measure n;
        assert_int_equal(choose(w, STEP_THROTTLE, &n), CHOICE_FOUND);
        assert_int_equal(n.cgroup_id, m.cgroup_id);
        assert_string_equal(n.runner_up_path, m.runner_up_path);
        world_free(w);
}

/* ---- who is passed over ---- */

typedef void (*Spoil)(World *w, CgroupSample *c);

static void spoil_self(World *w, CgroupSample *c) {
        (void)w;
        c->marks |= CGROUP_MARK_SELF;
}
static void spoil_omit(World *w, CgroupSample *c) {
        (void)w;
        c->marks |= CGROUP_MARK_OMIT;
}
static void spoil_avoid(World *w, CgroupSample *c) {
        (void)w;
        c->marks |= CGROUP_MARK_AVOID;
}
static void spoil_low(World *w, CgroupSample *c) {
        (void)w;
        cgroup_set(c, CGROUP_LOW, c->value[CGROUP_CURRENT]);
}
static void spoil_min(World *w, CgroupSample *c) {
        (void)w;
        cgroup_set(c, CGROUP_MIN, CGROUP_NO_LIMIT);
}
static void spoil_slice_low(World *w, CgroupSample *c) {
        (void)c;
        cgroup_set(&w->cgroups[SYSTEM], CGROUP_LOW, CGROUP_NO_LIMIT);
}
static void spoil_empty(World *w, CgroupSample *c) {
        (void)w;
        cgroup_set(c, CGROUP_POPULATED, 0);
}
static void spoil_unread_use(World *w, CgroupSample *c) {
        (void)w;
        c->have &= ~(UINT64_C(1) << CGROUP_CURRENT);
        c->value[CGROUP_CURRENT] = 0;
}
static void spoil_unread_high(World *w, CgroupSample *c) {
        (void)w;
        c->have &= ~(UINT64_C(1) << CGROUP_HIGH);
}
static void spoil_tiny(World *w, CgroupSample *c) {
        (void)w;
        c->value[CGROUP_CURRENT] = 12 * MB;
}
static void spoil_slice(World *w, CgroupSample *c) {
        (void)w;
        c->path = "/system.slice/a.slice";
        c->marks = 0;
}
static void spoil_manager(World *w, CgroupSample *c) {
        (void)w;
        c->path = "/init.scope";
}
static void spoil_units_below(World *w, CgroupSample *c) {
        c->marks = 0;
        world_unit(w, 50, "/system.slice/a.service/x.scope", A_AT, MB);
}

static void test_passed_over_by_all_steps(void **state) {
        (void)state;
        static const struct {
                Spoil spoil;
                uint64_t expected; /* 0: nobody at all */
        } cases[] = {
                { spoil_self, B }, { spoil_omit, B }, { spoil_avoid, B }, { spoil_low, B }, { spoil_min, B },
                { spoil_slice_low, 0 }, { spoil_empty, B }, { spoil_unread_use, B }, { spoil_unread_high, B },
                { spoil_tiny, B }, { spoil_slice, B }, { spoil_manager, B }, { spoil_units_below, B },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                World *w = start();
                Measure m;
                change(w, (const Change[]){ { 30, 0, 0 }, { 15, 0, 0 }, { 0, 0, 0 } });
                assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
                assert_int_equal(m.cgroup_id, A);
                cases[i].spoil(w, &w->cgroups[A_AT]);
                Choice choice = choose(w, STEP_THROTTLE, &m);
                if (choice != (cases[i].expected ? CHOICE_FOUND : CHOICE_NOBODY) || m.cgroup_id != cases[i].expected)
                        fail_msg("case %zu: choice %d, cgroup %lu", i, choice, (unsigned long)m.cgroup_id);
                world_free(w);
        }
}

/* Who shall be avoided goes last, not never. */
static void test_avoided_goes_last(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        w->cgroups[A_AT].marks |= CGROUP_MARK_AVOID;
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, A);
        world_free(w);
}

/* A subgroup of a unit is that unit's business; without units each leaf stands for itself. */
static void test_units_and_leaves(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        w->cgroups[A_AT].marks = 0;
        world_unit(w, 30, "/system.slice/a.service/worker", A_AT, 90 * MB);
        world_unit(w, 31, "/kube/pod/ctr", INDEX_NONE, 50 * MB);
        for (int i = 0; i < 10; i++)
                change(w, (const Change[]){ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        w->cgroups[4].value[CGROUP_CURRENT] += 30 * MB;
        change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, A);
        for (int i = 0; i < 10; i++) {
                w->cgroups[5].value[CGROUP_CURRENT] += 20 * MB;
                change(w, (const Change[]){ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        }
        assert_int_equal(choose(w, STEP_THROTTLE, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, 31);
        world_free(w);
}

/* ---- freeze, restart ---- */

static void test_freeze_spares_what_people_need(void **state) {
        (void)state;
        static const struct {
                const char *path, *comm;
                uint32_t flags;
                bool may;
        } cases[] = {
                { "/system.slice/a.service", "batch", 0, true },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope", "batch", 0, true },
                { "/system.slice/a.service", "batch", PROCESS_HAS_TTY, false },
                { "/system.slice/a.service", "batch", PROCESS_SELF, false },
                { "/system.slice/a.service", "Xorg", 0, false },
                { "/system.slice/a.service", "dbus-broker-lau", 0, false },
                { "/system.slice/a.service", "gnome-shell", 0, false },
                { "/system.slice/dbus.service", "x", 0, false },
                { "/system.slice/dbus-broker.service", "x", 0, false },
                { "/system.slice/display-manager.service", "x", 0, false },
                { "/system.slice/systemd-journald.service", "x", 0, false },
                { "/system.slice/systemd-udevd.service", "x", 0, false },
                { "/user.slice/user-1000.slice/session-4.scope", "batch", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service", "batch", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service/session.slice/dbus.service", "x", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service/session.slice/xdg-portal.service", "x", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/pipewire.service", "x", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope", "sway", 0, false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope", "pipewire", 0, false },
                { "/batch.slice/session.slice/a.service", "batch", 0, true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                World *w = start();
                Measure m;
                w->cgroups[A_AT].path = cases[i].path;
                w->processes[0].cgroup_path = cases[i].path;
                w->processes[0].flags |= cases[i].flags;
                snprintf(w->processes[0].comm, COMM_MAX, "%s", cases[i].comm);
                change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                Choice choice = choose(w, STEP_FREEZE, &m);
                if (choice != (cases[i].may ? CHOICE_FOUND : CHOICE_NOBODY))
                        fail_msg("%s with %s: %d", cases[i].path, cases[i].comm, choice);
                /* its cgroup is younger than the walk: told by the path */
                w->processes[0].cgroup = INDEX_NONE;
                assert_int_equal(choose(w, STEP_FREEZE, &m), choice);
                /* without the processes nobody can tell */
                w->snap.detail &= ~(uint32_t)DETAIL_PROCESSES;
                assert_int_equal(choose(w, STEP_FREEZE, &m), CHOICE_UNKNOWN);
                world_free(w);
        }
}

/* What all others wait for is not held either; a name inside a session or a container is only a name. */
static void test_throttle_spares_what_all_need(void **state) {
        (void)state;
        static const struct {
                const char *path;
                bool may;
        } cases[] = {
                { "/system.slice/dbus.service", false },
                { "/system.slice/dbus-broker.service", false },
                { "/system.slice/systemd-journald.service", false },
                { "/system.slice/gdm.service", false },
                { "/system.slice/postgresql.service", true },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/systemd-hog.service", true },
                { "/user.slice/user-1000.slice/session-1.scope", true },
                { "/system.slice/docker-1.scope/system.slice/dbus.service", true },
                { "/user.slice/user-1000.slice/user@1000.service/session.slice/org.gnome.Shell@x11.service", false },
                { "/user.slice/user-1000.slice/user@1000.service/session.slice", false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/dbus.service", false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/wireplumber.service", false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/session.slice/a.service", true },
                { "/lxc.payload.a/user.slice/user-1.slice/user@1.service/session.slice/a.service", true },
                { "/batch.slice/session.slice/a.service", true },
        };
        static const Step steps[] = { STEP_THROTTLE, STEP_SLOW };
        for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(steps); i++) {
                World *w = start();
                Measure m;
                w->cgroups[A_AT].path = cases[i / ARRAY_SIZE(steps)].path;
                change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                bool is_taken = choose(w, steps[i % ARRAY_SIZE(steps)], &m) == CHOICE_FOUND;
                if (is_taken != cases[i / ARRAY_SIZE(steps)].may)
                        fail_msg("case %zu", i);
                world_free(w);
        }
}

/* A session that somebody began by hand has its display server beside the programs, in one scope. */
static void test_throttle_spares_a_display_server(void **state) {
        (void)state;
        static const struct {
                const char *path, *comm;
                bool may;
        } cases[] = {
                { "/user.slice/user-1000.slice/session-2.scope", "Xorg", false },
                { "/user.slice/user-1000.slice/session-2.scope", "dbus-daemon", false },
                { "/user.slice/user-1000.slice/session-2.scope", "batch", true },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-sway.scope", "sway", false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/app-a.scope", "batch", true },
                /* outside of people's sessions a name is only a name, and nobody waits for the processes */
                { "/system.slice/a.service", "Xorg", true },
                { "/lxc.payload.a/user.slice/session-2.scope", "Xorg", true },
        };
        static const Step steps[] = { STEP_THROTTLE, STEP_SLOW };
        for (size_t i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(steps); i++) {
                const char *path = cases[i / ARRAY_SIZE(steps)].path;
                Step step = steps[i % ARRAY_SIZE(steps)];
                World *w = start();
                Measure m;
                w->cgroups[A_AT].path = w->processes[0].cgroup_path = path;
                snprintf(w->processes[0].comm, COMM_MAX, "%s", cases[i / ARRAY_SIZE(steps)].comm);
                change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                if (choose(w, step, &m) != (cases[i / ARRAY_SIZE(steps)].may ? CHOICE_FOUND : CHOICE_NOBODY))
                        fail_msg("%s", path);
                /* what was known of them before does not count */
                w->snap.detail ^= DETAIL_PROCESSES | DETAIL_KNOWN_PROCESSES;
                bool is_session = strncmp(path, "/user.slice/", 12) == 0;
                for (int round = 0; round < 2; round++) {
                        assert_int_equal(choose(w, step, &m), is_session ? CHOICE_UNKNOWN : CHOICE_FOUND);
                        w->snap.detail &= ~(uint32_t)DETAIL_KNOWN_PROCESSES;
                        w->snap.n_processes = 0;
                }
                world_free(w);
        }
}

static void test_restart_only_of_services(void **state) {
        (void)state;
        static const struct {
                const char *path;
                bool may;
        } cases[] = {
                { "/system.slice/a.service", true },
                { "/batch.slice/nightly@3.service", true },
                { "/system.slice/docker-0123.scope", false },
                { "/user.slice/user-1000.slice/session-4.scope", false },
                { "/user.slice/user-1000.slice/user@1000.service", false },
                { "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", false },
                { "/system.slice/dbus.service", false },
                { "/system.slice/systemd-logind.service", false },
                { "/system.slice/gdm.service", false },
                { "/kube/pod/ctr", false },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                World *w = start();
                Measure m;
                w->cgroups[A_AT].path = cases[i].path;
                change(w, (const Change[]){ { 30, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                if (choose(w, STEP_RESTART, &m) != (cases[i].may ? CHOICE_FOUND : CHOICE_NOBODY) ||
                    choose(w, STEP_STOP, &m) != (cases[i].may ? CHOICE_FOUND : CHOICE_NOBODY))
                        fail_msg("%s", cases[i].path);
                world_free(w);
        }
}

/* Once per unit in five minutes, by its name: after the restart its cgroup is another one. */
static void test_restart_is_not_repeated(void **state) {
        (void)state;
        World *w = start();
        w->cgroup_policies[0].levels[LEVEL_RELIEVE].steps = STEP_BIT(STEP_RESTART);
        world_start(w);
        world_available(w, 15);
        uint32_t n = 0;
        uint64_t next_id = 100;
        for (int i = 0; i < 280; i++) {
                w->snap.n_measures = 0;
                change(w, (const Change[]){ { 1, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                if (!world_measure(w, STEP_RESTART, MEASURE_BEGIN))
                        continue;
                n++;
                assert_string_equal(world_measure(w, STEP_RESTART, MEASURE_BEGIN)->cgroup_path, "/system.slice/a.service");
                w->cgroups[A_AT].id = next_id++;
                world_answer(w, 0, 0);
        }
        assert_int_equal(n, 1);
        for (int i = 0; i < 60; i++) {
                change(w, (const Change[]){ { 1, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
                n += world_measure(w, STEP_RESTART, MEASURE_BEGIN) != NULL;
                w->snap.n_measures = 0;
        }
        assert_int_equal(n, 2);
        world_free(w);
}

/* ---- reclaim ---- */

static void test_coldest_first(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        for (uint32_t i = A_AT; i <= C_AT; i++) {
                cgroup_set(&w->cgroups[i], CGROUP_ANON, 0);
                cgroup_set(&w->cgroups[i], CGROUP_INACTIVE_FILE, 60 * MB);
        }
        change(w, (const Change[]){ { 0, 10, 0 }, { 0, 0, 30 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, C);
        assert_int_equal(m.value, MIN(w->cgroups[C_AT].value[CGROUP_CURRENT] / 4, 1024 * MB / 20 / WORLD_PAGE * WORLD_PAGE));
        assert_int_equal(m.swappiness, -1);
        /* as cold as each other: the one with the most to take */
        w->cgroups[A_AT].value[CGROUP_INACTIVE_FILE] = 90 * MB;
        for (int i = 0; i < 10; i++)
                change(w, (const Change[]){ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, A);
        /* within its promise it is not touched; just above it only what is above */
        cgroup_set(&w->cgroups[A_AT], CGROUP_LOW, 100 * MB);
        w->cgroups[A_AT].value[CGROUP_CURRENT] = 110 * MB;
        cgroup_set(&w->cgroups[B_AT], CGROUP_LOW, 300 * MB);
        cgroup_set(&w->cgroups[C_AT], CGROUP_MIN, 200 * MB);
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_FOUND);
        assert_int_equal(m.cgroup_id, A);
        assert_int_equal(m.value, 10 * MB);
        w->cgroups[A_AT].value[CGROUP_CURRENT] = 100 * MB;
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_NOBODY);
        world_free(w);
}

/* Anonymous memory counts only where swap takes it; dirty pages do not at all. */
static void test_reclaim_needs_something_to_take(void **state) {
        (void)state;
        World *w = start();
        Measure m;
        change(w, (const Change[]){ { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } });
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_FOUND);
        w->snap.host.value[HOST_SWAP_FREE] = 0;
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_NOBODY);
        w->cgroups[B_AT].value[CGROUP_ACTIVE_FILE] = 50 * MB;
        w->cgroups[B_AT].value[CGROUP_FILE_DIRTY] = 50 * MB;
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_NOBODY);
        w->cgroups[B_AT].value[CGROUP_FILE_DIRTY] = 30 * MB;
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_FOUND);
        assert_int_equal(m.value, 20 * MB);
        /* what was not read is not there */
        w->cgroups[B_AT].have &= ~(UINT64_C(1) << CGROUP_ACTIVE_FILE);
        assert_int_equal(choose(w, STEP_RECLAIM, &m), CHOICE_NOBODY);
        world_free(w);
}

/* ---- pageout ---- */

static void test_idle_process(void **state) {
        (void)state;
        static const struct {
                uint32_t flags;
                Tier tier;
                int32_t adj;
                const char *comm;
                int64_t growth_mb;
                int32_t expected;
        } cases[] = {
                { 0, TIER_NORMAL, 0, "b", 0, 200 },
                { PROCESS_HAS_TTY, TIER_NORMAL, 0, "b", 0, 300 },
                { PROCESS_KTHREAD, TIER_NORMAL, 0, "b", 0, 300 },
                { PROCESS_INIT, TIER_NORMAL, 0, "b", 0, 300 },
                { PROCESS_SELF, TIER_NORMAL, 0, "b", 0, 300 },
                { PROCESS_DYING, TIER_NORMAL, 0, "b", 0, 300 },
                { PROCESS_TRACED, TIER_NORMAL, 0, "b", 0, 300 },
                { 0, TIER_NEVER, 0, "b", 0, 300 },
                { 0, TIER_AVOID, 0, "b", 0, 300 },
                { 0, TIER_NORMAL, -900, "b", 0, 300 },
                { 0, TIER_NORMAL, -899, "b", 0, 200 },
                { 0, TIER_NORMAL, 0, "Xorg", 0, 300 },
                { 0, TIER_NORMAL, 0, "b", 20, 300 },
        };
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                World *w = start();
                Measure m;
                ProcessSample *p = world_find(w, 200);
                p->flags |= cases[i].flags;
                p->tier = cases[i].tier;
                p->oom_score_adj = cases[i].adj;
                snprintf(p->comm, COMM_MAX, "%s", cases[i].comm);
                (void)world_step(w, USEC_PER_SEC, 0, 0);
                p->rss_anon += (uint64_t)cases[i].growth_mb * MB / WORLD_PAGE;
                (void)world_step(w, 5 * USEC_PER_SEC, 0, 0);
                (void)world_step(w, 6 * USEC_PER_SEC, 0, 0);
                if (choose(w, STEP_PAGEOUT, &m) != CHOICE_FOUND || m.pid != cases[i].expected)
                        fail_msg("case %zu: pid %d", i, m.pid);
                assert_int_equal(m.start_ticks, world_find(w, m.pid)->start_ticks);
                assert_true(m.value > 0 && m.value <= 1024 * MB / 20 && m.value % WORLD_PAGE == 0);
                /* without swap there is nowhere to put it */
                w->snap.host.value[HOST_SWAP_FREE] = MB;
                assert_int_equal(choose(w, STEP_PAGEOUT, &m), CHOICE_NOBODY);
                world_free(w);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_contribution),
                cmocka_unit_test(test_explanation),
                cmocka_unit_test(test_one_look_is_not_enough),
                cmocka_unit_test(test_a_moment_does_not_acquit),
                cmocka_unit_test(test_old_looks_do_not_count),
                cmocka_unit_test(test_new_cgroup_has_grown_by_all_it_holds),
                cmocka_unit_test(test_order_of_the_snapshot_does_not_matter),
                cmocka_unit_test(test_passed_over_by_all_steps),
                cmocka_unit_test(test_avoided_goes_last),
                cmocka_unit_test(test_units_and_leaves),
                cmocka_unit_test(test_freeze_spares_what_people_need),
                cmocka_unit_test(test_throttle_spares_what_all_need),
                cmocka_unit_test(test_throttle_spares_a_display_server),
                cmocka_unit_test(test_restart_only_of_services),
                cmocka_unit_test(test_restart_is_not_repeated),
                cmocka_unit_test(test_coldest_first),
                cmocka_unit_test(test_reclaim_needs_something_to_take),
                cmocka_unit_test(test_idle_process),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
