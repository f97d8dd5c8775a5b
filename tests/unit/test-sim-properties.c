/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What holds for any history: more RAM kills no more; the same input gives the same; nonsense does no harm. */

#include "test.h"

#include "sim-host.h"

#define GB (1024 * MB)
#define N_RAM 6

/* Services, batch jobs and leaks that come and go. */
static Host *host_of_chance(uint64_t *rng) {
        static const char *const paths[] = { "/a.slice/one.service", "/a.slice/two.service", "/a.slice/three.service" };
        Host *h = host_new(4 * GB);
        uint32_t root = host_cgroup(h, "/", INDEX_NONE, 0, 0), slice = host_cgroup(h, "/a.slice", root, 0, 0), leaf[3];

        for (int i = 0; i < 3; i++) {
                uint64_t file = random_below(rng, 200) * MB;
                leaf[i] = host_cgroup(h, paths[i], slice, file, file > 0 ? random_below(rng, file) : 0);
        }
        uint32_t n = 3 + (uint32_t)random_below(rng, 12);
        for (uint32_t i = 0; i < n; i++) {
                uint64_t rate = random_below(rng, 3) == 0 ? random_below(rng, 20 * MB) : 0;
                HostProcess *p = host_process(h, i % 2 ? "even" : "odd", leaf[random_below(rng, 3)], random_below(rng, 150) * MB, rate,
                                              rate ? 300 * MB + random_below(rng, 500) * MB : 0);
                if (random_below(rng, 2)) {
                        p->begin_usec = h->begin_usec + random_below(rng, 120) * USEC_PER_SEC;
                        p->end_usec = p->begin_usec + random_below(rng, 100) * USEC_PER_SEC;
                }
        }
        return h;
}

/*
 * Kills of whom, by either hand. More RAM may not kill more: where it does, it must be that a kill which came later on
 * the bigger host let another process live that the smaller one had lost. So what is compared is whether anybody died.
 */
static void test_more_ram_is_no_worse(void **state) {
        (void)state;
        uint64_t rng = 0x9e3779b97f4a7c15;
        uint32_t n_killed = 0, n_safe = 0;

        for (int round = 0; round < 60; round++) {
                Host *h = host_of_chance(&rng);
                PlanSim *sims[N_RAM];
                for (uint32_t i = 0; i < N_RAM; i++) {
                        PlanQuestion q = host_question(h);
                        q.ram_bytes = 512 * MB + i * 512 * MB;
                        sims[i] = host_ask(h, &q);
                }
                host_start(h);
                host_record(h, 180 * USEC_PER_SEC);
                bool was_safe = false;
                uint64_t deficit = UINT64_MAX, headroom = 0;
                for (uint32_t i = 0; i < N_RAM; i++) {
                        PlanOutcome o = host_finish(sims[i]);
                        bool killed = o.n_kills + o.n_kernel_kills > 0;
                        assert_false(was_safe && killed);
                        was_safe = !killed;
                        n_killed += killed;
                        n_safe += !killed;
                        /* nobody died: more is left, the more there is */
                        if (!killed) {
                                assert_true(o.headroom_min_bytes >= headroom);
                                assert_true(o.deficit_peak_bytes <= deficit);
                                headroom = o.headroom_min_bytes;
                                deficit = o.deficit_peak_bytes;
                        }
                        plan_outcome_done(&o);
                }
                host_free(h);
        }
        /* the histories are of both kinds */
        assert_true(n_killed > 60 && n_safe > 60);
}

static void assert_same_outcome(const PlanOutcome *a, const PlanOutcome *b) {
        assert_int_equal(a->n_events, b->n_events);
        for (uint32_t i = 0; i < a->n_events; i++)
                assert_memory_equal(&a->events[i], &b->events[i], sizeof(PlanEvent));
        PlanOutcome x = *a, y = *b;
        x.events = y.events = NULL;
        assert_memory_equal(&x, &y, sizeof(x));
}

/* Nothing is carried from one question to another, or from what memory held before. */
static void test_same_twice(void **state) {
        (void)state;
        for (uint64_t seed = 1; seed < 20; seed++) {
                PlanOutcome o[2];
                for (int i = 0; i < 2; i++) {
                        uint64_t rng = seed * 0x9e3779b97f4a7c15;
                        Host *h = host_of_chance(&rng);
                        PlanQuestion q = host_question(h), other = q;
                        q.ram_bytes = GB;
                        q.has_swap = true;
                        q.swap_bytes = 200 * MB;
                        if (i == 1)
                                (void)host_ask(h, &other);
                        o[i] = host_answer(h, &q, 150 * USEC_PER_SEC);
                        host_free(h);
                }
                assert_same_outcome(&o[0], &o[1]);
                plan_outcome_done(&o[0]);
                plan_outcome_done(&o[1]);
        }
}

static uint64_t absurd(uint64_t *rng, uint64_t sane) {
        switch (random_below(rng, 6)) {
        case 0:
                return 0;
        case 1:
                return UINT64_MAX;
        case 2:
                return UINT64_MAX / 2 + random_below(rng, 1000);
        case 3:
                return random_next(rng);
        default:
                return sane;
        }
}

static void spoil(Host *h, uint64_t *rng) {
        Snapshot *s = &h->record.snap;
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                if (random_below(rng, 8) == 0)
                        host_set(&s->host, f, absurd(rng, s->host.value[f]));
        if (random_below(rng, 4) == 0)
                s->host.have &= random_next(rng);
        for (HostField f = 0; f < _HOST_FIELD_MAX; f++)
                if (!host_has(&s->host, f))
                        s->host.value[f] = 0;
        for (uint32_t i = 0; i < s->n_cgroups; i++) {
                CgroupSample *c = &s->cgroups[i];
                for (CgroupField f = 0; f < _CGROUP_FIELD_MAX; f++)
                        if (random_below(rng, 8) == 0)
                                cgroup_set(c, f, absurd(rng, c->value[f]));
                if (random_below(rng, 8) == 0)
                        c->id = absurd(rng, c->id);
                if (random_below(rng, 8) == 0)
                        c->parent = (uint32_t)absurd(rng, c->parent);
        }
        for (uint32_t i = 0; i < s->n_processes; i++) {
                ProcessSample *p = &s->processes[i];
                if (random_below(rng, 4) != 0)
                        continue;
                p->pid = (int32_t)absurd(rng, (uint64_t)p->pid);
                p->ppid = (int32_t)absurd(rng, (uint64_t)p->ppid);
                p->start_ticks = absurd(rng, p->start_ticks);
                p->rss_anon = absurd(rng, p->rss_anon);
                p->swap = absurd(rng, p->swap);
                p->pgtables = absurd(rng, p->pgtables);
                p->cgroup = (uint32_t)absurd(rng, p->cgroup);
                p->flags = (uint32_t)absurd(rng, p->flags);
        }
        if (random_below(rng, 16) == 0)
                s->mono_usec = absurd(rng, s->mono_usec);
        s->detail = random_below(rng, 8) == 0 ? (uint32_t)random_next(rng) : s->detail;
}

static void test_nonsense_does_no_harm(void **state) {
        (void)state;
        uint64_t rng = 0x2545f4914f6cdd1d;
        for (int round = 0; round < 80; round++) {
                Host *h = host_of_chance(&rng);
                PlanQuestion q = host_question(h), wild = q;
                q.ram_bytes = GB;
                q.has_zram = true;
                q.zram_bytes = absurd(&rng, 300 * MB);
                q.zram_permyriad = (uint32_t)absurd(&rng, 4000);
                wild.ram_bytes = absurd(&rng, GB);
                wild.has_swap = true;
                wild.swap_bytes = absurd(&rng, GB);
                wild.overcommit_ratio = (uint32_t)absurd(&rng, 50);
                wild.n_scales = wild.n_limits = 1;
                wild.scales[0] = (PlanScale){ .pattern = "a.slice/*", .permyriad = absurd(&rng, 25000) };
                wild.limits[0] = (PlanLimit){ .pattern = "a.slice/one.service", .bytes = absurd(&rng, 100 * MB) };
                (void)host_ask(h, &q);
                (void)host_ask(h, &wild);
                host_start(h);
                for (int i = 0; i < 60; i++, h->now_usec += USEC_PER_SEC) {
                        host_snapshot(h, i % 3 == 0);
                        spoil(h, &rng);
                        h->record.kind = TRACE_SAMPLE;
                        for (uint32_t k = 0; k < h->n_sims; k++) {
                                int r = plan_sim_feed(h->sims[k], &h->record);
                                assert_true(r == 0 || r == -EBADMSG);
                        }
                }
                for (uint32_t k = 0; k < h->n_sims; k++) {
                        PlanOutcome o = { 0 };
                        int r = plan_sim_finish(h->sims[k], &o);
                        assert_true(r == 0 || r == -EBADMSG);
                        assert_true(o.worst_stall_permyriad <= PERMYRIAD);
                        plan_outcome_done(&o);
                }
                host_free(h);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_more_ram_is_no_worse),
                cmocka_unit_test(test_same_twice),
                cmocka_unit_test(test_nonsense_does_no_harm),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
