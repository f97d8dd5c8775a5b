/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/builtin.h"

static const BuiltinFile files[] = {
#include "builtin-text.inc"
};

const BuiltinFile *builtin_files(size_t *ret_n) {
        *ret_n = ARRAY_SIZE(files);
        return files;
}
