/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The system bus, for one thing: LowMemoryWarning of org.freedesktop.LowMemoryMonitor, which asks programs to shrink
 * (GLib's GMemoryMonitor listens to it, and with it WebKit, GTK and others). We take that name on the bus, so that
 * they believe the signal; where low-memory-monitor has it already, we stay silent.
 *
 * Nothing here waits: connecting, the name and the signal go their way while the loop goes on. A bus that is not
 * there, or goes away, is tried again at a bounded pace.
 */

#include <systemd/sd-event.h>

#include "base/macros.h"
#include "model/snapshot.h"

#define BUS_NAME      "org.freedesktop.LowMemoryMonitor"
#define BUS_PATH      "/org/freedesktop/LowMemoryMonitor"
#define BUS_INTERFACE "org.freedesktop.LowMemoryMonitor"
#define BUS_MEMBER    "LowMemoryWarning"

/* From the first attempt to the name, and how long a trim waits for it. */
#define BUS_CONNECT_USEC   (3 * USEC_PER_SEC)
/* Between attempts: doubled each time up to the second. */
#define BUS_RETRY_USEC     (2 * USEC_PER_SEC)
#define BUS_RETRY_MAX_USEC (120 * USEC_PER_SEC)
/* Trims that wait for the name at once. */
#define BUS_TRIMS_MAX 4

typedef struct BusCallbacks {
        void *userdata;
        /* How a trim has ended: error 0 or, where the name is not ours, -EADDRINUSE, -EACCES, -ENOTCONN, -ETIMEDOUT. */
        void (*answered)(void *userdata, const MeasureStatus *status);
        /* The name is ours (0), or cannot be had. The same error again is not told. */
        void (*changed)(void *userdata, int error);
} BusCallbacks;

typedef struct Bus Bus;

/* Begins to connect at once. Does not fail where there is no bus. */
int bus_new(sd_event *event, int64_t priority, const BusCallbacks *callbacks, Bus **ret);
Bus *bus_free(Bus *b);
DEFINE_TRIVIAL_CLEANUP(Bus, bus_free)
/* Emits LowMemoryWarning(@level). 0: answered() is called, perhaps before this returns; -ENOBUFS. */
int bus_trim(Bus *b, uint64_t measure_id, uint8_t level, uint64_t mono_usec);
