/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a tree: cgroups come, go and come back under the same name. */
#include "sense-world.h"

#include <sys/xattr.h>

#include "tree.h"

#define CG "sys/fs/cgroup/"

static void cgroup_make(const Tree *t, const char *path, uint64_t current) {
        char file[1024], text[32];
        (void)snprintf(file, sizeof(file), CG "%s/memory.current", path);
        (void)snprintf(text, sizeof(text), "%llu\n", (unsigned long long)current);
        tree_write(t, file, text);
}

static void file_set(const Tree *t, const char *path, const char *name, const char *text) {
        char file[600];
        (void)snprintf(file, sizeof(file), CG "%s/%s", path, name);
        tree_write(t, file, text);
}

static void world_make(Tree *t) {
        tree_open(t);
        tree_write(t, CG "cgroup.controllers", "cpu memory\n");
        tree_write(t, CG "cgroup.subtree_control", "memory\n");
        tree_write(t, "proc/meminfo", "MemTotal: 100 kB\n");
}

static void test_discovery_and_marks(void **state) {
        (void)state;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        Tree t;
        world_make(&t);
        cgroup_make(&t, "a.slice", 10);
        cgroup_make(&t, "a.slice/x.service", 20);
        cgroup_make(&t, "a.slice/x.service/sub", 5);
        file_set(&t, "a.slice/x.service", "memory.high", "5000\n");
        file_set(&t, "a.slice/x.service", "memory.max", "max\n");
        Sense *s = sense_open(t.fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_discover(s), 0);

        const SenseMonitored *mon;
        assert_int_equal(sense_monitored(s, &mon), 1);
        assert_string_equal(mon[0].path, "/a.slice/x.service");
        assert_true(mon[0].dir_fd >= 0 && mon[0].policy == 3);

        /* cheap: the monitored one only, with its limits as of the discovery */
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(n.n_cgroups, 1);
        assert_int_equal(n.cgroups[0].id, mon[0].id);
        assert_int_equal(n.cgroups[0].parent, INDEX_NONE);
        assert_int_equal(n.cgroups[0].value[CGROUP_CURRENT], 20);
        assert_true(n.cgroups[0].value[CGROUP_MAX] == CGROUP_NO_LIMIT);
        assert_int_equal(n.cgroups[0].value[CGROUP_HIGH], 5000);
        assert_false(cgroup_has(&n.cgroups[0], CGROUP_SWAP_CURRENT));
        cgroup_make(&t, "a.slice/x.service", 21); /* the kept descriptor sees it */
        assert_int_equal(sense_sample(s, 2, 1, 0, &n), 0);
        assert_int_equal(n.cgroups[0].value[CGROUP_CURRENT], 21);

        /* detailed: all of them, new ones too, without a discovery */
        cgroup_make(&t, "a.slice/new.service", 7);
        assert_int_equal(sense_sample(s, 3, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(n.n_cgroups, 5);
        const CgroupSample *c = find_cgroup(&n, "/a.slice/new.service");
        assert_int_equal(c->policy, 3);
        assert_int_equal(c->marks, CGROUP_MARK_NEW | CGROUP_MARK_LEAF);
        assert_int_equal(c->value[CGROUP_CURRENT], 7);
        assert_string_equal(n.cgroups[c->parent].path, "/a.slice");
        assert_int_equal(find_cgroup(&n, "/a.slice/x.service")->marks, 0);
        assert_int_equal(find_cgroup(&n, "/a.slice/x.service/sub")->marks, CGROUP_MARK_LEAF);
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 4, 1, 0, &n), 0);
        assert_int_equal(n.n_cgroups, 2);
        assert_true(find_cgroup(&n, "/a.slice/new.service")->marks & CGROUP_MARK_NEW);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_sample(s, 5, 1, 0, &n), 0);
        assert_false(find_cgroup(&n, "/a.slice/new.service")->marks & CGROUP_MARK_NEW);
        assert_int_equal(count_complaints(s, ""), 1); /* no vmstat */
        sense_free(s);
        tree_close(&t);
}

/* A cgroup of the same name is not the same cgroup. */
static void test_recreated(void **state) {
        (void)state;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        Tree t;
        world_make(&t);
        cgroup_make(&t, "x.service", 20);
        Sense *s = sense_open(t.fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 1);
        unsigned fds = tree_count_fds();
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        uint64_t id = find_cgroup(&n, "/x.service")->id;
        assert_int_equal(renameat(t.fd, CG "x.service", t.fd, "gone"),
                         0); /* the old inode lives on, so no reuse of its number */
        cgroup_make(&t, "x.service", 30);
        assert_int_equal(sense_sample(s, 2, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        const CgroupSample *c = find_cgroup(&n, "/x.service");
        assert_true(c->id != id);
        assert_int_equal(c->value[CGROUP_CURRENT], 30);
        assert_true(c->marks & CGROUP_MARK_NEW);
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 3, 1, 0, &n), 0);
        assert_int_equal(n.cgroups[0].value[CGROUP_CURRENT], 30);
        assert_int_equal(tree_count_fds(), fds);
        /* and gone for good */
        assert_int_equal(renameat(t.fd, CG "x.service", t.fd, "gone2"), 0);
        assert_int_equal(sense_sample(s, 4, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        assert_null(find_cgroup(&n, "/x.service"));
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(sense_sample(s, 5, 1, 0, &n), 0);
        assert_int_equal(n.n_cgroups, 0);
        assert_true(tree_count_fds() < fds);
        sense_free(s);
        tree_close(&t);
}

static void test_caps(void **state) {
        (void)state;
        Snapshot n;
        Tree t;
        char path[700];
        world_make(&t);
        for (int i = 0; i < 20; i++) {
                (void)snprintf(path, sizeof(path), "s%02d", i);
                cgroup_make(&t, path, 1);
        }
        cgroup_make(&t, "s00/deep/deeper", 1);
        /* one path of exactly the longest length, one longer: names are at most 255 bytes, so in three parts */
        char part[256];
        memset(part, 'p', 255);
        part[255] = '\0';
        (void)snprintf(path, sizeof(path), "%.255s/%.254s", part, part); /* 1 + 255 + 1 + 254 = 511 */
        tree_mkdir(&t, CG);
        char full[800];
        (void)snprintf(full, sizeof(full), CG "%s", path);
        tree_mkdir(&t, full);
        (void)snprintf(full, sizeof(full), CG "%.255s/%.255s/below", part, part);
        tree_mkdir(&t, full);

        Sense *s = sense_open(t.fd, 0, 0, NULL);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        assert_well_formed(&n);
        assert_int_equal(n.n_cgroups, 1 + 20 + 2 + 1 + 1);
        (void)snprintf(full, sizeof(full), "/%s", path);
        assert_non_null(find_cgroup(&n, full));
        assert_int_equal(count_complaints(s, "longer than"), 1);
        sense_free(s);

        /* breadth first: what is left out is the deepest */
        s = sense_open(t.fd, 0, 22, NULL);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        assert_int_equal(n.n_cgroups, 22);
        assert_null(find_cgroup(&n, "/s00/deep"));
        assert_false(find_cgroup(&n, "/s00")->marks & CGROUP_MARK_LEAF); /* it has a child nonetheless */
        assert_int_equal(count_complaints(s, "more than 22 cgroups"), 1);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        assert_int_equal(count_complaints(s, ""), 0); /* once */
        sense_free(s);
        tree_close(&t);
}

static void test_marks_of_owners(void **state) {
        (void)state;
        SenseMatchers m = { .match_cgroup = match_services };
        Snapshot n;
        Tree t;
        world_make(&t);
        cgroup_make(&t, "a.service/child", 1);
        cgroup_make(&t, "other", 1);
        static const char *const places[] = { CG "a.service", CG "a.service/child", CG "other" };
        bool can = true;
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                int fd = openat(t.fd, places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                can &= fsetxattr(fd, "user.oomd_avoid", "1", 1, 0) == 0;
                (void)close(fd);
        }
        can &= fchownat(t.fd, CG "a.service", 1234, 1234, 0) == 0 &&
               fchownat(t.fd, CG "a.service/child", 1234, 1234, 0) == 0 &&
               fchownat(t.fd, CG "other", 1234, 1234, 0) == 0 && fchownat(t.fd, CG, 0, 0, 0) == 0;
        if (!can) {
                tree_close(&t);
                skip(); /* not root, or no attributes */
        }
        Sense *s = sense_open(t.fd, 0, 0, &m);
        (void)sense_discover(s);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        /* within a monitored cgroup of his own a user may say whom to spare, not against the rest of the host */
        assert_true(find_cgroup(&n, "/a.service/child")->marks & CGROUP_MARK_AVOID);
        assert_false(find_cgroup(&n, "/a.service")->marks & CGROUP_MARK_AVOID);
        assert_false(find_cgroup(&n, "/other")->marks & CGROUP_MARK_AVOID);
        sense_free(s);
        tree_close(&t);
}

static int32_t match_limited(void *userdata, const char *path, bool limited) {
        (*(unsigned *)userdata)++;
        (void)path;
        return limited ? 1 : -1;
}

/* Asked once per cgroup, and again when it gets a limit. */
static void test_matching(void **state) {
        (void)state;
        unsigned asked = 0;
        SenseMatchers m = { .match_cgroup = match_limited, .userdata = &asked };
        Snapshot n;
        Tree t;
        world_make(&t);
        cgroup_make(&t, "a", 1);
        cgroup_make(&t, "b", 1);
        file_set(&t, "a", "memory.events", "low 0\nhigh 5\nmax 0\noom 0\noom_kill 0\n");
        file_set(&t, "a", "memory.max", "max\n");
        Sense *s = sense_open(t.fd, 0, 0, &m);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(asked, 2);
        file_set(&t, "a", "memory.max", "4096\n");
        assert_int_equal(sense_discover(s), 1);
        assert_int_equal(asked, 3);
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), 0);
        assert_int_equal(n.n_cgroups, 1);
        assert_int_equal(n.cgroups[0].value[CGROUP_EVENT_HIGH],
                         5); /* with a limit its events are in the cheap sample */
        /* a new policy: nothing is monitored until it has been asked */
        sense_set_matchers(s, NULL);
        const SenseMonitored *mon;
        assert_int_equal(sense_monitored(s, &mon), 0);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS, &n), 0);
        for (uint32_t i = 0; i < n.n_cgroups; i++)
                assert_int_equal(n.cgroups[i].policy, -1);
        sense_free(s);
        tree_close(&t);
}

/* The controller is listed at the root and given to nobody. */
static void test_memory_not_delegated(void **state) {
        (void)state;
        Snapshot n;
        Tree t;
        tree_open(&t);
        tree_write(&t, CG "cgroup.controllers", "memory\n");
        tree_write(&t, CG "cgroup.subtree_control", "\n");
        tree_write(&t, CG "a/cgroup.events", "populated 1\n");
        Sense *s = sense_open(t.fd, 0, 0, NULL);
        assert_int_equal(sense_discover(s), 0);
        assert_true(sense_degraded(s) & 1 << DEGRADED_NO_MEMCG);
        assert_false(sense_degraded(s) & 1 << DEGRADED_NO_CGROUP2);
        assert_int_equal(sense_sample(s, 1, 1, 0, &n), -ENODATA); /* no proc at all, nothing monitored */
        cgroup_make(&t, "a", 5);                                  /* switched on later */
        assert_int_equal(sense_discover(s), 0);
        assert_false(sense_degraded(s) & 1 << DEGRADED_NO_MEMCG);
        sense_free(s);
        tree_close(&t);
}

static void test_nothing_there(void **state) {
        (void)state;
        Snapshot n;
        Tree t;
        tree_open(&t);
        Sense *s = sense_open(t.fd, 0, 0, NULL);
        assert_int_equal(sense_discover(s), 0);
        assert_int_equal(sense_sample(s, 1, 1, DETAIL_CGROUPS | DETAIL_STATS | DETAIL_PROCESSES, &n), -ENODATA);
        assert_true(sense_degraded(s) & 1 << DEGRADED_NO_CGROUP2);
        assert_true(sense_degraded(s) & 1 << DEGRADED_NO_PSI);
        assert_int_equal(sense_cgroup_root_fd(s), -EBADF);
        sense_free(s);
        SenseOptions o = { .root_fd = -EBADF };
        assert_int_equal(sense_new(&o, &s), -EINVAL);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_discovery_and_marks),
                cmocka_unit_test(test_recreated),
                cmocka_unit_test(test_caps),
                cmocka_unit_test(test_marks_of_owners),
                cmocka_unit_test(test_matching),
                cmocka_unit_test(test_memory_not_delegated),
                cmocka_unit_test(test_nothing_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
