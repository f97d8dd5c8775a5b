/* SPDX-License-Identifier: GPL-2.0-or-later */

/* An answer of Prometheus. */

#include "import-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        return import_check(import_prometheus_text, data, size);
}
