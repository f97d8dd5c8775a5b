/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * churn - many short processes, each with some memory of its own, like a parallel build
 *
 * churn --seconds S --jobs N --mb M --life MS     Each child takes up to M MB (2^20 bytes; half of it at least, so
 * that they differ), works on it for MS milliseconds and ends. Prints how many ran and how many were killed as JSON.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"

static _Noreturn void work(uint64_t bytes, uint64_t life_msec) {
        uint64_t end = now_msec() + life_msec;
        volatile uint8_t *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (p == MAP_FAILED)
                _exit(EXIT_FAILURE);
        do
                for (uint64_t at = 0; at < bytes; at += 4096)
                        p[at] = (uint8_t)(p[at] * 5 + at);
        while (now_msec() < end);
        _exit(EXIT_SUCCESS);
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "seconds", required_argument, NULL, 's' },
                { "jobs", required_argument, NULL, 'j' },
                { "mb", required_argument, NULL, 'm' },
                { "life", required_argument, NULL, 'l' },
                { 0 },
        };
        uint64_t seconds = 10, jobs = 2, mb = 10, life_msec = 200, end, ran = 0, killed = 0, running = 0;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 's':
                        seconds = strtoull(optarg, NULL, 10);
                        break;
                case 'j':
                        jobs = strtoull(optarg, NULL, 10);
                        break;
                case 'm':
                        mb = strtoull(optarg, NULL, 10);
                        break;
                case 'l':
                        life_msec = strtoull(optarg, NULL, 10);
                        break;
                default:
                        fputs("churn --seconds S --jobs N --mb M --life MS\n", stderr);
                        return 2;
                }
        end = now_msec() + seconds * 1000;
        while (running > 0 || now_msec() < end) {
                int status;

                if (running < jobs && now_msec() < end) {
                        uint64_t bytes = (mb << 19) + ran % 8 * (mb << 19) / 7;
                        pid_t pid = fork();

                        if (pid == 0)
                                work(bytes, life_msec);
                        if (pid > 0) {
                                running++;
                                ran++;
                                continue;
                        }
                        perror("churn: fork");
                }
                if (wait(&status) < 0) {
                        if (errno == EINTR)
                                continue;
                        break;
                }
                running--;
                killed += WIFSIGNALED(status);
        }
        printf("{\"ran\":%llu,\"killed\":%llu}\n", (unsigned long long)ran, (unsigned long long)killed);
        return killed ? EXIT_FAILURE : EXIT_SUCCESS;
}
