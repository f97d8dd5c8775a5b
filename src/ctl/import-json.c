/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/import-json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int import_json_fail(const ImportJson *j, size_t offset, const char *what) {
        char path[1024];
        TextBuf b = TEXT_BUF(path);

        text_append(&b, "");
        text_append_escaped(&b, j->path);
        (void)fprintf(stderr, "headroomctl: %s: at offset %zu: %s\n", path, offset, what);
        return -EBADMSG;
}

bool import_json_skip_blanks(ImportJson *j) {
        while (j->at < j->n && j->text[j->at] && strchr(" \t\r\n", j->text[j->at]))
                j->at++;
        return j->at < j->n;
}

/* The next byte that is no blank must be @byte. */
static bool take(ImportJson *j, char byte) {
        if (!import_json_skip_blanks(j) || j->text[j->at] != byte)
                return false;
        j->at++;
        return true;
}

json_t *import_json_value(ImportJson *j) {
        json_error_t error;

        (void)import_json_skip_blanks(j);
        json_t *v = json_loadb(j->text + j->at, j->n - j->at, JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY, &error);
        if (!v) {
                char text[64 + JSON_ERROR_TEXT_LENGTH * 4] = "";
                TextBuf b = TEXT_BUF(text);
                text_append(&b, "no JSON: ");
                text_append_escaped(&b, error.text);
                (void)import_json_fail(j, j->at + (size_t)MAX(error.position, 0), text);
                return NULL;
        }
        j->at += (size_t)error.position;
        return v;
}

int import_json_take(ImportJson *j, ImportJsonTake take_value) {
        (void)import_json_skip_blanks(j);
        size_t at = j->at;
        json_t *v = import_json_value(j);
        if (!v)
                return -EBADMSG;
        int r = take_value(j, at, v);
        json_decref(v);
        return r;
}

int import_json_expect(ImportJson *j, const char *expected, const char *otherwise) {
        size_t at = j->at;
        json_t *v = import_json_value(j);
        if (!v)
                return -EBADMSG;
        const char *s = json_string_value(v);
        int r = !s || strcmp(s, expected) != 0 ? import_json_fail(j, at, otherwise) : 0;
        json_decref(v);
        return r;
}

int import_json_skip(ImportJson *j) {
        json_t *v = import_json_value(j);
        int r = v ? 0 : -EBADMSG;
        json_decref(v);
        return r;
}

int import_json_object(ImportJson *j, ImportJsonKey handle, const char *expected) {
        if (!take(j, '{'))
                return import_json_fail(j, j->at, expected);
        if (take(j, '}'))
                return 0;
        for (;;) {
                json_t *key = import_json_value(j);
                if (!key)
                        return -EBADMSG;
                int r = !json_is_string(key) ? import_json_fail(j, j->at, "expected a key")
                        : !take(j, ':')      ? import_json_fail(j, j->at, "expected a colon")
                                             : handle(j, json_string_value(key));
                json_decref(key);
                if (r < 0)
                        return r;
                if (take(j, '}'))
                        return 0;
                if (!take(j, ','))
                        return import_json_fail(j, j->at, "expected a comma or the end of an object");
        }
}

int import_json_array(ImportJson *j, ImportJsonItem handle, const char *expected) {
        if (!take(j, '['))
                return import_json_fail(j, j->at, expected);
        if (take(j, ']'))
                return 0;
        for (;;) {
                int r = handle(j);
                if (r < 0)
                        return r;
                if (take(j, ']'))
                        return 0;
                if (!take(j, ','))
                        return import_json_fail(j, j->at, "expected a comma or the end of a list");
        }
}

int import_json_all(ImportJson *j, ImportJsonItem handle, const char *expected) {
        int r = import_json_skip_blanks(j) ? 0 : import_json_fail(j, j->at, expected);

        while (r >= 0 && import_json_skip_blanks(j))
                r = handle(j);
        if (r == -ENOMEM)
                (void)import_json_fail(j, j->at, strerror(ENOMEM));
        return r == -E2BIG ? import_json_fail(j, j->at, "too many series or values for one trace") : r;
}

uint64_t import_json_round(double v) {
        return isfinite(v) && v >= 0 && v < IMPORT_VALUE_MAX ? (uint64_t)(v + 0.5) : IMPORT_ABSENT;
}
