/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <time.h>

#include "daemon/log.h"

/* Standard error is a pipe of ours while a test runs. */
static int saved_stderr, pipe_fds[2];

static int setup(void **state) {
        (void)state;
        saved_stderr = dup(STDERR_FILENO);
        if (pipe(pipe_fds) < 0)
                return -1;
        return dup2(pipe_fds[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int teardown(void **state) {
        (void)state;
        (void)dup2(saved_stderr, STDERR_FILENO);
        close(saved_stderr);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        return 0;
}

static size_t drain(char *buf, size_t size) {
        size_t n = 0;
        ssize_t r;
        (void)fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
        while (n + 1 < size && (r = read(pipe_fds[0], buf + n, size - 1 - n)) > 0)
                n += (size_t)r;
        buf[n] = '\0';
        return n;
}

static void test_before_the_thread(void **state) {
        (void)state;
        char buf[4096];
        _cleanup_(log_freep) Log *l = NULL;
        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        text_append(log_begin(l, LOG_WARNING, "0123"), "first");
        log_fieldf(l, "HEADROOM_X", "%d", 1);
        log_commit(l);
        drain(buf, sizeof(buf));
        assert_string_equal(buf, "first\n");
}

static void test_order_through_the_ring(void **state) {
        (void)state;
        static char buf[60 * 1024];
        _cleanup_(log_freep) Log *l = NULL;
        char expected[64];
        const char *p = buf;

        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        assert_int_equal(log_start(l), 0);
        /* many times around the ring, with entries of all lengths; the writer is given time now and then */
        for (unsigned round = 0; round < 40; round++) {
                size_t n = 0;
                for (unsigned i = 0; i < 12; i++) {
                        TextBuf *b = log_begin(l, LOG_INFO, NULL);
                        text_appendf(b, "%u.%u ", round, i);
                        for (unsigned k = 0; k < (round * 37 + i * 101) % 900; k++)
                                text_append(b, "x");
                        text_append(log_field(l, "HEADROOM_FIELD"), "not on standard error");
                        log_commit(l);
                }
                n = 0;
                for (unsigned tries = 0; tries < 2000; tries++) {
                        n += drain(buf + n, sizeof(buf) - n);
                        size_t lines = 0;
                        for (size_t k = 0; k < n; k++)
                                lines += buf[k] == '\n';
                        if (lines >= 12)
                                break;
                        (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
                }
                p = buf;
                for (unsigned i = 0; i < 12; i++) {
                        (void)snprintf(expected, sizeof(expected), "%u.%u ", round, i);
                        assert_memory_equal(p, expected, strlen(expected));
                        p = strchr(p, '\n') + 1;
                }
        }
        assert_int_equal(log_dropped(l), 0);
}

static uint32_t resident_pages(const void *p, size_t size) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), n = (size + page - 1) / page;
        unsigned char there[64];
        uint32_t resident = 0;

        assert_true(n <= sizeof(there));
        assert_int_equal(mincore((void *)p, size, there), 0);
        for (size_t i = 0; i < n; i++)
                resident += there[i] & 1;
        return resident;
}

/* A quiet daemon says a line now and then for weeks: the ring begins anew each time, and keeps to its first pages. */
static void test_quiet_ring_stays_small(void **state) {
        (void)state;
        char buf[1024];
        _cleanup_(log_freep) Log *l = NULL;

        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        assert_int_equal(log_start(l), 0);
        for (unsigned i = 0; i < 1000; i++) {
                size_t n = 0;
                log_linef(l, LOG_INFO, NULL, "line %u of those that a quiet daemon says now and then, each alone", i);
                while (n == 0 || buf[n - 1] != '\n') {
                        n += drain(buf + n, sizeof(buf) - n);
                        (void)sched_yield();
                }
        }
        /* the ring's 64 KiB and what lies before it */
        assert_in_range(resident_pages(l, (size_t)64 * 1024), 1, 6);
        assert_int_equal(log_dropped(l), 0);
}

/* Nobody reads: the caller never waits, what does not fit is counted, and that is said once there is room. */
static void test_full_pipe(void **state) {
        (void)state;
        static char buf[512 * 1024];
        struct timespec begin, end;
        Log *l = NULL;

        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        assert_int_equal(log_start(l), 0);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        for (unsigned i = 0; i < 20000; i++)
                log_linef(l, LOG_INFO, NULL,
                          "line %u of a flood that nobody reads ..................................................", i);
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        assert_true(end.tv_sec - begin.tv_sec < 5);
        assert_true(log_dropped(l) > 10000);
        /* once somebody reads, the rest comes, and with it the number of those that were lost */
        size_t n = 0;
        for (unsigned tries = 0; tries < 3000; tries++) {
                n += drain(buf + n, sizeof(buf) - n);
                if (strstr(buf, "log entries were lost"))
                        break;
                (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
        assert_non_null(strstr(buf, "log entries were lost"));
        l = log_free(l);
}

/* A standard error that refuses everything for a while: the number that is told at last is that of all. */
static void test_lost_are_counted(void **state) {
        (void)state;
        static char buf[4096];
        Log *l = NULL;
        int broken[2];

        (void)signal(SIGPIPE, SIG_IGN);
        assert_int_equal(pipe(broken), 0);
        close(broken[0]);
        assert_true(dup2(broken[1], STDERR_FILENO) >= 0);
        close(broken[1]);
        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        assert_int_equal(log_start(l), 0);
        for (unsigned i = 0; i < 5; i++)
                log_linef(l, LOG_INFO, NULL, "lost %u", i);
        for (unsigned tries = 0; tries < 2000 && log_dropped(l) < 5; tries++)
                (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        assert_int_equal(log_dropped(l), 5);
        assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
        log_linef(l, LOG_INFO, NULL, "there again");
        l = log_free(l);
        drain(buf, sizeof(buf));
        assert_non_null(strstr(buf, "5 log entries were lost"));
        assert_non_null(strstr(buf, "there again"));
}

static void test_stuck_thread_at_exit(void **state) {
        (void)state;
        static char buf[512 * 1024];
        struct timespec begin, end;
        Log *l = NULL;

        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        assert_int_equal(log_start(l), 0);
        for (unsigned i = 0; i < 2000; i++)
                log_linef(l, LOG_INFO, NULL, "%0200u", i);
        (void)clock_gettime(CLOCK_MONOTONIC, &begin);
        assert_null(log_free(l));
        (void)clock_gettime(CLOCK_MONOTONIC, &end);
        assert_true(end.tv_sec - begin.tv_sec <= 3);
        /* let the thread end before standard error is put back */
        for (unsigned tries = 0; tries < 200; tries++) {
                (void)drain(buf, sizeof(buf));
                (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        }
}

static void test_too_long(void **state) {
        (void)state;
        static char buf[64 * 1024];
        _cleanup_(log_freep) Log *l = NULL;
        assert_int_equal(log_new(LOG_SINK_STDERR, &l), 0);
        TextBuf *b = log_begin(l, LOG_INFO, NULL);
        for (unsigned i = 0; i < 20000; i++)
                text_append(b, "y");
        log_fieldf(l, "HEADROOM_LATE", "%s", "cut");
        log_commit(l);
        size_t n = drain(buf, sizeof(buf));
        assert_in_range(n, 4000, 20000);
        assert_int_equal(buf[n - 1], '\n');
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_before_the_thread, setup, teardown),
                cmocka_unit_test_setup_teardown(test_order_through_the_ring, setup, teardown),
                cmocka_unit_test_setup_teardown(test_quiet_ring_stays_small, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full_pipe, setup, teardown),
                cmocka_unit_test_setup_teardown(test_lost_are_counted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_long, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stuck_thread_at_exit, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
