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
/* For an answer that comes later; headroomctl itself waits for 10 s. */
#define CONTROL_LATER_USEC (15 * USEC_PER_SEC)
/* Not a text: what a handler returns instead of one. */
#define CONTROL_LATER ((char *)-1)

/*
 * Answers one request, @n bytes of @request without the newline, NUL-terminated. Returns a line that ends in a
 * newline, allocated; NULL when out of memory. @is_privileged: the client is root, or has our own uid.
 *
 * CONTROL_LATER: the client waits for control_answer_waiting().
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
/* Gives @line, which is borrowed, to all that wait since a handler said CONTROL_LATER; returns how many. */
unsigned control_answer_waiting(Control *c, const char *line);
const ControlStats *control_stats(const Control *c);
