/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stream - read files through the page cache at a steady rate, again and again
 *
 * What a backup, a media server or a copy does: the cache is always full, reclaim is always at work, and nobody is in
 * need. An OOM daemon that kills here has mistaken reclaim for shortage.
 *
 * stream --seconds S [--rate MB] FILE...     1 MB is 2^20 bytes. Prints what it got through as JSON.
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"

#define BUFFER_BYTES (256UL << 10)

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "seconds", required_argument, NULL, 's' },
                { "rate", required_argument, NULL, 'r' },
                { 0 },
        };
        static char buffer[BUFFER_BYTES];
        uint64_t seconds = 10, rate_mb = 0, begin, end, bytes = 0, now;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 's':
                        seconds = strtoull(optarg, NULL, 10);
                        break;
                case 'r':
                        rate_mb = strtoull(optarg, NULL, 10);
                        break;
                default:
                        optind = argc;
                }
        if (optind >= argc) {
                fputs("stream --seconds S [--rate MB] FILE...\n", stderr);
                return 2;
        }
        begin = now_msec();
        end = begin + seconds * 1000;
        for (int i = optind; (now = now_msec()) < end; i = i + 1 < argc ? i + 1 : optind) {
                int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
                ssize_t n;

                if (fd < 0) {
                        perror(argv[i]);
                        return EXIT_FAILURE;
                }
                while ((now = now_msec()) < end && (n = read(fd, buffer, sizeof(buffer))) > 0) {
                        bytes += (uint64_t)n;
                        /* Ahead of the clock: sleep until the clock has caught up. */
                        if (rate_mb && bytes * 1000 / (rate_mb << 20) > now - begin)
                                usleep(2000);
                }
                close(fd);
        }
        printf("{\"mb\":%llu,\"mb_per_second\":%llu}\n", (unsigned long long)(bytes >> 20),
               (unsigned long long)((bytes >> 20) * 1000 / (now_msec() - begin)));
        return EXIT_SUCCESS;
}
