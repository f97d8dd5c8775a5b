/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What cgroups did between two looks: those for the ladder and those in between. */

#include "test.h"

#include "decide/usage.h"

#define N_MAX 8
#define SEC   USEC_PER_SEC

typedef struct Desk {
        UsageTable t;
        void *memory;
        CgroupSample cgroups[N_MAX];
        Snapshot snap;
} Desk;

static int setup(void **state) {
        Desk *d = calloc(1, sizeof(*d));
        d->memory = d ? calloc(1, usage_table_size(N_MAX)) : NULL;
        if (!d->memory)
                return -1;
        usage_table_init(&d->t, d->memory, N_MAX);
        d->snap.cgroups = d->cgroups;
        d->snap.mono_usec = 100 * SEC;
        *state = d;
        return 0;
}

static int teardown(void **state) {
        Desk *d = *state;
        free(d->memory);
        free(d);
        return 0;
}

/* @at: of all counters; bytes and stalls of a cgroup are multiples of it. */
static void see(Desk *d, uint64_t id, uint64_t at) {
        CgroupSample *c = &d->cgroups[d->snap.n_cgroups++];
        *c = (CgroupSample){ .id = id };
        cgroup_set(c, CGROUP_CURRENT, 1000 * at);
        cgroup_set(c, CGROUP_REFAULT_ANON, at);
        cgroup_set(c, CGROUP_REFAULT_FILE, at);
        cgroup_set(c, CGROUP_PSI_SOME_USEC, 20 * at);
        cgroup_set(c, CGROUP_PSI_FULL_USEC, 10 * at);
        cgroup_set(c, CGROUP_PGSCAN, 5 * at);
}

static void look(Desk *d, bool for_ladder) {
        usage_table_update(&d->t, &d->snap, for_ladder);
        d->snap.mono_usec += SEC;
        d->snap.n_cgroups = 0;
}

static void test_looks_in_between(void **state) {
        Desk *d = *state;
        UsageChange u;

        see(d, 1, 100);
        look(d, true);
        assert_false(usage_change(&d->t, 1, &u)); /* once */
        assert_false(usage_table_find(&d->t, 1)->full.has_delta);
        /* not for the ladder: the ranks see it, the ladder does not */
        see(d, 1, 103);
        see(d, 2, 50);
        look(d, false);
        const UsageEntry *e = usage_table_find(&d->t, 1);
        assert_true(e->full.has_delta && e->scan.has_delta);
        assert_int_equal(e->full.delta, 30);
        assert_int_equal(e->scan.delta, 15);
        assert_false(usage_change(&d->t, 1, &u));
        assert_false(usage_change(&d->t, 2, &u));
        assert_false(e->ladder.stall[STALL_FULL].has_delta);
        see(d, 1, 110);
        see(d, 2, 60);
        look(d, true);
        e = usage_table_find(&d->t, 1);
        assert_int_equal(e->full.delta, 70);
        assert_true(e->ladder.stall[STALL_SOME].has_delta && e->ladder.stall[STALL_FULL].has_delta);
        assert_int_equal(e->ladder.stall[STALL_SOME].delta, 200);
        assert_int_equal(e->ladder.stall[STALL_FULL].delta, 100);
        assert_true(usage_change(&d->t, 1, &u));
        assert_int_equal(u.span_usec, 2 * SEC);
        assert_int_equal(u.growth_bytes, 10000);
        assert_int_equal(u.refault_pages, 20);
        /* seen in between only: for the ladder it is new, and has grown by all it holds */
        assert_true(usage_change(&d->t, 2, &u));
        assert_int_equal(u.growth_bytes, 60000);
        assert_int_equal(usage_table_find(&d->t, 2)->full.delta, 100);
        assert_false(usage_table_find(&d->t, 2)->ladder.stall[STALL_FULL].has_delta);
        /* and what the ladder knows lasts over looks that are not for it */
        see(d, 1, 111);
        look(d, false);
        assert_true(usage_change(&d->t, 1, &u));
        assert_int_equal(u.growth_bytes, 10000);
        assert_null(usage_table_find(&d->t, 2)); /* gone */
}

static void test_counters(void **state) {
        Desk *d = *state;

        see(d, 1, 100);
        look(d, true);
        see(d, 1, 90); /* backwards */
        look(d, true);
        const UsageEntry *e = usage_table_find(&d->t, 1);
        assert_false(e->full.has_delta || e->scan.has_delta || e->ladder.stall[STALL_SOME].has_delta);
        see(d, 1, 95);
        cgroup_set(&d->cgroups[0], CGROUP_PSI_SOME_USEC, 1); /* one of the two backwards: neither is a delta */
        look(d, true);
        e = usage_table_find(&d->t, 1);
        assert_true(e->full.has_delta);
        assert_false(e->ladder.stall[STALL_SOME].has_delta || e->ladder.stall[STALL_FULL].has_delta);
        see(d, 1, 99);
        d->cgroups[0].have &= ~(UINT64_C(1) << CGROUP_PGSCAN);
        look(d, false);
        e = usage_table_find(&d->t, 1);
        assert_true(e->full.has_delta);
        assert_false(e->scan.has_delta);
}

/* After a long time without a look nobody has a base. */
static void test_long_pause(void **state) {
        Desk *d = *state;
        UsageChange u;

        see(d, 1, 100);
        look(d, true);
        d->snap.mono_usec += 3600 * SEC;
        see(d, 1, 200);
        see(d, 2, 10);
        look(d, true);
        assert_false(usage_change(&d->t, 1, &u));
        assert_false(usage_change(&d->t, 2, &u));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_looks_in_between, setup, teardown),
                cmocka_unit_test_setup_teardown(test_counters, setup, teardown),
                cmocka_unit_test_setup_teardown(test_long_pause, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
