/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hog - a program that takes memory, as fast and as much as it is told
 *
 * The pages are private, anonymous and hold noise: a compressing swap (zram) gains nothing from them, and the kernel
 * cannot drop them. The hog never locks memory. Growth follows the wall clock, so that "60 MB/s" means the same on a
 * slow emulated CPU; what it could not take while it was stalled it makes up for at most CATCH_UP_MSEC long, because
 * a leak in a real program does not remember what it missed either.
 *
 * 1 MB is 2^20 bytes here.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "progress.h"

#define PAGE_BYTES    4096UL
#define CHUNK_BYTES   (4UL << 20)
#define CHUNK_PAGES   (CHUNK_BYTES / PAGE_BYTES)
#define CHUNKS_MAX    16384U /* 64 GiB */
#define TICK_MSEC     10
#define CATCH_UP_MSEC 100

static uint8_t *chunks[CHUNKS_MAX];
static size_t n_pages;

static uint64_t arg_rate_mb, arg_max_mb, arg_fork_rate_mb, arg_fork_max_mb;
static unsigned arg_forks, arg_walkers = 1;
static bool arg_touch_again, arg_allow_thp;
static const char *arg_ready;
static uint64_t *progress;

static const uint8_t *files[64];
static size_t file_bytes[64];
static unsigned n_files;

static uint64_t noise_state = 0x9e3779b97f4a7c15ULL;
static uint64_t noise_page[PAGE_BYTES / sizeof(uint64_t)];

static uint64_t noise_next(void) {
        noise_state ^= noise_state << 13;
        noise_state ^= noise_state >> 7;
        noise_state ^= noise_state << 17;
        return noise_state;
}

static void sleep_msec(unsigned msec) {
        nanosleep(&(struct timespec){ .tv_sec = msec / 1000, .tv_nsec = (long)(msec % 1000) * 1000000 }, NULL);
}

static uint8_t *page_at(size_t index) {
        return chunks[index / CHUNK_PAGES] + index % CHUNK_PAGES * PAGE_BYTES;
}

/* One page more. One template of noise is as good as fresh noise for a compressor that works page by page, and costs
 * a copy instead of 512 rounds of the generator; the stamp keeps pages from being equal. */
static void page_take(void) {
        if (n_pages % CHUNK_PAGES == 0) {
                uint8_t *p = MAP_FAILED;

                if (n_pages / CHUNK_PAGES < CHUNKS_MAX)
                        p = mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                if (p == MAP_FAILED) {
                        perror("hog: mmap");
                        exit(EXIT_FAILURE);
                }
                if (!arg_allow_thp)
                        (void)madvise(p, CHUNK_BYTES, MADV_NOHUGEPAGE);
                chunks[n_pages / CHUNK_PAGES] = p;
        }
        noise_page[0] = noise_next();
        memcpy(page_at(n_pages), noise_page, PAGE_BYTES);
        n_pages++;
        if (progress)
                progress_add(progress, 1);
}

/* Grow to max_mb (0: without end) at rate_mb a second (0: at once). */
static void grow(uint64_t rate_mb, uint64_t max_mb) {
        uint64_t pages_max = max_mb ? max_mb << 8 : UINT64_MAX;
        uint64_t last = now_msec(), credit_bytes = 0;

        if (rate_mb == 0 && max_mb == 0)
                return;
        while (n_pages < pages_max) {
                uint64_t now, elapsed;

                if (rate_mb == 0) {
                        page_take();
                        continue;
                }
                now = now_msec();
                elapsed = now - last < CATCH_UP_MSEC ? now - last : CATCH_UP_MSEC;
                last = now;
                credit_bytes += elapsed * (rate_mb << 20) / 1000;
                for (; credit_bytes >= PAGE_BYTES && n_pages < pages_max; credit_bytes -= PAGE_BYTES)
                        page_take();
                sleep_msec(TICK_MSEC);
        }
}

/* Walk the whole working set for ever. It is written to, so that a page that was swapped in must be written out again
 * before it can go: the worst case for a slow swap device. Several walkers start at different places. */
static _Noreturn void *walk(void *arg) {
        size_t first = n_pages / arg_walkers * (size_t)(uintptr_t)arg;
        volatile uint8_t sink = 0;

        for (;;) {
                for (size_t i = 0; i < n_pages; i++) {
                        page_at((first + i) % n_pages)[PAGE_BYTES / 2]++;
                        if (progress)
                                progress_add(progress, 1);
                }
                for (unsigned f = 0; f < n_files; f++)
                        for (size_t at = 0; at < file_bytes[f]; at += PAGE_BYTES)
                                sink ^= files[f][at];
                (void)sink;
                if (n_pages == 0 && n_files == 0)
                        sleep_msec(1000);
        }
}

static void adj_set(const char *value) {
        int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, value, strlen(value)) < 0) {
                perror("hog: oom_score_adj");
                exit(EXIT_FAILURE);
        }
        close(fd);
}

static const uint8_t *file_map(const char *path, size_t *ret_bytes) {
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        void *p;

        if (fd < 0 || fstat(fd, &st) < 0 || st.st_size == 0) {
                fprintf(stderr, "hog: %s: %s\n", path, errno ? strerror(errno) : "empty");
                exit(EXIT_FAILURE);
        }
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        if (p == MAP_FAILED) {
                perror("hog: mmap of a file");
                exit(EXIT_FAILURE);
        }
        *ret_bytes = (size_t)st.st_size;
        return p;
}

/* Done, and done well: exit status 0, as of a job that came to its end. */
static void on_alarm(int sig) {
        (void)sig;
        _exit(EXIT_SUCCESS);
}

/* The parent of a fork storm holds nothing itself and outlives its children, as make or a web server would. */
static int storm(void) {
        for (unsigned i = 0; i < arg_forks; i++) {
                pid_t pid = fork();

                if (pid < 0) {
                        perror("hog: fork");
                        break;
                }
                if (pid == 0) {
                        noise_state += i * 0x2545f4914f6cdd1dULL;
                        grow(arg_fork_rate_mb, arg_fork_max_mb);
                        for (;;)
                                pause();
                }
        }
        while (wait(NULL) >= 0 || errno == EINTR)
                ;
        return EXIT_SUCCESS;
}

static void usage(FILE *f) {
        fputs("hog [OPTIONS] [--file PATH ...]\n"
              "  --rate MB       grow by so much a second (default: at once)\n"
              "  --max MB        stop growing there, stay (default: never stop)\n"
              "  --touch-again   then walk over the working set for ever\n"
              "  --walkers N     so many threads at once, default 1\n"
              "  --seconds S     end after so long, with status 0 (default: never)\n"
              "  --file PATH     walk over this file, too; may be repeated\n"
              "  --adj N         own oom_score_adj\n"
              "  --ignore-term   ignore SIGTERM\n"
              "  --thp           allow transparent huge pages\n"
              "  --progress PATH count the pages taken and walked over there (progress.h)\n"
              "  --ready PATH    make this file when --max is reached\n"
              "  --forks N --fork-max MB --fork-rate MB   N children that grow instead of the parent\n",
              f);
}

enum {
        OPT_RATE = 256,
        OPT_MAX,
        OPT_ADJ,
        OPT_TERM,
        OPT_TOUCH,
        OPT_WALKERS,
        OPT_SECONDS,
        OPT_FORKS,
        OPT_FORK_MAX,
        OPT_FORK_RATE,
        OPT_FILE,
        OPT_THP,
        OPT_READY,
        OPT_PROGRESS,
};

static const struct option options[] = {
        { "rate", required_argument, NULL, OPT_RATE },
        { "max", required_argument, NULL, OPT_MAX },
        { "adj", required_argument, NULL, OPT_ADJ },
        { "ignore-term", no_argument, NULL, OPT_TERM },
        { "touch-again", no_argument, NULL, OPT_TOUCH },
        { "walkers", required_argument, NULL, OPT_WALKERS },
        { "seconds", required_argument, NULL, OPT_SECONDS },
        { "forks", required_argument, NULL, OPT_FORKS },
        { "fork-max", required_argument, NULL, OPT_FORK_MAX },
        { "fork-rate", required_argument, NULL, OPT_FORK_RATE },
        { "file", required_argument, NULL, OPT_FILE },
        { "thp", no_argument, NULL, OPT_THP },
        { "ready", required_argument, NULL, OPT_READY },
        { "progress", required_argument, NULL, OPT_PROGRESS },
        { "help", no_argument, NULL, 'h' },
        { 0 },
};

int main(int argc, char **argv) {
        int c;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case OPT_RATE:
                        arg_rate_mb = strtoull(optarg, NULL, 10);
                        break;
                case OPT_MAX:
                        arg_max_mb = strtoull(optarg, NULL, 10);
                        break;
                case OPT_ADJ:
                        adj_set(optarg);
                        break;
                case OPT_TERM:
                        signal(SIGTERM, SIG_IGN);
                        break;
                case OPT_TOUCH:
                        arg_touch_again = true;
                        break;
                case OPT_WALKERS:
                        arg_walkers = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case OPT_SECONDS:
                        signal(SIGALRM, on_alarm);
                        alarm((unsigned)strtoul(optarg, NULL, 10));
                        break;
                case OPT_FORKS:
                        arg_forks = (unsigned)strtoul(optarg, NULL, 10);
                        break;
                case OPT_FORK_MAX:
                        arg_fork_max_mb = strtoull(optarg, NULL, 10);
                        break;
                case OPT_FORK_RATE:
                        arg_fork_rate_mb = strtoull(optarg, NULL, 10);
                        break;
                case OPT_FILE:
                        if (n_files < 64) {
                                files[n_files] = file_map(optarg, &file_bytes[n_files]);
                                n_files++;
                        }
                        break;
                case OPT_THP:
                        arg_allow_thp = true;
                        break;
                case OPT_READY:
                        arg_ready = optarg;
                        break;
                case OPT_PROGRESS:
                        progress = progress_open(optarg);
                        break;
                case 'h':
                        usage(stdout);
                        return EXIT_SUCCESS;
                default:
                        usage(stderr);
                        return 2;
                }
        if (arg_walkers == 0)
                arg_walkers = 1;

        noise_state ^= (uint64_t)getpid() << 32;
        for (size_t i = 0; i < PAGE_BYTES / sizeof(uint64_t); i++)
                noise_page[i] = noise_next();

        if (arg_forks > 0)
                return storm();
        grow(arg_rate_mb, arg_max_mb);
        if (arg_ready)
                close(open(arg_ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        if (arg_touch_again || n_files > 0) {
                for (uintptr_t i = 1; i < arg_walkers; i++) {
                        pthread_t thread;

                        if (pthread_create(&thread, NULL, walk, (void *)i) != 0)
                                return EXIT_FAILURE;
                }
                walk(NULL);
        }
        for (;;)
                pause();
}
