/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mix - a working set of files beside memory that is mostly cold: what is worth more, cache or anonymous pages?
 *
 * Each operation reads 64 KB of the files at random, through the page cache. One in --every takes instead a
 * page of the anonymous memory: nine times out of ten of a tenth of it, else of all of it. Half of each page is noise,
 * half is zeroes, so that a compressing swap gets two into one. Runs until it is ended; --progress counts operations.
 *
 * mix --anon-mb N [--every N] [--threads N] --progress PATH FILE...
 */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "progress.h"

#define PAGE_BYTES  4096UL
#define BLOCK_BYTES 65536UL
#define FILES_MAX   64

static uint8_t *anon;
static size_t anon_pages;
static unsigned every = 8;
static int file_fds[FILES_MAX];
static uint64_t file_blocks[FILES_MAX];
static unsigned n_files;
static uint64_t *progress;

static uint64_t noise_next(uint64_t *state) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        return *state;
}

static _Noreturn void *work(void *arg) {
        uint64_t state = 0x9e3779b97f4a7c15ULL * ((uintptr_t)arg + 1);
        uint8_t block[BLOCK_BYTES];

        for (;;) {
                uint64_t r = noise_next(&state) >> 16;

                if (anon_pages > 0 && r % every == 0) {
                        size_t among = r / every % 10 ? anon_pages / 10 : anon_pages;

                        ((volatile uint8_t *)anon)[noise_next(&state) % among * PAGE_BYTES]++;
                } else {
                        unsigned f = (unsigned)(noise_next(&state) % n_files);

                        if (pread(file_fds[f], block, sizeof(block), (off_t)(r % file_blocks[f] * BLOCK_BYTES)) < 0) {
                                perror("mix: pread");
                                exit(EXIT_FAILURE);
                        }
                }
                progress_add(progress, 1);
        }
}

static void anon_fill(void) {
        uint64_t state = 88172645463325252ULL, noise[PAGE_BYTES / 2 / sizeof(uint64_t)];

        anon = mmap(NULL, anon_pages * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (anon == MAP_FAILED) {
                perror("mix: mmap");
                exit(EXIT_FAILURE);
        }
        (void)madvise(anon, anon_pages * PAGE_BYTES, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < sizeof(noise) / sizeof(noise[0]); i++)
                noise[i] = noise_next(&state);
        /* For a compressor that works page by page the same noise is as good; the stamp keeps pages apart. */
        for (size_t i = 0; i < anon_pages; i++) {
                noise[0] = noise_next(&state);
                memcpy(anon + i * PAGE_BYTES, noise, sizeof(noise));
        }
}

static void file_take(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)BLOCK_BYTES) {
                fprintf(stderr, "mix: %s: no file to read\n", path);
                exit(EXIT_FAILURE);
        }
        /* Readahead would turn one random read into many that nobody asked for. */
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
        file_blocks[n_files] = (uint64_t)st.st_size / BLOCK_BYTES;
        file_fds[n_files++] = fd;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "anon-mb", required_argument, NULL, 'a' },
                { "every", required_argument, NULL, 'e' },
                { "threads", required_argument, NULL, 't' },
                { "progress", required_argument, NULL, 'p' },
                { 0 },
        };
        const char *progress_path = NULL;
        unsigned threads = 1;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'a':
                        anon_pages = strtoull(optarg, NULL, 10) << 8;
                        break;
                case 'e':
                        every = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case 't':
                        threads = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case 'p':
                        progress_path = optarg;
                        break;
                default:
                        optind = argc;
                }
        if (optind >= argc || !progress_path || every == 0 || threads == 0) {
                fputs("mix --anon-mb N [--every N] [--threads N] --progress PATH FILE...\n", stderr);
                return 2;
        }
        for (int i = optind; i < argc && n_files < FILES_MAX; i++)
                file_take(argv[i]);
        anon_fill();
        progress = progress_open(progress_path);
        for (uintptr_t i = 1; i < threads; i++) {
                pthread_t thread;

                if (pthread_create(&thread, NULL, work, (void *)i) != 0)
                        return EXIT_FAILURE;
        }
        work(NULL);
}
