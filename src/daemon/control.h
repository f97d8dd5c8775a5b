/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The socket that headroomctl talks to: one line of JSON in, one line of JSON out. Everything about a client
 * is bounded (number, size of the request, time), and nothing a client does or leaves undone delays a tick.
 */

#include <systemd/sd-event.h>

#include "base/macros.h"

#define CONTROL_CLIENTS_MAX  8
#define CONTROL_CLIENTS_RESERVED 2 /* of them, for root */
#define CONTROL_REQUEST_MAX  4096
#define CONTROL_TIMEOUT_USEC (5 * USEC_PER_SEC)

/*
 * Answers one request, @n bytes of @request without the newline, NUL-terminated. Returns a line that ends in a
 * newline, allocated; NULL when out of memory. @is_privileged: the client is root, or has our own uid.
 */
typedef char *(*ControlHandler)(void *userdata, const char *request, size_t n, bool is_privileged);

typedef struct ControlStats {
        uint64_t n_clients, n_refused, n_timeouts;
} ControlStats;

typedef struct Control Control;

/* Listens on @dir/control; whoever owns @dir may remove what lies there. */
int control_new(sd_event *event, const char *dir, int64_t priority, ControlHandler handler, void *userdata,
                Control **ret);
Control *control_free(Control *c);
DEFINE_TRIVIAL_CLEANUP(Control, control_free)
const ControlStats *control_stats(const Control *c);
