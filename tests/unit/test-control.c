/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/control.h"
#include "daemon/runtime-dir.h"

typedef struct Fixture {
        char dir[32];
        sd_event *event;
        Control *control;
        unsigned n_requests;
        size_t answer_size;
        char last[CONTROL_REQUEST_MAX + 1];
        size_t last_size;
} Fixture;

static char *handle(void *userdata, const char *request, size_t n, bool is_privileged) {
        Fixture *f = userdata;
        assert_true(is_privileged); /* the test is its own peer */
        assert_int_equal(request[n], '\0');
        f->n_requests++;
        memcpy(f->last, request, n + 1);
        f->last_size = n;
        if (strcmp(request, "later") == 0)
                return CONTROL_LATER;
        char *answer = malloc(f->answer_size + 2);
        memset(answer, 'a', f->answer_size);
        memcpy(answer + f->answer_size, "\n", 2);
        return answer;
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        strcpy(f->dir, "/tmp/test-control.XXXXXX");
        f->answer_size = 10;
        if (!mkdtemp(f->dir) || sd_event_new(&f->event) < 0)
                return -1;
        *state = f;
        return control_new(f->event, f->dir, 0, handle, f, &f->control);
}

static int teardown(void **state) {
        Fixture *f = *state;
        f->control = control_free(f->control);
        sd_event_unref(f->event);
        int r = rmdir(f->dir); /* fails if the socket was left behind */
        free(f);
        return r;
}

static int client(const Fixture *f) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/control", f->dir);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        return fd;
}

/* Until nothing is left to do. */
static void turn(Fixture *f) {
        while (sd_event_run(f->event, 0) > 0)
                ;
}

static size_t read_all(Fixture *f, int fd) {
        static char buf[65536];
        size_t n = 0;
        for (;;) {
                turn(f);
                ssize_t r = recv(fd, buf, sizeof(buf), 0);
                if (r == 0)
                        return n;
                assert_true(r > 0);
                n += (size_t)r;
        }
}

static void test_request(void **state) {
        Fixture *f = *state;
        int fd = client(f);
        assert_int_equal(write(fd, "{\"verb\"", 7), 7);
        turn(f);
        assert_int_equal(f->n_requests, 0);
        assert_int_equal(write(fd, ":1}\nrest", 8), 8);
        assert_int_equal(read_all(f, fd), 11);
        assert_int_equal(f->n_requests, 1);
        assert_string_equal(f->last, "{\"verb\":1}");
        close(fd);
}

static void test_hostile_requests(void **state) {
        Fixture *f = *state;
        static char huge[3 * CONTROL_REQUEST_MAX];
        memset(huge, 'x', sizeof(huge));

        /* too long without an end: told so and closed */
        int fd = client(f);
        assert_true(write(fd, huge, sizeof(huge)) > 0);
        turn(f);
        char buf[256] = "";
        assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
        assert_non_null(strstr(buf, "too long"));
        close(fd);
        /* exactly as long as it may be */
        huge[CONTROL_REQUEST_MAX - 1] = '\n';
        fd = client(f);
        assert_int_equal(write(fd, huge, CONTROL_REQUEST_MAX), CONTROL_REQUEST_MAX);
        assert_int_equal(read_all(f, fd), 11);
        assert_int_equal(f->last_size, CONTROL_REQUEST_MAX - 1);
        close(fd);
        /* gone before a word, in the middle of one, and after it */
        close(client(f));
        fd = client(f);
        assert_int_equal(write(fd, "abc", 3), 3);
        close(fd);
        fd = client(f);
        assert_int_equal(write(fd, "abc\n", 4), 4);
        close(fd);
        turn(f);
        /* NUL and other bytes arrive as they are */
        fd = client(f);
        assert_int_equal(write(fd, "a\0\xff\n", 4), 4);
        assert_int_equal(read_all(f, fd), 11);
        assert_int_equal(f->last_size, 3);
        close(fd);
}

/* An answer that the client does not take is kept, bounded in time, and the loop goes on. */
static void test_big_answer(void **state) {
        Fixture *f = *state;
        f->answer_size = 4 * 1024 * 1024;
        int slow = client(f), quick = client(f);
        assert_int_equal(write(slow, "a\n", 2), 2);
        turn(f);
        assert_int_equal(f->n_requests, 1);
        f->answer_size = 10;
        assert_int_equal(write(quick, "b\n", 2), 2);
        assert_int_equal(read_all(f, quick), 11);
        assert_int_equal(read_all(f, slow), 4 * 1024 * 1024 + 1);
        close(slow);
        close(quick);
}

static void test_too_many(void **state) {
        Fixture *f = *state;
        int fds[CONTROL_CLIENTS_MAX + 3];
        char buf[256];

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = client(f);
                turn(f);
        }
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                ssize_t n = recv(fds[i], buf, sizeof(buf) - 1, 0);
                if (i < CONTROL_CLIENTS_MAX)
                        assert_true(n < 0 && errno == EAGAIN);
                else {
                        assert_true(n > 0);
                        buf[n] = '\0';
                        assert_non_null(strstr(buf, "\"busy\""));
                }
        }
        assert_int_equal(control_stats(f->control)->n_refused, 3);
        /* they wait, say nothing, and are thrown out */
        for (unsigned i = 0; i < 100 && control_stats(f->control)->n_timeouts < CONTROL_CLIENTS_MAX; i++)
                assert_true(sd_event_run(f->event, 200000) >= 0);
        assert_int_equal(control_stats(f->control)->n_timeouts, CONTROL_CLIENTS_MAX);
        int fd = client(f);
        assert_int_equal(write(fd, "late\n", 5), 5);
        assert_int_equal(read_all(f, fd), 11);
        close(fd);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
}

static void test_stale_socket(void **state) {
        Fixture *f = *state;
        struct stat st;
        char path[64];
        Control *second = NULL;
        /* what a daemon that crashed left behind is replaced; ownership is the runtime directory's business */
        assert_int_equal(control_new(f->event, f->dir, 0, handle, f, &second), 0);
        (void)snprintf(path, sizeof(path), "%s/control", f->dir);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0666);
        second = control_free(second);
}

static void test_runtime_dir(void **state) {
        (void)state;
        char dir[] = "/tmp/test-runtime.XXXXXX", lock[64], list[64];
        RuntimeDir a = RUNTIME_DIR_NULL, b = RUNTIME_DIR_NULL;
        assert_non_null(mkdtemp(dir));
        (void)snprintf(list, sizeof(list), "%s:/nonexistent", dir);
        setenv("RUNTIME_DIRECTORY", list, 1);
        assert_int_equal(runtime_dir_acquire(&a), 0);
        assert_string_equal(a.path, dir);
        assert_int_equal(runtime_dir_acquire(&b), -EBUSY);
        assert_int_equal(b.lock_fd, -EBADF);
        runtime_dir_release(&a);
        assert_int_equal(runtime_dir_acquire(&b), 0);
        runtime_dir_release(&b);
        /* a link in place of the lock is not followed */
        (void)snprintf(lock, sizeof(lock), "%s/.lock", dir);
        assert_int_equal(unlink(lock), 0);
        assert_int_equal(symlink("/tmp/elsewhere", lock), 0);
        assert_int_equal(runtime_dir_acquire(&a), -ELOOP);
        assert_int_equal(unlink(lock), 0);
        assert_int_equal(rmdir(dir), 0);
        unsetenv("RUNTIME_DIRECTORY");
}

/* Who asks for what takes its time waits, and keeps nobody else waiting. */
static void test_later(void **state) {
        Fixture *f = *state;
        char buf[64] = "";
        int a = client(f), b = client(f), gone = client(f), other = client(f);

        const int fds[] = { a, b, gone };
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                assert_int_equal(send(fds[i], "later\n", 6, 0), 6);
        turn(f);
        assert_int_equal(f->n_requests, 3);
        assert_int_equal(recv(a, buf, sizeof(buf), 0), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(send(other, "x\n", 2, 0), 2);
        assert_int_equal(read_all(f, other), f->answer_size + 1);
        close(other);
        /* more text from one that waits is nobody's business; one that hangs up is forgotten */
        assert_int_equal(send(b, "x\n", 2, 0), 2);
        close(gone);
        turn(f);
        assert_int_equal(f->n_requests, 4);
        assert_int_equal(control_answer_waiting(f->control, "done\n"), 2);
        turn(f);
        assert_int_equal(recv(a, buf, sizeof(buf), 0), 5);
        assert_memory_equal(buf, "done\n", 5);
        assert_int_equal(recv(b, buf, sizeof(buf), 0), 5);
        assert_int_equal(control_answer_waiting(f->control, "done\n"), 0);
        close(a);
        close(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_request, setup, teardown),
                cmocka_unit_test_setup_teardown(test_hostile_requests, setup, teardown),
                cmocka_unit_test_setup_teardown(test_big_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_too_many, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stale_socket, setup, teardown),
                cmocka_unit_test_setup_teardown(test_later, setup, teardown),
                cmocka_unit_test(test_runtime_dir),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
