/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * referee - watch one cgroup until it is empty or the time is up, and write down what happened when
 *
 * It is no load and must not suffer from one: its few pages are locked and it only reads files that it keeps open.
 * (A shell that calls systemctl in a loop would add to the very pressure that is measured, and be late itself.)
 *
 * referee --cgroup PATH --seconds S [--until FILE]
 *
 * The clock starts when PATH is populated. It ends with the cgroup, after S seconds, or as soon as FILE exists, which
 * counts as the end of the cgroup. It prints one line of JSON:
 *   dead            the cgroup became empty, or went away, within S seconds
 *   dead_ms         after so many milliseconds (null: never)
 *   onset_ms        the first moment at which, over the second before it, some task of the host had been stalled on
 *                   memory for a tenth of the time (null: never); where pressure begins, a notion of ours
 *   full_ms         how long all tasks had been stalled on memory at once, from the start to the end
 *   kernel_oom_kills  by how much oom_kill in /proc/vmstat rose
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"

#define PERIOD_MSEC 20
#define APPEAR_MSEC 30000
#define ONSET_SLOTS (1000 / PERIOD_MSEC)
#define ONSET_USEC  100000

static bool file_read(int fd, char *buffer, size_t size) {
        ssize_t n = pread(fd, buffer, size - 1, 0);

        if (n < 0)
                return false;
        buffer[n] = 0;
        return true;
}

/* The number behind the nth "key", UINT64_MAX where there is none. */
static uint64_t number_after(const char *text, const char *key) {
        const char *p = text ? strstr(text, key) : NULL;

        return p ? strtoull(p + strlen(key), NULL, 10) : UINT64_MAX;
}

static void pressure_read(int fd, uint64_t *ret_some_usec, uint64_t *ret_full_usec) {
        char buffer[256];

        if (!file_read(fd, buffer, sizeof(buffer)))
                return;
        *ret_some_usec = number_after(buffer, "total=");
        *ret_full_usec = number_after(strstr(buffer, "full"), "total=");
}

static uint64_t oom_kills_read(int fd) {
        static char buffer[16384];

        return file_read(fd, buffer, sizeof(buffer)) ? number_after(buffer, "\noom_kill ") : UINT64_MAX;
}

static bool is_populated(int fd) {
        char buffer[256];

        return file_read(fd, buffer, sizeof(buffer)) && number_after(buffer, "populated ") == 1;
}

static void print_or_null(const char *key, uint64_t value) {
        if (value == UINT64_MAX)
                printf("\"%s\":null,", key);
        else
                printf("\"%s\":%llu,", key, (unsigned long long)value);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "cgroup", required_argument, NULL, 'c' },
                { "seconds", required_argument, NULL, 's' },
                { "until", required_argument, NULL, 'u' },
                { 0 },
        };
        uint64_t some = 0, full = 0, full_begin, kills_begin, begin, seconds = 60, slot = 0;
        uint64_t past[ONSET_SLOTS] = { 0 }, dead_msec = UINT64_MAX, onset_msec = UINT64_MAX;
        int events_fd = -1, pressure_fd, vmstat_fd, c;
        const char *cgroup = NULL, *until = NULL;
        char path[4096];

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'c':
                        cgroup = optarg;
                        break;
                case 's':
                        seconds = strtoull(optarg, NULL, 10);
                        break;
                case 'u':
                        until = optarg;
                        break;
                default:
                        cgroup = NULL;
                        optind = argc;
                }
        pressure_fd = open("/proc/pressure/memory", O_RDONLY | O_CLOEXEC);
        vmstat_fd = open("/proc/vmstat", O_RDONLY | O_CLOEXEC);
        if (!cgroup || pressure_fd < 0 || vmstat_fd < 0) {
                fputs("referee --cgroup PATH --seconds S [--until FILE] (on a kernel with PSI)\n", stderr);
                return 2;
        }
        snprintf(path, sizeof(path), "%s/cgroup.events", cgroup);
        if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
                perror("referee: mlockall");
        kills_begin = oom_kills_read(vmstat_fd);

        for (begin = now_msec(); now_msec() - begin < APPEAR_MSEC; usleep(PERIOD_MSEC * 1000)) {
                if (events_fd < 0)
                        events_fd = open(path, O_RDONLY | O_CLOEXEC);
                if (events_fd >= 0 && is_populated(events_fd))
                        break;
        }
        begin = now_msec();
        pressure_read(pressure_fd, &some, &full);
        full_begin = full;

        for (;; usleep(PERIOD_MSEC * 1000)) {
                uint64_t elapsed = now_msec() - begin;

                pressure_read(pressure_fd, &some, &full);
                if (onset_msec == UINT64_MAX && slot >= ONSET_SLOTS && some - past[slot % ONSET_SLOTS] >= ONSET_USEC)
                        onset_msec = elapsed;
                past[slot++ % ONSET_SLOTS] = some;
                if (!is_populated(events_fd) || (until && access(until, F_OK) == 0)) {
                        dead_msec = elapsed;
                        break;
                }
                if (elapsed > seconds * 1000)
                        break;
        }
        printf("{\"dead\":%s,", dead_msec != UINT64_MAX ? "true" : "false");
        print_or_null("dead_ms", dead_msec);
        print_or_null("onset_ms", onset_msec);
        printf("\"full_ms\":%llu,\"kernel_oom_kills\":%llu}\n", (unsigned long long)(full - full_begin) / 1000,
               (unsigned long long)(oom_kills_read(vmstat_fd) - kills_begin));
        return EXIT_SUCCESS;
}
