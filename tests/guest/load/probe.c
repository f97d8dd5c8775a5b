/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe - how does the machine feel to a small interactive program?
 *
 * Every 10 ms it is due; then it writes to every page of 8 MB and reads a file through the page cache. Its memory is
 * not locked and the file is not held, for the very point is to suffer like everybody else.
 *
 * --mb N      it has N MB and takes the next 8 of them each time. All of 8 MB is used so often that the kernel
 *             hardly ever takes it; what a bigger program has is not.
 * --fresh KB  each time it maps so much anew, fills it and gives it back: the buffers that a request or a redraw needs.
 *
 * delay = from the moment it was due to the moment its work was done. A moment that passed while it was still busy
 * with an older one counts too, with the delay until the probe was back: a stall of one second is about a hundred
 * late turns, not one. late_permille is thus close to the share of time in which the machine did not answer within
 * 20 ms. stall_permille is the kernel's word on it (PSI, "some" of the probe's own cgroup): the share of time in which
 * it stood still for want of memory. Late it is for want of CPU as well, and where the emulator stands still.
 *
 * On SIGTERM it writes one JSON object to --out and ends. On SIGUSR1 it starts its figures anew; from SIGUSR2 on it
 * counts no more, but goes on. All are safe to send once --out exists.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

#define PERIOD_USEC 10000ULL
#define LATE_USEC   20000ULL
#define TOUCH_BYTES (8UL << 20)
#define PAGE_BYTES  4096UL

static volatile sig_atomic_t stop, reset, hold;

static void on_term(int sig) {
        (void)sig;
        stop = 1;
}

static void on_reset(int sig) {
        (void)sig;
        reset = 1;
}

static void on_hold(int sig) {
        (void)sig;
        hold = 1;
}

/* Opened anew each time: the path lookup is part of what a program does. */
static void file_read(const char *path) {
        static char buffer[65536];
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                return;
        while (read(fd, buffer, sizeof(buffer)) > 0)
                ;
        close(fd);
}

/* What the own cgroup stood still for want of memory since it was made, in microseconds. */
static uint64_t stalled_usec(void) {
        char line[512], path[600];
        unsigned long long total = 0;
        FILE *f = fopen("/proc/self/cgroup", "re");

        /* cgroup v2 alone: one line, 0::/PATH */
        if (!f || fscanf(f, "0::%511s", line) != 1) {
                fputs("probe: no cgroup v2\n", stderr);
                exit(EXIT_FAILURE);
        }
        fclose(f);
        snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.pressure", line);
        f = fopen(path, "re");
        if (!f || fscanf(f, "some avg10=%*s avg60=%*s avg300=%*s total=%llu", &total) != 1) {
                perror(path);
                exit(EXIT_FAILURE);
        }
        fclose(f);
        return total;
}

static void fresh_touch(size_t bytes) {
        volatile uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                return;
        for (size_t at = 0; at < bytes; at += PAGE_BYTES)
                p[at] = 1;
        munmap((void *)p, bytes);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "file", required_argument, NULL, 'f' },
                { "out", required_argument, NULL, 'o' },
                { "mb", required_argument, NULL, 'm' },
                { "fresh", required_argument, NULL, 'k' },
                { 0 },
        };
        const char *file = "/bin/sh", *out_path = "/dev/stdout";
        uint64_t bytes = TOUCH_BYTES, fresh_bytes = 0, first = 0;
        uint64_t due, worst = 0, turns = 0, late = 0, worst_at = 0, begin, end = 0, stalled_at_begin, stalled = 0;
        volatile uint8_t *memory;
        FILE *out;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'f':
                        file = optarg;
                        break;
                case 'o':
                        out_path = optarg;
                        break;
                case 'm':
                        bytes = strtoull(optarg, NULL, 10) << 20;
                        break;
                case 'k':
                        fresh_bytes = strtoull(optarg, NULL, 10) << 10;
                        break;
                default:
                        fputs("probe [--file PATH] [--out PATH] [--mb N] [--fresh KB]\n", stderr);
                        return 2;
                }
        sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_term }, NULL);
        sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_reset }, NULL);
        sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = on_hold }, NULL);
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        out = fopen(out_path, "we");
        if (memory == MAP_FAILED || !out || bytes == 0) {
                perror("probe");
                return EXIT_FAILURE;
        }
        for (size_t at = 0; at < bytes; at += PAGE_BYTES)
                memory[at]++;

        begin = now_usec();
        stalled_at_begin = stalled_usec();
        due = begin + PERIOD_USEC;
        while (!stop) {
                uint64_t done;

                sleep_until_usec(due);
                for (size_t at = 0; at < TOUCH_BYTES; at += PAGE_BYTES)
                        memory[(first + at) % bytes]++;
                first = (first + TOUCH_BYTES) % bytes;
                if (fresh_bytes > 0)
                        fresh_touch(fresh_bytes);
                file_read(file);
                done = now_usec();
                if (done < due) /* a signal cut the sleep short */
                        continue;
                if (!hold && done - due > worst) {
                        worst = done - due;
                        worst_at = due - begin;
                }
                for (; due <= done; due += PERIOD_USEC) {
                        turns += !hold;
                        late += !hold && done - due > LATE_USEC;
                }
                if (reset) {
                        reset = 0;
                        worst = turns = late = worst_at = 0;
                        begin = now_usec();
                        stalled_at_begin = stalled_usec();
                }
                if (hold && end == 0) {
                        end = now_usec();
                        stalled = stalled_usec() - stalled_at_begin;
                }
        }
        if (end == 0) {
                end = now_usec();
                stalled = stalled_usec() - stalled_at_begin;
        }
        fprintf(out, "{\"turns\":%llu,\"worst_ms\":%llu,\"worst_at_ms\":%llu,\"late_permille\":%llu,\"stall_permille\":%.1f}\n",
                (unsigned long long)turns, (unsigned long long)worst / 1000, (unsigned long long)worst_at / 1000,
                (unsigned long long)(turns ? late * 1000 / turns : 0), (double)stalled * 1000 / (double)(end - begin));
        return fclose(out) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
