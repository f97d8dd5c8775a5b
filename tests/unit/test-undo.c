/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The undo journal: its lines, and its file under every kind of damage. */

#include "test.h"

#include <pthread.h>

#include "act/undo-line.h"
#include "base/text.h"
#include "undo-entries.h"

static off_t file_size(const Tree *t, const char *name) {
        struct stat st;
        return fstatat(t->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1 : st.st_size;
}

static bool entries_equal(const UndoEntry *a, const UndoEntry *b) {
        return a->kind == b->kind && a->id == b->id && a->pid == b->pid && a->is_kept == b->is_kept &&
               strcmp(a->path, b->path) == 0 && strcmp(a->key, b->key) == 0 &&
               strcmp(a->old_value, b->old_value) == 0 && strcmp(a->new_value, b->new_value) == 0;
}

/* ---- lines ---- */

static void test_lines(void **state) {
        (void)state;
        char hostile[CGROUP_PATH_MAX], text[UNDO_LINE_MAX];
        for (size_t i = 0; i < sizeof(hostile) - 1; i++)
                hostile[i] = (char)(i % 255 + 1);
        hostile[0] = '/';
        hostile[sizeof(hostile) - 1] = '\0';
        UndoEntry rows[] = {
                high(1, "/a b/c\\d\n.service", "max", "52428800"),
                high(UINT64_MAX, hostile, "max", "0"),
                high(7, "-", "1", "2"),
                entry(UNDO_CGROUP, 7, 0, "/x", "io.weight", "default 100", "default 10"),
                entry(UNDO_UNIT, 0, 0, "/system.slice/x.service", "CPUWeight", "18446744073709551615", "20"),
                entry(UNDO_SYSCTL, 0, 0, "", "swappiness", "60", "133"),
                entry(UNDO_OOM_SCORE_ADJ, 12345, 2147483647, "", "", "-500", "300"),
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (int kept = 0; kept < 2; kept++) {
                        UndoLine l = { .verb = UNDO_VERB_BEGIN, .serial = i + 1, .entry = rows[i] }, back;
                        l.entry.is_kept = kept;
                        int n = undo_line_format(&l, text, sizeof(text));
                        assert_true(n > 0 && text[n - 1] == '\n' && memchr(text, '\n', (size_t)n) == text + n - 1);
                        assert_int_equal(undo_line_parse(text, (size_t)n - 1, &back), 0);
                        assert_int_equal(back.verb, UNDO_VERB_BEGIN);
                        assert_true(back.serial == i + 1 && entries_equal(&back.entry, &l.entry));
                        /* cut anywhere it is no line any more, but for the path, which has no end of its own */
                        for (int k = 0; k < n - 1; k++)
                                if (undo_line_parse(text, (size_t)k, &back) == 0)
                                        assert_true(text_has_prefix(l.entry.path, back.entry.path));
                }
}

static void test_bad_lines(void **state) {
        (void)state;
        static const char *const good[] = {
                "begin 1 cgroup 7 0 0 memory.high max 1 /a",
                "update 1 5",
                "end 1",
                "begin 2 sysctl 0 0 1 swappiness 60 10 -",
                "update 3 default\\x2010",
        };
        static const char *const bad[] = {
                "",
                " ",
                "begin",
                "begin 1",
                "end",
                "end ",
                "end 0",
                "end 01",
                "end -1",
                "end +1",
                "end 1 ",
                " end 1",
                "end  1",
                "end 1 2",
                "END 1",
                "end 18446744073709551615",
                "end 18446744073709551616",
                "end 0x1",
                "update 1",
                "update 1 ",
                "update 1 a b",
                "update 1 -",
                "update 1 a\tb",
                "update 1 \\x0a",
                "update 1 \\x00",
                "update 1 \\x2",
                "update 1 \\y20",
                "update 1 \\xGG",
                "update 1 \\x2D5\\",
                "update 1 \\",
                "update 1 0123456789012345678901234567890123456789012345678901234567890123",
                "begin 1 cgroup 7 0 0 memory.high max 1",
                "begin 1 cgroup 7 0 0 memory.high max 1 /a b",
                "begin 1 cgroup 7 0 0 cgroup.kill 1 0 /a",
                "begin 1 cgroup 7 0 0 ../x 1 0 /a",
                "begin 1 cgroup 0 0 0 memory.high max 1 /a",
                "begin 1 cgroup 7 1 0 memory.high max 1 /a",
                "begin 1 cgroup 7 0 2 memory.high max 1 /a",
                "begin 1 cgroup 7 0 0 memory.high - 1 /a",
                "begin 1 cgroup 7 0 0 memory.high max 1 -",
                "begin 1 frozen 7 0 0 memory.high max 1 /a",
                "begin 1 sysctl 0 0 0 ../../kernel/core_pattern a b -",
                "begin 1 sysctl 0 0 0 - 1 2 -",
                "begin 1 sysctl 0 0 0 a/b 1 2 -",
                "begin 1 sysctl 0 0 0 swappiness 1 2 /x",
                "begin 1 oom_score_adj 5 1 0 - 0 5 -",
                "begin 1 oom_score_adj 5 -7 0 - 0 5 -",
                "begin 1 oom_score_adj 5 2147483648 0 - 0 5 -",
                "begin 1 unit 5 0 0 ExecStart 0 5 /a.service",
        };
        UndoLine l;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_int_equal(undo_line_parse(good[i], strlen(good[i]), &l), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                l = (UndoLine){ .serial = 4711 };
                if (undo_line_parse(bad[i], strlen(bad[i]), &l) != -EBADMSG)
                        fail_msg("accepted: %s", bad[i]);
                assert_true(l.serial == 4711);
        }
        assert_int_equal(undo_line_parse("end\0 1", 6, &l), -EBADMSG);
        assert_int_equal(undo_line_parse("end 1\0", 6, &l), -EBADMSG);
}

/* ---- the file ---- */

static void test_round_trip(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        uint64_t serial, other;
        UndoEntry e;

        off_t empty = file_size(&t, "undo");
        assert_true(empty > 0);
        uint64_t a = begin(u, high(5, "/a.service", "max", "100"));
        uint64_t b = begin(u, high(6, "/b.service", "200", "100"));
        assert_true(b > a);
        UndoEntry again = high(5, "/a.service", "max", "50");
        assert_int_equal(undo_begin(u, &again, &serial), -EEXIST);
        assert_int_equal(undo_update(u, a, "90"), 0);
        assert_int_equal(undo_update(u, a, "80"), 0);
        assert_int_equal(undo_update(u, a, ""), -EINVAL);
        assert_int_equal(undo_update(u, a, "a\nb"), -EINVAL);
        assert_int_equal(undo_update(u, 4711, "80"), -ENOENT);
        assert_int_equal(undo_end(u, 4711), -ENOENT);
        assert_int_equal(undo_end(u, 0), -ENOENT);
        assert_int_equal(undo_count(u), 2);

        for (int life = 0; life < 3; life++) {
                undo_free(u);
                u = open_here(&t, 0);
                assert_int_equal(undo_count(u), 2);
                assert_int_equal(undo_find(u, UNDO_CGROUP, 5, 0, "/a.service", "memory.high", &e, &serial), 0);
                assert_true(serial == a);
                assert_string_equal(e.old_value, "max");
                assert_string_equal(e.new_value, "80");
                assert_string_equal(e.before_new, "90");
                assert_int_equal(undo_find(u, UNDO_CGROUP, 5, 0, "/b.service", "memory.high", &e, &serial), -ENOENT);
                assert_int_equal(undo_find(u, UNDO_CGROUP, 5, 0, "/a.service", "cpu.weight", &e, &serial), -ENOENT);
                assert_int_equal(undo_find(u, UNDO_CGROUP, 6, 0, "/b.service", "memory.high", NULL, &other), 0);
                assert_true(other == b);
        }
        assert_int_equal(undo_end(u, a), 0);
        assert_int_equal(undo_end(u, a), -ENOENT);
        assert_true(file_size(&t, "undo") > empty);
        assert_int_equal(undo_end(u, b), 0);
        assert_int_equal(file_size(&t, "undo"), empty);
        assert_int_equal(undo_count(u), 0);
        /* serials go on */
        assert_true(begin(u, high(5, "/a.service", "max", "100")) > b);
        undo_free(u);
        tree_close(&t);
}

/* Killed at any byte of a write: what was whole counts, what was not never was. */
static void test_torn(void **state) {
        (void)state;
        Tree t;
        char whole[4096], name[] = "undo";
        size_t ends[8], n_ends = 0;
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        uint64_t a = begin(u, high(5, "/a b.service", "max", "100"));
        (void)begin(u, entry(UNDO_SYSCTL, 0, 0, "", "swappiness", "60", "10"));
        assert_int_equal(undo_update(u, a, "90"), 0);
        assert_int_equal(undo_end(u, a), 0);
        undo_free(u);
        size_t n = read_file(&t, name, whole, sizeof(whole));
        for (size_t i = 0; i < n; i++)
                if (whole[i] == '\n')
                        ends[n_ends++] = i + 1;
        assert_int_equal(n_ends, 5); /* header, two begins, update, end */
        static const uint32_t want[] = { 0, 0, 1, 2, 2, 1 };

        for (size_t cut = 0; cut <= n; cut++) {
                size_t lines = 0;
                while (lines < n_ends && ends[lines] <= cut)
                        lines++;
                tree_write_n(&t, name, whole, cut);
                u = open_here(&t, 0);
                assert_int_equal(undo_count(u), want[lines]);
                assert_int_equal(file_size(&t, name), (off_t)(lines == 0 ? ends[0] : ends[lines - 1]));
                /* and it goes on from there */
                (void)begin(u, high(77, "/new", "max", "1"));
                undo_free(u);
                u = open_here(&t, 0);
                assert_int_equal(undo_count(u), want[lines] + 1);
                undo_free(u);
        }
        assert_int_equal(file_size(&t, "undo.bad"), -1);
        tree_close(&t);
}

static void test_garbage(void **state) {
        (void)state;
        Tree t;
        char whole[4096], text[8192];
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        (void)begin(u, high(5, "/a", "max", "100"));
        undo_free(u);
        size_t n = read_file(&t, "undo", whole, sizeof(whole)), header = strcspn(whole, "\n") + 1;
        static const char *const tails[] = {
                "\n",
                "garbage\n",
                "begin 1 cgroup 6 0 0 memory.high max 1 /b\n", /* serial twice */
                "begin 9 cgroup 5 0 0 memory.high max 1 /a\n", /* setting twice */
                "end 9\n",
                "update 9 5\n",
                "end 1\nend 1\n",
                "end 1\nupdate 1 5\n",
                "begin 2 cgroup 6 0 0 cgroup.kill 0 1 /b\n",
        };
        for (size_t i = 0; i < ARRAY_SIZE(tails) + 5; i++) {
                size_t len = n;
                memcpy(text, whole, n);
                if (i < ARRAY_SIZE(tails)) {
                        memcpy(text + n, tails[i], strlen(tails[i]));
                        len += strlen(tails[i]);
                } else if (i == ARRAY_SIZE(tails)) /* another version */
                        memcpy(text, "headroom-undo 2", 15);
                else if (i == ARRAY_SIZE(tails) + 1) { /* a line that never ends */
                        memset(text + n, 'x', UNDO_LINE_MAX + 1);
                        len += UNDO_LINE_MAX + 1;
                } else if (i == ARRAY_SIZE(tails) + 2) /* NULs */
                        text[header] = '\0';
                else if (i == ARRAY_SIZE(tails) + 3) { /* no header */
                        memmove(text, text + header, n - header);
                        len = n - header;
                } else { /* only noise */
                        for (len = 0; len < sizeof(text); len++)
                                text[len] = (char)(len * 7919 >> 3);
                }
                tree_write_n(&t, "undo", text, len);
                u = open_here(&t, -EBADMSG);
                assert_int_equal(undo_count(u), 0);
                assert_int_equal(file_size(&t, "undo.bad"), (off_t)len);
                (void)begin(u, high(5, "/a", "max", "100"));
                undo_free(u);
                u = open_here(&t, 0);
                assert_int_equal(undo_count(u), 1);
                undo_free(u);
        }
        tree_close(&t);
}

/* The kernel has forgotten it all at a reboot, wherever the directory was kept. */
static void test_other_boot(void **state) {
        (void)state;
        Tree t;
        char text[4096];
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        (void)begin(u, high(5, "/a", "max", "100"));
        undo_free(u);
        size_t n = read_file(&t, "undo", text, sizeof(text));
        char *id = strchr(strchr(text, ' ') + 1, ' ') + 1;
        id[0] = id[0] == '0' ? '1' : '0';
        tree_write_n(&t, "undo", text, n);
        u = open_here(&t, 0);
        assert_int_equal(undo_count(u), 0);
        undo_free(u);
        u = open_here(&t, 0);
        assert_int_equal(undo_count(u), 0);
        undo_free(u);
        assert_int_equal(file_size(&t, "undo.bad"), -1);
        tree_close(&t);
}

/* Not a file of ours at all. */
static void test_strange_files(void **state) {
        (void)state;
        for (int kind = 0; kind < 4; kind++) {
                Tree t;
                char victim[8];
                tree_open(&t);
                tree_write(&t, "victim", "keep\n");
                if (kind == 0)
                        assert_int_equal(symlinkat("victim", t.fd, "undo"), 0);
                else if (kind == 1)
                        assert_int_equal(mkfifoat(t.fd, "undo", 0600), 0);
                else if (kind == 2)
                        tree_mkdir(&t, "undo/x");
                else {
                        tree_write(&t, "undo", "");
                        int fd = openat(t.fd, "undo", O_WRONLY | O_CLOEXEC);
                        assert_int_equal(ftruncate(fd, (off_t)1 << 33), 0); /* far too long, and without end */
                        (void)close(fd);
                }
                Undo *u = open_here(&t, -EBADMSG);
                (void)begin(u, high(5, "/a", "max", "100"));
                undo_free(u);
                u = open_here(&t, 0);
                assert_int_equal(undo_count(u), 1);
                undo_free(u);
                (void)read_file(&t, "victim", victim, sizeof(victim));
                assert_string_equal(victim, "keep\n");
                tree_close(&t);
        }
        Undo *u = NULL;
        assert_int_equal(undo_open(-EBADF, NULL, &u), -EBADF);
        assert_null(u);
}

/* Somebody has removed or cut the file under us: the next line brings all of it back. */
static void test_tampered(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        uint64_t a = begin(u, high(5, "/a", "max", "100"));
        assert_int_equal(undo_update(u, a, "90"), 0);
        assert_int_equal(unlinkat(t.fd, "undo", 0), 0);
        (void)begin(u, high(6, "/b", "max", "100"));
        tree_write(&t, "undo", "");
        uint64_t c = begin(u, high(7, "/c", "max", "100"));
        tree_write(&t, "undo", "noise without an end");
        assert_int_equal(undo_end(u, c), 0);
        undo_free(u);
        u = open_here(&t, 0);
        assert_int_equal(undo_count(u), 2);
        UndoEntry e;
        assert_int_equal(undo_find(u, UNDO_CGROUP, 5, 0, "/a", "memory.high", &e, NULL), 0);
        assert_string_equal(e.new_value, "90");
        assert_string_equal(e.before_new, "100");
        undo_free(u);
        tree_close(&t);
}

static void test_compaction(void **state) {
        (void)state;
        Tree t;
        char value[24];
        off_t longest = 0;
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        uint64_t a = begin(u, high(5, "/kept for long", "max", "100"));
        for (unsigned i = 0; i < 40000; i++) {
                (void)snprintf(value, sizeof(value), "%u", i);
                assert_int_equal(undo_update(u, a, value), 0);
                if (i % 2)
                        assert_int_equal(undo_end(u, begin(u, high(i + 10, "/short", "max", "1"))), 0);
                longest = MAX(longest, file_size(&t, "undo"));
        }
        assert_true(longest > 100 * 1024 && longest < 300 * 1024);
        /* whatever line it is that the file is written anew for */
        uint64_t b = 0, before = (uint64_t)file_size(&t, "undo");
        unsigned n_anew = 0;
        for (unsigned i = 0; n_anew < 6; i++) {
                if (i % 2 == 0)
                        b = begin(u, high(7, "/in and out", "max", "1"));
                else
                        assert_int_equal(undo_end(u, b), 0);
                uint64_t now = (uint64_t)file_size(&t, "undo");
                if (now < before) {
                        undo_free(u);
                        u = open_here(&t, 0);
                        assert_int_equal(undo_count(u), 1 + (i % 2 == 0));
                        n_anew++;
                        if (n_anew % 2) /* the other kind is next */
                                assert_int_equal(undo_update(u, a, "39998"), 0);
                }
                before = (uint64_t)file_size(&t, "undo");
        }
        if (undo_count(u) == 2)
                assert_int_equal(undo_end(u, b), 0);
        assert_int_equal(undo_update(u, a, "39998"), 0);
        assert_int_equal(undo_update(u, a, "39999"), 0);
        undo_free(u);
        u = open_here(&t, 0);
        UndoEntry e;
        assert_int_equal(undo_count(u), 1);
        assert_int_equal(undo_find(u, UNDO_CGROUP, 5, 0, "/kept for long", "memory.high", &e, NULL), 0);
        assert_string_equal(e.new_value, "39999");
        assert_string_equal(e.before_new, "39998");
        assert_int_equal(file_size(&t, "undo.new"), -1);
        undo_free(u);
        tree_close(&t);
}

static void test_full(void **state) {
        (void)state;
        Tree t;
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        uint64_t serial;
        UndoEntry e;
        for (unsigned i = 0; i < UNDO_ENTRIES_MAX; i++)
                (void)begin(u, high(i + 1, "/many", "max", "1"));
        e = high(UNDO_ENTRIES_MAX + 1, "/many", "max", "1");
        assert_int_equal(undo_begin(u, &e, &serial), -ENOBUFS);
        undo_free(u);
        u = open_here(&t, 0);
        assert_int_equal(undo_count(u), UNDO_ENTRIES_MAX);
        assert_int_equal(undo_find(u, UNDO_CGROUP, 17, 0, "/many", "memory.high", NULL, &serial), 0);
        assert_int_equal(undo_end(u, serial), 0);
        assert_int_equal(undo_begin(u, &e, &serial), 0);
        e = high(1, "/x", "max", "1");
        e.old_value[0] = '\0';
        assert_int_equal(undo_begin(u, &e, &serial), -EINVAL);
        undo_free(u);

        /* in memory only: the same, and nothing left */
        assert_int_equal(undo_new_volatile(&u), 0);
        serial = begin(u, high(1, "/a", "max", "1"));
        assert_int_equal(undo_update(u, serial, "2"), 0);
        assert_int_equal(undo_count(u), 1);
        assert_int_equal(undo_end(u, serial), 0);
        undo_free(u);
        tree_close(&t);
}

typedef struct Racer {
        pthread_t thread;
        Undo *u;
        uint64_t id;
} Racer;

static void *race(void *userdata) {
        Racer *r = userdata;
        for (unsigned i = 0; i < 3000; i++) {
                UndoEntry e = high(r->id, "/racer", "max", "100");
                uint64_t serial = 0;
                if (undo_begin(r->u, &e, &serial) != 0 || undo_update(r->u, serial, "90") != 0)
                        return "begin or update";
                if (i % 500 != 499 && undo_end(r->u, serial) != 0)
                        return "end";
                if (i % 500 == 499)
                        r->id += 100; /* that one stays */
        }
        return NULL;
}

static void test_two_threads(void **state) {
        (void)state;
        Tree t;
        Racer racers[2];
        tree_open(&t);
        Undo *u = open_here(&t, 0);
        for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
                racers[i].u = u;
                racers[i].id = i + 1;
                assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
                void *complaint = NULL;
                assert_int_equal(pthread_join(racers[i].thread, &complaint), 0);
                assert_null(complaint);
        }
        assert_int_equal(undo_count(u), 12);
        undo_free(u);
        u = open_here(&t, 0);
        assert_int_equal(undo_count(u), 12);
        undo_free(u);
        tree_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lines),
                cmocka_unit_test(test_bad_lines),
                cmocka_unit_test(test_round_trip),
                cmocka_unit_test(test_torn),
                cmocka_unit_test(test_garbage),
                cmocka_unit_test(test_other_boot),
                cmocka_unit_test(test_strange_files),
                cmocka_unit_test(test_tampered),
                cmocka_unit_test(test_compaction),
                cmocka_unit_test(test_full),
                cmocka_unit_test(test_two_threads),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
