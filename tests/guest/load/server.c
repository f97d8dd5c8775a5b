/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * server - a service that answers one request every few milliseconds out of its own memory, and keeps the times
 *
 * A request takes the next --step KB of the hot part of its memory, fills --fresh KB of new memory and gives it back,
 * and reads a file. delay = from the moment it was due to the moment it was done; a request that came due while an
 * older one was still served counts with the delay until it was served, too.
 *
 * server --mb N [--hot N] [--step KB] [--fresh KB] [--period MS] [--file PATH] --out PATH [--worst PATH]
 *
 * All of --mb is filled at the start; --out exists from then on. Nothing but --hot of it (default: all) is used
 * afterwards, until SIGUSR2: then all of it. On SIGUSR1 and on SIGTERM it appends one line of JSON to --out; SIGUSR1
 * begins new figures, SIGTERM ends it.
 *
 * --worst: where the longest delays of each such line came from, one request a line, to be read beside the journal
 * (journalctl -o short-monotonic): when it was due, how late it began, what its three parts took, how long it had to
 * wait for a CPU meanwhile, how many faults needed a disk, and how often it slept and was made to give way.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"

#define PAGE_BYTES 4096UL
#define LATE_USEC  20000ULL

/* Delays, sorted into buckets that are 1/32 wide of what they hold: a percentile is right to 3 %. */
#define SUB_BITS 5
#define SUB      (1U << SUB_BITS)
static uint64_t buckets[64 * SUB];
static uint64_t turns, late, worst_usec;

/* What a request went through, and the longest of them. */
enum { AT_DUE, AT_BEGIN, AT_TOUCHED, AT_FRESH, AT_DONE, N_TIMES };
typedef struct Request {
        uint64_t at_usec[N_TIMES];
        uint64_t cpu_wait_usec;
        long majflt, nvcsw, nivcsw;
} Request;
#define WORST_MAX 12
static Request worst[WORST_MAX];
static int schedstat_fd = -1;

static volatile sig_atomic_t stop, report, wake;

static void on_signal(int sig) {
        if (sig == SIGTERM)
                stop = 1;
        else if (sig == SIGUSR1)
                report = 1;
        else
                wake = 1;
}

static void delay_count(uint64_t usec) {
        unsigned shift = usec < SUB ? 0 : 63U - (unsigned)__builtin_clzll(usec) - SUB_BITS;

        buckets[shift * SUB + (usec >> shift)]++;
        turns++;
        late += usec > LATE_USEC;
        if (usec > worst_usec)
                worst_usec = usec;
}

static uint64_t delay_at_permille(uint64_t permille) {
        uint64_t seen = 0, wanted = (turns * permille + 999) / 1000;

        for (unsigned shift = 0; shift < 58; shift++)
                for (uint64_t i = shift ? SUB : 0; i < 2 * SUB; i++) {
                        seen += buckets[shift * SUB + i];
                        if (seen >= wanted)
                                return i << shift;
                }
        return worst_usec;
}

/* Time that it was ready to run and had no CPU, and the counters of its sleeps and faults, since it began. */
static void request_counters(Request *r) {
        unsigned long long run = 0, wait = 0;
        struct rusage usage;
        char text[64];
        ssize_t n = schedstat_fd < 0 ? -1 : pread(schedstat_fd, text, sizeof(text) - 1, 0);

        text[n > 0 ? n : 0] = '\0';
        (void)sscanf(text, "%llu %llu", &run, &wait);
        getrusage(RUSAGE_SELF, &usage);
        r->cpu_wait_usec = wait / 1000;
        r->majflt = usage.ru_majflt;
        r->nvcsw = usage.ru_nvcsw;
        r->nivcsw = usage.ru_nivcsw;
}

static uint64_t request_delay(const Request *r) {
        return r->at_usec[AT_DONE] - r->at_usec[AT_DUE];
}

static void worst_keep(const Request *r, const Request *before) {
        int least = 0;

        for (int i = 1; i < WORST_MAX; i++)
                if (request_delay(&worst[i]) < request_delay(&worst[least]))
                        least = i;
        if (request_delay(r) <= request_delay(&worst[least]))
                return;
        worst[least] = *r;
        worst[least].cpu_wait_usec -= before->cpu_wait_usec;
        worst[least].majflt -= before->majflt;
        worst[least].nvcsw -= before->nvcsw;
        worst[least].nivcsw -= before->nivcsw;
}

static int by_due(const void *a, const void *b) {
        uint64_t x = ((const Request *)a)->at_usec[AT_DUE], y = ((const Request *)b)->at_usec[AT_DUE];
        return x < y ? -1 : x > y;
}

static void worst_write(const char *path) {
        FILE *f = fopen(path, "ae");

        if (!f) {
                perror("server: --worst");
                return;
        }
        qsort(worst, WORST_MAX, sizeof(worst[0]), by_due);
        for (int i = 0; i < WORST_MAX; i++) {
                const uint64_t *at = worst[i].at_usec;
                if (at[AT_DONE] == 0)
                        continue;
                fprintf(f, "due %.3f s: %.1f ms = late %.1f + touch %.1f + fresh %.1f + file %.1f; cpu wait %.1f, majflt %ld, "
                           "slept %ld, gave way %ld\n",
                        (double)at[AT_DUE] / 1e6, (double)request_delay(&worst[i]) / 1e3,
                        (double)(at[AT_BEGIN] - at[AT_DUE]) / 1e3, (double)(at[AT_TOUCHED] - at[AT_BEGIN]) / 1e3,
                        (double)(at[AT_FRESH] - at[AT_TOUCHED]) / 1e3, (double)(at[AT_DONE] - at[AT_FRESH]) / 1e3,
                        (double)worst[i].cpu_wait_usec / 1e3, worst[i].majflt, worst[i].nvcsw, worst[i].nivcsw);
        }
        fputs("--\n", f);
        fclose(f);
        memset(worst, 0, sizeof(worst));
}

static void figures_write(const char *path) {
        char line[256];
        int fd, n;

        n = snprintf(line, sizeof(line),
                     "{\"turns\":%llu,\"p50_us\":%llu,\"p99_us\":%llu,\"p999_us\":%llu,\"worst_us\":%llu,"
                     "\"late_permille\":%llu}\n",
                     (unsigned long long)turns, (unsigned long long)delay_at_permille(500),
                     (unsigned long long)delay_at_permille(990), (unsigned long long)delay_at_permille(999),
                     (unsigned long long)worst_usec, (unsigned long long)(turns ? late * 1000 / turns : 0));
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, line, (size_t)n) != n)
                perror("server: --out");
        if (fd >= 0)
                close(fd);
        memset(buckets, 0, sizeof(buckets));
        turns = late = worst_usec = 0;
}

static uint8_t *memory_take(size_t bytes) {
        uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED) {
                perror("server: mmap");
                exit(EXIT_FAILURE);
        }
        (void)madvise(p, bytes, MADV_NOHUGEPAGE);
        return p;
}

/* Noise: a compressing swap shall gain nothing from it. */
static void memory_fill(uint8_t *p, size_t bytes) {
        uint64_t state = 0x9e3779b97f4a7c15ULL;

        for (size_t at = 0; at < bytes; at += sizeof(state)) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                memcpy(p + at, &state, sizeof(state));
        }
}

static void file_read(const char *path) {
        static char buffer[65536];
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        while (read(fd, buffer, sizeof(buffer)) > 0)
                ;
        close(fd);
}

static void fresh_touch(size_t bytes) {
        volatile uint8_t *p = memory_take(bytes);

        for (size_t at = 0; at < bytes; at += PAGE_BYTES)
                p[at] = 1;
        munmap((void *)p, bytes);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "mb", required_argument, NULL, 'm' },     { "hot", required_argument, NULL, 'h' },
                { "step", required_argument, NULL, 's' },   { "fresh", required_argument, NULL, 'r' },
                { "period", required_argument, NULL, 'p' }, { "file", required_argument, NULL, 'f' },
                { "out", required_argument, NULL, 'o' },    { "worst", required_argument, NULL, 'w' },
                { 0 },
        };
        size_t bytes = 0, hot = 0, step = 1 << 20, fresh = 0, at = 0;
        const char *file = NULL, *out = NULL, *worst_out = NULL;
        Request request = { 0 }, before = { 0 };
        uint64_t period_usec = 10000, due;
        uint8_t *memory;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'm':
                        bytes = strtoull(optarg, NULL, 10) << 20;
                        break;
                case 'h':
                        hot = strtoull(optarg, NULL, 10) << 20;
                        break;
                case 's':
                        step = strtoull(optarg, NULL, 10) << 10;
                        break;
                case 'r':
                        fresh = strtoull(optarg, NULL, 10) << 10;
                        break;
                case 'p':
                        period_usec = strtoull(optarg, NULL, 10) * 1000;
                        break;
                case 'f':
                        file = optarg;
                        break;
                case 'o':
                        out = optarg;
                        break;
                case 'w':
                        worst_out = optarg;
                        break;
                default:
                        bytes = 0;
                        optind = argc;
                }
        if (bytes == 0 || period_usec == 0 || !out) {
                fputs("server --mb N [--hot N] [--step KB] [--fresh KB] [--period MS] [--file PATH] --out PATH "
                      "[--worst PATH]\n",
                      stderr);
                return 2;
        }
        if (hot == 0 || hot > bytes)
                hot = bytes;
        for (int sig = 0; sig < 3; sig++)
                sigaction((const int[]){ SIGTERM, SIGUSR1, SIGUSR2 }[sig],
                          &(struct sigaction){ .sa_handler = on_signal }, NULL);
        memory = memory_take(bytes);
        memory_fill(memory, bytes);
        close(open(out, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        if (worst_out)
                schedstat_fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);

        due = now_usec() + period_usec;
        while (!stop) {
                uint64_t done;

                do /* a signal cuts the sleep short */
                        sleep_until_usec(due);
                while (now_usec() < due && !stop);
                request.at_usec[AT_DUE] = due;
                request.at_usec[AT_BEGIN] = now_usec();
                for (size_t n = 0; n < step; n += PAGE_BYTES, at = (at + PAGE_BYTES) % (wake ? bytes : hot))
                        ((volatile uint8_t *)memory)[at]++;
                request.at_usec[AT_TOUCHED] = now_usec();
                if (fresh > 0)
                        fresh_touch(fresh);
                request.at_usec[AT_FRESH] = now_usec();
                if (file)
                        file_read(file);
                done = request.at_usec[AT_DONE] = now_usec();
                if (worst_out) {
                        request_counters(&request);
                        worst_keep(&request, &before);
                        before = request;
                }
                for (; due <= done; due += period_usec)
                        delay_count(done - due);
                if (report) {
                        report = 0;
                        figures_write(out);
                        if (worst_out)
                                worst_write(worst_out);
                        due = now_usec() + period_usec;
                }
        }
        figures_write(out);
        if (worst_out)
                worst_write(worst_out);
        return EXIT_SUCCESS;
}
