/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The kernel's word when a process begins, executes, or changes its user or name. */

#include "base/macros.h"

typedef enum ProcEventKind {
        PROC_EVENT_ANSWER,  /* to the request to listen: @error, 0 if it was granted */
        PROC_EVENT_FORKED,  /* @pid by @ppid */
        PROC_EVENT_CHANGED, /* program, user or name */
        _PROC_EVENT_KIND_MAX,
        _PROC_EVENT_KIND_INVALID = -EINVAL,
} ProcEventKind;

typedef struct ProcEvent {
        ProcEventKind kind;
        int32_t pid, ppid;
        int error;
} ProcEvent;

/* Outcome of proc_connector_read(): a message that says nothing of interest. */
#define PROC_CONNECTOR_E_OTHER 1

int proc_connector_open(int *ret);
int proc_connector_read(int fd, ProcEvent *ret);
int proc_connector_parse(const void *message, size_t n, ProcEvent *ret);
