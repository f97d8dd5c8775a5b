/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * A week of 1 Hz, with 100 cgroups and 300 processes in full every 10 s, out of a file and once more through the decision
 * core: by the recorded policy, and by another beside it. Prints time and peak memory; targets: 30 s and 200 MB.
 * BENCH_SPAN_HOURS for a shorter one; BENCH_TRACE=FILE for a trace that is there already.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "config/config.h"
#include "plan/replay.h"
#include "synth/write.h"
#include "trace/reader.h"

static double now(void) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static Policy *load(const char *text) {
        ConfigReport report = { 0 };
        Policy *p = NULL;
        int r = text ? policy_load_text(text, strlen(text), "bench", &report, &p) : policy_load(-EBADF, NULL, &report, &p);
        config_report_done(&report);
        return r < 0 ? NULL : p;
}

/* Read only: what decoding costs of it. */
static int read_all(const char *path, PlanReplay *replay, uint64_t *ret_n) {
        _cleanup_(trace_reader_freep) TraceReader *reader = NULL;
        char *paths[] = { (char *)path };
        const TraceRecord *r;
        TraceError error;
        uint64_t n = 0;

        int e = trace_reader_new(AT_FDCWD, paths, 1, &(TraceReaderOptions){ 0 }, &error, &reader);
        while (e >= 0 && (e = trace_reader_next(reader, &r)) > 0) {
                n++;
                e = replay ? plan_replay_feed(replay, r) : 0;
        }
        *ret_n = n;
        return e;
}

static int generate(const char *path, uint64_t hours) {
        _cleanup_(policy_freep) Policy *p = load(NULL);
        _cleanup_(synth_freep) Synth *s = NULL;
        uint64_t bytes = 0;
        struct stat st;
        double begin = now();

        if (!p)
                return -ENOMEM;
        const SynthOptions o = { .seed = 7, .n_cgroups = 100, .n_processes = 300, .span_usec = hours * 3600 * USEC_PER_SEC,
                                 .ram_bytes = UINT64_C(64) << 30, .leak_bytes_per_sec = 2048, .policy = p };
        int r = synth_new(&o, &s);
        if (r >= 0)
                r = synth_write(s, &(TraceFileOptions){ .dir_fd = AT_FDCWD, .name = path, .is_single = true }, &bytes);
        if (r < 0 || stat(path, &st) < 0)
                return r < 0 ? r : -errno;
        printf("generated: %llu hours, %llu samples, %llu kills, %.1f MB a day (%.1f before compression), in %.1f s\n",
               (unsigned long long)hours, (unsigned long long)synth_stats(s)->n_samples,
               (unsigned long long)synth_stats(s)->n_kills, (double)st.st_size * 24 / (double)hours / 1e6,
               (double)bytes * 24 / (double)hours / 1e6, now() - begin);
        return 0;
}

/* In a child, so that the peak is of this alone. */
static int measure(const char *what, const char *path, bool is_replay, const char *other_text) {
        struct rusage usage;
        int status;

        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                const ReplayResult *result = NULL;
                PlanReplay *replay = NULL;
                Policy *other = other_text ? load(other_text) : NULL;
                uint64_t n = 0;
                double begin = now();
                int r = is_replay ? plan_replay_new(&(ReplayOptions){ .other = other }, &replay) : 0;
                if (r >= 0)
                        r = read_all(path, replay, &n);
                if (r >= 0 && replay)
                        r = plan_replay_finish(replay, &result);
                printf("%-34s %7.2f s  %9llu records", what, now() - begin, (unsigned long long)n);
                if (result)
                        printf(", %llu compared, %llu differ, %llu kills changed", (unsigned long long)result->n_compared,
                               (unsigned long long)result->n_differ, (unsigned long long)result->n_diffs - result->n_change[REPLAY_SAME]);
                (void)fflush(stdout);
                _exit(r < 0 ? 1 : 0);
        }
        if (wait4(pid, &status, 0, &usage) < 0)
                return -errno;
        printf(", peak %.0f MB\n", (double)usage.ru_maxrss / 1024);
        return status == 0 ? 0 : -EIO;
}

int main(void) {
        static const char other[] = "# file: cgroups.d/90-host.conf\n[Match]\nCgroup=/\n[Kill]\nWhen=available < 5%\nDo=kill\n";
        const char *hours_text = getenv("BENCH_SPAN_HOURS"), *given = getenv("BENCH_TRACE");
        uint64_t hours = hours_text ? strtoull(hours_text, NULL, 10) : 168;
        char path[] = "/tmp/headroom-bench-XXXXXX";
        int fd = given ? -1 : mkstemp(path), r = 0;

        if (!given && fd < 0) {
                perror("bench-replay");
                return 1;
        }
        fd_close(fd);
        if (!given)
                r = generate(path, MAX(hours, UINT64_C(1)));
        if (r >= 0)
                r = measure("read and decode only", given ? given : path, false, NULL);
        if (r >= 0)
                r = measure("replay, recorded policy", given ? given : path, true, NULL);
        if (r >= 0)
                r = measure("replay, with another beside it", given ? given : path, true, other);
        if (!given)
                (void)unlink(path);
        if (r < 0)
                fprintf(stderr, "bench-replay: %s\n", strerror(-r));
        return r < 0 ? 1 : 0;
}
