/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the proc connector: real ones as the kernel makes them, cut, of others, and nonsense. */
#include "test.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>

#include "sense/proc-connector.h"

typedef struct Message {
        char data[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(struct proc_event) + 64];
        size_t n;
} Message;

static Message message_of(const struct proc_event *e) {
        Message m = { .n = NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(*e) };
        const struct nlmsghdr header = { .nlmsg_len = (uint32_t)m.n, .nlmsg_type = NLMSG_DONE };
        const struct cn_msg connector = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(*e) };

        memcpy(m.data, &header, sizeof(header));
        memcpy(m.data + NLMSG_HDRLEN, &connector, sizeof(connector));
        memcpy(m.data + NLMSG_HDRLEN + sizeof(connector), e, sizeof(*e));
        return m;
}

static void test_events(void **state) {
        (void)state;
        static const struct {
                struct proc_event e;
                int result;
                ProcEvent expected;
        } rows[] = {
                { { .what = PROC_EVENT_FORK, .event_data.fork = { 10, 11, 20, 20 } }, 0, { PROC_EVENT_FORKED, 20, 11, 0 } },
                { { .what = PROC_EVENT_FORK, .event_data.fork = { 10, 10, 21, 10 } }, PROC_CONNECTOR_E_OTHER, { 0 } },
                { { .what = PROC_EVENT_EXEC, .event_data.exec = { 30, 31 } }, 0, { PROC_EVENT_CHANGED, 31, 0, 0 } },
                { { .what = PROC_EVENT_UID, .event_data.id = { .process_pid = 40, .process_tgid = 41 } }, 0, { PROC_EVENT_CHANGED, 41, 0, 0 } },
                { { .what = PROC_EVENT_COMM, .event_data.comm = { 50, 50, "x" } }, 0, { PROC_EVENT_CHANGED, 50, 0, 0 } },
                { { .what = PROC_EVENT_COMM, .event_data.comm = { 51, 50, "x" } }, PROC_CONNECTOR_E_OTHER, { 0 } },
                { { .what = PROC_EVENT_NONE, .event_data.ack = { 0 } }, 0, { PROC_EVENT_ANSWER, 0, 0, 0 } },
                { { .what = PROC_EVENT_NONE, .event_data.ack = { EPERM } }, 0, { PROC_EVENT_ANSWER, 0, 0, -EPERM } },
                { { .what = PROC_EVENT_NONE, .event_data.ack = { UINT32_MAX } }, 0, { PROC_EVENT_ANSWER, 0, 0, -EBADMSG } },
                { { .what = PROC_EVENT_EXIT, .event_data.exit = { 60, 60, 0, 0, 1, 1 } }, PROC_CONNECTOR_E_OTHER, { 0 } },
                { { .what = PROC_EVENT_GID, .event_data.id = { .process_pid = 40, .process_tgid = 40 } }, PROC_CONNECTOR_E_OTHER, { 0 } },
                { { .what = PROC_EVENT_EXEC, .event_data.exec = { 0, 0 } }, -EBADMSG, { 0 } },
                { { .what = PROC_EVENT_EXEC, .event_data.exec = { -5, -5 } }, -EBADMSG, { 0 } },
        };
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Message m = message_of(&rows[i].e);
                ProcEvent e = { .kind = PROC_EVENT_FORKED, .pid = 77 };
                int r = proc_connector_parse(m.data, m.n, &e);
                if (r != rows[i].result)
                        fail_msg("row %zu: %d", i, r);
                if (r != 0) {
                        assert_int_equal(e.pid, 77);
                        continue;
                }
                assert_int_equal(e.kind, rows[i].expected.kind);
                assert_int_equal(e.pid, rows[i].expected.pid);
                assert_int_equal(e.ppid, rows[i].expected.ppid);
                assert_int_equal(e.error, rows[i].expected.error);
        }
}

/* Every length, and lengths inside that do not fit: never read beyond, never taken for an event. */
static void test_cut(void **state) {
        (void)state;
        const struct proc_event fork = { .what = PROC_EVENT_FORK, .event_data.fork = { 10, 11, 20, 20 } };
        Message m = message_of(&fork);
        ProcEvent e;

        for (size_t n = 0; n < m.n; n++) {
                char *exact = malloc(n ? n : 1);
                assert_non_null(exact);
                memcpy(exact, m.data, n);
                assert_int_equal(proc_connector_parse(exact, n, &e), -EBADMSG);
                free(exact);
        }
        static const uint32_t lengths[] = { 0, 1, 16, 35, UINT32_MAX };
        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                Message bad = m;
                memcpy(bad.data, &lengths[i], sizeof(uint32_t));
                assert_int_equal(proc_connector_parse(bad.data, bad.n, &e), -EBADMSG);
        }
        static const uint16_t connector_lengths[] = { 0, 8, 20, UINT16_MAX };
        for (size_t i = 0; i < ARRAY_SIZE(connector_lengths); i++) {
                Message bad = m;
                memcpy(bad.data + NLMSG_HDRLEN + offsetof(struct cn_msg, len), &connector_lengths[i], sizeof(uint16_t));
                assert_int_equal(proc_connector_parse(bad.data, bad.n, &e), -EBADMSG);
        }
        /* an older kernel's, which ends behind what is needed */
        Message old = m;
        uint16_t least = offsetof(struct proc_event, event_data) + sizeof(fork.event_data.fork);
        memcpy(old.data + NLMSG_HDRLEN + offsetof(struct cn_msg, len), &least, sizeof(least));
        assert_int_equal(proc_connector_parse(old.data, old.n, &e), 0);
        assert_int_equal(e.pid, 20);
        /* another group's */
        Message other = m;
        uint32_t idx = CN_IDX_PROC + 1;
        memcpy(other.data + NLMSG_HDRLEN, &idx, sizeof(idx));
        assert_int_equal(proc_connector_parse(other.data, other.n, &e), PROC_CONNECTOR_E_OTHER);
}

/* The kernel's own, where it lets us: a child that is forked here is told. */
static void test_live(void **state) {
        (void)state;
        int fd = -EBADF;
        bool is_granted = false, is_seen = false;
        ProcEvent e;

        int r = proc_connector_open(&fd);
        if (r < 0) {
                assert_int_equal(fd, -EBADF);
                skip();
        }
        pid_t child = 0;
        for (unsigned i = 0; i < 10000 && !is_seen; i++) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                if (poll(&p, 1, 1000) == 0)
                        break;
                r = proc_connector_read(fd, &e);
                assert_true(r >= 0 || r == -ENOBUFS || r == -EAGAIN);
                if (r == 0 && e.kind == PROC_EVENT_ANSWER) {
                        if (e.error < 0)
                                break;
                        is_granted = true;
                        child = fork();
                        if (child == 0)
                                _exit(0);
                        assert_int_equal(waitpid(child, NULL, 0), child);
                }
                is_seen = r == 0 && e.kind == PROC_EVENT_FORKED && child > 0 && e.pid == child && e.ppid == getpid();
        }
        (void)close(fd);
        if (!is_granted)
                skip();
        assert_true(is_seen);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_live),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
