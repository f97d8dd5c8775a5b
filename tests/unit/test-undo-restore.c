/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the undo journal puts back, and what it leaves alone. */

#include "test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "act/undo-restore.h"
#include "act/victim-process.h"
#include "undo-entries.h"

static void test_values(void **state) {
        (void)state;
        static const struct {
                const char *key, *text, *value;
                bool equal;
        } rows[] = {
                { "memory.high", "max\n", "max", true },
                { "memory.high", "max\n", "18446744073709551615", true },
                { "memory.high", "4096\n", "4096", true },
                { "memory.high", "4096\n", "04096", true },
                { "memory.high", "4096\n", "4097", false },
                { "memory.high", "0\n", "max", false },
                { "memory.high", "", "", false },
                { "memory.high", "\n", "0", false },
                { "cpu.weight", "100", "100", true },
                { "io.weight", "default 100\n8:0 5\n", "default 100", true },
                { "io.weight", "default 100\n", "default 10", false },
                { "io.weight", "8:0 5\n", "default 5", false },
                { "oom_score_adj", "-1000\n", "-1000", true },
                { "oom_score_adj", "-1\n", "1", false },
                { "oom_score_adj", "-0\n", "0", true },
                { "swappiness", "60\n", " 60", false },
                { "CPUWeight", "18446744073709551615", "18446744073709551615", true },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (undo_value_equal(rows[i].key, rows[i].text, rows[i].value) != rows[i].equal)
                        fail_msg("%s: %s against %s", rows[i].key, rows[i].text, rows[i].value);
}

/* ---- on a tree that looks like a host ---- */

typedef struct World {
        Tree dir, host;
        UndoHost undo_host;
        Undo *u;
} World;

static const char *unit_value;
static int unit_error, n_unit_sets;
static void (*while_read)(void); /* another thread, between the look and what follows from it */
static char unit_set[UNDO_VALUE_MAX];

static int fake_get(const char *path, const char *property, char *ret, size_t size) {
        assert_string_equal(path, "/x.service");
        assert_string_equal(property, "CPUWeight");
        (void)snprintf(ret, size, "%s", unit_value);
        if (while_read)
                while_read();
        return unit_error;
}

static int fake_set(const char *path, const char *property, const char *value) {
        assert_string_equal(path, "/x.service");
        assert_string_equal(property, "CPUWeight");
        (void)snprintf(unit_set, sizeof(unit_set), "%s", value);
        n_unit_sets++;
        return 0;
}

static void world_open(World *w) {
        tree_open(&w->dir);
        tree_open(&w->host);
        tree_mkdir(&w->host, "cgroup");
        w->undo_host = (UndoHost){
                .root_fd = w->host.fd,
                .cgroup_fd = openat(w->host.fd, "cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                .set_unit_property = fake_set,
                .get_unit_property = fake_get,
        };
        w->u = open_here(&w->dir, 0);
        unit_error = n_unit_sets = 0;
}

static void world_close(World *w) {
        undo_free(w->u);
        (void)close(w->undo_host.cgroup_fd);
        tree_close(&w->host);
        tree_close(&w->dir);
}

static uint64_t world_group(const World *w, const char *name, const char *file, const char *text) {
        char path[600];
        struct stat st;
        (void)snprintf(path, sizeof(path), "cgroup/%s/%s", name, file);
        tree_write(&w->host, path, text);
        (void)snprintf(path, sizeof(path), "cgroup/%s", name);
        assert_int_equal(fstatat(w->host.fd, path, &st, 0), 0);
        return st.st_ino;
}

static void world_is(const World *w, const char *path, const char *want) {
        char text[256];
        (void)read_file(&w->host, path, text, sizeof(text));
        /* a plain file keeps what was behind a shorter text, the kernel's do not */
        if (strncmp(text, want, strlen(want)) != 0)
                fail_msg("%s holds \"%s\" and not \"%s\"", path, text, want);
}

static void test_restore_cgroup(void **state) {
        (void)state;
        static const struct {
                const char *file, *now, *old, *new, *newer;
                UndoOutcome outcome;
                const char *then;
        } rows[] = {
                { "memory.high", "100\n", "max", "100", NULL, UNDO_RESTORED, "max" },
                { "memory.high", "100\n", "max", "100", "90", UNDO_RESTORED, "max" }, /* died before it wrote 90 */
                { "memory.high", "90\n", "max", "100", "90", UNDO_RESTORED, "max" },
                { "memory.high", "max\n", "max", "100", NULL, UNDO_UNCHANGED, "max\n" }, /* died before the first */
                { "memory.high", "80\n", "max", "100", "90", UNDO_FOREIGN, "80\n" },
                { "memory.high", "\n", "max", "100", "90", UNDO_FOREIGN, "\n" },
                { "cpu.weight", "10\n", "100", "10", NULL, UNDO_RESTORED, "100" },
                { "io.weight", "default 10\n8:0 50\n", "default 100", "default 10", NULL, UNDO_RESTORED,
                  "default 100" },
                { "io.weight", "default 20\n8:0 50\n", "default 100", "default 10", NULL, UNDO_FOREIGN,
                  "default 20\n8:0 50\n" },
                { "cgroup.freeze", "1\n", "0", "1", NULL, UNDO_RESTORED, "0" },
        };
        World w;
        world_open(&w);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char path[64];
                int error = 4711;
                uint64_t id = world_group(&w, "a.slice/x.service", rows[i].file, rows[i].now);
                uint64_t serial = begin(w.u, entry(UNDO_CGROUP, id, 0, "/a.slice/x.service", rows[i].file, rows[i].old,
                                                   rows[i].new));
                if (rows[i].newer)
                        assert_int_equal(undo_update(w.u, serial, rows[i].newer), 0);
                assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), rows[i].outcome);
                assert_int_equal(error, 0);
                (void)snprintf(path, sizeof(path), "cgroup/a.slice/x.service/%s", rows[i].file);
                world_is(&w, path, rows[i].then);
                assert_int_equal(undo_count(w.u), 0);
                assert_int_equal(undo_restore(w.u, serial, &w.undo_host, NULL), UNDO_GONE);
        }
        world_close(&w);
}

static void test_restore_gone(void **state) {
        (void)state;
        World w;
        world_open(&w);
        uint64_t id = world_group(&w, "x.service", "memory.high", "100\n");
        int error;

        /* under the same name, but another one */
        uint64_t serial = begin(w.u, high(id + 1, "/x.service", "max", "100"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_GONE);
        world_is(&w, "cgroup/x.service/memory.high", "100\n");
        /* gone, or never there, or not what a path can be */
        static const char *const paths[] = { "/y.service", "/../x.service",           "/x.service/../x.service", "//",
                                             "/",          "/x.service/memory.high/z" };
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                serial = begin(w.u, high(id, paths[i], "max", "100"));
                UndoOutcome o = undo_restore(w.u, serial, &w.undo_host, &error);
                if (o != UNDO_GONE && !(o == UNDO_FAILED && error == -ENOTDIR))
                        fail_msg("%s: %s", paths[i], undo_outcome_to_string(o));
                (void)undo_end(w.u, serial);
        }
        /* the controller was switched off: the value went with it */
        serial = begin(w.u, entry(UNDO_CGROUP, id, 0, "/x.service", "cpu.weight", "100", "10"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_GONE);
        /* no cgroup2 any more: that may come back */
        UndoHost without = { .root_fd = w.host.fd, .cgroup_fd = -EBADF };
        serial = begin(w.u, high(id, "/x.service", "max", "100"));
        assert_int_equal(undo_restore(w.u, serial, &without, &error), UNDO_FAILED);
        assert_int_equal(error, -EOPNOTSUPP);
        assert_int_equal(undo_count(w.u), 1);
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_RESTORED);
        world_is(&w, "cgroup/x.service/memory.high", "max");
        world_close(&w);
}

static void test_restore_unit(void **state) {
        (void)state;
        World w;
        int error;
        world_open(&w);
        uint64_t serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "18446744073709551615", "20"));
        unit_value = "20";
        unit_error = -ETIMEDOUT;
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_FAILED);
        assert_int_equal(error, -ETIMEDOUT);
        unit_error = 0;
        unit_value = "30";
        UndoHost none = { .root_fd = w.host.fd, .cgroup_fd = -EBADF };
        assert_int_equal(undo_restore(w.u, serial, &none, &error), UNDO_FAILED);
        assert_int_equal(error, -EOPNOTSUPP);
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_FOREIGN);
        assert_int_equal(n_unit_sets, 0);

        serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "18446744073709551615", "20"));
        unit_value = "20";
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_RESTORED);
        assert_int_equal(n_unit_sets, 1);
        assert_string_equal(unit_set, "18446744073709551615");

        serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "18446744073709551615", "20"));
        unit_error = -ENOENT;
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_GONE);
        world_close(&w);
}

static void write_stat(const World *w, int pid, uint64_t ticks) {
        char path[64], text[256];
        (void)snprintf(path, sizeof(path), "proc/%d/stat", pid);
        (void)snprintf(text, sizeof(text), "%d (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %llu 0 0\n", pid,
                       (unsigned long long)ticks);
        tree_write(&w->host, path, text);
}

static void test_restore_process(void **state) {
        (void)state;
        World w;
        int error;
        world_open(&w);
        write_stat(&w, 77, 12345);
        tree_write(&w.host, "proc/77/oom_score_adj", "300\n");

        /* the pid is another process's by now */
        uint64_t serial = begin(w.u, entry(UNDO_OOM_SCORE_ADJ, 12344, 77, "", "", "0", "300"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_GONE);
        world_is(&w, "proc/77/oom_score_adj", "300\n");
        serial = begin(w.u, entry(UNDO_OOM_SCORE_ADJ, 12345, 78, "", "", "0", "300"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_GONE);
        serial = begin(w.u, entry(UNDO_OOM_SCORE_ADJ, 12345, 77, "", "", "0", "200"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_FOREIGN);
        serial = begin(w.u, entry(UNDO_OOM_SCORE_ADJ, 12345, 77, "", "oom_score_adj", "-17", "300"));
        assert_int_equal(undo_restore(w.u, serial, &w.undo_host, &error), UNDO_RESTORED);
        world_is(&w, "proc/77/oom_score_adj", "-17");
        world_close(&w);
}

/* A real one, which raises no question of rights. */
static void test_restore_real_process(void **state) {
        (void)state;
        char path[64], text[16];
        VictimStat stat;
        Undo *u = NULL;
        int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), error;
        const UndoHost host = { .root_fd = root_fd, .cgroup_fd = -EBADF };
        pid_t pid = fork();
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        (void)pause();
        }
        assert_int_equal(victim_process_read_stat(root_fd, pid, &stat), 0);
        (void)snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
        int32_t old;
        assert_int_equal(victim_process_read_adj(root_fd, pid, &old), 0);
        (void)snprintf(text, sizeof(text), "%d", old);
        assert_int_equal(fd_write_text_at(root_fd, path, "987"), 0);
        assert_int_equal(undo_new_volatile(&u), 0);
        uint64_t serial = begin(u, entry(UNDO_OOM_SCORE_ADJ, stat.start_ticks, pid, "", "", text, "987"));
        UndoOutcome o = undo_restore(u, serial, &host, &error);
        int32_t now = 0;
        assert_int_equal(victim_process_read_adj(root_fd, pid, &now), 0);
        if (o == UNDO_FAILED) /* no right to lower it */
                assert_true(error == -EACCES && now == 987);
        else {
                assert_int_equal(o, UNDO_RESTORED);
                assert_int_equal(now, old);
        }
        (void)undo_end(u, serial);
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        serial = begin(u, entry(UNDO_OOM_SCORE_ADJ, stat.start_ticks, pid, "", "", text, "987"));
        assert_int_equal(undo_restore(u, serial, &host, &error), UNDO_GONE);
        undo_free(u);
        (void)close(root_fd);
}

/* ---- all of it ---- */

typedef struct Told {
        unsigned n;
        UndoOutcome outcomes[8];
        uint64_t ids[8];
} Told;

static void told(void *userdata, const UndoEntry *e, UndoOutcome outcome, int error) {
        Told *t = userdata;
        assert_true(t->n < ARRAY_SIZE(t->outcomes));
        assert_int_equal(error < 0, outcome == UNDO_FAILED);
        t->ids[t->n] = e->id;
        t->outcomes[t->n++] = outcome;
}

static void test_replay(void **state) {
        (void)state;
        World w;
        Told t = {};
        world_open(&w);
        uint64_t a = world_group(&w, "a", "memory.high", "100\n"), b = world_group(&w, "b", "memory.high", "100\n");
        tree_write(&w.host, "proc/sys/vm/swappiness", "10\n");
        (void)begin(w.u, high(a, "/a", "max", "100"));
        UndoEntry kept = entry(UNDO_SYSCTL, 0, 0, "", "swappiness", "60", "10");
        kept.is_kept = true;
        (void)begin(w.u, kept);
        uint64_t mid = begin(w.u, high(4711, "/c", "max", "100"));
        (void)begin(w.u, high(b, "/b", "max", "100"));
        assert_int_equal(undo_end(w.u, mid), 0);
        /* takes the slot in the middle, but is the latest */
        (void)begin(w.u, high(b + 4711, "/b", "max", "100"));

        /* what died in between is replayed by the next */
        undo_free(w.u);
        w.u = open_here(&w.dir, 0);
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ false, told, &t), 0);
        assert_int_equal(t.n, 4);
        assert_true(t.ids[0] == b + 4711 && t.outcomes[0] == UNDO_GONE);
        assert_true(t.ids[1] == b && t.outcomes[1] == UNDO_RESTORED);
        assert_true(t.ids[2] == 0 && t.outcomes[2] == UNDO_KEPT);
        assert_true(t.ids[3] == a && t.outcomes[3] == UNDO_RESTORED);
        world_is(&w, "cgroup/a/memory.high", "max");
        world_is(&w, "proc/sys/vm/swappiness", "10\n");
        assert_int_equal(undo_count(w.u), 1);

        undo_free(w.u);
        w.u = open_here(&w.dir, 0);
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ true, NULL, NULL), 0);
        world_is(&w, "proc/sys/vm/swappiness", "60");
        assert_int_equal(undo_count(w.u), 0);
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ true, NULL, NULL), 0);

        /* what fails stays, and is counted */
        uint64_t failing = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "1", "20"));
        unit_error = -ETIMEDOUT;
        unit_value = "20";
        t.n = 0;
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ false, told, &t), 1);
        assert_int_equal(t.n, 1);
        assert_int_equal(undo_count(w.u), 1);
        assert_int_equal(undo_end(w.u, failing), 0);
        world_close(&w);
}

/* Tried again while the daemon runs: what an earlier one left of cgroups and units, and nothing of its own. */
static void test_replay_left(void **state) {
        (void)state;
        World w;
        world_open(&w);
        uint64_t a = world_group(&w, "a", "memory.high", "100\n"), b = world_group(&w, "b", "memory.high", "100\n");
        tree_write(&w.host, "proc/sys/vm/swappiness", "10\n");
        begin(w.u, entry(UNDO_SYSCTL, 0, 0, "", "swappiness", "60", "10"));
        begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "100", "20"));
        begin(w.u, high(a, "/a", "max", "100"));
        undo_free(w.u);

        w.u = open_here(&w.dir, 0);
        uint64_t last = undo_last_serial(w.u);
        assert_true(last > 0);
        begin(w.u, high(b, "/b", "max", "100"));
        unit_error = -ETIMEDOUT;
        unit_value = "20";
        Told t = { 0 };
        assert_int_equal(undo_replay_left(w.u, &w.undo_host, last, told, &t), 1);
        assert_int_equal(t.n, 2);
        world_is(&w, "cgroup/a/memory.high", "max");
        world_is(&w, "cgroup/b/memory.high", "100\n");
        world_is(&w, "proc/sys/vm/swappiness", "10\n");
        assert_int_equal(undo_count(w.u), 3);
        /* the manager answers now */
        unit_error = 0;
        t.n = 0;
        assert_int_equal(undo_replay_left(w.u, &w.undo_host, last, told, &t), 0);
        assert_int_equal(t.n, 1);
        assert_string_equal(unit_set, "100");
        assert_int_equal(undo_count(w.u), 2);
        t.n = 0;
        assert_int_equal(undo_replay_left(w.u, &w.undo_host, last, told, &t), 0);
        assert_int_equal(t.n, 0);
        world_close(&w);
}

/* ---- while another thread writes ---- */

static Undo *writers_journal;
static uint64_t writers_serial;

static void begin_write(void) {
        assert_int_equal(undo_hold(writers_journal, writers_serial, /* is_held= */ true), 0);
}

static void make_write(void) {
        begin_write();
        (void)undo_hold(writers_journal, writers_serial, /* is_held= */ false);
}

/* A value that comes after the look must not lose its entry: nobody would ever put it back. */
static void test_replay_meets_writer(void **state) {
        (void)state;
        World w;
        world_open(&w);
        static const struct {
                void (*while_read)(void);
                const char *seen;
        } rows[] = { { begin_write, "1" }, { make_write, "1" }, { begin_write, "20" }, { make_write, "30" } };

        writers_journal = w.u;
        unit_value = "1";
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                writers_serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "1", "20"));
                unit_value = rows[i].seen;
                while_read = rows[i].while_read;
                assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ true, NULL, NULL), 0);
                while_read = NULL;
                assert_int_equal(undo_count(w.u), 1);
                /* the writer's own release, which comes after its write, strikes it out */
                assert_int_equal(undo_hold(w.u, writers_serial, /* is_held= */ false), 0);
                unit_value = "20";
                assert_int_equal(undo_restore(w.u, writers_serial, &w.undo_host, NULL), UNDO_RESTORED);
                assert_int_equal(undo_count(w.u), 0);
        }
        /* the other way round: put back before the writer got there, who must not write then */
        writers_serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "1", "20"));
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ true, NULL, NULL), 0);
        assert_int_equal(undo_count(w.u), 0);
        assert_int_equal(undo_hold(w.u, writers_serial, /* is_held= */ true), -ENOENT);
        assert_int_equal(undo_hold(w.u, 0, /* is_held= */ true), -ENOENT);
        /* held twice is held once */
        writers_serial = begin(w.u, entry(UNDO_UNIT, 5, 0, "/x.service", "CPUWeight", "1", "20"));
        begin_write();
        make_write();
        (void)undo_hold(w.u, writers_serial, /* is_held= */ false);
        assert_int_equal(undo_replay(w.u, &w.undo_host, /* all= */ true, NULL, NULL), 0);
        assert_int_equal(undo_count(w.u), 0);
        world_close(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_restore_cgroup),
                cmocka_unit_test(test_restore_gone),
                cmocka_unit_test(test_restore_unit),
                cmocka_unit_test(test_restore_process),
                cmocka_unit_test(test_restore_real_process),
                cmocka_unit_test(test_replay),
                cmocka_unit_test(test_replay_left),
                cmocka_unit_test(test_replay_meets_writer),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
