/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One producer (the loop), one consumer (the thread), a ring of bytes between them.
 *
 * @head and @tail count bytes for ever; what lies between them belongs to the consumer, the rest to the
 * producer. A record never wraps: where the end of the ring is too near, a record of kind SKIP fills it.
 * The consumer works on the record in place and gives it back afterwards, so that a stuck write holds its
 * record, not a lock. A semaphore counts the records, and sem_post() never waits.
 */

#include "daemon/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/pages.h"
#include "daemon/log-sink.h"

/* About a hundred entries of the usual size. */
#define RING_SIZE (UINT32_C(64) * 1024)
/* The longest entry is that of a kill with all its fields. What does not fit is cut. */
#define ENTRY_MAX (8 * 1024)
/* sd_journal_sendv() needs no more than a few KiB; the C library's default of 8 MiB would be locked memory. */
#define STACK_SIZE (64 * 1024)
#define STOP_SEC   1

typedef enum RecordKind {
        RECORD_ENTRY,
        RECORD_NOTIFY,
        RECORD_SKIP,
} RecordKind;

typedef struct Record {
        uint32_t size; /* with this header, a multiple of 8 */
        uint32_t text; /* bytes of text */
        uint32_t kind;
        uint32_t priority;
} Record;

struct Log {
        Sink sink;
        bool is_started;
        pthread_t thread;
        sem_t ready;
        atomic_bool stop;
        _Atomic uint64_t head, tail, dropped;
        uint64_t dropped_told; /* the thread's */

        int priority; /* of the entry that is being made */
        TextBuf entry;
        char entry_data[ENTRY_MAX];
        _Alignas(Record) char ring[RING_SIZE];
};

static void deliver(Log *l, const Record *r, const char *text) {
        if (r->kind == RECORD_NOTIFY)
                sink_notify(text);
        else if (sink_write(&l->sink, (int)r->priority, text, r->text) < 0)
                (void)atomic_fetch_add(&l->dropped, 1);
}

static void tell_dropped(Log *l) {
        uint64_t dropped = atomic_load(&l->dropped);
        char line[96];

        if (dropped == l->dropped_told)
                return;
        int n = snprintf(line, sizeof(line), "MESSAGE=%" PRIu64 " log entries were lost, nobody took them in time",
                         dropped - l->dropped_told);
        if (sink_write(&l->sink, LOG_WARNING, line, (size_t)n + 1) >= 0)
                l->dropped_told = dropped;
}

static void *log_thread(void *userdata) {
        Log *l = userdata;

        for (;;) {
                while (sem_wait(&l->ready) < 0)
                        ;
                uint64_t tail = atomic_load(&l->tail);
                if (tail == atomic_load(&l->head)) {
                        if (atomic_load(&l->stop))
                                return NULL;
                        continue;
                }
                const Record *r = (const Record *)(l->ring + tail % RING_SIZE);
                uint64_t size = r->size;
                if (r->kind == RECORD_SKIP) {
                        atomic_store(&l->tail, tail + size);
                        continue;
                }
                deliver(l, r, (const char *)(r + 1));
                atomic_store(&l->tail, tail + size);
                tell_dropped(l);
        }
}

int log_new(LogSink sink, Log **ret) {
        Log *l = pages_new(sizeof(*l));
        if (!l)
                return -ENOMEM;
        if (sem_init(&l->ready, /* pshared= */ 0, 0) < 0) {
                int r = -errno;
                (void)pages_free(l, sizeof(*l));
                return r;
        }
        sink_init(&l->sink, /* may_use_journal= */ sink == LOG_SINK_AUTO);
        *ret = l;
        return 0;
}

int log_start(Log *l) {
        pthread_attr_t attr;
        sigset_t all, before;

        int r = pthread_attr_init(&attr);
        if (r != 0)
                return -r;
        r = pthread_attr_setstacksize(&attr, STACK_SIZE);
        if (r == 0) {
                /* Signals are the loop's. */
                (void)sigfillset(&all);
                (void)pthread_sigmask(SIG_SETMASK, &all, &before);
                r = pthread_create(&l->thread, &attr, log_thread, l);
                (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        (void)pthread_attr_destroy(&attr);
        l->is_started = r == 0;
        return -r;
}

Log *log_free(Log *l) {
        if (!l)
                return NULL;
        if (l->is_started) {
                struct timespec until;
                atomic_store(&l->stop, true);
                (void)sem_post(&l->ready);
                (void)clock_gettime(CLOCK_REALTIME, &until);
                until.tv_sec += STOP_SEC;
                if (pthread_timedjoin_np(l->thread, NULL, &until) != 0)
                        return NULL;
        }
        (void)sem_destroy(&l->ready);
        return pages_free(l, sizeof(*l));
}

/* Puts a record into the ring, or counts it as dropped. */
static void push(Log *l, RecordKind kind, int priority, const char *text, size_t n) {
        uint64_t head = atomic_load(&l->head), tail = atomic_load(&l->tail);
        uint32_t size = (uint32_t)((sizeof(Record) + n + sizeof(Record) - 1) / sizeof(Record) * sizeof(Record));

        /*
         * With nothing left in it the ring begins anew, so that one that is hardly used keeps to its first page. The
         * consumer is between two records then, and looks at neither number before the next post.
         */
        if (head == tail) {
                head = tail = (head + RING_SIZE - 1) / RING_SIZE * RING_SIZE;
                atomic_store(&l->tail, tail);
        }
        uint32_t at = (uint32_t)(head % RING_SIZE), skip = at + size > RING_SIZE ? RING_SIZE - at : 0;

        if (head + skip + size - tail > RING_SIZE) {
                (void)atomic_fetch_add(&l->dropped, 1);
                return;
        }
        if (skip > 0) {
                *(Record *)(l->ring + at) = (Record){ .size = skip, .kind = RECORD_SKIP };
                at = 0;
        }
        Record *r = (Record *)(l->ring + at);
        *r = (Record){ .size = size, .text = (uint32_t)n, .kind = kind, .priority = (uint32_t)priority };
        memcpy(r + 1, text, n);
        atomic_store(&l->head, head + skip + size);
        if (skip > 0)
                (void)sem_post(&l->ready);
        (void)sem_post(&l->ready);
}

TextBuf *log_begin(Log *l, int priority, const char *message_id) {
        l->entry = (TextBuf){ .data = l->entry_data, .size = sizeof(l->entry_data) };
        l->priority = priority;
        text_append(&l->entry, "");
        if (message_id) {
                text_appendf(&l->entry, "MESSAGE_ID=%s", message_id);
                text_append_n(&l->entry, "", 1);
        }
        text_append(&l->entry, "MESSAGE=");
        return &l->entry;
}

TextBuf *log_field(Log *l, const char *name) {
        text_append_n(&l->entry, "", 1);
        text_appendf(&l->entry, "%s=", name);
        return &l->entry;
}

void log_fieldf(Log *l, const char *name, const char *format, ...) {
        char value[256];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(value, sizeof(value), format, ap);
        va_end(ap);
        text_append(log_field(l, name), value);
}

void log_commit(Log *l) {
        size_t n = l->entry.len + 1; /* with the last NUL */

        if (l->is_started)
                push(l, RECORD_ENTRY, l->priority, l->entry_data, n);
        else
                (void)sink_write(&l->sink, l->priority, l->entry_data, n);
}

void log_linef(Log *l, int priority, const char *message_id, const char *format, ...) {
        char line[1024];
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        text_append(log_begin(l, priority, message_id), line);
        log_commit(l);
}

void log_notify(Log *l, const char *state) {
        if (l->is_started)
                push(l, RECORD_NOTIFY, 0, state, strlen(state) + 1);
        else
                sink_notify(state);
}

uint64_t log_dropped(const Log *l) {
        return atomic_load(&l->dropped);
}

bool log_is_journal(const Log *l) {
        return l->sink.is_journal;
}
