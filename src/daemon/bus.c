/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/bus.h"

#include <string.h>
#include <systemd/sd-bus.h>

#include "daemon/clock.h"

/* The reply to RequestName where it is ours. Source: D-Bus specification, org.freedesktop.DBus.RequestName. */
#define NAME_IS_OURS 1u

typedef struct Trim {
        uint64_t measure_id;
        uint64_t begin_usec;
        uint8_t level;
} Trim;

struct Bus {
        sd_event *event;
        int64_t priority;
        BusCallbacks callbacks;
        sd_bus *bus; /* NULL: the next attempt is due when the timer says */
        bool has_name;
        sd_event_source *timer; /* end of an attempt, or begin of the next */
        uint64_t retry_usec;
        int error; /* of the last attempt */
        int told;
        Trim trims[BUS_TRIMS_MAX];
        uint32_t n_trims;
};

static void answer(Bus *b, const Trim *t, int error) {
        uint64_t now = clock_mono_usec();

        const MeasureStatus status = {
                .measure_id = t->measure_id,
                .verb = MEASURE_BEGIN,
                .error = error,
                .run_usec = u64_sub_sat(now, t->begin_usec),
                .ended_usec = now,
        };
        b->callbacks.answered(b->callbacks.userdata, &status);
}

static void answer_all(Bus *b, int error) {
        uint32_t n = b->n_trims;

        b->n_trims = 0;
        for (uint32_t i = 0; i < n; i++)
                answer(b, &b->trims[i], error);
}

static void tell(Bus *b, int error) {
        if (b->told == error)
                return;
        b->told = error;
        b->callbacks.changed(b->callbacks.userdata, error);
}

static void arm(Bus *b, uint64_t usec) {
        (void)sd_event_source_set_time_relative(b->timer, usec);
        (void)sd_event_source_set_enabled(b->timer, SD_EVENT_ONESHOT);
}

/* Not flushed: what the bus has not taken by now it will not take. */
static void disconnect(Bus *b) {
        if (b->bus) {
                (void)sd_bus_detach_event(b->bus);
                b->bus = sd_bus_close_unref(b->bus);
        }
        b->has_name = false;
}

static void give_up(Bus *b, int error) {
        disconnect(b);
        b->error = error;
        tell(b, error);
        answer_all(b, error);
        arm(b, b->retry_usec);
        b->retry_usec = MIN(b->retry_usec * 2, BUS_RETRY_MAX_USEC);
}

static int emit(Bus *b, uint8_t level) {
        int r = sd_bus_emit_signal(b->bus, BUS_PATH, BUS_INTERFACE, BUS_MEMBER, "y", level);
        return r < 0 ? r : 0;
}

static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Bus *b = userdata;
        uint32_t result;
        (void)ret_error;

        int r = -sd_bus_message_get_errno(m);
        if (r == 0)
                r = sd_bus_message_read(m, "u", &result);
        if (r < 0 || result != NAME_IS_OURS) {
                give_up(b, r < 0 ? r : -EADDRINUSE);
                return 0;
        }
        b->has_name = true;
        b->retry_usec = BUS_RETRY_USEC;
        (void)sd_event_source_set_enabled(b->timer, SD_EVENT_OFF);
        tell(b, 0);
        uint32_t n = b->n_trims;
        b->n_trims = 0;
        for (uint32_t i = 0; i < n; i++)
                answer(b, &b->trims[i], emit(b, b->trims[i].level));
        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        (void)m;
        (void)ret_error;
        give_up(userdata, -ENOTCONN);
        return 0;
}

static int open_bus(Bus *b) {
        int r = sd_bus_open_system_with_description(&b->bus, "headroom");
        if (r >= 0)
                r = sd_bus_attach_event(b->bus, b->event, (int)b->priority);
        /* Comes from our own side of the connection. */
        if (r >= 0)
                r = sd_bus_match_signal_async(b->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                              "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, NULL, b);
        /* Flag 0 would queue behind another owner; 4 is DBUS_NAME_FLAG_DO_NOT_QUEUE, which sd-bus sets by itself. */
        if (r >= 0)
                r = sd_bus_request_name_async(b->bus, NULL, BUS_NAME, 0, on_name, b);
        return r < 0 ? r : 0;
}

static void bus_connect(Bus *b) {
        int r = open_bus(b);
        if (r < 0)
                give_up(b, r);
        else
                arm(b, BUS_CONNECT_USEC);
}

static int on_timer(sd_event_source *s, uint64_t usec, void *userdata) {
        Bus *b = userdata;
        (void)s;
        (void)usec;

        if (b->bus)
                give_up(b, -ETIMEDOUT);
        else
                bus_connect(b);
        return 0;
}

int bus_new(sd_event *event, int64_t priority, const BusCallbacks *callbacks, Bus **ret) {
        _cleanup_(bus_freep) Bus *b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;
        *b = (Bus){ .event = event, .priority = priority, .callbacks = *callbacks, .retry_usec = BUS_RETRY_USEC };
        int r = sd_event_add_time_relative(event, &b->timer, CLOCK_MONOTONIC, 0, USEC_PER_SEC / 4, on_timer, b);
        if (r >= 0)
                r = sd_event_source_set_priority(b->timer, priority);
        if (r < 0)
                return r;
        bus_connect(b);
        *ret = TAKE_PTR(b);
        return 0;
}

Bus *bus_free(Bus *b) {
        if (!b)
                return NULL;
        disconnect(b);
        b->timer = sd_event_source_disable_unref(b->timer);
        free(b);
        return NULL;
}

int bus_trim(Bus *b, uint64_t measure_id, uint8_t level, uint64_t mono_usec) {
        const Trim t = { .measure_id = measure_id, .begin_usec = mono_usec, .level = level };

        if (!b->bus)
                answer(b, &t, b->error);
        else if (b->has_name)
                answer(b, &t, emit(b, level));
        else if (b->n_trims < BUS_TRIMS_MAX)
                b->trims[b->n_trims++] = t;
        else
                return -ENOBUFS;
        return 0;
}
