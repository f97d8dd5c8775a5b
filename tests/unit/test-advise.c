/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "plan/advise.h"

#define MIB (UINT64_C(1) << 20)

static CgroupStats stats[8];
static CgroupStats *list[8];
static CgroupTable table;

static CgroupStats *add(const char *path, uint64_t not_inactive_mib, uint64_t active_mib, uint64_t floor_mib) {
        CgroupStats *c = &stats[table.n_cgroups];
        *c = (CgroupStats){ .path = (char *)(uintptr_t)path, .n_samples = 100, .observed_usec = UINT64_C(5 * 86400) * USEC_PER_SEC };
        for (Estimator e = 0; e < _ESTIMATOR_MAX; e++)
                histogram_init(&c->estimates[e]);
        histogram_add(&c->estimates[ESTIMATE_NOT_INACTIVE], not_inactive_mib * MIB, 1000);
        histogram_add(&c->estimates[ESTIMATE_ACTIVE], active_mib * MIB, 1000);
        histogram_add(&c->estimates[ESTIMATE_FLOOR], floor_mib * MIB, 1000);
        list[table.n_cgroups++] = c;
        return c;
}

static int begin(void **unused) {
        (void)unused;
        table = (CgroupTable){ .cgroups = list };
        return 0;
}

static const Advice *find(const AdviceList *l, const char *path) {
        for (uint32_t i = 0; i < l->n; i++)
                if (strcmp(l->advices[i].cgroup->path, path) == 0)
                        return &l->advices[i];
        fail_msg("no %s", path);
        return NULL;
}

static void test_names(void **unused) {
        (void)unused;
        static const struct {
                const char *path, *unit;
        } rows[] = {
                { "/system.slice/foo.service", "foo.service" },
                { "/system.slice/dev-disk-by\\x2duuid.service", "dev-disk-by\\x2duuid.service" },
                { "/user.slice", "user.slice" },
                { "/a/app@1:2.scope", "app@1:2.scope" },
                { "/system.slice/foo.mount", NULL },
                { "/system.slice/..service", NULL },
                { "/system.slice/a b.service", NULL },
                { "/system.slice/$(id).service", NULL },
                { "/system.slice/a\nb.service", NULL },
                { "/", NULL },
                { "", NULL },
        };
        char unit[UNIT_NAME_MAX];
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                bool r = advice_unit_name(rows[i].path, unit);
                if (r != (rows[i].unit != NULL) || (r && strcmp(unit, rows[i].unit) != 0))
                        fail_msg("%s", rows[i].path);
        }
}

static void test_limits(void **unused) {
        (void)unused;
        AdviceList l;
        add("/system.slice/a.service", 400, 300, 200);
        add("/system.slice/b.service", 100, 90, 500); /* its floor is above everything */
        add("/system.slice/c.service", 5, 5, 5);
        add("/system.slice", 600, 500, 700);
        add("/init.scope", 100, 100, 100);
        add("/user.slice/user-1.slice/user@1.service/app.slice/x.service", 100, 100, 100);
        add("/user.slice/user-1.slice/session-3.scope", 100, 100, 100);
        assert_int_equal(advise(&table, &l), 0);
        const Advice *a = find(&l, "/system.slice/a.service"), *b = find(&l, "/system.slice/b.service");
        assert_int_equal(l.n_given, 3);
        assert_int_equal(a->max_bytes, 440 * MIB);
        assert_int_equal(a->high_bytes, 420 * MIB);
        assert_int_equal(a->low_bytes, 300 * MIB);
        for (uint32_t i = 0; i < l.n_given; i++) {
                const Advice *x = &l.advices[i];
                if (!x->is_slice)
                        assert_true(x->low_bytes <= x->high_bytes && x->high_bytes <= x->max_bytes &&
                                    x->high_bytes >= x->floor_peak_bytes);
        }
        assert_true(b->max_bytes >= 550 * MIB);
        assert_int_equal(find(&l, "/system.slice")->low_bytes, a->low_bytes + b->low_bytes);
        assert_int_equal(find(&l, "/system.slice/c.service")->skip, ADVICE_TOO_SMALL);
        assert_int_equal(find(&l, "/init.scope")->skip, ADVICE_ESSENTIAL);
        assert_int_equal(find(&l, "/user.slice/user-1.slice/session-3.scope")->skip, ADVICE_SESSION);
        assert_int_equal(find(&l, "/user.slice/user-1.slice/user@1.service/app.slice/x.service")->skip, ADVICE_USER_MANAGER);
        advice_list_done(&l);
}

/* A container's own units have the names of the host's: a drop-in of theirs would limit the wrong one. */
static void test_containers(void **unused) {
        (void)unused;
        static const char *const paths[] = {
                "/lxc.payload.c/system.slice/ssh.service",
                "/machine.slice/machine-c.scope/payload/system.slice/ssh.service",
                "/system.slice/docker-ab.scope/system.slice/ssh.service",
                "/system.slice/delegated.service/ssh.service",
                "/lxc.payload.c/system.slice",
                "/.slice.d/ssh.service",
        };
        AdviceList l;
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                add(paths[i], 400, 300, 200);
        add("/a.slice/a-b.slice/ssh.service", 400, 300, 200);
        assert_int_equal(advise(&table, &l), 0);
        assert_int_equal(l.n_given, 1);
        assert_string_equal(l.advices[0].cgroup->path, "/a.slice/a-b.slice/ssh.service");
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
                assert_int_equal(find(&l, paths[i])->skip, ADVICE_NOT_A_UNIT);
        advice_list_done(&l);
}

static void test_killed(void **unused) {
        (void)unused;
        AdviceList l;
        CgroupStats *c = add("/system.slice/a.service", 400, 300, 200);
        c->n_oom_kills = 1;
        c->n_days = 1;
        c->day_peaks[0] = 480 * MIB; /* VPA's: 400 and a fifth, plus its margin below */
        assert_int_equal(advise(&table, &l), 0);
        assert_true(l.advices[0].was_limited && l.advices[0].max_bytes >= 552 * MIB);
        advice_list_done(&l);
}

static void test_dropin(void **unused) {
        (void)unused;
        char buf[2048];
        TextBuf b = TEXT_BUF(buf);
        AdviceList l;
        add("/system.slice/a.service", 400, 300, 200);
        add("/system.slice", 400, 300, 200);
        assert_int_equal(advise(&table, &l), 0);
        text_append(&b, "");
        advice_append_dropin(&b, &l.advices[0]);
        assert_non_null(strstr(buf, "[Service]\n"));
        assert_non_null(strstr(buf, "\nMemoryLow=300M\n"));
        assert_non_null(strstr(buf, "\nMemoryHigh=420M\n"));
        assert_non_null(strstr(buf, "\nMemoryMax=440M\n"));
        assert_non_null(strstr(buf, "p99: 400M"));
        b.len = 0;
        advice_append_dropin(&b, &l.advices[1]);
        assert_non_null(strstr(buf, "[Slice]\n"));
        assert_null(strstr(buf, "MemoryMax"));
        advice_list_done(&l);
}

/* What is recommended is a policy that the daemon would take. */
static void test_policy(void **unused) {
        (void)unused;
        char dir[] = "/tmp/test-advise-XXXXXX", path[64], buf[2048];
        AdviceList l;
        add("/system.slice/dev-disk-by\\x2duuid@1:2.service", 400, 300, 200);
        assert_int_equal(advise(&table, &l), 0);
        assert_non_null(mkdtemp(dir));
        (void)snprintf(path, sizeof(path), "%s/cgroups.d", dir);
        assert_int_equal(mkdir(path, 0755), 0);
        (void)snprintf(path, sizeof(path), "%s/cgroups.d/50-planned.conf", dir);
        TextBuf b = TEXT_BUF(buf);
        text_append(&b, "");
        advice_append_policy(&b, &l.advices[0]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(buf, f) >= 0);
        assert_int_equal(fclose(f), 0);
        ConfigReport report = { 0 };
        Policy *p = NULL;
        int r = policy_load(-EBADF, dir, &report, &p);
        config_report_print(&report, stderr);
        assert_int_equal(r, 0);
        assert_int_equal(report.n_errors, 0);
        int32_t n = policy_match_cgroup(p, "/system.slice/dev-disk-by\\x2duuid@1:2.service", /* limited= */ true);
        assert_true(n >= 0);
        assert_string_equal(p->cgroups[n].name, "50-planned");
        policy_free(p);
        config_report_done(&report);
        (void)unlink(path);
        *strrchr(path, '/') = '\0';
        (void)rmdir(path);
        (void)rmdir(dir);
        advice_list_done(&l);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test_setup(test_limits, begin),
                cmocka_unit_test_setup(test_containers, begin),
                cmocka_unit_test_setup(test_killed, begin),
                cmocka_unit_test_setup(test_dropin, begin),
                cmocka_unit_test_setup(test_policy, begin),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
