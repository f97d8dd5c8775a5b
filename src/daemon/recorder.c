/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * One ring, one writer, one reader, no lock: the loop owns head, the thread owns tail, both only ever grow. Each
 * record is one piece of memory; what does not fit before the end of the ring begins at its start, and so does, behind
 * the first half MiB, the next one whenever the ring is empty: a ring that is sized for the worst case then touches little of its memory.
 *
 * The thread is woken for a batch, not for a record: when some data waits, when a record is urgent, or after a time.
 */

#include "daemon/recorder.h"

#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/clock.h"
#include "base/pages.h"

/* A detailed sample of 8192 cgroups and 65536 processes, encoded whole, and as much again. */
#define RING_SIZE (UINT32_C(16) * 1024 * 1024)
/* An empty ring begins anew behind this much: more than most records take, less than what is to stay untouched. */
#define ANEW_BYTES (UINT32_C(512) * 1024)
/* zstd works on the heap; the rest is a few calls deep. */
#define STACK_SIZE (256 * 1024)
/* The loop runs at -20; what is written can wait for it. */
#define THREAD_NICE 10
#define STOP_USEC  (2 * USEC_PER_SEC)
/* A crash of the daemon loses at most this much, and what the file has not flushed yet. */
#define BATCH_USEC  (5 * USEC_PER_SEC)
#define BATCH_BYTES (64 * 1024)
/* The file flushes a block when it is this old: the smaller, the less there is to compress. */
#define FLUSH_USEC  (10 * USEC_PER_SEC)
/* After an error of the disk. */
#define RETRY_USEC  (60 * USEC_PER_SEC)

typedef enum PieceFlag {
        PIECE_SEGMENT = 1 << 0, /* a segment begins */
        PIECE_URGENT = 1 << 1,
        PIECE_SKIP = 1 << 2, /* nothing until the end of the ring */
} PieceFlag;

/* The ring is a whole number of these, so that one always fits before its end. */
typedef struct Piece {
        _Alignas(32) uint32_t size; /* with this header, a multiple of it */
        uint32_t n;                 /* bytes of data */
        uint32_t flags;
        uint64_t mono_usec;
} Piece;

static_assert(RING_SIZE % sizeof(Piece) == 0, "see above");

struct Recorder {
        TraceEncoder *encoder; /* the loop's */
        TraceRecord gap;       /* the loop's */
        uint64_t n_lost_now;   /* since the latest gap; the loop's */
        bool wants_gap;
        uint64_t n_disk_errors_seen, retried_usec;
        uint64_t posted_usec, posted_head;
        uint64_t n_records, n_encoded_bytes, n_lost, n_gaps;

        TraceFile *file; /* the thread's, as is all until the next line */
        bool is_failed;
        int dir_fd;
        char path[PATH_MAX];
        RecordPlace place;
        uint64_t file_bytes_max, total_bytes_max;
        Recorder *after;

        uint64_t stop_usec;
        pthread_t thread;
        sem_t ready, known; /* @known: whether the file is open */
        atomic_bool stop;
        atomic_uint n_owners; /* the loop and the thread: who goes last frees the memory */
        _Atomic int opened;
        _Atomic uint64_t head, tail, n_disk_errors;
        _Atomic int disk_error;
        _Alignas(Piece) char ring[RING_SIZE];
};

static void release(Recorder *r) {
        if (atomic_fetch_sub(&r->n_owners, 1) > 1)
                return;
        (void)sem_destroy(&r->ready);
        (void)sem_destroy(&r->known);
        (void)pages_free(r, sizeof(*r));
}

/* ---- the thread ---- */

/* Until the one before has written all that it has: for as long as its disk takes. */
static void wait_for_before(Recorder *r) {
        if (!r->after)
                return;
        (void)pthread_join(r->after->thread, NULL);
        release(TAKE_PTR(r->after));
}

static int open_file(Recorder *r) {
        RecordSpot spot;

        /* Else the lock would be a race, which the one before can lose as well if it has only just begun. */
        if (r->after && strcmp(r->path, r->after->path) == 0)
                wait_for_before(r);
        int k = record_place_open(&r->place, &spot);
        if (k == -EBUSY && r->after) {
                /* under another name */
                wait_for_before(r);
                k = record_place_open(&r->place, &spot);
        }
        r->after = recorder_leave(r->after);
        if (k < 0)
                return k;
        r->dir_fd = spot.dir_fd;
        const TraceFileOptions file = {
                .dir_fd = spot.dir_fd,
                .name = spot.name,
                .is_single = spot.is_single,
                .file_bytes_max = r->file_bytes_max,
                .total_bytes_max = r->total_bytes_max,
                .flush_usec = FLUSH_USEC,
                .real_usec = clock_real_usec(),
        };
        return trace_file_new(&file, &r->file);
}

/*
 * After an error nothing is taken until a segment begins, since before it nobody could read on: what is dropped so is
 * part of the same trouble, and not counted again.
 */
static void deliver(Recorder *r, const Piece *p) {
        bool is_segment = p->flags & PIECE_SEGMENT;

        if (!r->file || (r->is_failed && !is_segment))
                return;
        int k = trace_file_append(r->file, p + 1, p->n, is_segment, p->mono_usec);
        if (k >= 0 && (p->flags & PIECE_URGENT))
                k = trace_file_flush(r->file);
        r->is_failed = k < 0;
        if (k >= 0)
                return;
        atomic_store(&r->disk_error, k);
        (void)atomic_fetch_add(&r->n_disk_errors, 1);
}

static void drain(Recorder *r) {
        uint64_t tail = atomic_load(&r->tail);

        while (tail != atomic_load(&r->head)) {
                const Piece *p = (const Piece *)(r->ring + tail % RING_SIZE);
                if (!(p->flags & PIECE_SKIP))
                        deliver(r, p);
                tail += p->size;
                atomic_store(&r->tail, tail);
        }
}

static void *recorder_thread(void *userdata) {
        Recorder *r = userdata;

        /* Of this thread alone (setpriority(2), C library/kernel differences). Without it all works, less well. */
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), THREAD_NICE);
        atomic_store(&r->opened, open_file(r));
        (void)sem_post(&r->known);
        for (;;) {
                while (sem_wait(&r->ready) < 0)
                        ;
                bool stop = atomic_load(&r->stop);
                drain(r);
                if (stop)
                        break;
        }
        r->file = trace_file_free(r->file);
        /* With it goes the lock of the directory. */
        r->dir_fd = fd_close(r->dir_fd);
        release(r);
        return NULL;
}

/* ---- life ---- */

static int start_thread(Recorder *r) {
        pthread_attr_t attr;
        sigset_t all, before;

        int k = pthread_attr_init(&attr);
        if (k != 0)
                return -k;
        k = pthread_attr_setstacksize(&attr, STACK_SIZE);
        if (k == 0) {
                /* Signals are the loop's. */
                (void)sigfillset(&all);
                (void)pthread_sigmask(SIG_SETMASK, &all, &before);
                k = pthread_create(&r->thread, &attr, recorder_thread, r);
                (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        }
        (void)pthread_attr_destroy(&attr);
        return -k;
}

void recorder_end(Recorder *r) {
        r->encoder = trace_encoder_free(r->encoder);
        atomic_store(&r->stop, true);
        (void)sem_post(&r->ready);
}

static int recorder_init(Recorder *r, const RecorderOptions *o) {
        if (strlen(o->place.path) >= sizeof(r->path))
                return -ENAMETOOLONG;
        (void)strcpy(r->path, o->place.path);
        r->place = (RecordPlace){ .path = r->path, .is_option = o->place.is_option };
        r->file_bytes_max = o->file_bytes_max;
        r->total_bytes_max = o->total_bytes_max;
        r->stop_usec = o->stop_usec ? o->stop_usec : STOP_USEC;
        r->dir_fd = -EBADF;
        atomic_store(&r->opened, -EINPROGRESS);
        r->after = o->after;
        int k = trace_encoder_new(&o->encoder, &r->encoder);
        if (k < 0)
                return k;
        atomic_store(&r->n_owners, 2);
        return start_thread(r);
}

/**
 * recorder_new() - begin to record
 * @o: see there; with @o->after the records of that one come first, where both write to one directory
 *
 * Return: 0; see recorder.h. Whether the place can be written to is known later: recorder_opened().
 */
int recorder_new(const RecorderOptions *o, Recorder **ret) {
        Recorder *r = pages_new(sizeof(*r));

        if (o->after)
                recorder_end(o->after);
        if (!r) {
                (void)recorder_leave(o->after);
                return -ENOMEM;
        }
        (void)sem_init(&r->ready, /* pshared= */ 0, 0);
        (void)sem_init(&r->known, /* pshared= */ 0, 0);
        int k = recorder_init(r, o);
        if (k < 0) {
                (void)recorder_leave(o->after);
                r->encoder = trace_encoder_free(r->encoder);
                atomic_store(&r->n_owners, 1);
                release(r);
                return k;
        }
        *ret = r;
        return 0;
}

int recorder_opened(const Recorder *r) {
        return atomic_load(&r->opened);
}

int recorder_wait(Recorder *r, uint64_t timeout_usec) {
        uint64_t until = u64_add_sat(clock_real_usec(), MIN(timeout_usec, UINT64_C(1000000) * USEC_PER_SEC));
        const struct timespec t = { .tv_sec = (time_t)(until / USEC_PER_SEC), .tv_nsec = (long)(until % USEC_PER_SEC * 1000) };

        while (recorder_opened(r) == -EINPROGRESS && sem_timedwait(&r->known, &t) < 0 && errno == EINTR)
                ;
        return recorder_opened(r);
}

Recorder *recorder_leave(Recorder *r) {
        if (!r)
                return NULL;
        recorder_end(r);
        (void)pthread_detach(r->thread);
        release(r);
        return NULL;
}

Recorder *recorder_free(Recorder *r) {
        struct timespec until;

        if (!r)
                return NULL;
        recorder_end(r);
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)(r->stop_usec / USEC_PER_SEC);
        if (pthread_timedjoin_np(r->thread, NULL, &until) != 0)
                return recorder_leave(r);
        release(r);
        return NULL;
}

/* ---- the loop ---- */

/* Into the free memory at @at, @room bytes of it. Return: bytes of the piece with its header; what trace_encode() says. */
static ssize_t encode_at(Recorder *r, uint64_t at, uint64_t room, const TraceRecord *record, bool is_urgent) {
        Piece *p = (Piece *)(r->ring + at);
        bool is_segment = false;

        if (room <= sizeof(Piece))
                return -ENOBUFS;
        ssize_t n = trace_encode(r->encoder, record, p + 1, room - sizeof(Piece), &is_segment);
        if (n < 0)
                return n;
        uint64_t size = ((uint64_t)n + 2 * sizeof(Piece) - 1) / sizeof(Piece) * sizeof(Piece);
        *p = (Piece){
                .size = (uint32_t)size,
                .n = (uint32_t)n,
                .flags = (is_segment ? (uint32_t)PIECE_SEGMENT : 0) | (is_urgent ? (uint32_t)PIECE_URGENT : 0),
                .mono_usec = record->snap.mono_usec,
        };
        r->n_encoded_bytes += (uint64_t)n;
        return (ssize_t)size;
}

/* At the start of the ring, with what is left before its end skipped. */
static ssize_t encode_at_start(Recorder *r, uint64_t at, uint64_t room, const TraceRecord *record, bool is_urgent) {
        uint64_t to_end = RING_SIZE - at;

        if (room <= to_end)
                return -ENOBUFS;
        ssize_t n = encode_at(r, 0, room - to_end, record, is_urgent);
        if (n < 0)
                return n;
        *(Piece *)(r->ring + at) = (Piece){ .size = (uint32_t)to_end, .flags = PIECE_SKIP };
        return (ssize_t)to_end + n;
}

/* Returns the bytes to go on by, the skipped ones included. Whoever does not fit where he is tried first begins a segment. */
static ssize_t encode(Recorder *r, uint64_t head, uint64_t tail, const TraceRecord *record, bool is_urgent) {
        uint64_t at = head % RING_SIZE, room = RING_SIZE - (head - tail);
        bool begins_anew = room == RING_SIZE && at >= ANEW_BYTES;

        ssize_t n = begins_anew ? encode_at_start(r, at, room, record, is_urgent)
                                : encode_at(r, at, MIN(room, RING_SIZE - at), record, is_urgent);
        if (n != -ENOBUFS)
                return n;
        return begins_anew ? encode_at(r, at, RING_SIZE - at, record, is_urgent)
                           : encode_at_start(r, at, room, record, is_urgent);
}

static int put_one(Recorder *r, const TraceRecord *record, bool is_urgent) {
        uint64_t head = atomic_load(&r->head);

        ssize_t n = encode(r, head, atomic_load(&r->tail), record, is_urgent);
        if (n < 0)
                return (int)n;
        r->n_records++;
        atomic_store(&r->head, head + (uint64_t)n);
        return 0;
}

static void wake(Recorder *r, uint64_t mono_usec, bool is_urgent) {
        uint64_t head = atomic_load(&r->head);

        if (!is_urgent && head - r->posted_head < BATCH_BYTES && mono_usec - r->posted_usec < BATCH_USEC)
                return;
        r->posted_head = head;
        r->posted_usec = mono_usec;
        (void)sem_post(&r->ready);
}

/* What failed on the disk is lost as well. A gap begins a segment, with which the thread goes on. */
static void look_at_disk(Recorder *r, uint64_t mono_usec) {
        uint64_t n = atomic_load(&r->n_disk_errors);

        if (n == r->n_disk_errors_seen || (r->retried_usec > 0 && mono_usec - r->retried_usec < RETRY_USEC))
                return;
        r->n_disk_errors_seen = n;
        r->retried_usec = mono_usec;
        r->wants_gap = true;
}

int recorder_put(Recorder *r, const TraceRecord *record, bool is_urgent) {
        int k = 0;

        look_at_disk(r, record->snap.mono_usec);
        if (r->wants_gap) {
                r->gap.kind = TRACE_GAP;
                r->gap.snap.mono_usec = record->snap.mono_usec;
                r->gap.snap.real_usec = record->snap.real_usec;
                r->gap.n_lost = r->n_lost_now;
                k = put_one(r, &r->gap, /* is_urgent= */ false);
        }
        if (k >= 0) {
                r->n_gaps += r->wants_gap;
                r->wants_gap = false;
                r->n_lost_now = 0;
                k = put_one(r, record, is_urgent);
        }
        if (k < 0) {
                r->n_lost++;
                r->n_lost_now++;
                r->wants_gap = true;
        }
        wake(r, record->snap.mono_usec, is_urgent || k == -ENOBUFS);
        return k;
}

void recorder_stats(const Recorder *r, RecorderStats *ret) {
        *ret = (RecorderStats){
                .n_records = r->n_records,
                .n_lost = r->n_lost,
                .n_gaps = r->n_gaps,
                .n_encoded_bytes = r->n_encoded_bytes,
                .n_disk_errors = atomic_load(&r->n_disk_errors),
                .disk_error = atomic_load(&r->disk_error),
        };
}
