/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Properties of the ladder over generated histories: cgroups that grow, refault, stall, vanish and come back under
 * the same name; measures that succeed, fail, are done in part, are answered late or never; kills in between.
 *
 *  - each verb of a measure when it may come, and one in the air at a time
 *  - what lasts is released within a bounded time once the trouble is over, and nothing is then left
 *  - a throttle never below its floor, nor within what was promised
 *  - nobody who must not be touched is ever a target
 *  - nothing is begun while a kill is in flight
 *  - the same history in another order gives the same measures
 *  - no kill by pressure where nobody stalls but those whom we hold
 */

#include "test.h"

#include "decide/offender.h"
#include "decide/protection.h"
#include "generate.h"
#include "model/cgroup-path.h"

#define SEEDS 300
#define STEPS 400
#define MODEL 4096

typedef enum Model { UNUSED, BEGINNING, HELD, ADJUSTING, RELEASING, OVER } Model;

typedef struct Sim {
        World *w;
        uint64_t rng;
        bool only_ours; /* nobody stalls but those who are held; no answer fails */
        Model model[MODEL];
        Measure begun[MODEL];
        uint64_t last_id, kill_id, kill_domain;
        uint32_t kill_patience;
        struct {
                MeasureStatus status;
                uint32_t delay;
        } answers[64];
        uint32_t n_answers, lasting, releases, kills, adjusts;
} Sim;

static const char *const paths[] = {
        "/system.slice", "/system.slice/db.service", "/system.slice/web.service", "/system.slice/batch.service",
        "/system.slice/headroomd.service", "/user.slice", "/user.slice/session-1.scope", "/user.slice/a.scope",
        "/user.slice/a.scope/inner", "/kube", "/kube/pod-1", "/kube/pod-2", "/system.slice/dbus.service",
};
static const uint32_t parents[] = { INDEX_NONE, 0, 0, 0, 0, INDEX_NONE, 5, 5, 7, INDEX_NONE, 9, 9, 0 };
enum { SELF_AT = 4, SESSION_AT = 6 };
/* The term `available < 20%` that world_host_policy() joins to the stall. */
#define PRESSURE_AND 4

static bool is_inner(uint32_t i) {
        return i == 0 || i == 5 || i == 7 || i == 9;
}

static uint32_t random_steps(Sim *s) {
        uint32_t steps = (uint32_t)random_next(&s->rng) & STEPS_LADDER;
        return random_below(&s->rng, 3) ? steps | STEP_BIT(STEP_THROTTLE) : steps;
}

static void level_fill(Sim *s, LevelPolicy *lp, uint16_t when, uint16_t until, uint32_t steps) {
        *lp = (LevelPolicy){
                .when = when,
                .until = until,
                .steps = steps,
                .grace_usec = USEC_PER_SEC,
                .reclaim_swappiness = (int32_t)random_below(&s->rng, 202) - 1,
                .throttle_floor_permyriad = (uint32_t)random_below(&s->rng, 10001),
                .slow_weight = 1 + (uint32_t)random_below(&s->rng, 10000),
                .freeze_max_usec = random_below(&s->rng, 20) * USEC_PER_SEC,
        };
}

static void policies(Sim *s) {
        World *w = s->w;
        world_host_policy(w);
        CgroupPolicy *host = &w->cgroup_policies[0];
        level_fill(s, &host->levels[LEVEL_WARN], world_share(w, METRIC_AVAILABLE, COMPARE_LT, 40, 0), EXPR_NONE, random_steps(s));
        level_fill(s, &host->levels[LEVEL_RELIEVE], world_share(w, METRIC_AVAILABLE, COMPARE_LT, 25, 0),
                   random_below(&s->rng, 2) ? EXPR_NONE : world_share(w, METRIC_AVAILABLE, COMPARE_GT, 50, 0), random_steps(s));
        host->levels[LEVEL_KILL].steps |= random_steps(s);
        host->levels[LEVEL_KILL].throttle_floor_permyriad = 4000;
        host->levels[LEVEL_KILL].slow_weight = 1;
        host->levels[LEVEL_KILL].freeze_max_usec = 5 * USEC_PER_SEC;
        CgroupPolicy *c = world_limited_policy(w);
        c->limited_only = random_below(&s->rng, 2);
        level_fill(s, &c->levels[LEVEL_RELIEVE], world_term(w, METRIC_FULL, COMPARE_GT, UNIT_SHARE, 2000, USEC_PER_SEC, false),
                   EXPR_NONE, random_steps(s));
        c->proactive = (ProactivePolicy){ 100, 200, 10 * MB, 5 * USEC_PER_SEC };
}

static Sim *sim_new(uint64_t seed, bool only_ours) {
        Sim *s = calloc(1, sizeof(*s));
        assert_non_null(s);
        s->rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 7;
        s->only_ours = only_ours;
        World *w = s->w = world_new(1024 * MB, random_below(&s->rng, 2) ? 512 * MB : 0);
        policies(s);
        if (only_ours) {
                w->terms[PRESSURE_AND].limit = 6000; /* the stall alone decides */
                /* only what brings relief is excused for ever, and these conditions stay true */
                w->cgroup_policies[0].levels[LEVEL_WARN].steps = w->cgroup_policies[1].levels[LEVEL_RELIEVE].steps = 0;
                w->cgroup_policies[0].levels[LEVEL_RELIEVE].steps |= STEP_BIT(STEP_THROTTLE);
        }
        w->policy.daemon.dry_run = !only_ours && random_below(&s->rng, 8) == 0;
        world_start(w);
        for (uint32_t i = 0; i < ARRAY_SIZE(paths); i++) {
                CgroupSample *c = world_unit(w, 10 + i, paths[i], parents[i], random_below(&s->rng, 200 * MB));
                c->policy = i > 0 && random_below(&s->rng, 4) == 0 ? 1 : -1;
                c->marks = is_inner(i) ? 0 : CGROUP_MARK_LEAF;
                if (i == SELF_AT || i == 0)
                        c->marks |= CGROUP_MARK_SELF;
                if (random_below(&s->rng, 6) == 0)
                        c->marks |= random_below(&s->rng, 2) ? CGROUP_MARK_OMIT : CGROUP_MARK_AVOID;
                cgroup_set(c, CGROUP_LOW, random_below(&s->rng, 4) ? 0 : random_below(&s->rng, 150 * MB));
                cgroup_set(c, CGROUP_HIGH, random_below(&s->rng, 5) ? CGROUP_NO_LIMIT : random_below(&s->rng, 300 * MB));
                cgroup_set(c, CGROUP_INACTIVE_FILE, random_below(&s->rng, 50 * MB));
                if (!is_inner(i))
                        world_process(w, (int32_t)(100 + i), i == SELF_AT ? "headroomd" : "work", 50 * MB, i);
        }
        world_find(w, 100 + SELF_AT)->flags |= PROCESS_SELF;
        world_find(w, 100 + SELF_AT)->oom_score_adj = -1000;
        world_find(w, 100 + SESSION_AT)->flags |= PROCESS_HAS_TTY;
        return s;
}

static bool is_held_in_model(const Sim *s, const char *path) {
        for (uint64_t id = 1; id <= s->last_id; id++)
                if (s->model[id] != UNUSED && s->model[id] != OVER && !s->begun[id].dry_run &&
                    (s->begun[id].step == STEP_THROTTLE || s->begun[id].step == STEP_FREEZE) &&
                    cgroup_path_inside(path, s->begun[id].cgroup_path))
                        return true;
        return false;
}

/* Stall of a leaf is that of all above it: nobody else has anything to do. */
static void stall(World *w, uint32_t i, uint64_t usec) {
        for (; i < w->snap.n_cgroups; i = w->cgroups[i].parent) {
                w->cgroups[i].value[CGROUP_PSI_FULL_USEC] += usec;
                w->cgroups[i].value[CGROUP_PSI_SOME_USEC] += usec;
        }
}

static void cgroup_advance(Sim *s, uint32_t i, uint64_t dt) {
        CgroupSample *c = &s->w->cgroups[i];
        c->have |= UINT64_C(1) << CGROUP_CURRENT | UINT64_C(1) << CGROUP_POPULATED;
        if (is_inner(i))
                return;
        uint64_t grown = random_below(&s->rng, 3) ? 0 : random_below(&s->rng, 6 * MB);
        c->value[CGROUP_CURRENT] = MIN(c->value[CGROUP_CURRENT] + grown, 900 * MB);
        if (random_below(&s->rng, 8) == 0)
                c->value[CGROUP_CURRENT] /= 2;
        c->value[CGROUP_ANON] = c->value[CGROUP_CURRENT];
        c->value[CGROUP_REFAULT_FILE] += random_below(&s->rng, 500);
        c->value[CGROUP_PGSCAN] += random_below(&s->rng, 3);
        c->value[CGROUP_EVENT_HIGH] += random_below(&s->rng, 2);
        bool may_stall = s->only_ours ? is_held_in_model(s, c->path) : random_below(&s->rng, 2) == 0;
        if (may_stall)
                stall(s->w, i, dt * (s->only_ours ? 70 + random_below(&s->rng, 31) : random_below(&s->rng, 101)) / 100);
        if (s->only_ours)
                return;
        if (random_below(&s->rng, 150) == 0)
                c->id += 1000; /* re-created under the same name */
        if (random_below(&s->rng, 40) == 0)
                c->have &= ~(UINT64_C(1) << CGROUP_CURRENT);
        if (random_below(&s->rng, 200) == 0)
                c->value[CGROUP_POPULATED] = !c->value[CGROUP_POPULATED];
}

static void sim_advance(Sim *s, uint64_t available_percent) {
        World *w = s->w;
        HostSample *h = &w->snap.host;
        uint64_t dt = 50000 + random_below(&s->rng, 300000);
        /* not while an answer is awaited: it would be given up as lost */
        if (!s->only_ours && s->n_answers == 0 && random_below(&s->rng, 50) == 0)
                dt = 600 * USEC_PER_SEC;
        w->snap.mono_usec += dt;
        uint64_t full = 0;
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                full += w->cgroups[i].value[CGROUP_PSI_FULL_USEC];
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                cgroup_advance(s, i, dt);
        uint64_t risen = 0;
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                risen += w->cgroups[i].value[CGROUP_PSI_FULL_USEC];
        uint64_t felt = MIN(risen - full, dt);
        h->value[HOST_PSI_FULL_USEC] += s->only_ours ? felt : dt * random_below(&s->rng, 101) / 100;
        h->value[HOST_PSI_SOME_USEC] = h->value[HOST_PSI_FULL_USEC];
        h->value[HOST_VM_PGSCAN_DIRECT] += random_below(&s->rng, 100);
        world_available(w, available_percent);
        h->value[HOST_SWAP_FREE] = s->only_ours ? h->value[HOST_SWAP_TOTAL] : random_below(&s->rng, h->value[HOST_SWAP_TOTAL] + 1);
        for (uint32_t i = 0; i < w->snap.n_processes; i++)
                w->processes[i].cgroup_id = w->cgroups[w->processes[i].cgroup].id;
        static const uint32_t details[] = {
                DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, DETAIL_CGROUPS | DETAIL_STATS,
                DETAIL_CGROUPS | DETAIL_PROCESSES, DETAIL_RECORD, 0,
        };
        w->snap.detail = s->only_ours ? details[0] : details[random_below(&s->rng, ARRAY_SIZE(details))];
}

/* ---- what must hold of each measure ---- */

static void check_target(Sim *s, const Measure *m, uint64_t seed) {
        World *w = s->w;
        if (m->step == STEP_TRIM) {
                assert_int_equal(m->cgroup_id, 0);
                return;
        }
        const CgroupSample *c = world_cgroup_find(w, m->cgroup_id);
        if (!c || strcmp(c->path, m->cgroup_path) != 0)
                fail_msg("seed %lu: a target that is not in the sample", (unsigned long)seed);
        assert_true(cgroup_has(c, CGROUP_CURRENT) || m->step == STEP_PAGEOUT);
        if (!m->is_proactive && (w->snap.detail & DETAIL_CGROUPS) == 0)
                fail_msg("seed %lu: a choice without details", (unsigned long)seed);
        if (!m->is_proactive && (offender_needs(m->step) & ~w->snap.detail))
                fail_msg("seed %lu: %s by details that were not read", (unsigned long)seed, step_to_string(m->step));
        if ((c->marks & CGROUP_MARK_SELF) || ((c->marks & CGROUP_MARK_OMIT) && !m->is_proactive))
                fail_msg("seed %lu: %s on %s", (unsigned long)seed, step_to_string(m->step), c->path);
        uint64_t promised = cgroup_promised_bytes(&w->snap, (uint32_t)(c - w->cgroups));
        if (promised > 0 && (!cgroup_has(c, CGROUP_CURRENT) || c->value[CGROUP_CURRENT] <= promised))
                fail_msg("seed %lu: %s is protected", (unsigned long)seed, c->path);
        if (m->step == STEP_RECLAIM)
                assert_true(m->value > 0 && m->value <= c->value[CGROUP_CURRENT] - promised && m->value <= 64 * MB);
        if (m->step == STEP_FREEZE)
                assert_true(strcmp(c->path, paths[SESSION_AT]) != 0 && strcmp(c->path, "/system.slice/dbus.service") != 0);
        if (m->step == STEP_RESTART || m->step == STEP_STOP)
                assert_non_null(strstr(c->path, ".service"));
        if (m->domain_id != 0)
                assert_true(cgroup_path_inside(c->path, m->domain_path));
}

static void check_throttle(const Sim *s, const Measure *m) {
        const Measure *b = &s->begun[m->measure_id];
        const CgroupPolicy *p = &s->w->cgroup_policies[b->policy];
        uint64_t floor = b->usage_bytes * p->levels[b->level].throttle_floor_permyriad / 10000;
        assert_true(m->value >= floor);
        assert_true(m->value >= 16 * MB);
        assert_true(m->value > b->protected_bytes);
        assert_int_equal(m->value % WORLD_PAGE, 0);
        assert_true(m->value <= b->usage_bytes && (b->old_value == CGROUP_NO_LIMIT || m->value <= b->old_value));
        assert_int_equal(m->old_value, b->old_value);
}

static void check_begin(Sim *s, const Measure *m, uint64_t seed) {
        assert_int_equal(m->measure_id, s->last_id + 1);
        assert_in_range(m->measure_id, 1, MODEL - 1);
        s->last_id = m->measure_id;
        s->begun[m->measure_id] = *m;
        s->model[m->measure_id] = BEGINNING;
        assert_true(STEPS_LADDER & STEP_BIT(m->step));
        check_target(s, m, seed);
        if (s->kill_id != 0 && (s->kill_domain == 0 || m->domain_id == 0))
                fail_msg("seed %lu: begun while a kill is in flight", (unsigned long)seed);
        if (!m->is_proactive)
                assert_int_equal(m->condition.truth, TRUTH_TRUE);
        if (STEPS_LASTING & STEP_BIT(m->step))
                s->lasting++;
}

static void check_measure(Sim *s, const Measure *m, uint64_t seed) {
        assert_true(m->limit_usec > 0);
        if (m->verb == MEASURE_BEGIN)
                check_begin(s, m, seed);
        else {
                assert_in_range(m->measure_id, 1, s->last_id);
                const Measure *b = &s->begun[m->measure_id];
                if (s->model[m->measure_id] != HELD)
                        fail_msg("seed %lu: %s of a measure in state %d", (unsigned long)seed, measure_verb_to_string(m->verb),
                                 s->model[m->measure_id]);
                assert_int_equal(m->cgroup_id, b->cgroup_id);
                assert_string_equal(m->cgroup_path, b->cgroup_path);
                assert_int_equal(m->step, b->step);
                assert_true(STEPS_LASTING & STEP_BIT(m->step));
                s->model[m->measure_id] = m->verb == MEASURE_ADJUST ? ADJUSTING : RELEASING;
                s->releases += m->verb == MEASURE_RELEASE;
                s->adjusts += m->verb == MEASURE_ADJUST;
                if (m->verb == MEASURE_RELEASE)
                        assert_true(m->end > MEASURE_END_NONE && m->end < _MEASURE_END_MAX);
        }
        if (m->step == STEP_THROTTLE && m->verb != MEASURE_RELEASE)
                check_throttle(s, m);
        assert_in_range(s->n_answers, 0, ARRAY_SIZE(s->answers) - 1);
        static const int errors[] = { 0, 0, 0, 0, 0, 0, -EAGAIN, -ETIME, -ENOENT, -EOPNOTSUPP, -ESTALE, -EBUSY, -EIO };
        s->answers[s->n_answers].status = (MeasureStatus){
                .measure_id = m->measure_id,
                .verb = m->verb,
                .error = s->only_ours ? 0 : errors[random_below(&s->rng, ARRAY_SIZE(errors))],
                .done_bytes = random_below(&s->rng, m->value + 1),
        };
        s->answers[s->n_answers++].delay = s->only_ours ? 0 : (uint32_t)random_below(&s->rng, 12);
}

/* Answers whose time has come; what they mean for the model is in measure.h. */
static void answer(Sim *s) {
        Snapshot *snap = &s->w->snap;
        uint32_t kept = 0;
        snap->n_measures = 0;
        for (uint32_t i = 0; i < s->n_answers; i++) {
                if (s->answers[i].delay-- > 0 || snap->n_measures == MEASURE_STATUSES_MAX) {
                        s->answers[i].delay = s->answers[i].delay == UINT32_MAX ? 0 : s->answers[i].delay;
                        s->answers[kept++] = s->answers[i];
                        continue;
                }
                const MeasureStatus *st = &s->answers[i].status;
                snap->measures[snap->n_measures++] = *st;
                bool lasts = STEPS_LASTING & STEP_BIT(s->begun[st->measure_id].step);
                Model *m = &s->model[st->measure_id];
                if (st->verb == MEASURE_BEGIN)
                        *m = lasts && (st->error == 0 || st->error == -ETIME) ? HELD : OVER;
                else if (st->verb == MEASURE_ADJUST)
                        *m = HELD;
                else
                        *m = st->error == 0 || st->error == -ENOENT || st->error == -ESTALE ? OVER : HELD;
        }
        s->n_answers = kept;
}

static void kill_follow(Sim *s) {
        World *w = s->w;
        if (w->decision.has_kill) {
                s->kills++;
                s->kill_id = w->decision.kill.kill_id;
                s->kill_domain = w->decision.kill.domain_id;
                s->kill_patience = (uint32_t)random_below(&s->rng, 20);
        }
        w->snap.n_kills = 0;
        if (s->kill_id == 0)
                return;
        world_kill_status(w, s->kill_id, s->kill_patience > 0 ? KILL_PENDING : KILL_EXITED, 0);
        if (s->kill_patience-- == 0)
                s->kill_id = 0;
}

static void decision_print(const Decision *d, char *buf, size_t size) {
        size_t at = (size_t)snprintf(buf, size, "%lu need %u %d next %lu kill %d %lu", (unsigned long)d->seq, d->need, d->need_now,
                                     (unsigned long)d->next_usec, d->has_kill, d->has_kill ? (unsigned long)d->kill.kill_id : 0);
        for (uint32_t i = 0; i < d->n_measures; i++) {
                const Measure *m = &d->measures[i];
                at += (size_t)snprintf(buf + at, size - at, " {%lu %d %d %d %d %lu %s %lu %s %d %lu %lu %lu %u %u %s %u %d}",
                                       (unsigned long)m->measure_id, m->step, m->verb, m->end, m->level, (unsigned long)m->domain_id,
                                       m->domain_path, (unsigned long)m->cgroup_id, m->cgroup_path, m->pid, (unsigned long)m->value,
                                       (unsigned long)m->old_value, (unsigned long)m->growth_bytes, m->stall_permyriad,
                                       m->contribution_permyriad, m->runner_up_path, m->runner_up_permyriad, m->condition.truth);
        }
        assert_true(at < size);
}

static void step(Sim *s, DecideState *other, uint64_t available_percent, uint64_t *shuffle_rng, uint64_t seed) {
        static CgroupSample cgroups[WORLD_CGROUPS];
        static ProcessSample processes[WORLD_PROCESSES];
        static Decision d2;
        static char text1[16384], text2[16384];
        World *w = s->w;
        Snapshot shuffled;

        sim_advance(s, available_percent);
        answer(s);
        kill_follow(s);
        snapshot_shuffle(&w->snap, &shuffled, cgroups, processes, shuffle_rng);
        assert_int_equal(decide_step(w->state, &w->snap, &w->decision), 0);
        assert_int_equal(decide_step(other, &shuffled, &d2), 0);
        decision_print(&w->decision, text1, sizeof(text1));
        decision_print(&d2, text2, sizeof(text2));
        if (strcmp(text1, text2) != 0)
                fail_msg("seed %lu: order matters:\n%s\n%s", (unsigned long)seed, text1, text2);
        assert_in_range(w->decision.n_measures, 0, MEASURES_MAX);
        for (uint32_t i = 0; i < w->decision.n_measures; i++)
                check_measure(s, &w->decision.measures[i], seed);
        MeasureView v[MEASURES_IN_FORCE_MAX + 1];
        assert_in_range(decide_measures(w->state, v, ARRAY_SIZE(v)), 0, MEASURES_IN_FORCE_MAX);
}

typedef struct Counts {
        uint64_t lasting, releases, adjusts, kills;
} Counts;

static void run(uint64_t seed, bool only_ours, Counts *counts) {
        Sim *s = sim_new(seed, only_ours);
        World *w = s->w;
        const DecideLimits limits = { .max_domains = 32, .max_cgroups = WORLD_CGROUPS, .max_processes = WORLD_PROCESSES };
        size_t size = decide_state_size(&w->policy, &limits);
        void *memory = malloc(size);
        memset(memory, 0xa5, size);
        DecideState *other;
        assert_int_equal(decide_state_init(memory, size, &w->policy, &limits, &other), 0);
        uint64_t shuffle_rng = seed + 1, available = 60;

        for (int i = 0; i < STEPS; i++) {
                if (only_ours)
                        available = i < 20 ? 24 : 21 + random_below(&s->rng, 15); /* mostly better than where it began */
                else if (random_below(&s->rng, 10) == 0)
                        available = random_below(&s->rng, 80);
                step(s, other, available, &shuffle_rng, seed);
                if (only_ours && w->decision.has_kill)
                        fail_msg("seed %lu step %d: a kill for a stall of our own making, reason %d", (unsigned long)seed, i,
                                 w->decision.kill.reason);
        }
        /* the trouble is over: all is put back within a minute, late answers and failing ones included */
        for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                w->cgroups[i].policy = -1;
        for (uint32_t i = 0; i < s->n_answers; i++)
                s->answers[i].delay = 0;
        uint64_t over = w->snap.mono_usec;
        while (w->snap.mono_usec - over < 60 * USEC_PER_SEC || s->n_answers > 0) {
                for (uint32_t i = 0; i < s->n_answers; i++)
                        s->answers[i].status.error = 0;
                s->only_ours = true;
                for (uint32_t i = 0; i < w->snap.n_cgroups; i++)
                        w->cgroups[i].value[CGROUP_POPULATED] = 1;
                step(s, other, 90, &shuffle_rng, seed);
        }
        MeasureView v[MEASURES_IN_FORCE_MAX];
        if (decide_measures(w->state, v, ARRAY_SIZE(v)) != 0)
                fail_msg("seed %lu: measure %lu is still in force", (unsigned long)seed, (unsigned long)v[0].measure_id);
        for (uint64_t id = 1; id <= s->last_id; id++)
                if (s->model[id] != OVER)
                        fail_msg("seed %lu: measure %lu (%s) was never put back", (unsigned long)seed, (unsigned long)id,
                                 step_to_string(s->begun[id].step));
        counts->lasting += s->lasting;
        counts->releases += s->releases;
        counts->adjusts += s->adjusts;
        counts->kills += s->kills;
        free(memory);
        world_free(w);
        free(s);
}

static void test_histories(void **state) {
        (void)state;
        Counts c = { 0 };
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
                run(seed, false, &c);
        /* a generator that never gets into trouble would prove nothing */
        assert_true(c.lasting > 2 * SEEDS && c.releases >= c.lasting / 2 && c.adjusts > SEEDS && c.kills > SEEDS / 4);
        print_message("# %lu lasting measures, %lu adjustments, %lu releases, %lu kills in %d histories\n", (unsigned long)c.lasting,
                      (unsigned long)c.adjusts, (unsigned long)c.releases, (unsigned long)c.kills, SEEDS);
}

static void test_own_stall_kills_nobody(void **state) {
        (void)state;
        Counts c = { 0 };
        for (uint64_t seed = 1; seed <= SEEDS / 3; seed++)
                run(seed, true, &c);
        assert_true(c.lasting > SEEDS / 3);
        assert_int_equal(c.kills, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_histories),
                cmocka_unit_test(test_own_stall_kills_nobody),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
