/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * odd - a process that parsers trip over: its leader is a zombie, its threads are alive and hold memory
 *
 * The main thread ends by itself; /proc/PID/stat then says Z, statm and cmdline of the leader are empty, and yet the
 * process lives in its other thread and keeps every page.
 *
 * odd MB
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void *hold(void *arg) {
        size_t bytes = (size_t)(uintptr_t)arg << 20;
        char *p = malloc(bytes);

        if (p)
                memset(p, 1, bytes);
        for (;;)
                pause();
}

int main(int argc, char **argv) {
        uintptr_t mb = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
        pthread_t thread;

        if (pthread_create(&thread, NULL, hold, (void *)mb) != 0)
                return EXIT_FAILURE;
        pthread_exit(NULL);
}
