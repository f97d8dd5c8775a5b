/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the loader has to say. Messages are kept raw and escaped when printed, since file names, keys
 * and values are whatever somebody put there. An error counts even where there was no memory left to
 * keep its text: a policy is never accepted because its error got lost.
 */

#include "config/config.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"
#include "config/grow.h"

/* More than anybody reads; the rest is only counted. */
#define MESSAGES_MAX 500

static void message_keep(ConfigReport *r, Severity severity, const char *file, unsigned line, unsigned column,
                         char *text) {
        if (r->n_messages >= MESSAGES_MAX || array_reserve(&r->messages, r->n_messages, sizeof(ConfigMessage)) < 0) {
                free(text);
                return;
        }
        r->messages[r->n_messages++] = (ConfigMessage){
                .severity = severity,
                .file = file ? strdup(file) : NULL,
                .line = line,
                .column = column,
                .text = text,
        };
}

/**
 * config_report_add() - add one message
 * @r:      the report; NULL is allowed and drops it
 * @file:   as the operator knows it, or NULL; copied
 * @line:   from 1; 0 where there is none; likewise @column, counted in bytes
 * @format: one line without a full stop: what is wrong, and what was expected
 */
void config_report_add(ConfigReport *r, Severity severity, const char *file, unsigned line, unsigned column,
                       const char *format, ...) {
        char *text = NULL;
        va_list ap;

        if (!r)
                return;
        if (severity == SEVERITY_ERROR)
                r->n_errors++;
        else if (severity == SEVERITY_WARNING)
                r->n_warnings++;
        va_start(ap, format);
        int n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n >= 0)
                message_keep(r, severity, file, line, column, text);
}

void config_report_done(ConfigReport *r) {
        for (size_t i = 0; i < r->n_messages; i++) {
                free(r->messages[i].file);
                free(r->messages[i].text);
        }
        free(r->messages);
        *r = (ConfigReport){};
}

/* The columns stay true where a line holds no such bytes; a terminal that obeys the file would be worse. */
static void print_escaped(FILE *f, const char *s) {
        char piece[128];
        size_t n = strlen(s);

        /* 24 bytes at a time, at most 4 printed for each; never cut inside a UTF-8 sequence */
        for (size_t i = 0, k; i < n; i += k) {
                char part[25];
                TextBuf b = TEXT_BUF(piece);
                k = MIN(n - i, sizeof(part) - 1);
                while (i + k < n && k > 20 && ((unsigned char)s[i + k] & 0xc0) == 0x80)
                        k--;
                memcpy(part, s + i, k);
                part[k] = '\0';
                text_append_escaped(&b, part);
                fputs(piece, f);
        }
}

/**
 * config_report_print() - "FILE:LINE:COLUMN: error: TEXT", one message a line, untrusted text escaped
 */
void config_report_print(const ConfigReport *r, FILE *f) {
        static const char *const names[] = {
                [SEVERITY_ERROR] = "error",
                [SEVERITY_WARNING] = "warning",
                [SEVERITY_NOTE] = "note",
        };
        for (size_t i = 0; i < r->n_messages; i++) {
                const ConfigMessage *m = &r->messages[i];
                if (m->file) {
                        print_escaped(f, m->file);
                        if (m->line > 0)
                                fprintf(f, ":%u", m->line);
                        if (m->line > 0 && m->column > 0)
                                fprintf(f, ":%u", m->column);
                        fputs(": ", f);
                }
                fprintf(f, "%s: ", names[m->severity]);
                print_escaped(f, m->text);
                fputc('\n', f);
        }
        if (r->n_messages == MESSAGES_MAX)
                fprintf(f, "(further messages are left out)\n");
}
