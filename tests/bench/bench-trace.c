/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a trace costs: a day of a host with 100 cgroups and 300 processes at 1 Hz, with a detailed sample every 10 s.
 * Encoded, written, read back. A third of the cgroups and a fifth of the processes move at any time, a process begins
 * and ends every two seconds, a cgroup every ten minutes, the clocks jitter. Run the encoder alone under `perf stat` or
 * `valgrind --tool=callgrind` for instructions; they are printed where the kernel counts them for us.
 */

#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "../unit/trace-history.h"
#include "trace/file.h"
#include "trace/reader.h"

#define N_CGROUPS   100
#define N_PROCESSES 300
#define DAY_SECONDS 86400u
#define DETAIL_EACH 10u
#define BUFFER      (1u << 20)

static uint64_t now_nsec(clockid_t clock) {
        struct timespec t;
        clock_gettime(clock, &t);
        return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static long peak_kib(void) {
        struct rusage u;
        getrusage(RUSAGE_SELF, &u);
        return u.ru_maxrss;
}

/* Instructions of this thread in user mode; -1 where they are not to be had (most virtual machines). */
static int counter_open(void) {
        struct perf_event_attr a = {
                .type = PERF_TYPE_HARDWARE, .size = sizeof(a), .config = PERF_COUNT_HW_INSTRUCTIONS, .exclude_kernel = 1, .exclude_hv = 1,
        };
        return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t counter_read(int fd) {
        uint64_t v = 0;
        return fd >= 0 && read(fd, &v, sizeof(v)) == sizeof(v) ? v : 0;
}

typedef struct Cost {
        uint64_t n, nsec, bytes, instructions;
} Cost;

static void print_cost(const char *what, const Cost *c, bool has_instructions) {
        printf("%-22s %8.1f us", what, (double)c->nsec / 1e3 / (double)c->n);
        if (has_instructions)
                printf("  %9.0f instructions", (double)c->instructions / (double)c->n);
        printf("  %8.1f bytes before compression\n", (double)c->bytes / (double)c->n);
}

static int write_day(int dir_fd, const char *name, uint32_t n_monitored, bool decides, unsigned seconds) {
        const TraceEncoderOptions options = { 4096, 16384, 0 };
        const TraceFileOptions file_options = { .dir_fd = dir_fd, .name = name, .is_single = true };
        _cleanup_(trace_encoder_freep) TraceEncoder *e = NULL;
        _cleanup_(trace_file_freep) TraceFile *f = NULL;
        static uint8_t buf[BUFFER];
        static TraceRecord record;
        Cost cost[2] = { 0 };
        uint64_t file_nsec = 0;
        bool segment;

        int r = trace_encoder_new(&options, &e);
        r = r < 0 ? r : trace_file_new(&file_options, &f);
        if (r < 0)
                return r;
        History *h = history_new(11, N_CGROUPS, N_PROCESSES);
        h->n_monitored = n_monitored;
        for (uint32_t i = 0; i < n_monitored; i++)
                h->cgroups[i].is_monitored = true;
        int counter = counter_open();
        record = (TraceRecord){ .kind = TRACE_SAMPLE, .has_decision = decides };
        for (unsigned i = 0; i < seconds && r == 0; i++) {
                bool detailed = i % DETAIL_EACH == 0;
                h->birth_one_in = 2;
                h->recreate_one_in = 600;
                record.snap = *history_step(h, USEC_PER_SEC, detailed);
                record.decision.seq++;
                record.decision.next_usec = USEC_PER_SEC;
                record.decision.digest = record.decision.seq * UINT64_C(0x9e3779b97f4a7c15);
                uint64_t start = now_nsec(CLOCK_THREAD_CPUTIME_ID), instructions = counter_read(counter);
                ssize_t n = trace_encode(e, &record, buf, sizeof(buf), &segment);
                uint64_t middle = now_nsec(CLOCK_THREAD_CPUTIME_ID);
                if (n < 0)
                        return (int)n;
                cost[detailed].instructions += counter_read(counter) - instructions;
                cost[detailed].nsec += middle - start;
                cost[detailed].bytes += (uint64_t)n;
                cost[detailed].n++;
                middle = now_nsec(CLOCK_THREAD_CPUTIME_ID);
                r = trace_file_append(f, buf, (size_t)n, segment, record.snap.mono_usec);
                file_nsec += now_nsec(CLOCK_THREAD_CPUTIME_ID) - middle;
        }
        f = trace_file_free(f);
        history_free(h);
        if (counter >= 0)
                close(counter);
        if (r < 0)
                return r;
        print_cost("encode, cheap sample", &cost[0], counter >= 0);
        print_cost("encode, detailed", &cost[1], counter >= 0);
        printf("%-22s %8.1f us a sample\n", "compress and write", (double)file_nsec / 1e3 / seconds);
        printf("%-22s %8.4f %% of a core    (target: at most 0.2 %%, what sense does for the samples not included)\n", "all of it",
               (double)(cost[0].nsec + cost[1].nsec + file_nsec) / 1e7 / seconds);
        return 0;
}

static int read_day(int dir_fd, const char *name) {
        char *paths[] = { (char *)name };
        _cleanup_(trace_reader_freep) TraceReader *reader = NULL;
        const TraceRecord *record;
        TraceError error;
        uint64_t n = 0;

        int r = trace_reader_new(dir_fd, paths, 1, NULL, &error, &reader);
        if (r < 0)
                return r;
        uint64_t start = now_nsec(CLOCK_THREAD_CPUTIME_ID);
        while ((r = trace_reader_next(reader, &record)) > 0)
                n += record->kind == TRACE_SAMPLE;
        double seconds = (double)(now_nsec(CLOCK_THREAD_CPUTIME_ID) - start) / 1e9;
        printf("%-22s %8.0f samples a second: a day in %.2f s of CPU\n", "decode", (double)n / seconds, (double)DAY_SECONDS / ((double)n / seconds));
        return r;
}

int main(void) {
        static const struct {
                uint32_t n_monitored;
                bool decides;
                const char *what;
        } days[] = {
                { 20, true, "20 of 100 cgroups in the cheap samples, with decisions" },
                { 100, true, "all 100 cgroups in the cheap samples, with decisions" },
                { 20, false, "20 of 100, merely observed" },
        };
        char path[] = "/tmp/headroom-bench-XXXXXX";
        struct stat st;
        int dir_fd = mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, r = 0;

        if (dir_fd < 0)
                return 1;
        for (size_t i = 0; i < ARRAY_SIZE(days) && r == 0; i++) {
                printf("a day, 1 Hz, 300 processes; %s:\n", days[i].what);
                r = write_day(dir_fd, "day", days[i].n_monitored, days[i].decides, DAY_SECONDS);
                if (r < 0 || fstatat(dir_fd, "day", &st, 0) < 0)
                        break;
                printf("%-22s %8.2f MB a day       (target: at most 20)\n", "size", (double)st.st_size / 1e6);
                r = read_day(dir_fd, "day");
        }
        printf("%-22s %8ld KiB, of which the generator takes some 1000\n", "peak resident", peak_kib());
        (void)unlinkat(dir_fd, "day", 0);
        (void)rmdir(path);
        close(dir_fd);
        if (r < 0)
                fprintf(stderr, "%s\n", strerror(-r));
        return r < 0;
}
