/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl record: samples of this host into a file, without a daemon and without decisions. The policy that would
 * be in force is in the file as well, so that whoever replays it has something to ask.
 *
 * As an ordinary user it records what that user can read; what he cannot is absent, as everywhere.
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>

#include "config/config.h"
#include "ctl/show.h"
#include "ctl/trace-writer.h"
#include "sense/facts-book.h"
#include "sense/sense.h"
#include "trace/start.h"

#define INTERVAL_USEC        USEC_PER_SEC
#define DETAIL_INTERVAL_USEC (10 * USEC_PER_SEC)
/* The cgroups that a policy watches are looked for anew. */
#define DISCOVER_USEC (30 * USEC_PER_SEC)
#define PROCESSES_MAX 65536
#define TEXT_MAX_BYTES 4096
/* CLOCK_BOOTTIME counts while the host sleeps, CLOCK_MONOTONIC does not. */
#define SLEEP_MIN_USEC USEC_PER_SEC

typedef struct Recording {
        const Invocation *i;
        int root_fd, signal_fd;
        bool is_live, has_cmdline;
        uint64_t interval_usec, detail_interval_usec;
        Policy *policy;
        Sense *sense;
        TraceWriter writer;
        FactsBook facts;
        TraceRecord record;
        uint64_t begin_usec, next_usec, detail_due_usec, discover_due_usec, slept_usec;
        uint64_t n_samples;
        char exe[TEXT_MAX_BYTES], cmdline[TEXT_MAX_BYTES];
} Recording;

static uint64_t now_usec(clockid_t id) {
        struct timespec t;
        return clock_gettime(id, &t) < 0 ? 0 : (uint64_t)t.tv_sec * USEC_PER_SEC + (uint64_t)t.tv_nsec / 1000;
}

static int32_t match_cgroup(void *userdata, const char *path, bool limited) {
        return policy_match_cgroup(userdata, path, limited);
}

static void match_process(void *userdata, const ProcessFacts *facts, ProcessSample *p) {
        policy_match_process(userdata, facts, p);
}

/* ---- records ---- */

static TraceRecord *record_begin(Recording *x, TraceKind kind) {
        x->record.kind = kind;
        x->record.snap.mono_usec = now_usec(CLOCK_MONOTONIC);
        x->record.snap.real_usec = now_usec(CLOCK_REALTIME);
        return &x->record;
}

static int put_start(Recording *x) {
        TraceRecord *r = record_begin(x, TRACE_START);

        trace_start_read(x->root_fd, x->is_live, &r->start);
        r->start.mono_usec = r->snap.mono_usec;
        r->start.real_usec = r->snap.real_usec;
        r->start.interval_usec = x->interval_usec;
        r->start.detail_interval_usec = x->detail_interval_usec;
        return trace_writer_put(&x->writer, r);
}

static int put_policy(Recording *x) {
        TraceRecord *r = record_begin(x, TRACE_POLICY);
        _cleanup_free_ char *text = NULL;

        int k = policy_to_text(x->policy, &text, &r->policy.n, &r->policy.hash);
        if (k < 0)
                return k;
        r->policy.text = text;
        k = trace_writer_put(&x->writer, r);
        r->policy = (TracePolicy){ 0 };
        return k;
}

static int put_facts(Recording *x) {
        const FactsEntry *e;
        int r = 0;

        while (r >= 0 && (e = facts_book_next(&x->facts))) {
                int k = sense_process_facts(x->sense, e->pid, e->start_ticks, x->exe, sizeof(x->exe),
                                            x->has_cmdline ? x->cmdline : NULL, sizeof(x->cmdline));
                if (k < 0)
                        return 0; /* a shortage: with the next sample */
                TraceRecord *record = record_begin(x, TRACE_FACTS);
                record->facts = (TraceFacts){ .pid = e->pid, .start_ticks = e->start_ticks };
                record->facts.has_exe = x->exe[0];
                record->facts.exe = x->exe[0] ? x->exe : NULL;
                record->facts.has_cmdline = x->has_cmdline;
                record->facts.cmdline = x->has_cmdline ? x->cmdline : NULL;
                if (k == 0 && (record->facts.has_exe || record->facts.has_cmdline))
                        r = trace_writer_put(&x->writer, record);
                facts_book_told(&x->facts, e);
        }
        return r;
}

static int note_sleep(Recording *x) {
        uint64_t slept = u64_sub_sat(now_usec(CLOCK_BOOTTIME), now_usec(CLOCK_MONOTONIC)), before = x->slept_usec;

        x->slept_usec = slept;
        if (slept < before + SLEEP_MIN_USEC)
                return 0;
        TraceRecord *r = record_begin(x, TRACE_GAP);
        r->n_lost = 0;
        return trace_writer_put(&x->writer, r);
}

static int put_sample(Recording *x) {
        uint64_t now = now_usec(CLOCK_MONOTONIC);
        uint32_t detail = 0;

        if (now >= x->discover_due_usec) {
                (void)sense_discover(x->sense);
                x->discover_due_usec = now + DISCOVER_USEC;
        }
        if (now >= x->detail_due_usec) {
                detail = DETAIL_RECORD;
                x->detail_due_usec = now + x->detail_interval_usec - MIN(x->interval_usec, x->detail_interval_usec) / 2;
        }
        int r = note_sleep(x);
        if (r < 0)
                return r;
        x->record.kind = TRACE_SAMPLE;
        r = sense_sample(x->sense, now_usec(CLOCK_MONOTONIC), now_usec(CLOCK_REALTIME), detail, &x->record.snap);
        if (r < 0)
                return r;
        r = trace_writer_put(&x->writer, &x->record);
        if (r < 0)
                return r;
        x->n_samples++;
        if (!detail)
                return 0;
        facts_book_see(&x->facts, &x->record.snap);
        return put_facts(x);
}

/* ---- the loop ---- */

static void show_progress(const Recording *x) {
        char text[64];
        TextBuf b = TEXT_BUF(text);

        text_append(&b, "");
        units_append_usec(&b, (now_usec(CLOCK_MONOTONIC) - x->begin_usec) / USEC_PER_SEC * USEC_PER_SEC);
        (void)fprintf(stderr, "\rrecorded %s, %llu samples; Ctrl-C ends it \033[K", text, (unsigned long long)x->n_samples);
        (void)fflush(stderr);
}

/* > 0: a signal came; 0: it is time. */
static int wait_for_next(Recording *x) {
        struct pollfd p = { .fd = x->signal_fd, .events = POLLIN };

        for (;;) {
                uint64_t now = now_usec(CLOCK_MONOTONIC);
                if (now >= x->next_usec)
                        return 0;
                uint64_t left = x->next_usec - now;
                struct timespec t = { .tv_sec = (time_t)(left / USEC_PER_SEC),
                                      .tv_nsec = (long)(left % USEC_PER_SEC) * 1000 };
                int n = ppoll(&p, 1, &t, NULL);
                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0)
                        return 1;
        }
}

static int run(Recording *x) {
        bool shows = isatty(STDERR_FILENO);
        int r = put_start(x);

        if (r >= 0)
                r = put_policy(x);
        x->begin_usec = x->next_usec = now_usec(CLOCK_MONOTONIC);
        while (r >= 0) {
                r = put_sample(x);
                /* one that is too big for the encoder is lost, and the next one follows on a gap */
                if (r < 0 && r != -ENOSPC && r != -ENOBUFS && r != -ENODATA)
                        break;
                if (shows)
                        show_progress(x);
                uint64_t now = now_usec(CLOCK_MONOTONIC);
                if (x->i->for_usec > 0 && now - x->begin_usec >= x->i->for_usec)
                        break;
                x->next_usec += x->interval_usec;
                if (x->next_usec < now) /* late, or asleep: no samples in a hurry */
                        x->next_usec = now + x->interval_usec;
                if (x->i->for_usec > 0)
                        x->next_usec = MIN(x->next_usec, x->begin_usec + x->i->for_usec);
                r = wait_for_next(x);
                if (r > 0)
                        break;
        }
        if (shows)
                (void)fputc('\n', stderr);
        if (r >= 0)
                r = trace_writer_put(&x->writer, record_begin(x, TRACE_END));
        int k = trace_writer_close(&x->writer);
        return r < 0 ? r : k;
}

/* ---- life ---- */

/* Descriptors are kept on everything that is read each time: as many as this user may have. */
static void raise_limit(void) {
        struct rlimit l;

        if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
                l.rlim_cur = l.rlim_max;
                (void)setrlimit(RLIMIT_NOFILE, &l);
        }
}

static int open_signals(void) {
        sigset_t mask;

        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGINT);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigaddset(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        int fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

static int open_policy(Recording *x) {
        ConfigReport report = { 0 };

        int r = policy_load(x->root_fd, NULL, &report, &x->policy);
        if (r < 0)
                config_report_print(&report, stderr);
        config_report_done(&report);
        if (r >= 0)
                x->has_cmdline = x->i->cmdline || (x->policy->rule_fields >> RULE_CMDLINE & 1);
        return r;
}

static int open_sense(Recording *x) {
        const SenseOptions options = { .root_fd = x->root_fd, .self_pid = x->is_live ? getpid() : 0 };

        int r = sense_new(&options, &x->sense);
        if (r < 0)
                return r;
        const SenseMatchers matchers = {
                .userdata = x->policy,
                .match_cgroup = match_cgroup,
                .match_process = match_process,
                .rule_fields = x->policy->rule_fields,
        };
        sense_set_matchers(x->sense, &matchers);
        r = facts_book_init(&x->facts, PROCESSES_MAX);
        if (r >= 0 && x->is_live)
                r = sense_want_peaks(x->sense, true);
        return r;
}

static int recording_open(Recording *x) {
        x->is_live = strcmp(x->i->root, "/") == 0;
        x->interval_usec = x->i->interval_usec ? x->i->interval_usec : INTERVAL_USEC;
        x->detail_interval_usec = x->i->detail_interval_usec ? x->i->detail_interval_usec : DETAIL_INTERVAL_USEC;
        x->root_fd = open(x->i->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (x->root_fd < 0)
                return -errno;
        raise_limit();
        int r = open_policy(x);
        if (r >= 0)
                r = open_sense(x);
        if (r >= 0)
                r = x->signal_fd = open_signals();
        x->slept_usec = u64_sub_sat(now_usec(CLOCK_BOOTTIME), now_usec(CLOCK_MONOTONIC));
        return r < 0 ? r : 0;
}

static void recording_done(Recording *x) {
        trace_writer_done(&x->writer);
        facts_book_done(&x->facts);
        x->sense = sense_free(x->sense);
        x->policy = policy_free(x->policy);
        x->signal_fd = fd_close(x->signal_fd);
        x->root_fd = fd_close(x->root_fd);
}

CtlExit command_record(const Invocation *i) {
        /* the complaints of sense are of the process as a whole: a static one keeps the stack small */
        static Recording x;

        x = (Recording){ .i = i, .root_fd = -EBADF, .signal_fd = -EBADF, .writer = TRACE_WRITER_NULL };
        int r = recording_open(&x);
        if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", r == -EINVAL ? "the configuration has errors" : strerror(-r));
        else if (trace_writer_open(&x.writer, i->args[0]) < 0)
                r = -EIO; /* said */
        else {
                r = run(&x);
                if (r < 0)
                        (void)fprintf(stderr, "headroomctl: the recording ended: %s\n", strerror(-r));
                else
                        (void)fprintf(stderr, "%llu samples recorded\n", (unsigned long long)x.n_samples);
                if (x.writer.n_lost > 0)
                        (void)fprintf(stderr, "%llu were too big to be recorded\n", (unsigned long long)x.writer.n_lost);
        }
        recording_done(&x);
        return r < 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}
