/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/control.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/text.h"

/* Strangers may ask as often as a person with a watch(1) could, all of them together. */
#define CONNECTIONS_PER_SEC 250
#define STRANGERS_BURST      20
#define STRANGERS_EVERY_USEC (50 * USEC_PER_MSEC)

static const char answer_busy[] = "{\"ok\":false,\"error\":\"busy\",\"message\":\"too many clients, try again\"}\n";
static const char answer_long[] = "{\"ok\":false,\"error\":\"bad-request\",\"message\":\"the request is too long\"}\n";

typedef struct Client {
        Control *control;
        int fd; /* -EBADF: the slot is free */
        bool is_privileged;
        bool is_waiting; /* for control_answer_waiting() */
        sd_event_source *io, *timer;
        size_t n_in;
        char *out; /* NULL while the request is being read */
        size_t n_out, sent;
        char in[CONTROL_REQUEST_MAX + 1];
} Client;

struct Control {
        sd_event *event;
        sd_event_source *io;
        int fd;
        int64_t priority;
        struct sockaddr_un address;
        ControlHandler handler;
        void *userdata;
        ControlStats stats;
        uint64_t strangers_usec; /* each pushes it ahead; not further than the burst */
        Client *clients[CONTROL_CLIENTS_MAX];
};

static void client_close(Client *c) {
        c->io = sd_event_source_disable_unref(c->io);
        c->timer = sd_event_source_disable_unref(c->timer);
        c->fd = fd_close(c->fd);
        free(c->out);
        c->out = NULL;
        c->is_waiting = false;
        c->n_in = c->n_out = c->sent = 0;
}

static int on_client_timeout(sd_event_source *s, uint64_t usec, void *userdata) {
        Client *c = userdata;
        (void)s;
        (void)usec;
        c->control->stats.n_timeouts++;
        client_close(c);
        return 0;
}

/* Sends what the socket takes; the rest when it polls writable. */
static void client_send(Client *c) {
        while (c->sent < c->n_out) {
                ssize_t n = send(c->fd, c->out + c->sent, c->n_out - c->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN) {
                        if (sd_event_source_set_io_events(c->io, EPOLLOUT) < 0)
                                break;
                        return;
                }
                if (n <= 0)
                        break;
                c->sent += (size_t)n;
        }
        client_close(c);
}

/* Nothing more is read from it; that it hangs up is seen when it is answered, or when its time is over. */
static void client_wait(Client *c) {
        int r = sd_event_source_set_io_events(c->io, 0);
        if (r >= 0)
                r = sd_event_source_set_time_relative(c->timer, CONTROL_LATER_USEC);
        if (r < 0)
                client_close(c);
        else
                c->is_waiting = true;
}

static void client_answer(Client *c, char *answer) {
        if (answer == CONTROL_LATER) {
                client_wait(c);
                return;
        }
        c->is_waiting = false;
        c->out = answer;
        if (!answer) {
                client_close(c);
                return;
        }
        c->n_out = strlen(answer);
        client_send(c);
}

static void client_receive(Client *c) {
        ssize_t n = recv(c->fd, c->in + c->n_in, CONTROL_REQUEST_MAX - c->n_in, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
                return;
        if (n <= 0) {
                client_close(c);
                return;
        }
        char *end = memchr(c->in + c->n_in, '\n', (size_t)n);
        c->n_in += (size_t)n;
        if (end) {
                *end = '\0';
                client_answer(c, c->control->handler(c->control->userdata, c->in, (size_t)(end - c->in),
                                                     c->is_privileged));
        } else if (c->n_in == CONTROL_REQUEST_MAX)
                client_answer(c, strdup(answer_long));
}

static int on_client_io(sd_event_source *s, int fd, uint32_t events, void *userdata) {
        Client *c = userdata;
        (void)s;
        (void)fd;
        if (c->out)
                client_send(c);
        else if (c->is_waiting) {
                /* Only EPOLLHUP and EPOLLERR come without being asked for: nobody is there any more. */
                client_close(c);
        } else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                client_receive(c);
        return 0;
}

static int client_open(Control *control, Client *c, int fd, bool is_privileged) {
        c->control = control;
        c->fd = fd;
        c->is_privileged = is_privileged;
        int r = sd_event_add_io(control->event, &c->io, fd, EPOLLIN, on_client_io, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->io, control->priority);
        if (r >= 0)
                r = sd_event_add_time_relative(control->event, &c->timer, CLOCK_MONOTONIC, CONTROL_TIMEOUT_USEC,
                                               USEC_PER_SEC / 4, on_client_timeout, c);
        if (r >= 0)
                r = sd_event_source_set_priority(c->timer, control->priority);
        return r;
}

/* Strangers that connect and say nothing must not keep root out: the last slots are not for them. */
static Client *slot_find(Control *c, bool is_privileged) {
        size_t n = is_privileged ? CONTROL_CLIENTS_MAX : CONTROL_CLIENTS_MAX - CONTROL_CLIENTS_RESERVED;

        for (size_t i = 0; i < n; i++) {
                if (!c->clients[i]) {
                        c->clients[i] = calloc(1, sizeof(Client));
                        if (c->clients[i])
                                c->clients[i]->fd = -EBADF;
                }
                if (c->clients[i] && c->clients[i]->fd < 0)
                        return c->clients[i];
        }
        return NULL;
}

static bool stranger_may_ask(Control *c) {
        uint64_t now;

        if (sd_event_now(c->event, CLOCK_MONOTONIC, &now) < 0)
                return false;
        c->strangers_usec = MAX(c->strangers_usec, u64_sub_sat(now, STRANGERS_BURST * STRANGERS_EVERY_USEC));
        if (c->strangers_usec > now)
                return false;
        c->strangers_usec += STRANGERS_EVERY_USEC;
        return true;
}

static int on_connection(sd_event_source *s, int listen_fd, uint32_t events, void *userdata) {
        Control *c = userdata;
        struct ucred peer;
        socklen_t size = sizeof(peer);
        (void)s;
        (void)events;

        _cleanup_close_ int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
                return 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
                return 0;
        bool is_privileged = peer.uid == 0 || peer.uid == geteuid();
        Client *client = is_privileged || stranger_may_ask(c) ? slot_find(c, is_privileged) : NULL;
        if (!client) {
                c->stats.n_refused++;
                (void)send(fd, answer_busy, strlen(answer_busy), MSG_DONTWAIT | MSG_NOSIGNAL);
                return 0;
        }
        c->stats.n_clients++;
        if (client_open(c, client, TAKE_FD(fd), is_privileged) < 0)
                client_close(client);
        return 0;
}

static int control_listen(Control *c, const char *dir) {
        TextBuf b = TEXT_BUF(c->address.sun_path);

        c->address.sun_family = AF_UNIX;
        text_append(&b, dir);
        text_append(&b, "/control");
        if (b.truncated)
                return -ENAMETOOLONG;
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0)
                return -errno;
        if (unlink(c->address.sun_path) < 0 && errno != ENOENT)
                return -errno;
        if (bind(c->fd, (struct sockaddr *)&c->address, sizeof(c->address)) < 0)
                return -errno;
        /* Everybody may ask for the status; the rest is decided by SO_PEERCRED. */
        if (chmod(c->address.sun_path, 0666) < 0)
                return -errno;
        return listen(c->fd, CONTROL_CLIENTS_MAX) < 0 ? -errno : 0;
}

/**
 * control_new() - open the control socket
 * @event:    borrowed; must outlive the object
 * @dir:      the runtime directory, owned by us alone (runtime_dir_acquire())
 * @priority: of the event sources; lower than that of the ticks
 *
 * Return: 0 or negative errno from socket(), bind(), chmod(), listen() or sd-event.
 */
int control_new(sd_event *event, const char *dir, int64_t priority, ControlHandler handler, void *userdata,
                Control **ret) {
        _cleanup_(control_freep) Control *c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        *c = (Control){ .event = event, .fd = -EBADF, .priority = priority, .handler = handler, .userdata = userdata };
        int r = control_listen(c, dir);
        if (r < 0)
                return r;
        r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_connection, c);
        /* A connection that accept4() has no descriptor or memory for stays ready: not a reason to spin. */
        if (r >= 0)
                r = sd_event_source_set_ratelimit(c->io, USEC_PER_SEC, CONNECTIONS_PER_SEC);
        if (r < 0)
                return r;
        r = sd_event_source_set_priority(c->io, priority);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

Control *control_free(Control *c) {
        if (!c)
                return NULL;
        for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
                if (c->clients[i])
                        client_close(c->clients[i]);
                free(c->clients[i]);
        }
        c->io = sd_event_source_disable_unref(c->io);
        if (c->fd >= 0) {
                c->fd = fd_close(c->fd);
                (void)unlink(c->address.sun_path);
        }
        free(c);
        return NULL;
}

unsigned control_answer_waiting(Control *c, const char *line) {
        unsigned n = 0;

        for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
                if (c->clients[i] && c->clients[i]->is_waiting) {
                        client_answer(c->clients[i], strdup(line));
                        n++;
                }
        return n;
}

const ControlStats *control_stats(const Control *c) {
        return &c->stats;
}
