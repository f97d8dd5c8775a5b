/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/client.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/text.h"

/* A daemon that is busy saving the host may take its time, but not for ever. */
#define ANSWER_TIMEOUT_SEC 10
#define ANSWER_MAX         (64u * 1024 * 1024)

static int connect_daemon(struct sockaddr_un *address) {
        const char *dir = getenv("RUNTIME_DIRECTORY");
        const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_SEC };
        TextBuf b = TEXT_BUF(address->sun_path);

        address->sun_family = AF_UNIX;
        text_append(&b, "");
        if (dir && dir[0] == '/')
                text_append_n(&b, dir, strcspn(dir, ":"));
        else
                text_append(&b, "/run/headroom");
        text_append(&b, "/control");
        if (b.truncated)
                return -ENAMETOOLONG;
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return -errno;
        if (connect(fd, (struct sockaddr *)address, sizeof(*address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

static int send_line(int fd, const char *text) {
        size_t n = strlen(text);
        struct iovec iov[] = { { (void *)text, n }, { (void *)"\n", 1 } };
        const struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

        /* A request is far smaller than any socket buffer. */
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        return sent < 0 ? -errno : (size_t)sent == n + 1 ? 0 : -EIO;
}

/* Up to the end of the stream; a daemon that has no room closes after its answer without reading the question. */
static int receive_all(int fd, char **ret) {
        _cleanup_free_ char *buf = NULL;
        size_t n = 0, size = 0;

        for (;;) {
                if (n + 1 >= size) {
                        if (size >= ANSWER_MAX)
                                return -EFBIG;
                        size = size ? 2 * size : 16 * 1024;
                        char *bigger = realloc(buf, size);
                        if (!bigger)
                                return -ENOMEM;
                        buf = bigger;
                }
                ssize_t got = recv(fd, buf + n, size - n - 1, 0);
                if (got < 0 && errno == EINTR)
                        continue;
                if (got < 0 && (errno != ECONNRESET || n == 0))
                        return errno == EAGAIN ? -ETIMEDOUT : -errno;
                if (got <= 0)
                        break;
                n += (size_t)got;
        }
        if (n == 0)
                return -ECONNRESET;
        buf[n] = '\0';
        *ret = TAKE_PTR(buf);
        return 0;
}

static CtlExit say_connect_error(int error, const char *path) {
        if (error == -ENOENT || error == -ECONNREFUSED) {
                (void)fprintf(stderr, "headroomctl: headroomd is not running (nobody answers at %s)\n", path);
                return CTL_EXIT_NOT_RUNNING;
        }
        if (error == -EACCES || error == -EPERM) {
                (void)fprintf(stderr, "headroomctl: %s: not permitted\n", path);
                return CTL_EXIT_NOT_PERMITTED;
        }
        (void)fprintf(stderr, "headroomctl: headroomd does not answer at %s: %s\n", path, strerror(-error));
        return CTL_EXIT_NOT_RUNNING;
}

/* The envelope of an answer: {"ok": ..., "result" or "error" and "message"}. */
static CtlExit unwrap(const char *text, json_t **ret) {
        json_error_t error;
        json_t *answer = json_loads(text, 0, &error);
        CtlExit status = CTL_EXIT_FAILED;

        json_t *result = json_object_get(answer, "result");
        if (json_is_true(json_object_get(answer, "ok")) && result) {
                *ret = json_incref(result);
                status = CTL_EXIT_OK;
        } else {
                const char *key = json_string_value(json_object_get(answer, "error"));
                const char *message = json_string_value(json_object_get(answer, "message"));
                (void)fprintf(stderr, "headroomctl: %s\n",
                              message ? message : "the answer of headroomd was not understood");
                if (key && strcmp(key, "not-permitted") == 0)
                        status = CTL_EXIT_NOT_PERMITTED;
        }
        json_decref(answer);
        return status;
}

CtlExit client_ask(json_t *request, json_t **ret) {
        struct sockaddr_un address = { 0 };
        _cleanup_free_ char *text = json_dumps(request, JSON_COMPACT), *answer = NULL;

        json_decref(request);
        if (!text) {
                (void)fprintf(stderr, "headroomctl: that is no text that can be asked for\n");
                return CTL_EXIT_FAILED;
        }
        _cleanup_close_ int fd = connect_daemon(&address);
        if (fd < 0)
                return say_connect_error(fd, address.sun_path);
        int sent = send_line(fd, text);
        /* Even where sending failed there may be an answer that says why. */
        int r = receive_all(fd, &answer);
        if (r < 0)
                return say_connect_error(sent < 0 ? sent : r, address.sun_path);
        return unwrap(answer, ret);
}
