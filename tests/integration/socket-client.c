/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What a shell cannot do with local sockets.
 *
 *   socket-client send PATH        standard input to the stream socket, what comes back to standard output
 *   socket-client hold PATH N SEC  N connections that say a little and then nothing
 *   socket-client notify PATH SEC  receives sd_notify() datagrams and prints them
 */

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

#include "base/macros.h"

static struct sockaddr_un address_of(const char *path) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
        return a;
}

static int connect_to(const char *path) {
        struct sockaddr_un a = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
                return fd_close(fd);
        return fd;
}

static int do_send(const char *path) {
        char buf[4096];
        size_t n;
        ssize_t r;

        int fd = connect_to(path);
        if (fd < 0)
                return 1;
        while ((n = fread(buf, 1, sizeof(buf), stdin)) > 0)
                if (send(fd, buf, n, MSG_NOSIGNAL) < 0)
                        break;
        while ((r = recv(fd, buf, sizeof(buf), 0)) > 0)
                (void)fwrite(buf, 1, (size_t)r, stdout);
        return 0;
}

static int do_hold(const char *path, int n, int seconds) {
        for (int i = 0; i < n; i++) {
                int fd = connect_to(path);
                if (fd < 0)
                        return 1;
                (void)send(fd, "{\"verb\":", 8, MSG_NOSIGNAL);
        }
        (void)sleep((unsigned)seconds);
        return 0;
}

static int do_notify(const char *path, int seconds) {
        struct sockaddr_un a = address_of(path);
        const struct timeval timeout = { .tv_usec = 100000 };
        char buf[4096];

        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
                return 1;
        for (time_t end = time(NULL) + seconds; time(NULL) < end;) {
                ssize_t n = recv(fd, buf, sizeof(buf), 0);
                if (n > 0) {
                        (void)printf("%.*s\n", (int)n, buf);
                        (void)fflush(stdout);
                }
        }
        return 0;
}

int main(int argc, char *argv[]) {
        if (argc == 3 && strcmp(argv[1], "send") == 0)
                return do_send(argv[2]);
        if (argc == 5 && strcmp(argv[1], "hold") == 0)
                return do_hold(argv[2], atoi(argv[3]), atoi(argv[4]));
        if (argc == 4 && strcmp(argv[1], "notify") == 0)
                return do_notify(argv[2], atoi(argv[3]));
        return 2;
}
