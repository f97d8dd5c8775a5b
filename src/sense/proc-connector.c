/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * The proc connector: a netlink multicast group to which the kernel sends a message for every fork, exec, exit and
 * change of identity. Ends are not taken: that of the first thread says nothing of the others. It needs the initial
 * network, pid and user name space and, before Linux 6.6, CAP_NET_ADMIN.
 *
 * Where it may not be used one does not always learn: outside the initial pid name space the request is dropped
 * without a word. So only the answer to it says that events will come.
 *
 * Of a storm of forks some are lost (-ENOBUFS): then all processes have to be looked at.
 */

#include "sense/proc-connector.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

/* Some thousand events. Without it the kernel's default is there, 208 KiB. */
#define RECEIVE_BYTES (1 << 20)

static int listen_request(int fd) {
        const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
        const enum proc_cn_mcast_op op = PROC_CN_MCAST_LISTEN;
        const struct cn_msg connector = { .id = { CN_IDX_PROC, CN_VAL_PROC }, .len = sizeof(op) };
        char request[NLMSG_HDRLEN + sizeof(connector) + sizeof(op)];
        const struct nlmsghdr header = { .nlmsg_len = sizeof(request), .nlmsg_type = NLMSG_DONE };

        memcpy(request, &header, sizeof(header));
        memcpy(request + NLMSG_HDRLEN, &connector, sizeof(connector));
        memcpy(request + NLMSG_HDRLEN + sizeof(connector), &op, sizeof(op));
        ssize_t n = sendto(fd, request, sizeof(request), 0, (const struct sockaddr *)&kernel, sizeof(kernel));
        return n < 0 ? -errno : 0;
}

/**
 * proc_connector_open() - ask for the events of all processes
 * @ret: a non-blocking socket, owned by the caller; readable when there is an event
 *
 * Success does not mean that events will come: wait for PROC_EVENT_ANSWER.
 *
 * Return: 0; -EPERM, -ECONNREFUSED, -EPROTONOSUPPORT, -EAFNOSUPPORT where it is not allowed or not there; other
 *         negative errno.
 * Source: Documentation/driver-api/connector.rst (Linux 2.6.15).
 */
int proc_connector_open(int *ret) {
        const struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
        const int bytes = RECEIVE_BYTES;

        _cleanup_close_ int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
        if (fd < 0)
                return -errno;
        if (bind(fd, (const struct sockaddr *)&group, sizeof(group)) < 0)
                return -errno;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
        int r = listen_request(fd);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

static int event_take(const struct proc_event *e, uint32_t what, ProcEvent *ret) {
        ProcEvent event = { .kind = PROC_EVENT_CHANGED };

        switch (what) {
        case PROC_EVENT_NONE:
                event.kind = PROC_EVENT_ANSWER;
                event.error = e->event_data.ack.err <= INT32_MAX ? -(int)e->event_data.ack.err : -EBADMSG;
                break;
        case PROC_EVENT_FORK:
                if (e->event_data.fork.child_pid != e->event_data.fork.child_tgid)
                        return PROC_CONNECTOR_E_OTHER; /* a thread */
                event.kind = PROC_EVENT_FORKED;
                event.pid = e->event_data.fork.child_tgid;
                event.ppid = e->event_data.fork.parent_tgid;
                break;
        case PROC_EVENT_EXEC:
                event.pid = e->event_data.exec.process_tgid;
                break;
        case PROC_EVENT_UID:
                event.pid = e->event_data.id.process_tgid;
                break;
        case PROC_EVENT_COMM:
                if (e->event_data.comm.process_pid != e->event_data.comm.process_tgid)
                        return PROC_CONNECTOR_E_OTHER; /* a thread's name is no process's */
                event.pid = e->event_data.comm.process_tgid;
                break;
        default:
                return PROC_CONNECTOR_E_OTHER;
        }
        if (event.kind != PROC_EVENT_ANSWER && event.pid <= 0)
                return -EBADMSG;
        *ret = event;
        return 0;
}

/**
 * proc_connector_parse() - one datagram
 * @ret: untouched unless 0 is returned
 *
 * Return: 0; PROC_CONNECTOR_E_OTHER for what is of no interest; -EBADMSG where it is not understood.
 */
int proc_connector_parse(const void *message, size_t n, ProcEvent *ret) {
        struct nlmsghdr header;
        struct cn_msg connector;
        struct proc_event event = { 0 };
        const char *p = message;

        if (n < sizeof(header) + sizeof(connector))
                return -EBADMSG;
        memcpy(&header, p, sizeof(header));
        memcpy(&connector, p + NLMSG_HDRLEN, sizeof(connector));
        if (header.nlmsg_len > n || header.nlmsg_len < NLMSG_HDRLEN + sizeof(connector))
                return -EBADMSG;
        if (connector.id.idx != CN_IDX_PROC || connector.id.val != CN_VAL_PROC)
                return PROC_CONNECTOR_E_OTHER;
        if (connector.len > header.nlmsg_len - NLMSG_HDRLEN - sizeof(connector))
                return -EBADMSG;
        /* An older kernel's may be shorter; what all have is enough. */
        if (connector.len < offsetof(struct proc_event, event_data) + sizeof(event.event_data.fork))
                return -EBADMSG;
        memcpy(&event, p + NLMSG_HDRLEN + sizeof(connector), MIN((size_t)connector.len, sizeof(event)));
        return event_take(&event, (uint32_t)event.what, ret);
}

/**
 * proc_connector_read() - the next event
 *
 * Only the kernel is believed: with CAP_NET_ADMIN others could send to the group, too.
 *
 * Return: as proc_connector_parse(); -EAGAIN when there is none; -ENOBUFS when some were lost.
 */
int proc_connector_read(int fd, ProcEvent *ret) {
        char buf[1024] __attribute__((aligned(8)));
        struct sockaddr_nl from = { 0 };
        socklen_t size = sizeof(from);

        ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
        if (n < 0)
                return errno == EINTR ? PROC_CONNECTOR_E_OTHER : -errno;
        if (size < sizeof(from) || from.nl_family != AF_NETLINK || from.nl_pid != 0)
                return PROC_CONNECTOR_E_OTHER;
        return proc_connector_parse(buf, (size_t)n, ret);
}
