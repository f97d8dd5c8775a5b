/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What sadf -j has written. */

#include "import-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        return import_check(import_sar_text, data, size);
}
