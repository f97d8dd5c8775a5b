/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole samples of captured trees (see their README.md) and of the hostile one. */
#include "sense-world.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "tree.h"

static int fixture_open(const char *name) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s", FIXTURES_DIR, name);
        return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const ProcessSample *find_comm(const Snapshot *n, const char *comm) {
        for (uint32_t i = 0; i < n->n_processes; i++)
                if (strncmp(n->processes[i].comm, comm, strlen(comm)) == 0)
                        return &n->processes[i];
        return NULL;
}

/* The kernel's own figure from what we read: nothing is missing in the sizes, and nothing is counted twice. */
static void assert_scores_agree(const Snapshot *n) {
        long total = (long)((n->host.value[HOST_MEM_TOTAL] + n->host.value[HOST_SWAP_TOTAL]) / n->page_size);
        unsigned checked = 0;

        for (uint32_t i = 0; i < n->n_processes; i++) {
                const ProcessSample *p = &n->processes[i];
                if (!(p->flags & PROCESS_SIZES) || !(p->flags & PROCESS_SCORE) || (p->flags & PROCESS_INIT))
                        continue;
                long points = (long)(p->rss_anon + p->rss_file + p->rss_shmem + p->swap + p->pgtables);
                points += p->oom_score_adj * (total / 1000);
                long score = (1000 + points * 1000 / total) * 2 / 3;
                assert_in_range((long)p->oom_score + 2, MAX(score, 1L) + 1,
                                score + 3); /* the two were read one after the other */
                checked++;
        }
        assert_true(checked >= 2);
}

static void check_debian(const char *name) {
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        int fd = fixture_open(name);
        assert_true(fd >= 0);
        unsigned fds = tree_count_fds();
        Sense *s = sense_open(fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        assert_int_equal(sense_degraded(s), 0);
        assert_well_formed(&n);
        for (unsigned f = 0; f < _HOST_FIELD_MAX; f++)
                assert_true(host_has(&n.host, (HostField)f));
        assert_true(n.host.value[HOST_ZRAM_SWAP_TOTAL] == n.host.value[HOST_SWAP_TOTAL]);
        assert_true(n.host.value[HOST_ZRAM_ORIG] > 0 && n.host.value[HOST_ZRAM_MEM_USED] > 0);

        const CgroupSample *c = find_cgroup(&n, "/bench.slice/limited.service");
        assert_non_null(c);
        assert_true(c->policy == 3 && c->value[CGROUP_HIGH] == 80u << 20 && c->value[CGROUP_MAX] == 120u << 20);
        assert_true(c->value[CGROUP_SWAP_MAX] == 16u << 20);
        /* against its own limit or not: events are in the cheap sample */
        assert_true(cgroup_has(c, CGROUP_EVENT_HIGH) && cgroup_has(c, CGROUP_PSI_FULL_USEC));
        assert_false(cgroup_has(c, CGROUP_ANON));

        for (int round = 0; round < 2; round++) {
                assert_int_equal(sense_sample(s, 2, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
                assert_well_formed(&n);
                assert_scores_agree(&n);
                assert_string_equal(n.cgroups[0].path, "/");
                assert_false(cgroup_has(&n.cgroups[0], CGROUP_CURRENT));
                assert_true(cgroup_has(&n.cgroups[0], CGROUP_ANON) && cgroup_has(&n.cgroups[0], CGROUP_PGSCAN));
                c = find_cgroup(&n, "/bench.slice/steady.service");
                for (unsigned f = 0; f < _CGROUP_FIELD_MAX; f++)
                        assert_true(cgroup_has(c, (CgroupField)f) == (f != CGROUP_PEAK_INTERVAL)); /* nobody wanted it */
                assert_true(c->value[CGROUP_LOW] == 64u << 20);
                assert_string_equal(n.cgroups[c->parent].path, "/bench.slice");

                const ProcessSample *p = find_comm(&n, "foo) Z ");
                assert_non_null(p);
                assert_string_equal(p->cgroup_path, "/bench.slice/hostile.service");
                assert_string_equal(n.cgroups[p->cgroup].path, p->cgroup_path);
                assert_non_null(find_comm(&n, "new\nline\t)"));
                /* the leader is dead, the process is not */
                p = find_comm(&n, "odd");
                assert_true((p->flags & PROCESS_SIZES) && !(p->flags & (PROCESS_NO_MM | PROCESS_DYING)) &&
                            p->rss_anon > 0);
                p = find_comm(&n, "idle");
                assert_int_equal(p->oom_score_adj, -900);
                p = find_comm(&n, "kswapd0");
                assert_true(p->flags & PROCESS_KTHREAD);
                assert_true(find_process(&n, 1)->flags & PROCESS_INIT);
        }
        assert_int_equal(count_complaints(s, ""), 0);
        sense_free(s);
        assert_int_equal(tree_count_fds(), fds);
        (void)close(fd);
}

static void test_debian_12(void **state) {
        (void)state;
        check_debian("debian-12-6.1");
}

static void test_debian_13(void **state) {
        (void)state;
        check_debian("debian-13-6.12");
}

static void test_hybrid(void **state) {
        (void)state;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        int fd = fixture_open("hybrid-6.18");
        Sense *s = sense_open(fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(sense_degraded(s), 1 << DEGRADED_NO_MEMCG | 1 << DEGRADED_NO_SWAP);
        /* no use and no limit of any, but pressure, and who is where */
        const CgroupSample *c = find_cgroup(&n, "/fixture.slice/hog.service");
        assert_true(cgroup_has(c, CGROUP_PSI_SOME_USEC));
        assert_int_equal(c->have & ~(UINT64_C(1) << CGROUP_PSI_SOME_USEC | UINT64_C(1) << CGROUP_PSI_FULL_USEC), 0);
        const ProcessSample *p = find_comm(&n, "python3");
        assert_true(p->cgroup_id == c->id && &n.cgroups[p->cgroup] == c);
        assert_true(p->rss_anon * n.page_size >= 24u << 20);
        p = find_process(&n, 1);
        assert_string_equal(p->cgroup_path, "/");
        assert_true(p->cgroup_id == n.cgroups[0].id && p->cgroup == 0);
        assert_int_equal(count_complaints(s, ""), 0);
        sense_free(s);
        (void)close(fd);
}

static void check_hostile_host(const Snapshot *n) {
        const HostSample *h = &n->host;
        static const HostField absent[] = { HOST_MEM_FREE,  HOST_MEM_AVAILABLE, HOST_BUFFERS,
                                            HOST_CACHED,    HOST_SHMEM,         HOST_DIRTY,
                                            HOST_WRITEBACK, HOST_PSI_SOME_USEC, HOST_PSI_FULL_USEC,
                                            HOST_ZRAM_ORIG, HOST_ZRAM_MEM_USED, HOST_VM_PGSCAN_DIRECT,
                                            HOST_VM_PSWPIN, HOST_VM_PSWPOUT,    HOST_VM_PGMAJFAULT };
        for (size_t i = 0; i < ARRAY_SIZE(absent); i++)
                assert_false(host_has(h, absent[i]));
        assert_true(h->value[HOST_MEM_TOTAL] == UINT64_C(1000000) * 1024);
        assert_true(h->value[HOST_VM_OOM_KILL] == 3 && h->value[HOST_VM_ALLOCSTALL] == UINT64_MAX);
        assert_true(h->value[HOST_ZRAM_SWAP_TOTAL] == 200000u * 1024 && h->value[HOST_ZRAM_SWAP_USED] == 50 * 1024);
}

static void check_hostile_processes(const Snapshot *n) {
        static const struct {
                int32_t pid;
                const char *comm;
                uint32_t flags;
                const char *cgroup;
        } rows[] = {
                { 1, "init", PROCESS_INIT | PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/" },
                { 10, "foo) Z ", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/good" },
                { 11, "a\nVmSwap: 1 kB", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/good" },
                { 12, "(((((", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/bad" },
                { 13, "", 0, "" },                          /* stat cut: nothing is known */
                { 14, "halfsize", PROCESS_SCORE, "/good" }, /* some sizes: none, and no uid either */
                { 15, "badscore", PROCESS_SIZES, "/good" }, /* adj out of range: no identity */
                { 16, "nothing", 0, "" },
                { 17, "outside", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/../../../etc" },
                { 18, "dying", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY | PROCESS_DYING, "/good" },
                { 19, "kthread", PROCESS_KTHREAD | PROCESS_NO_MM, "" },
                { 20, "zombie", PROCESS_NO_MM | PROCESS_SCORE | PROCESS_IDENTITY | PROCESS_HAS_TTY | PROCESS_DYING,
                  "/good" },
                { 21, "leader", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY | PROCESS_HAS_TTY | PROCESS_DSTATE,
                  "/good" },
                { 23, "", 0, "" },
                { 24, "", 0, "" },
                { 25, "gone", PROCESS_SIZES | PROCESS_SCORE | PROCESS_IDENTITY, "/good (deleted)" },
                { 26, "hex", PROCESS_SCORE, "/good" },
        };
        assert_int_equal(n->n_processes, ARRAY_SIZE(rows));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const ProcessSample *p = &n->processes[i];
                assert_int_equal(p->pid, rows[i].pid);
                assert_int_equal(p->flags, rows[i].flags);
                assert_memory_equal(p->comm, rows[i].comm, strlen(rows[i].comm));
                assert_string_equal(p->cgroup_path, rows[i].cgroup);
                if (p->flags & PROCESS_SIZES)
                        assert_true(p->rss_anon * n->page_size == 200 * 1024 && p->uid == 1001);
        }
        assert_int_equal(find_process(n, 17)->cgroup_id, 0);
        assert_int_equal(find_process(n, 25)->cgroup_id, 0);
}

static void test_hostile(void **state) {
        (void)state;
        Snapshot n;
        int fd = fixture_open("hostile");
        Sense *s = sense_open(fd, 0, 0, NULL);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
        assert_well_formed(&n);
        check_hostile_host(&n);
        check_hostile_processes(&n);
        /* the mount with the whole hierarchy, its blank unescaped; the link is not followed */
        assert_int_equal(n.n_cgroups, 7);
        const CgroupSample *c = find_cgroup(&n, "/good");
        assert_true(c->value[CGROUP_MAX] == 1048576 && c->value[CGROUP_EVENT_HIGH] == 1 &&
                    c->value[CGROUP_PGSCAN] == 7);
        c = find_cgroup(&n, "/bad");
        assert_true(c->have == (UINT64_C(1) << CGROUP_HIGH | UINT64_C(1) << CGROUP_OOM_GROUP));
        assert_non_null(find_cgroup(&n, "/\x1b[2J"));
        assert_int_equal(find_cgroup(&n, "/...")->value[CGROUP_CURRENT], 2);
        /* one line per kind, escaped, and never again */
        char line[256];
        unsigned lines = 0;
        for (; sense_next_complaint(s, line, sizeof(line)); lines++)
                for (const char *p = line; *p; p++)
                        assert_true((unsigned char)*p >= ' ');
        assert_in_range(lines, 5, 8);
        assert_int_equal(sense_sample(s, 2, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), 0);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(count_complaints(s, ""), 0);
        check_hostile_host(&n);
        sense_free(s);
        (void)close(fd);
}

/* A value that is there in one sample and unreadable in the next is absent in the next. */
static void test_going_bad(void **state) {
        (void)state;
        Snapshot n;
        Tree t;
        tree_open(&t);
        tree_write(&t, "proc/meminfo", "MemTotal: 100 kB\nMemAvailable: 50 kB\n");
        tree_write(&t, "proc/vmstat", "oom_kill 1\n");
        Sense *s = sense_open(t.fd, 0, 0, NULL);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        assert_true(host_has(&n.host, HOST_MEM_AVAILABLE) && host_has(&n.host, HOST_VM_OOM_KILL));
        char *huge = malloc(2 << 20);
        memset(huge, 'x', 2 << 20);
        tree_write_n(&t, "proc/meminfo", huge, 2 << 20);
        tree_write(&t, "proc/vmstat", "");
        assert_int_equal(sense_sample(s, 2, 1, 0, &n), -ENODATA);
        assert_int_equal(n.host.have, 0);
        assert_int_equal(count_complaints(s, "too long"), 1);
        tree_write_n(&t, "proc/meminfo", "MemTotal: 100 kB\n\0MemAvailable: 50 kB\n", 39);
        assert_int_equal(sense_sample(s, 3, 1, 0, &n), 0);
        assert_false(host_has(&n.host, HOST_MEM_AVAILABLE));
        free(huge);
        sense_free(s);
        tree_close(&t);
}

static void service_write(const Tree *t, const char *name, uint64_t n) {
        static const struct {
                const char *file, *before;
        } rows[] = {
                { "memory.max", "" },
                { "memory.current", "" },
                { "memory.stat", "anon " },
                { "memory.events", "max " },
                { "memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=" },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char path[96], text[96];
                (void)snprintf(path, sizeof(path), "sys/fs/cgroup/%s/%s", name, rows[i].file);
                (void)snprintf(text, sizeof(text), "%s%" PRIu64 "\n", rows[i].before, n);
                tree_write(t, path, text);
        }
}

static void assert_service(Sense *s, uint32_t detail, const char *path, uint64_t limit, uint64_t others) {
        static const CgroupField fields[] = { CGROUP_CURRENT, CGROUP_ANON, CGROUP_PSI_SOME_USEC };
        Snapshot n;
        assert_int_equal(sense_sample(s, 1, 1, detail, &n), 0);
        assert_int_equal(n.detail, detail);
        const CgroupSample *c = find_cgroup(&n, path);
        assert_non_null(c);
        assert_int_equal(c->value[CGROUP_MAX], limit);
        for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
                assert_int_equal(c->value[fields[i]], others);
}

/* For a record the limits of the latest discovery are good enough; all else is of now, whether it is watched or not. */
static void test_known_stats(void **state) {
        (void)state;
        const uint32_t stats = DETAIL_CGROUPS | DETAIL_STATS, known = DETAIL_CGROUPS | DETAIL_KNOWN_STATS;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        Tree t;
        tree_open(&t);
        tree_write(&t, "proc/meminfo", "MemTotal: 100 kB\n");
        tree_write(&t, "sys/fs/cgroup/cgroup.controllers", "memory\n");
        service_write(&t, "watched.service", 4096);
        service_write(&t, "other", 4096);
        Sense *s = sense_open(t.fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 1);
        service_write(&t, "watched.service", 8192);
        service_write(&t, "other", 8192);
        assert_service(s, known, "/watched.service", 4096, 8192);
        assert_service(s, known, "/other", 4096, 8192);
        assert_service(s, stats, "/watched.service", 8192, 8192);
        service_write(&t, "watched.service", 12288);
        assert_int_equal(sense_discover(s), 0);
        assert_service(s, known, "/watched.service", 12288, 12288);
        /* asked for both, it is what was read */
        assert_int_equal(sense_sample(s, 1, 1, stats | known, &n), 0);
        assert_int_equal(n.detail, stats);
        /* a sample without stats has none of theirs */
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS, &n), 0);
        assert_true(cgroup_has(find_cgroup(&n, "/watched.service"), CGROUP_CURRENT));
        assert_false(cgroup_has(find_cgroup(&n, "/watched.service"), CGROUP_ANON));
        sense_free(s);
        tree_close(&t);
}

/* Swap added, exchanged and removed while we run. */
static void test_swap_hotplug(void **state) {
        (void)state;
        static const char head[] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        char text[512];
        Snapshot n;
        Tree t;
        tree_open(&t);
        tree_write(&t, "proc/meminfo", "MemTotal: 100 kB\nSwapTotal: 0 kB\n");
        tree_write(&t, "proc/swaps", head);
        tree_write(&t, "sys/block/zram0/mm_stat", "8192 1024 4096 0 0 0 0 0 0\n");
        tree_write(&t, "sys/block/zram1/mm_stat", "100 10 50 0 0 0 0 0 0\n");
        Sense *s = sense_open(t.fd, 0, 0, NULL);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        assert_true(sense_degraded(s) & 1 << DEGRADED_NO_SWAP);
        assert_true(host_has(&n.host, HOST_ZRAM_SWAP_TOTAL) && n.host.value[HOST_ZRAM_SWAP_TOTAL] == 0);

        (void)snprintf(text, sizeof(text), "%s/dev/zram0 partition 100 8 5\n", head);
        tree_write(&t, "proc/swaps", text);
        tree_write(&t, "proc/meminfo", "MemTotal: 100 kB\nSwapTotal: 100 kB\n");
        assert_int_equal(sense_sample(s, 2, 1, 0, &n), 0);
        assert_false(sense_degraded(s) & 1 << DEGRADED_NO_SWAP);
        assert_true(n.host.value[HOST_ZRAM_ORIG] == 8192 && n.host.value[HOST_ZRAM_SWAP_USED] == 8192);
        /* another device of the same size: the total does not tell */
        (void)snprintf(text, sizeof(text), "%s/dev/zram1 partition 100 9 5\n", head);
        tree_write(&t, "proc/swaps", text);
        assert_int_equal(sense_sample(s, 3, 1, 0, &n), 0);
        assert_true(n.host.value[HOST_ZRAM_ORIG] == 100 && n.host.value[HOST_ZRAM_SWAP_USED] == 9 * 1024);
        tree_write(&t, "proc/swaps", head);
        tree_write(&t, "proc/meminfo", "MemTotal: 100 kB\nSwapTotal: 0 kB\n");
        assert_int_equal(sense_sample(s, 4, 1, 0, &n), 0);
        assert_true(n.host.value[HOST_ZRAM_ORIG] == 0 && host_has(&n.host, HOST_ZRAM_ORIG));
        sense_free(s);
        tree_close(&t);
}

static void test_degraded_texts(void **state) {
        (void)state;
        for (int i = 0; i < _DEGRADED_MAX; i++) {
                assert_non_null(degraded_to_string((Degraded)i));
                assert_non_null(degraded_describe((Degraded)i));
                assert_null(strchr(degraded_describe((Degraded)i), '\n'));
        }
        assert_null(degraded_to_string(_DEGRADED_MAX));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_debian_12),      cmocka_unit_test(test_debian_13),
                cmocka_unit_test(test_hybrid),         cmocka_unit_test(test_hostile),
                cmocka_unit_test(test_going_bad),      cmocka_unit_test(test_known_stats),
                cmocka_unit_test(test_swap_hotplug),
                cmocka_unit_test(test_degraded_texts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
