/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy that ends in NUL, of exactly the size: parsers of text are called with nothing else. */
static inline char *input_text(const uint8_t *data, size_t size) {
        char *text = malloc(size + 1);
        if (!text)
                abort();
        memcpy(text, data, size);
        text[size] = '\0';
        return text;
}

/* Unlike assert(), whatever the build. */
#define REQUIRE(x)               \
        do {                     \
                if (!(x))        \
                        abort(); \
        } while (0)
