/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Against a message bus of its own. 77 where there is no dbus-daemon. */

#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/fd.h"
#include "daemon/bus.h"

typedef struct Fixture {
        char dir[32], socket[64], config[64];
        const char *may_own; /* a rule of the bus's policy */
        pid_t daemon;
        sd_event *event;
        Bus *bus;
        sd_bus *listener;
        unsigned n_answers, n_changed, n_signals;
        MeasureStatus last;
        int changed;
        uint8_t level;
} Fixture;

static void answered(void *userdata, const MeasureStatus *s) {
        Fixture *f = userdata;
        f->n_answers++;
        f->last = *s;
}

static void changed(void *userdata, int error) {
        Fixture *f = userdata;
        f->n_changed++;
        f->changed = error;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Fixture *f = userdata;
        (void)error;
        assert_true(sd_bus_message_read(m, "y", &f->level) >= 0);
        f->n_signals++;
        return 0;
}

/* Until @*counter has reached @n, at most ten seconds. */
static bool turn_until(Fixture *f, const unsigned *counter, unsigned n) {
        for (unsigned i = 0; i < 1000 && *counter < n; i++)
                (void)sd_event_run(f->event, 10 * USEC_PER_MSEC);
        return *counter >= n;
}

/* The socket is there a moment before anybody listens at it. */
static bool answers(const char *socket_path) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", socket_path);
        return fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

static void daemon_start(Fixture *f) {
        FILE *config = fopen(f->config, "w");
        assert_non_null(config);
        (void)fprintf(config,
                      "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" "
                      "\"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
                      "<busconfig><listen>unix:path=%s</listen><auth>EXTERNAL</auth><policy context=\"default\">"
                      "<allow send_destination=\"*\"/><allow receive_sender=\"*\"/>%s</policy></busconfig>\n",
                      f->socket, f->may_own);
        (void)fclose(config);
        f->daemon = fork();
        if (f->daemon == 0) {
                char arg[128];
                (void)snprintf(arg, sizeof(arg), "--config-file=%s", f->config);
                (void)execlp("dbus-daemon", "dbus-daemon", arg, "--nofork", "--nopidfile", NULL);
                _exit(127);
        }
        bool is_up = false;
        for (unsigned i = 0; i < 1000 && !is_up; i++) {
                is_up = answers(f->socket);
                (void)usleep(is_up ? 0 : 10000);
        }
        assert_true(is_up);
}

static void daemon_stop(Fixture *f) {
        if (f->daemon > 0) {
                (void)kill(f->daemon, SIGKILL);
                (void)waitpid(f->daemon, NULL, 0);
        }
        f->daemon = 0;
        (void)unlink(f->socket);
}

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));
        (void)strcpy(f->dir, "/tmp/test-bus.XXXXXX");
        if (!mkdtemp(f->dir) || sd_event_new(&f->event) < 0)
                return -1;
        (void)snprintf(f->socket, sizeof(f->socket), "%s/bus", f->dir);
        (void)snprintf(f->config, sizeof(f->config), "%s/config", f->dir);
        char address[128];
        (void)snprintf(address, sizeof(address), "unix:path=%s", f->socket);
        (void)setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
        f->may_own = "<allow own=\"" BUS_NAME "\"/>";
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;
        f->bus = bus_free(f->bus);
        f->listener = sd_bus_close_unref(f->listener);
        daemon_stop(f);
        (void)unlink(f->config);
        (void)rmdir(f->dir);
        sd_event_unref(f->event);
        free(f);
        return 0;
}

static void bus_open(Fixture *f) {
        const BusCallbacks callbacks = { .userdata = f, .answered = answered, .changed = changed };
        assert_int_equal(bus_new(f->event, 0, &callbacks, &f->bus), 0);
}

static void listen_to(Fixture *f) {
        assert_true(sd_bus_open_system(&f->listener) >= 0);
        assert_true(sd_bus_attach_event(f->listener, f->event, 0) >= 0);
        /* By the name, as GMemoryMonitor does: the bus lets through only what its owner sends. */
        assert_true(sd_bus_match_signal(f->listener, NULL, BUS_NAME, BUS_PATH, BUS_INTERFACE, BUS_MEMBER, on_signal,
                                        f) >= 0);
}

static void test_signal(void **state) {
        Fixture *f = *state;
        daemon_start(f);
        bus_open(f);
        listen_to(f);
        /* asked for before the name is there: it waits, as many as there is room for */
        for (uint64_t id = 1; id <= BUS_TRIMS_MAX; id++)
                assert_int_equal(bus_trim(f->bus, id, (uint8_t)(50 + id), 1), 0);
        assert_int_equal(bus_trim(f->bus, 99, 50, 1), -ENOBUFS);
        assert_int_equal(f->n_answers, 0);
        assert_true(turn_until(f, &f->n_signals, BUS_TRIMS_MAX));
        assert_int_equal(f->n_answers, BUS_TRIMS_MAX);
        assert_int_equal(f->last.measure_id, BUS_TRIMS_MAX);
        assert_int_equal(f->last.verb, MEASURE_BEGIN);
        assert_int_equal(f->last.error, 0);
        assert_int_equal(f->level, 50 + BUS_TRIMS_MAX);
        /* and afterwards at once */
        assert_int_equal(bus_trim(f->bus, 100, 255, 1), 0);
        assert_int_equal(f->n_answers, BUS_TRIMS_MAX + 1);
        assert_true(turn_until(f, &f->n_signals, BUS_TRIMS_MAX + 1));
        assert_int_equal(f->level, 255);
        assert_int_equal(f->n_changed, 0);
}

static void test_no_bus(void **state) {
        Fixture *f = *state;
        bus_open(f);
        assert_int_equal(f->n_changed, 1);
        assert_true(f->changed < 0);
        assert_int_equal(bus_trim(f->bus, 7, 50, 1), 0);
        assert_int_equal(f->n_answers, 1);
        assert_int_equal(f->last.measure_id, 7);
        assert_true(f->last.error < 0);
        /* it comes later */
        daemon_start(f);
        assert_true(turn_until(f, &f->n_changed, 2));
        assert_int_equal(f->changed, 0);
        assert_int_equal(bus_trim(f->bus, 8, 50, 1), 0);
        assert_int_equal(f->last.error, 0);
}

static void test_restart(void **state) {
        Fixture *f = *state;
        daemon_start(f);
        bus_open(f);
        assert_int_equal(bus_trim(f->bus, 1, 50, 1), 0);
        assert_true(turn_until(f, &f->n_answers, 1));
        assert_int_equal(f->last.error, 0);
        daemon_stop(f);
        assert_true(turn_until(f, &f->n_changed, 1));
        assert_int_equal(f->changed, -ENOTCONN);
        assert_int_equal(bus_trim(f->bus, 2, 50, 1), 0);
        assert_int_equal(f->last.error, -ENOTCONN);
        daemon_start(f);
        assert_true(turn_until(f, &f->n_changed, 2));
        listen_to(f);
        assert_int_equal(bus_trim(f->bus, 3, 100, 1), 0);
        assert_int_equal(f->last.error, 0);
        assert_true(turn_until(f, &f->n_signals, 1));
        assert_int_equal(f->level, 100);
}

static void test_taken(void **state) {
        Fixture *f = *state;
        daemon_start(f);
        assert_true(sd_bus_open_system(&f->listener) >= 0);
        assert_true(sd_bus_request_name(f->listener, BUS_NAME, 0) >= 0);
        bus_open(f);
        assert_int_equal(bus_trim(f->bus, 1, 50, 1), 0);
        assert_true(turn_until(f, &f->n_answers, 1));
        assert_int_equal(f->last.error, -EADDRINUSE);
        assert_int_equal(f->changed, -EADDRINUSE);
        /* said once, tried again, and had when the other has gone */
        f->listener = sd_bus_close_unref(f->listener);
        assert_true(turn_until(f, &f->n_changed, 2));
        assert_int_equal(f->changed, 0);
}

static void test_refused(void **state) {
        Fixture *f = *state;
        f->may_own = "<deny own=\"*\"/>";
        daemon_start(f);
        bus_open(f);
        assert_int_equal(bus_trim(f->bus, 1, 50, 1), 0);
        assert_true(turn_until(f, &f->n_answers, 1));
        assert_int_equal(f->last.error, -EACCES);
}

/* A bus that accepts and says nothing holds up nobody. */
static void test_mute(void **state) {
        Fixture *f = *state;
        daemon_start(f);
        (void)kill(f->daemon, SIGSTOP);
        bus_open(f);
        assert_int_equal(bus_trim(f->bus, 1, 50, 1), 0);
        assert_int_equal(f->n_answers, 0);
        assert_true(turn_until(f, &f->n_answers, 1));
        assert_int_equal(f->last.error, -ETIMEDOUT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_bus, setup, teardown),
                cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_mute, setup, teardown),
        };
        if (system("command -v dbus-daemon >/dev/null") != 0)
                return 77;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
