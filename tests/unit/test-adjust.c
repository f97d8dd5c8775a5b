/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ApplyToKernel= on real children of this test, and what is inherited by whom, on made-up processes. */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "act/adjust-inherit.h"
#include "act/adjust.h"
#include "act/victim-process.h"
#include "tree.h"
#include "victims.h"

#define SEC USEC_PER_SEC

typedef struct World {
        Tree tree; /* of the journal */
        int root_fd;
        Undo *undo;
        Adjust *adjust;
        uint64_t now_usec, now_ticks;
} World;

static uint64_t ticks_now(void) {
        struct timespec t;
        (void)clock_gettime(CLOCK_BOOTTIME, &t);
        return (uint64_t)t.tv_sec * (uint64_t)sysconf(_SC_CLK_TCK);
}

static void world_open(World *w) {
        int complaint = 0;
        *w = (World){ .root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), .now_usec = 100 * SEC, .now_ticks = ticks_now() };
        tree_open(&w->tree);
        assert_int_equal(undo_open(w->tree.fd, &complaint, &w->undo), 0);
        assert_int_equal(complaint, 0);
        assert_int_equal(adjust_new(w->root_fd, w->undo, 64, &w->adjust), 0);
}

static void world_close(World *w) {
        w->adjust = adjust_free(w->adjust);
        w->undo = undo_free(w->undo);
        tree_close(&w->tree);
        (void)close(w->root_fd);
}

static int32_t adj_read(World *w, pid_t pid) {
        int32_t v = INT32_MIN;
        assert_int_equal(victim_process_read_adj(w->root_fd, pid, &v), 0);
        return v;
}

static int adj_set(pid_t pid, int32_t v) {
        char path[64], text[16];
        (void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
        (void)snprintf(text, sizeof(text), "%d\n", v);
        return fd_write_text_at(AT_FDCWD, path, text);
}

/* As sense would hand it over. */
static ProcessSample sample(World *w, pid_t pid, int32_t wanted) {
        VictimStat stat;
        ProcessSample p = { .pid = pid, .flags = PROCESS_IDENTITY | PROCESS_SIZES, .kernel_wanted = wanted, .kernel_rule = 0 };
        assert_int_equal(victim_process_read_stat(w->root_fd, pid, &stat), 0);
        p.start_ticks = stat.start_ticks;
        p.ppid = stat.ppid;
        p.oom_score_adj = adj_read(w, pid);
        (void)strcpy(p.comm, "child");
        return p;
}

static AdjustOutcome see(World *w, const ProcessSample *p) {
        int error;
        return adjust_see(w->adjust, p, w->now_usec, w->now_ticks, &error);
}

static pid_t child_start(void) {
        return victim_start_in(VICTIM_PLAIN, 0, -EBADF);
}

static void child_end(pid_t pid) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* ---- real children ---- */

static void test_written_and_restored(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);

        ProcessSample p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, pid), own + 100);
        assert_int_equal(undo_count(w.undo), 1);
        assert_true(adjust_has_changed(w.adjust, pid));

        /* the same again changes nothing; another rule changes the one entry */
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_NOTHING);
        p = sample(&w, pid, 250);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, pid), own + 250);
        assert_int_equal(undo_count(w.undo), 1);

        /* no rule any more */
        p = sample(&w, pid, 0);
        assert_int_equal(see(&w, &p), ADJUST_RESTORED);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(undo_count(w.undo), 0);
        assert_int_equal(adjust_counts(w.adjust).n_adjusted, 0);

        /* and at the end */
        p = sample(&w, pid, 5000);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, pid), 1000);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(undo_count(w.undo), 0);
        child_end(pid);
        world_close(&w);
}

/* What is lowered here, without the right to, is refused, said, and not tried again; with it, it is lowered. */
static void test_lowering(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);
        int may = adj_set(pid, own - 1);
        int error = 0;

        if (may == 0)
                assert_int_equal(adj_set(pid, own), 0);
        ProcessSample p = sample(&w, pid, -50);
        AdjustOutcome outcome = adjust_see(w.adjust, &p, w.now_usec, w.now_ticks, &error);
        if (may == 0) {
                assert_int_equal(outcome, ADJUST_WRITTEN);
                assert_int_equal(adj_read(&w, pid), own - 50);
        } else {
                assert_int_equal(may, -EACCES);
                assert_int_equal(outcome, ADJUST_REFUSED);
                assert_int_equal(error, -EACCES);
                assert_int_equal(adj_read(&w, pid), own);
                assert_int_equal(undo_count(w.undo), 0);
                assert_int_equal(see(&w, &p), ADJUST_NOTHING);
                assert_int_equal(adjust_counts(w.adjust).n_refused, 1);
                /* another value is another try; where that is refused, the earlier one does not stay either */
                p = sample(&w, pid, 70);
                assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
                p = sample(&w, pid, -60);
                assert_int_equal(see(&w, &p), ADJUST_REFUSED);
                assert_int_equal(adj_read(&w, pid), own);
                assert_int_equal(undo_count(w.undo), 0);
                p = sample(&w, pid, -60);
                assert_int_equal(see(&w, &p), ADJUST_NOTHING);
                assert_int_equal(adjust_counts(w.adjust).n_refused, 1);
        }
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(undo_count(w.undo), 0);
        child_end(pid);
        world_close(&w);
}

static void test_foreign(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);

        ProcessSample p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_set(pid, own + 300), 0);
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_FOREIGN);
        assert_int_equal(undo_count(w.undo), 0);
        p = sample(&w, pid, 500);
        assert_int_equal(see(&w, &p), ADJUST_NOTHING);
        assert_int_equal(adjust_counts(w.adjust).n_foreign, 1);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, pid), own + 300);
        child_end(pid);

        /* between our look and our write */
        pid = child_start();
        p = sample(&w, pid, 100);
        assert_int_equal(adj_set(pid, own + 300), 0);
        assert_int_equal(see(&w, &p), ADJUST_LATER);
        assert_int_equal(adj_read(&w, pid), own + 300);
        assert_int_equal(undo_count(w.undo), 0);
        /* it was there before anything of ours: its own */
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, pid), own + 400);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, pid), own + 300);
        child_end(pid);
        world_close(&w);
}

/* A service manager sets the value between fork and exec: what is another program by then has that as its own. */
static void test_value_before_exec(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);

        ProcessSample p = sample(&w, pid, 100);
        (void)strcpy(p.comm, "(child)");
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_set(pid, own + 300), 0);
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, pid), own + 400);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, pid), own + 300);

        /* one that has not executed anything yet is given a little time for that */
        child_end(pid);
        pid = child_start();
        p = sample(&w, pid, 100);
        p.flags |= PROCESS_FORKED;
        assert_int_equal(see(&w, &p), ADJUST_LATER);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        child_end(pid);
        world_close(&w);
}

static void test_gone_and_reused(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        ProcessSample p = sample(&w, pid, 100), other = p;
        int32_t own = p.oom_score_adj;

        /* another process of the same pid: not written */
        other.start_ticks -= 1;
        assert_int_equal(see(&w, &other), ADJUST_GONE);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(undo_count(w.undo), 0);
        assert_false(adjust_knows(w.adjust, pid));

        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        child_end(pid);
        p.kernel_wanted = 0;
        p.oom_score_adj = own + 100;
        assert_int_equal(see(&w, &p), ADJUST_GONE);
        assert_int_equal(undo_count(w.undo), 0);
        assert_false(adjust_knows(w.adjust, pid));

        /* an entry of one that is not listed any more is struck out, but not before the children were seen */
        pid = child_start();
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        child_end(pid);
        int32_t plan[8], none[] = { pid + 1 };
        assert_int_equal(adjust_plan(w.adjust, none, 1, w.now_usec, false, plan, ARRAY_SIZE(plan)), 1);
        assert_int_equal(plan[0], pid + 1);
        assert_true(adjust_knows(w.adjust, pid));
        assert_int_equal(undo_count(w.undo), 1);
        adjust_sweep(w.adjust);
        assert_false(adjust_knows(w.adjust, pid));
        assert_int_equal(undo_count(w.undo), 0);
        world_close(&w);
}

static void test_dry_run(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);

        adjust_set_dry_run(w.adjust, true);
        ProcessSample p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_NOTHING);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(undo_count(w.undo), 0);
        assert_int_equal(adjust_counts(w.adjust).n_wanted, 1);
        assert_int_equal(adjust_counts(w.adjust).n_adjusted, 0);
        adjust_set_dry_run(w.adjust, false);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        /* a dry run from now on */
        adjust_set_dry_run(w.adjust, true);
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_RESTORED);
        assert_int_equal(adj_read(&w, pid), own);
        assert_int_equal(adjust_counts(w.adjust).n_wanted, 1);
        child_end(pid);

        /* no journal, no change */
        Adjust *blind = NULL;
        pid = child_start();
        assert_int_equal(adjust_new(w.root_fd, NULL, 0, &blind), 0);
        adjust_set_dry_run(blind, false);
        p = sample(&w, pid, 100);
        assert_int_equal(adjust_see(blind, &p, 1, 1, NULL), ADJUST_NOTHING);
        assert_int_equal(adj_read(&w, pid), own);
        (void)adjust_free(blind);
        child_end(pid);
        world_close(&w);
}

/* SIGKILL, as far as the journal is concerned: another daemon puts back what this one has written. */
static void test_replay(void **state) {
        (void)state;
        World w;
        int complaint;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);
        const UndoHost host = { .root_fd = w.root_fd, .cgroup_fd = -EBADF };

        ProcessSample p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        p = sample(&w, pid, 200);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        w.undo = undo_free(w.undo);
        w.adjust = adjust_free(w.adjust);
        assert_int_equal(undo_open(w.tree.fd, &complaint, &w.undo), 0);
        assert_int_equal(adjust_new(w.root_fd, w.undo, 0, &w.adjust), 0);
        assert_int_equal(undo_count(w.undo), 1);
        assert_int_equal(undo_replay(w.undo, &host, false, NULL, NULL), 0);
        assert_int_equal(adj_read(&w, pid), own);

        /* a replay while we run: what it has put back is not ours any more, and nobody else's either */
        p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(undo_replay(w.undo, &host, true, NULL, NULL), 0);
        adjust_forget_released(w.adjust);
        assert_int_equal(adjust_counts(w.adjust).n_adjusted, 0);
        p = sample(&w, pid, 100);
        assert_int_equal(p.oom_score_adj, own);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        child_end(pid);
        world_close(&w);
}

/* ---- who is never touched ---- */

static void test_never_touched(void **state) {
        (void)state;
        World w;
        static const struct {
                uint32_t flags;
                int32_t adj;
                AdjustOutcome outcome;
        } rows[] = {
                { PROCESS_IDENTITY, -1000, ADJUST_NOTHING },
                { PROCESS_IDENTITY | PROCESS_INIT, 0, ADJUST_NOTHING },
                { PROCESS_IDENTITY | PROCESS_SELF, 0, ADJUST_NOTHING },
                { PROCESS_IDENTITY | PROCESS_NO_MM, 0, ADJUST_NOTHING },
                { PROCESS_KTHREAD | PROCESS_NO_MM, 0, ADJUST_NOTHING },
                { 0, 0, ADJUST_LATER },
        };
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                ProcessSample p = sample(&w, pid, 300);
                p.flags = rows[i].flags;
                p.oom_score_adj = rows[i].adj == 0 ? own : rows[i].adj;
                for (int again = 0; again < 3; again++)
                        assert_int_equal(see(&w, &p), rows[i].outcome);
                assert_int_equal(adj_read(&w, pid), own);
                assert_int_equal(undo_count(w.undo), 0);
                adjust_end(w.adjust, pid);
        }
        child_end(pid);
        world_close(&w);
}

static void test_table_cap(void **state) {
        (void)state;
        World w;
        Adjust *small = NULL;
        int error = 0;
        world_open(&w);
        assert_int_equal(adjust_new(w.root_fd, w.undo, 2, &small), 0);
        for (int32_t pid = 100; pid < 104; pid++) {
                ProcessSample p = { .pid = pid, .start_ticks = 1, .flags = PROCESS_IDENTITY, .kernel_rule = -1 };
                AdjustOutcome outcome = adjust_see(small, &p, 1, 1, &error);
                assert_int_equal(outcome, pid < 102 ? ADJUST_NOTHING : ADJUST_FULL);
                assert_int_equal(error, pid < 102 ? 0 : -ENOBUFS);
        }
        (void)adjust_free(small);
        world_close(&w);
}

/* ---- inheritance ---- */

typedef struct Born {
        const char *what;
        AdjustRow parent;       /* pid 0: not known */
        int32_t ppid, adj;
        uint64_t start_ticks, cgroup_id;
        int16_t base;           /* expected */
        bool is_foreign;
} Born;

#define OWN(b, v, ...)                                                                                           \
        (AdjustRow){ .pid = 10, .is_known = true, .start_ticks = 50, .base = (b), .value = (v), .since_ticks = 100, \
                     .cgroup_id = 7, __VA_ARGS__ }

static const Born births[] = {
        { "of an adjusted parent, with its value", OWN(0, 300), 10, 300, 200, 7, 0, false },
        { "... forked before that, with the value of before", OWN(0, 300, .has_former = true), 10, 0, 90, 7, 0, false },
        { "... with a value of its own", OWN(0, 300), 10, 500, 200, 7, 500, false },
        { "... with the value of before, but begun after", OWN(0, 300, .has_former = true, .former = 200), 10, 200, 150, 7, 200, false },
        { "of a parent that was restored meanwhile", OWN(0, 0, .has_former = true, .former = 300), 10, 300, 90, 7, 0, false },
        { "of one that was adjusted differently", OWN(100, 200, .has_former = true, .former = 400, .former_base = 100), 10, 400, 99, 7, 100, false },
        { "of one that somebody else has set", OWN(400, 400, .is_foreign = true), 10, 400, 200, 7, 400, true },
        { "... before that", OWN(400, 400, .is_foreign = true, .has_former = true, .former = 300), 10, 300, 90, 7, 0, false },
        { "of one that is untouched", OWN(200, 200), 10, 200, 200, 7, 200, false },
        { "of a later process of the parent's pid", OWN(0, 300), 10, 300, 40, 9, 300, false },
        { "an orphan of the same cgroup", OWN(0, 300), 1, 300, 200, 7, 0, false },
        { "an orphan of the same cgroup that was there before", OWN(0, 300), 1, 300, 60, 7, 300, false },
        { "an orphan of another cgroup", OWN(0, 300), 1, 300, 200, 8, 300, false },
        { "an orphan whose cgroup is not known", OWN(0, 300), 1, 300, 200, 0, 300, false },
        { "of a parent that is not known", { 0 }, 10, 300, 200, 7, 300, false },
        { "of a parent whose value could not be read", { .pid = 10, .start_ticks = 50, .value = 300 }, 10, 300, 200, 9, 300, false },
};

static void test_inheritance(void **state) {
        (void)state;
        for (size_t i = 0; i < ARRAY_SIZE(births); i++) {
                const Born *b = &births[i];
                AdjustTable t;
                assert_int_equal(adjust_table_init(&t, 8), 0);
                if (b->parent.pid > 0) {
                        AdjustRow *parent = adjust_table_add(&t, b->parent.pid);
                        assert_non_null(parent);
                        *parent = b->parent;
                }
                AdjustRow *row = adjust_table_add(&t, 20);
                assert_non_null(row);
                ProcessSample p = { .pid = 20, .ppid = b->ppid, .start_ticks = b->start_ticks, .cgroup_id = b->cgroup_id,
                                    .oom_score_adj = b->adj };
                adjust_inherit(&t, row, &p);
                if (row->base != b->base || row->value != b->adj || row->is_foreign != b->is_foreign)
                        fail_msg("%s: base %d value %d foreign %d", b->what, row->base, row->value, row->is_foreign);
                adjust_table_done(&t);
        }
}

/* A child of a real adjusted child: not adjusted twice where it matches, given back where it does not. */
static void test_children(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t parent = child_start();
        int32_t own = adj_read(&w, parent);
        ProcessSample p = sample(&w, parent, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);

        for (int matches = 0; matches < 2; matches++) {
                pid_t child = child_start();
                assert_int_equal(adj_set(child, own + 100), 0); /* as fork(2) would have */
                p = sample(&w, child, matches ? 100 : 0);
                p.ppid = parent;
                if (matches) {
                        p.flags |= PROCESS_FORKED;
                        assert_int_equal(see(&w, &p), ADJUST_WRITTEN); /* its entry */
                        assert_int_equal(adj_read(&w, child), own + 100);
                        assert_int_equal(undo_count(w.undo), 2);
                        assert_int_equal(see(&w, &p), ADJUST_NOTHING);
                        /* another program, which no rule matches */
                        p.kernel_wanted = 0;
                        (void)strcpy(p.comm, "other");
                }
                assert_int_equal(see(&w, &p), ADJUST_RESTORED);
                assert_int_equal(adj_read(&w, child), own);
                assert_int_equal(undo_count(w.undo), 1);
                child_end(child);
        }
        /* inherited, and another rule for the child: one entry that leads back to the parent's own value */
        pid_t child = child_start();
        assert_int_equal(adj_set(child, own + 100), 0);
        p = sample(&w, child, 300);
        p.ppid = parent;
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);
        assert_int_equal(adj_read(&w, child), own + 300);
        UndoEntry e;
        uint64_t serial;
        assert_int_equal(undo_find(w.undo, UNDO_OOM_SCORE_ADJ, p.start_ticks, child, "", "oom_score_adj", &e, &serial), 0);
        assert_int_equal(strtol(e.old_value, NULL, 10), own);
        assert_int_equal(strtol(e.before_new, NULL, 10), own + 100);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, child), own);
        assert_int_equal(adj_read(&w, parent), own);
        child_end(child);
        child_end(parent);
        world_close(&w);
}

/* The parent is known from the journal only: it was put back at start, its child had no entry yet. */
static void test_child_after_crash(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t parent = child_start(), child = child_start();
        int32_t own = adj_read(&w, parent);
        ProcessSample p = sample(&w, parent, 0);
        UndoEntry e = { .kind = UNDO_OOM_SCORE_ADJ, .id = p.start_ticks, .pid = parent, .key = "oom_score_adj" };

        (void)snprintf(e.old_value, sizeof(e.old_value), "%d", own);
        (void)snprintf(e.new_value, sizeof(e.new_value), "%d", own + 100);
        adjust_remember(w.adjust, &e);
        assert_int_equal(adj_set(child, own + 100), 0);
        p = sample(&w, child, 0);
        p.ppid = parent;
        assert_int_equal(see(&w, &p), ADJUST_RESTORED);
        assert_int_equal(adj_read(&w, child), own);
        /* hostile: not of a process, not a number */
        e.kind = UNDO_SYSCTL;
        e.pid = 77;
        adjust_remember(w.adjust, &e);
        e.kind = UNDO_OOM_SCORE_ADJ;
        (void)strcpy(e.old_value, "1001");
        adjust_remember(w.adjust, &e);
        assert_false(adjust_knows(w.adjust, 77));
        child_end(child);
        child_end(parent);
        world_close(&w);
}

/* A replay, with nobody who knows the children: those that have inherited the value get their ancestor's own. */
static void test_replay_of_children(void **state) {
        (void)state;
        World w;
        int p[2];
        pid_t pids[3] = { 0 }; /* child, grandchild, child with a value of its own */
        world_open(&w);
        const UndoHost host = { .root_fd = w.root_fd, .cgroup_fd = -EBADF };
        if (access("/proc/thread-self/children", R_OK) < 0) {
                world_close(&w);
                skip();
        }
        pid_t parent = child_start();
        int32_t own = adj_read(&w, parent);
        child_end(parent);

        assert_int_equal(pipe2(p, O_CLOEXEC), 0);
        parent = fork();
        if (parent == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (adj_read(&w, getpid()) == own)
                        test_sleep_usec(1000);
                /* 0: a child, which has forked 1 before; 2: a child that sets its own */
                pid_t first = fork();
                bool is_second = first > 0 && fork() == 0;
                if (first == 0 || is_second) {
                        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        if (is_second)
                                (void)adj_set(getpid(), own + 400);
                        else if (fork() == 0)
                                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                        pid_t me = getpid();
                        (void)!write(p[1], &me, sizeof(me));
                }
                for (;;)
                        (void)pause();
        }
        ProcessSample s = sample(&w, parent, 100);
        assert_int_equal(see(&w, &s), ADJUST_WRITTEN);
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                assert_int_equal(read(p[0], &pids[i], sizeof(pid_t)), sizeof(pid_t));
        unsigned n_inherited = 0, n_own = 0;
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
                n_inherited += adj_read(&w, pids[i]) == own + 100;
                n_own += adj_read(&w, pids[i]) == own + 400;
        }
        assert_int_equal(n_inherited, 2);
        assert_int_equal(n_own, 1);
        assert_int_equal(undo_replay(w.undo, &host, false, NULL, NULL), 0);
        assert_int_equal(adj_read(&w, parent), own);
        n_inherited = 0;
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                n_inherited += adj_read(&w, pids[i]) == own;
        assert_int_equal(n_inherited, 2);
        for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
                (void)kill(pids[i], SIGKILL);
        child_end(parent);
        (void)close(p[0]);
        (void)close(p[1]);
        world_close(&w);
}

/* Memory shared without being a thread: the kernel writes to both, and neither is taken for foreign or done twice. */
static void test_shared_memory(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t a = child_start(), b = child_start();
        int32_t own = adj_read(&w, a);
        ProcessSample pa = sample(&w, a, 100), pb = sample(&w, b, 0);

        pa.cgroup_id = pb.cgroup_id = 7;
        assert_int_equal(see(&w, &pb), ADJUST_NOTHING);
        assert_int_equal(see(&w, &pa), ADJUST_WRITTEN);
        assert_int_equal(adj_set(b, own + 100), 0); /* as the kernel does */
        pb = sample(&w, b, 100);
        pb.cgroup_id = 7;
        assert_int_equal(see(&w, &pb), ADJUST_WRITTEN); /* its entry */
        assert_int_equal(adj_read(&w, b), own + 100);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        assert_int_equal(adj_read(&w, a), own);
        assert_int_equal(adj_read(&w, b), own);
        child_end(a);
        child_end(b);
        world_close(&w);
}

/* ---- which are looked at ---- */

static void test_plan(void **state) {
        (void)state;
        World w;
        enum { N = 200 };
        int32_t pids[N], plan[N + 64];
        bool seen[N] = { false };
        Adjust *a = NULL;

        world_open(&w);
        assert_int_equal(adjust_new(w.root_fd, w.undo, 0, &a), 0);
        for (int32_t i = 0; i < N; i++)
                pids[i] = 1000 + 2 * i;
        assert_int_equal(adjust_plan(a, pids, N, 100 * SEC, false, plan, ARRAY_SIZE(plan)), N);
        for (int32_t i = 0; i < N; i++) {
                ProcessSample p = { .pid = pids[i], .start_ticks = 1, .flags = PROCESS_IDENTITY };
                assert_int_equal(adjust_see(a, &p, 100 * SEC, 1, NULL), ADJUST_NOTHING);
        }
        /* young: all again */
        assert_int_equal(adjust_plan(a, pids, N, 105 * SEC, false, plan, ARRAY_SIZE(plan)), N);
        /* then some at a time, each in turn, and whoever is new */
        for (int round = 0; round < N / 32 + 2; round++) {
                uint32_t n = adjust_plan(a, pids, N, 200 * SEC, false, plan, ARRAY_SIZE(plan));
                assert_int_equal(n, 32);
                for (uint32_t i = 0; i < n; i++)
                        seen[(plan[i] - 1000) / 2] = true;
        }
        for (size_t i = 0; i < N; i++)
                assert_true(seen[i]);
        pids[N - 1] = 5000;
        assert_int_equal(adjust_plan(a, pids, N, 200 * SEC, false, plan, ARRAY_SIZE(plan)), 33);
        assert_int_equal(plan[0], 5000);
        adjust_sweep(a);
        assert_false(adjust_knows(a, 1000 + 2 * (N - 1)));
        assert_true(adjust_knows(a, 1000));
        assert_int_equal(adjust_plan(a, pids, N, 200 * SEC, true, plan, ARRAY_SIZE(plan)), N);
        assert_int_equal(adjust_plan(a, pids, N, 200 * SEC, true, plan, 5), 5);
        assert_int_equal(adjust_plan(a, pids, 0, 200 * SEC, false, plan, ARRAY_SIZE(plan)), 0);
        adjust_sweep(a);
        assert_false(adjust_knows(a, 1000));
        (void)adjust_free(a);
        world_close(&w);
}

/* ---- the snapshot ---- */

static void test_annotate(void **state) {
        (void)state;
        World w;
        world_open(&w);
        pid_t pid = child_start();
        int32_t own = adj_read(&w, pid);
        ProcessSample p = sample(&w, pid, 100);
        assert_int_equal(see(&w, &p), ADJUST_WRITTEN);

        ProcessSample rows[4];
        Snapshot snap = { .processes = rows, .n_processes = ARRAY_SIZE(rows) };
        rows[0] = sample(&w, pid, 100);
        rows[0].kernel_adjust = 77;
        /* a child and a grandchild that nobody has looked at yet, and a child with a value of its own */
        for (int32_t i = 1; i < 4; i++) {
                rows[i] = rows[0];
                rows[i].pid = pid + i;
                rows[i].ppid = i == 2 ? pid + 1 : pid;
        }
        rows[3].oom_score_adj = 0;
        rows[3].kernel_adjust = 77;
        adjust_annotate(w.adjust, &snap);
        assert_int_equal(rows[0].kernel_adjust, 100);
        assert_int_equal(rows[1].kernel_adjust, 100);
        assert_int_equal(rows[2].kernel_adjust, 100);
        assert_int_equal(rows[3].kernel_adjust, 0);

        /* read before it was written, and not since: then what was written counts */
        rows[0].oom_score_adj = own;
        rows[0].flags = PROCESS_IDENTITY | PROCESS_SCORE;
        adjust_annotate(w.adjust, &snap);
        assert_int_equal(rows[0].oom_score_adj, own + 100);
        assert_int_equal(rows[0].kernel_adjust, 100);
        /* read now, and it is somebody else's; another process; one that could not be read */
        rows[0] = sample(&w, pid, 100);
        rows[0].oom_score_adj = own + 300;
        rows[1] = rows[2] = sample(&w, pid, 100);
        rows[1].start_ticks++;
        rows[2].flags = 0;
        snap.n_processes = 3;
        adjust_annotate(w.adjust, &snap);
        assert_int_equal(rows[0].kernel_adjust, 0);
        assert_int_equal(rows[0].oom_score_adj, own + 300);
        assert_int_equal(rows[1].kernel_adjust, 0);
        assert_int_equal(rows[2].kernel_adjust, 0);
        assert_int_equal(adjust_restore(w.adjust, w.now_ticks), 0);
        child_end(pid);
        world_close(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_written_and_restored), cmocka_unit_test(test_lowering),
                cmocka_unit_test(test_foreign),              cmocka_unit_test(test_value_before_exec),
                cmocka_unit_test(test_gone_and_reused),      cmocka_unit_test(test_dry_run),
                cmocka_unit_test(test_replay),               cmocka_unit_test(test_never_touched),
                cmocka_unit_test(test_table_cap),            cmocka_unit_test(test_inheritance),
                cmocka_unit_test(test_children),             cmocka_unit_test(test_child_after_crash),
                cmocka_unit_test(test_replay_of_children),
                cmocka_unit_test(test_shared_memory),        cmocka_unit_test(test_plan),
                cmocka_unit_test(test_annotate),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
