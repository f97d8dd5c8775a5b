/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The daemon's log. Whoever logs never waits: an entry is formatted into a ring of fixed size, and a thread of
 * its own carries it to the journal or to standard error. A journal that hangs or a pipe that nobody reads
 * costs entries (counted, and said once there is room again), never a tick.
 */

#include "base/text.h"

typedef struct Log Log;

typedef enum LogSink {
        LOG_SINK_AUTO,   /* the journal where standard error is connected to it, else standard error */
        LOG_SINK_STDERR,
} LogSink;

/* Until log_start() entries are written at once, by the caller. */
int log_new(LogSink sink, Log **ret);
int log_start(Log *l);
/* Waits at most a second for the rest to be written. Where the thread is stuck, its memory is left to it. */
Log *log_free(Log *l);
DEFINE_TRIVIAL_CLEANUP(Log, log_free)

/*
 * One entry: log_begin(), append the message to the buffer it returns, any number of fields, log_commit().
 * @priority: as in syslog(3). @message_id: one of message-ids.h or NULL. Field names: upper case, no leading
 * underscore. Only one entry at a time; nothing is allocated.
 */
TextBuf *log_begin(Log *l, int priority, const char *message_id);
TextBuf *log_field(Log *l, const char *name); /* the value is appended to what it returns */
void log_fieldf(Log *l, const char *name, const char *format, ...) _printf_(3, 4);
void log_commit(Log *l);

/* An entry without fields. */
void log_linef(Log *l, int priority, const char *message_id, const char *format, ...) _printf_(4, 5);
/* sd_notify(), by the thread: it must not hold up the loop either. */
void log_notify(Log *l, const char *state);

uint64_t log_dropped(const Log *l);
bool log_is_journal(const Log *l);
