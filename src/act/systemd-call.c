/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Calls to systemd, PID 1, over its private socket: under pressure the message bus may be what stands still, and it
 * is nobody's business here. As systemctl(1) does, the system bus is asked where that socket is not to be had.
 *
 * A connection lasts for one call: calls are rare, and a kept one would have to be watched for its end.
 *
 * Units of user managers are out of reach: their manager is another one, behind a bus of the user's own, who could
 * hold us up. What is to be changed below user@N.service is changed in the cgroup.
 */

#include "act/systemd-call.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <systemd/sd-bus.h>

#include "act/thread-clock.h"
#include "base/text.h"
#include "model/cgroup-path.h"

#define DESTINATION       "org.freedesktop.systemd1"
#define MANAGER_PATH      "/org/freedesktop/systemd1"
#define MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define PRIVATE_SOCKET    "unix:path=/run/systemd/private"

/* Of the calls made for a replay, where no measure sets a limit. PID 1 of a host in trouble was seen to need 2 s. */
#define REPLAY_TIMEOUT_USEC (5 * USEC_PER_SEC)

bool systemd_is_running(int root_fd) {
        struct stat st;
        return fstatat(root_fd, "run/systemd/system", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

/* ---- names ---- */

static bool is_unit_name(const char *s, size_t n) {
        if (n >= SYSTEMD_UNIT_NAME_MAX)
                return false;
        for (size_t i = 0; i < n; i++)
                if (!memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@", s[i],
                            sizeof("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:-_.\\@") - 1))
                        return false;
        return true;
}

static bool is_service_or_scope(const char *s, size_t n) {
        return cgroup_path_ends(s, n, ".service") || cgroup_path_ends(s, n, ".scope");
}

/**
 * systemd_unit_of_cgroup() - which unit of the system manager is it
 * @path:     from the cgroup2 mount
 * @is_whole: the cgroup must be the unit's own
 * @ret:      untouched on failure
 *
 * The first service or scope on the path is the system manager's; whatever comes below it, it has delegated. Its units
 * have nothing but slices above them: what stands below anything else (/lxc.payload.NAME/system.slice/ssh.service) is
 * a container's, and the unit of that name here another one.
 *
 * Return: length of @path up to and with the unit; -EOPNOTSUPP.
 * Source: systemd.unit(5) for names; cg_escape() of systemd puts a "_" before names that the kernel would take for
 *         its own, "cpu.service" for one.
 */
int systemd_unit_of_cgroup(const char *path, bool is_whole, char ret[static SYSTEMD_UNIT_NAME_MAX]) {
        const char *unit = NULL;
        size_t len = 0;

        for (const char *s = path; *s;) {
                while (*s == '/')
                        s++;
                size_t n = strcspn(s, "/");
                bool is_last = s[n] == '\0' || s[n + strspn(s + n, "/")] == '\0';
                if (is_service_or_scope(s, n)) {
                        if (is_whole ? !is_last : text_has_prefix(s, "user@"))
                                return -EOPNOTSUPP;
                        unit = s;
                        len = n;
                        break;
                }
                if (is_last && is_whole && cgroup_path_ends(s, n, ".slice")) {
                        unit = s;
                        len = n;
                }
                if (!cgroup_path_ends(s, n, ".slice"))
                        break;
                s += n;
        }
        if (!unit)
                return -EOPNOTSUPP;
        int end = (int)(unit - path + (ptrdiff_t)len);
        if (*unit == '_') {
                unit++;
                len--;
        }
        if (!is_unit_name(unit, len))
                return -EOPNOTSUPP;
        memcpy(ret, unit, len);
        ret[len] = '\0';
        return end;
}

static const char *unit_interface(const char *unit) {
        return text_has_suffix(unit, ".service") ? "org.freedesktop.systemd1.Service"
               : text_has_suffix(unit, ".scope") ? "org.freedesktop.systemd1.Scope"
                                                 : "org.freedesktop.systemd1.Slice";
}

/* ---- one call ---- */

static int connect_private(sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

        int r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, PRIVATE_SOCKET);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r >= 0)
                *ret = TAKE_PTR(bus);
        return r;
}

/* Up to the end of the handshake. sd_bus_call() would wait for that without regard to its own time limit. */
static int wait_until_ready(sd_bus *bus, uint64_t deadline_usec) {
        int r;

        while ((r = sd_bus_is_ready(bus)) == 0) {
                r = sd_bus_process(bus, NULL);
                if (r > 0)
                        continue;
                uint64_t left = u64_sub_sat(deadline_usec, thread_now_usec());
                if (r >= 0 && left == 0)
                        return -ETIMEDOUT;
                if (r >= 0)
                        r = sd_bus_wait(bus, left);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return MIN(r, 0);
}

static int connect_manager(uint64_t deadline_usec, sd_bus **ret) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

        int r = connect_private(&bus);
        if (r < 0)
                r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = wait_until_ready(bus, deadline_usec);
        if (r < 0)
                return r == -ENOENT || r == -ECONNREFUSED || r == -ENOTDIR ? -EOPNOTSUPP : r;
        *ret = TAKE_PTR(bus);
        return 0;
}

static int error_from_reply(int r, const sd_bus_error *e) {
        static const struct {
                const char *name;
                int error;
        } names[] = {
                { "org.freedesktop.DBus.Error.NoReply", -ETIMEDOUT },
                { "org.freedesktop.DBus.Error.Timeout", -ETIMEDOUT },
                { "org.freedesktop.DBus.Error.ServiceUnknown", -EOPNOTSUPP },
                { "org.freedesktop.DBus.Error.UnknownInterface", -EOPNOTSUPP },
                { "org.freedesktop.DBus.Error.UnknownObject", -ENOENT },
                { "org.freedesktop.DBus.Error.UnknownProperty", -EOPNOTSUPP },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES },
                { "org.freedesktop.systemd1.NoSuchUnit", -ENOENT },
                { "org.freedesktop.systemd1.UnitMasked", -EOPNOTSUPP },
                { "org.freedesktop.systemd1.OnlyByDependency", -EOPNOTSUPP },
                { "org.freedesktop.systemd1.JobTypeNotApplicable", -EOPNOTSUPP },
        };

        if (r >= 0)
                return 0;
        if (r == -EINTR) /* the measure's own time is over */
                return -ETIMEDOUT;
        for (size_t i = 0; e->name && i < ARRAY_SIZE(names); i++)
                if (strcmp(e->name, names[i].name) == 0)
                        return names[i].error;
        return r;
}

/* Sends @call and waits for the answer; *ret_reply may be NULL. */
static int call_and_wait(sd_bus *bus, sd_bus_message *call, uint64_t deadline_usec, sd_bus_message **ret_reply) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        /* 0 would mean "as long as it takes" */
        uint64_t left = MAX(u64_sub_sat(deadline_usec, thread_now_usec()), UINT64_C(1));
        int r = error_from_reply(sd_bus_call(bus, call, left, &error, ret_reply), &error);
        sd_bus_error_free(&error);
        return r;
}

int systemd_get_weight(const char *unit, const char *property, uint64_t timeout_usec, uint64_t *ret) {
        uint64_t deadline = u64_add_sat(thread_now_usec(), timeout_usec), value;
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        _cleanup_free_ char *object = NULL;

        int r = sd_bus_path_encode(MANAGER_PATH "/unit", unit, &object);
        if (r >= 0)
                r = connect_manager(deadline, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, DESTINATION, object, "org.freedesktop.DBus.Properties",
                                                   "Get");
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", unit_interface(unit), property);
        if (r >= 0)
                r = call_and_wait(bus, call, deadline, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "v", "t", &value);
        if (r < 0)
                return r;
        *ret = value;
        return 0;
}

static int set_weights(const char *unit, const char *const *names, const uint64_t *values, size_t n,
                       uint64_t timeout_usec) {
        uint64_t deadline = u64_add_sat(thread_now_usec(), timeout_usec);
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connect_manager(deadline, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, DESTINATION, MANAGER_PATH, MANAGER_INTERFACE,
                                                   "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(call, "sb", unit, /* runtime= */ 1);
        if (r >= 0)
                r = sd_bus_message_open_container(call, 'a', "(sv)");
        for (size_t i = 0; i < n && r >= 0; i++)
                r = sd_bus_message_append(call, "(sv)", names[i], "t", values[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(call);
        if (r >= 0)
                r = call_and_wait(bus, call, deadline, NULL);
        return MIN(r, 0);
}

int systemd_set_weights(const char *unit, uint64_t cpu_weight, uint64_t io_weight, uint64_t timeout_usec) {
        const char *const names[] = { "CPUWeight", "IOWeight" };
        const uint64_t values[] = { cpu_weight, io_weight };
        return set_weights(unit, names, values, ARRAY_SIZE(names), timeout_usec);
}

int systemd_set_weight(const char *unit, const char *property, uint64_t weight, uint64_t timeout_usec) {
        return set_weights(unit, &property, &weight, 1, timeout_usec);
}

static int call_unit(const char *method, const char *unit, uint64_t timeout_usec) {
        uint64_t deadline = u64_add_sat(thread_now_usec(), timeout_usec);
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;

        int r = connect_manager(deadline, &bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &call, DESTINATION, MANAGER_PATH, MANAGER_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", unit, "replace");
        if (r >= 0)
                r = call_and_wait(bus, call, deadline, NULL);
        return MIN(r, 0);
}

int systemd_restart_unit(const char *unit, uint64_t timeout_usec) {
        return call_unit("RestartUnit", unit, timeout_usec);
}

int systemd_stop_unit(const char *unit, uint64_t timeout_usec) {
        return call_unit("StopUnit", unit, timeout_usec);
}

/* ---- for the undo journal ---- */

static bool is_weight(const char *property) {
        return strcmp(property, "CPUWeight") == 0 || strcmp(property, "IOWeight") == 0;
}

int systemd_set_unit_property(const char *path, const char *property, const char *value) {
        char unit[SYSTEMD_UNIT_NAME_MAX];
        uint64_t weight;

        if (!is_weight(property) || text_parse_u64(value, &weight) < 0)
                return -EINVAL;
        int r = systemd_unit_of_cgroup(path, /* is_whole= */ true, unit);
        return r < 0 ? r : systemd_set_weight(unit, property, weight, REPLAY_TIMEOUT_USEC);
}

int systemd_get_unit_property(const char *path, const char *property, char *ret, size_t size) {
        char unit[SYSTEMD_UNIT_NAME_MAX];
        uint64_t weight;

        if (!is_weight(property))
                return -EINVAL;
        int r = systemd_unit_of_cgroup(path, /* is_whole= */ true, unit);
        if (r >= 0)
                r = systemd_get_weight(unit, property, REPLAY_TIMEOUT_USEC, &weight);
        if (r < 0)
                return r;
        return (size_t)snprintf(ret, size, "%llu", (unsigned long long)weight) < size ? 0 : -ENOBUFS;
}
