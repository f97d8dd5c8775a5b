/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * One INI file, strictly: sections and settings with the place they stand at. The only user of inih.
 * Comments are whole lines that begin with # or ;. Everything inih would cut, join or skip without a
 * word is an error.
 */

#include "base/macros.h"
#include "config/config.h"

/* inih r55 splits longer lines and cuts longer section names. */
#define INI_LINE_BYTES_MAX    198
#define INI_SECTION_BYTES_MAX 49
/* No policy is bigger; whatever is, is not meant for us. */
#define INI_FILE_BYTES_MAX (256 * 1024)

typedef struct IniSection {
        char *name;
        unsigned line;
} IniSection;

typedef struct IniEntry {
        char *section, *key, *value;             /* value: without the white space around it */
        unsigned line, key_column, value_column; /* from 1, in bytes */
} IniEntry;

typedef struct IniFile {
        char *label; /* the path as the operator knows it */
        IniSection *sections;
        size_t n_sections;
        IniEntry *entries; /* in the order of the file */
        size_t n_entries;
} IniFile;

int ini_file_parse(const char *label, const char *text, size_t n, ConfigReport *report, IniFile *ret);
void ini_file_done(IniFile *f);
