/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The built-in policy: the files of conf/cgroups.d that conf/meson.build names, compiled in as text and read by the
 * same parser as any other, as the directory of lowest priority. Their one place is conf/.
 */

#include "base/macros.h"

typedef struct BuiltinFile {
        const char *path; /* "cgroups.d/90-host.conf" */
        const char *text;
} BuiltinFile;

const BuiltinFile *builtin_files(size_t *ret_n);
