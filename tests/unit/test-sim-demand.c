/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What lies between two looks: a line from one to the other, but what cheap samples hold goes before it. */

#include "test.h"

#include "plan/sim-demand.h"

#define KB   UINT64_C(1024)
#define PAGE 4096u

typedef struct Sample {
        Snapshot snap;
        CgroupSample cgroups[4];
        ProcessSample processes[2];
} Sample;

static Sample *sample(Sample *s, uint64_t usec, uint32_t detail) {
        *s = (Sample){ .snap = { .mono_usec = usec, .real_usec = usec, .page_size = PAGE, .detail = detail } };
        s->snap.cgroups = s->cgroups;
        s->snap.processes = s->processes;
        return s;
}

static CgroupSample *add(Sample *s, uint64_t id, const char *path, uint64_t current) {
        CgroupSample *c = &s->cgroups[s->snap.n_cgroups++];
        *c = (CgroupSample){ .id = id, .path = path, .parent = INDEX_NONE, .policy = 0 };
        cgroup_set(c, CGROUP_CURRENT, current);
        return c;
}

static void add_process(Sample *s, int32_t pid, uint64_t pages) {
        s->processes[s->snap.n_processes++] = (ProcessSample){
                .pid = pid, .ppid = 1, .start_ticks = 1, .cgroup = INDEX_NONE, .cgroup_path = "/a", .rss_anon = pages,
                .flags = PROCESS_IDENTITY | PROCESS_SIZES, .rule = -1, .kernel_rule = -1,
        };
}

static uint64_t current_at(Demand *d, uint64_t id, uint64_t usec) {
        CgroupSample now;
        HostSample host;
        uint64_t real_usec;
        demand_host_at(d, usec, &host, &real_usec);
        demand_cgroup_at(d, demand_find_cgroup(d, id), usec, &now);
        return now.value[CGROUP_CURRENT];
}

static uint64_t anon_at(Demand *d, int32_t pid, uint64_t usec) {
        uint64_t size[_SIZE_MAX];
        assert_true(demand_process_at(d, demand_find_process(d, pid, 1), usec, size));
        return size[SIZE_ANON];
}

/* A detailed sample: two cgroups of @a_kb, a process that never changes and one of @a_kb pages. */
static void feed_detail(Demand *d, uint64_t usec, uint64_t a_kb, int expected) {
        Sample s;
        sample(&s, usec, DETAIL_CGROUPS | DETAIL_PROCESSES | DETAIL_STATS);
        cgroup_set(add(&s, 11, "/a", a_kb * KB), CGROUP_ANON, a_kb * KB);
        add(&s, 12, "/b", a_kb * KB);
        cgroup_set(&s.cgroups[1], CGROUP_MAX, a_kb * KB);
        add_process(&s, 7, 500);
        add_process(&s, 8, a_kb);
        assert_int_equal(demand_add(d, &s.snap), expected);
}

static void test_between(void **state) {
        (void)state;
        const uint64_t sec = USEC_PER_SEC;
        Demand d;
        Sample s;

        assert_int_equal(demand_init(&d), 0);
        feed_detail(&d, 100 * sec, 1000, 1);
        demand_close(&d);
        assert_int_equal(demand_next(&d, 100 * sec), 0);

        /* both; only one of them; both in another order and one of them twice; the first of the two counts */
        sample(&s, 101 * sec, 0);
        add(&s, 11, "/a", 5000 * KB);
        add(&s, 12, "/b", 7000 * KB);
        assert_int_equal(demand_add(&d, &s.snap), 0);
        sample(&s, 102 * sec, 0);
        add(&s, 12, "/b", 9000 * KB);
        assert_int_equal(demand_add(&d, &s.snap), 0);
        sample(&s, 103 * sec, 0);
        add(&s, 12, "/b", 8000 * KB);
        add(&s, 11, "/a", 3000 * KB);
        add(&s, 11, "/a", 4000 * KB);
        assert_int_equal(demand_add(&d, &s.snap), 0);
        feed_detail(&d, 110 * sec, 2000, 1);
        demand_close(&d);

        assert_int_equal(current_at(&d, 11, 100 * sec), 1000 * KB);
        assert_int_equal(current_at(&d, 11, 100 * sec + sec / 2), 3000 * KB);
        assert_int_equal(current_at(&d, 12, 100 * sec + sec / 2), 4000 * KB);
        assert_int_equal(current_at(&d, 11, 101 * sec), 5000 * KB);
        /* not in the next one: the line from 100 to 110 s */
        assert_int_equal(current_at(&d, 11, 101 * sec + sec / 2), 1150 * KB);
        assert_int_equal(current_at(&d, 12, 101 * sec + sec / 2), 8000 * KB);
        /* nor in this one */
        assert_int_equal(current_at(&d, 11, 102 * sec), 1200 * KB);
        assert_int_equal(current_at(&d, 11, 102 * sec + sec / 2), 1250 * KB);
        assert_int_equal(current_at(&d, 12, 102 * sec + sec / 2), 8500 * KB);
        assert_int_equal(current_at(&d, 11, 103 * sec), 3000 * KB);
        assert_int_equal(current_at(&d, 12, 103 * sec), 8000 * KB);
        assert_int_equal(current_at(&d, 11, 106 * sec + sec / 2), 2500 * KB);
        assert_int_equal(current_at(&d, 11, 110 * sec), 2000 * KB);
        demand_done(&d);
}

static void test_still_and_moving(void **state) {
        (void)state;
        const uint64_t sec = USEC_PER_SEC;
        CgroupSample now;
        Demand d;

        assert_int_equal(demand_init(&d), 0);
        feed_detail(&d, 100 * sec, 1000, 1);
        demand_close(&d);
        assert_int_equal(demand_next(&d, 100 * sec), 0);
        feed_detail(&d, 110 * sec, 2000, 1);
        demand_close(&d);
        for (uint64_t i = 0; i <= 10; i++) {
                assert_int_equal(anon_at(&d, 7, (100 + i) * sec), 500);
                assert_int_equal(anon_at(&d, 8, (100 + i) * sec), 1000 + 100 * i);
                demand_cgroup_at(&d, demand_find_cgroup(&d, 11), (100 + i) * sec, &now);
                assert_int_equal(now.value[CGROUP_ANON], (1000 + 100 * i) * KB);
                /* a limit is no amount: it is what it became */
                demand_cgroup_at(&d, demand_find_cgroup(&d, 12), (100 + i) * sec, &now);
                assert_int_equal(now.value[CGROUP_MAX], 2000 * KB);
        }
        /* who is still in one span moves in the next */
        assert_int_equal(demand_next(&d, 110 * sec), 0);
        feed_detail(&d, 120 * sec, 1000, 1);
        demand_close(&d);
        assert_int_equal(anon_at(&d, 7, 115 * sec), 500);
        assert_int_equal(anon_at(&d, 8, 115 * sec), 1500);
        assert_int_equal(current_at(&d, 11, 115 * sec), 1500 * KB);
        demand_done(&d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_between),
                cmocka_unit_test(test_still_and_moving),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
