/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Answers to headroomctl. A request is {"verb": "status"}, {"verb": "history", "max": N}, {"verb": "release"}, {"verb": "sysctl"} or
 * {"verb": "explain", "target": "last" | PID | CGROUP}; an answer {"ok": true, "result": {...}} or
 * {"ok": false, "error": KEY, "message": TEXT} with a KEY of STATUS_ERROR_*.
 */

#include <jansson.h>

#include "daemon/manager.h"

#define STATUS_ERROR_BAD_REQUEST   "bad-request"
#define STATUS_ERROR_NOT_PERMITTED "not-permitted"
#define STATUS_ERROR_NOT_FOUND     "not-found"
#define STATUS_ERROR_FAILED        "failed"

/* The line that answers {"verb": "release"}, allocated; NULL when out of memory. */
char *status_release(const ReplayReport *report);

/* A ControlHandler; @userdata is the Manager. */
char *status_answer(void *userdata, const char *request, size_t n, bool is_privileged);

/* status-explain.c: the result, or NULL with *ret_error and *ret_message set. */
json_t *status_explain(Manager *m, const char *target, const char **ret_error, const char **ret_message);
json_t *status_domain(const Manager *m, const DomainView *d, uint64_t now_usec);

/* status-measure.c: what the steps below the kill hold, and what would be put back. */
json_t *status_measures(const Manager *m, bool is_privileged);
json_t *status_undo(const Manager *m);
/* status-sysctl.c: the settings below /proc/sys/vm; NULL before the first look. */
json_t *status_sysctl(const Manager *m);
