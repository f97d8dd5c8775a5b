/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "input.h"
#include "sense/proc-connector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        ProcEvent e = { .kind = PROC_EVENT_FORKED, .pid = -4711 };
        /* of just this size, so that a read beyond it is found */
        _cleanup_free_ void *message = malloc(size ? size : 1);

        REQUIRE(message);
        if (size > 0)
                memcpy(message, data, size);
        int r = proc_connector_parse(message, size, &e);
        REQUIRE(r == 0 || r == PROC_CONNECTOR_E_OTHER || r == -EBADMSG);
        if (r != 0)
                REQUIRE(e.pid == -4711);
        else
                REQUIRE(e.kind == PROC_EVENT_ANSWER ? e.error <= 0 : e.pid > 0);
        return 0;
}
