/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * inih does the splitting, behind a reader of our own that counts lines and looks at each before inih
 * does. inih r55 has traps, each of which would change a policy without a word:
 *
 *  - a line of 200 bytes or more is cut, and its rest parsed as a line of its own; 199 bytes shift the count;
 *  - a section name is cut at 49 bytes, and text behind the ] is dropped;
 *  - an indented line calls the handler again with the previous key: it overwrites that setting;
 *  - " ;" cuts a value, " #" does not;
 *  - a NUL byte ends the line, and ':' is taken for '=';
 *  - an empty section is never reported, and parsing goes on after an error.
 *
 * Lines that fail the look are reported with their column and replaced by an empty line, so that one run
 * finds all errors of a file. As a last defence the value inih hands out is compared with the line.
 */

#include "config/ini-file.h"

#include <ini.h>
#include <string.h>

#include "base/text.h"
#include "config/grow.h"

typedef struct IniReader {
        const char *next, *end; /* the rest of the text */
        const char *start;      /* the present line, without its end */
        size_t length;
        unsigned line;
        bool skip_section; /* its header was wrong: said once, its settings are not looked at */
        bool no_memory;
        ConfigReport *report;
        IniFile *file;
} IniReader;

/* What inih is given for a section header that was refused. */
#define REFUSED_SECTION "!"

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static bool is_name_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

#define complain(r, offset, ...) \
        config_report_add((r)->report, SEVERITY_ERROR, (r)->file->label, (r)->line, (unsigned)(offset) + 1, __VA_ARGS__)

static bool check_bytes(IniReader *r) {
        if (r->length > INI_LINE_BYTES_MAX) {
                complain(r, INI_LINE_BYTES_MAX,
                         "line of %zu bytes, expected at most %u (a long condition goes on several When= lines)",
                         r->length, INI_LINE_BYTES_MAX);
                return false;
        }
        for (size_t i = 0; i < r->length; i++) {
                unsigned char c = (unsigned char)r->start[i];
                if ((c < 0x20 && c != '\t') || c == 0x7f) {
                        complain(r, i, c == 0 ? "NUL byte, expected text" : "control character 0x%02x, expected text",
                                 c);
                        return false;
                }
        }
        return true;
}

static int section_add(IniReader *r, const char *name, size_t n) {
        IniFile *f = r->file;
        _cleanup_free_ char *copy = strndup(name, n);

        if (!copy || array_reserve(&f->sections, f->n_sections, sizeof(IniSection)) < 0)
                return -ENOMEM;
        f->sections[f->n_sections++] = (IniSection){ .name = TAKE_PTR(copy), .line = r->line };
        return 0;
}

static bool check_section(IniReader *r) {
        const char *s = r->start, *close = memchr(s, ']', r->length);
        if (!close) {
                complain(r, r->length, "section without an end, expected ]");
                return false;
        }
        size_t n = (size_t)(close - s) - 1;
        for (size_t i = 0; i < n; i++)
                if (!is_name_char(s[1 + i])) {
                        complain(r, 1 + i, "expected a section name of letters and digits, such as [Match]");
                        return false;
                }
        if (n == 0 || n > INI_SECTION_BYTES_MAX) {
                complain(r, 1, "section name of %zu bytes, expected 1 to %d", n, INI_SECTION_BYTES_MAX);
                return false;
        }
        for (size_t i = n + 2; i < r->length; i++)
                if (!is_blank(s[i])) {
                        complain(r, i, "text behind [%.*s], expected the end of the line", (int)n, s + 1);
                        return false;
                }
        for (size_t i = 0; i < r->file->n_sections; i++)
                if (strlen(r->file->sections[i].name) == n && memcmp(r->file->sections[i].name, s + 1, n) == 0) {
                        complain(r, 0, "section [%.*s] again, it begins at line %u already", (int)n, s + 1,
                                 r->file->sections[i].line);
                        return false;
                }
        if (section_add(r, s + 1, n) < 0)
                r->no_memory = true;
        return true;
}

static bool check_setting(IniReader *r) {
        const char *s = r->start;
        size_t i = 0, n = r->length;

        while (i < n && is_name_char(s[i]))
                i++;
        size_t key = i;
        while (i < n && is_blank(s[i]))
                i++;
        if (i == n || s[i] != '=' || key == 0) {
                complain(r, key == 0 ? 0 : i, "expected KEY=VALUE, a [Section] or a comment line that begins with #");
                return false;
        }
        for (i++; i < n; i++)
                if (s[i] == ';' && is_blank(s[i - 1])) {
                        complain(r, i, "a comment behind a value is not taken, expected it on a line of its own");
                        return false;
                }
        return true;
}

/* True where inih may see the present line as it is. */
static bool check_line(IniReader *r) {
        size_t i = 0;

        if (!check_bytes(r))
                return false;
        while (i < r->length && is_blank(r->start[i]))
                i++;
        if (i == r->length || r->start[i] == '#' || r->start[i] == ';')
                return true;
        if (i > 0) {
                complain(r, i,
                         "indented line: a line does not continue the one before, expected it to begin at column 1");
                return false;
        }
        if (r->start[0] == '[') {
                bool ok = check_section(r);
                r->skip_section = !ok;
                return ok;
        }
        return check_setting(r);
}

static bool next_line(IniReader *r) {
        if (r->next >= r->end)
                return false;
        const char *newline = memchr(r->next, '\n', (size_t)(r->end - r->next));
        r->start = r->next;
        r->length = (size_t)((newline ? newline : r->end) - r->start);
        r->next = newline ? newline + 1 : r->end;
        if (r->length > 0 && r->start[r->length - 1] == '\r')
                r->length--;
        r->line++;
        return true;
}

/* The fgets() that inih calls; @size is 200 in Debian's build. */
static char *read_line(char *buf, int size, void *stream) {
        IniReader *r = stream;

        if (!next_line(r))
                return NULL;
        const char *text = r->start;
        size_t n = r->length;
        bool had_section = r->skip_section;
        if (!check_line(r)) {
                /* settings below a refused header must not end up in the section above it */
                text = r->skip_section && !had_section ? "[" REFUSED_SECTION "]" : "";
                n = strlen(text);
        }
        if (size < 2 || n + 2 > (size_t)size) {
                complain(r, 0, "line does not fit the buffer of the INI library");
                n = 0;
        }
        memcpy(buf, text, n);
        buf[n] = '\n';
        buf[n + 1] = '\0';
        return buf;
}

static int entry_add(IniReader *r, const char *section, const char *key, const char *value, size_t column) {
        IniFile *f = r->file;
        IniEntry e = {
                .section = strdup(section),
                .key = strdup(key),
                .value = strdup(value),
                .line = r->line,
                .key_column = 1,
                .value_column = (unsigned)column + 1,
        };
        if (!e.section || !e.key || !e.value || array_reserve(&f->entries, f->n_entries, sizeof(IniEntry)) < 0) {
                free(e.section);
                free(e.key);
                free(e.value);
                return -ENOMEM;
        }
        f->entries[f->n_entries++] = e;
        return 0;
}

/* Called by inih while the line it concerns is the present one. 1 goes on, 0 makes ini_parse_stream() fail. */
static int take_entry(void *userdata, const char *section, const char *key, const char *value) {
        IniReader *r = userdata;

        if (strcmp(section, REFUSED_SECTION) == 0)
                return 1;
        if (section[0] == '\0') {
                complain(r, 0, "%s= stands before any section, expected a [Section] first", key);
                return 1;
        }
        const char *equal = memchr(r->start, '=', r->length);
        size_t at = equal ? (size_t)(equal - r->start) + 1 : r->length, end = r->length;
        while (at < end && is_blank(r->start[at]))
                at++;
        while (end > at && is_blank(r->start[end - 1]))
                end--;
        if (strlen(value) != end - at || memcmp(value, r->start + at, end - at) != 0) {
                complain(
                        r, at,
                        "the INI library read this line as something else; expected it to hand out the text as it stands");
                return 0;
        }
        if (entry_add(r, section, key, value, at) < 0) {
                r->no_memory = true;
                return 0;
        }
        return 1;
}

/**
 * ini_file_parse() - split one file
 * @label: the path as the operator knows it
 * @text:  @n bytes, any bytes
 * @ret:   filled as far as possible even with errors, so that more of them can be found; ini_file_done()
 *
 * Return: 0; -EINVAL where @report got errors; -ENOMEM.
 */
int ini_file_parse(const char *label, const char *text, size_t n, ConfigReport *report, IniFile *ret) {
        size_t n_errors = report->n_errors;

        *ret = (IniFile){ .label = strdup(label) };
        if (!ret->label)
                return -ENOMEM;
        if (n > INI_FILE_BYTES_MAX) {
                config_report_add(report, SEVERITY_ERROR, label, 0, 0, "file of %zu bytes, expected at most %d", n,
                                  INI_FILE_BYTES_MAX);
                return -EINVAL;
        }
        if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
                text += 3;
                n -= 3;
        }
        IniReader r = { .next = text, .end = text + n, .report = report, .file = ret };
        int failed = ini_parse_stream(read_line, &r, take_entry, &r);
        if (r.no_memory)
                return -ENOMEM;
        if (failed != 0 && report->n_errors == n_errors)
                config_report_add(report, SEVERITY_ERROR, label, failed > 0 ? (unsigned)failed : 0, 0,
                                  "not understood by the INI library (%d)", failed);
        return report->n_errors > n_errors ? -EINVAL : 0;
}

void ini_file_done(IniFile *f) {
        for (size_t i = 0; i < f->n_sections; i++)
                free(f->sections[i].name);
        for (size_t i = 0; i < f->n_entries; i++) {
                free(f->entries[i].section);
                free(f->entries[i].key);
                free(f->entries[i].value);
        }
        free(f->sections);
        free(f->entries);
        free(f->label);
        *f = (IniFile){};
}
