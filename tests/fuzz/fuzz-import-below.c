/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A dump of below. */

#include "import-check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        return import_check(import_below_text, data, size);
}
