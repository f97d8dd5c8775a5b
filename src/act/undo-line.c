/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Lines of the undo journal:
 *
 *   headroom-undo 1 BOOT-ID
 *   begin SERIAL KIND ID PID KEPT KEY OLD NEW PATH
 *   update SERIAL NEW
 *   end SERIAL
 *
 * Fields stand one space apart. In KEY, OLD, NEW and PATH every byte that is not printable ASCII, the space and
 * the backslash are written \xNN; an empty field is a "-", and a field that is just "-" is written escaped.
 *
 * The reader takes exactly what the writer writes: no second space, no sign, no leading zero that would not have
 * been written, no field too many. Whoever can write the file is root already; but it decides what root writes
 * where, so keys come from a list, and nothing else gets in by a damaged line.
 */

#include "act/undo-line.h"

#include <string.h>

#include "base/text.h"

#define HEADER_PREFIX "headroom-undo 1 "
/* begin SERIAL KIND ID PID KEPT KEY OLD NEW PATH */
#define FIELDS_MAX 10

static_assert(UNDO_LINE_MAX > 4 * (CGROUP_PATH_MAX + UNDO_KEY_MAX + 2 * UNDO_VALUE_MAX) + 128, "any entry fits");

static const char *const verbs[_UNDO_VERB_MAX] = {
        [UNDO_VERB_BEGIN] = "begin",
        [UNDO_VERB_UPDATE] = "update",
        [UNDO_VERB_END] = "end",
};

static const char *const kinds[_UNDO_KIND_MAX] = {
        [UNDO_CGROUP] = "cgroup",
        [UNDO_UNIT] = "unit",
        [UNDO_SYSCTL] = "sysctl",
        [UNDO_OOM_SCORE_ADJ] = "oom_score_adj",
};

const char *undo_kind_to_string(UndoKind k) {
        return (size_t)k < ARRAY_SIZE(kinds) ? kinds[k] : NULL;
}

const char *undo_outcome_to_string(UndoOutcome o) {
        static const char *const names[_UNDO_OUTCOME_MAX] = {
                [UNDO_RESTORED] = "restored", [UNDO_UNCHANGED] = "unchanged", [UNDO_FOREIGN] = "foreign",
                [UNDO_GONE] = "gone",         [UNDO_KEPT] = "kept",           [UNDO_FAILED] = "failed",
        };
        return (size_t)o < ARRAY_SIZE(names) ? names[o] : NULL;
}

/* ---- what may be journaled ---- */

static bool is_one_of(const char *s, const char *const *list, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (strcmp(s, list[i]) == 0)
                        return true;
        return false;
}

static bool is_terminated(const char *s, size_t size) {
        return memchr(s, '\0', size) != NULL;
}

/* One line of printable text: what kernel files hold and take. */
static bool is_value(const char *s, size_t size) {
        if (!is_terminated(s, size) || s[0] == '\0')
                return false;
        for (; *s; s++)
                if (*s < ' ' || *s > '~')
                        return false;
        return true;
}

static bool is_sysctl_name(const char *s) {
        return s[0] != '\0' && s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

bool undo_entry_is_valid(const UndoEntry *e) {
        static const char *const files[] = { "memory.high", "cpu.weight", "io.weight", "cgroup.freeze" };
        static const char *const properties[] = { "CPUWeight", "IOWeight" };

        if (!is_terminated(e->path, sizeof(e->path)) || !is_terminated(e->key, sizeof(e->key)) ||
            !is_value(e->old_value, sizeof(e->old_value)) || !is_value(e->new_value, sizeof(e->new_value)))
                return false;
        switch (e->kind) {
        case UNDO_CGROUP:
                return e->id != 0 && e->pid == 0 && e->path[0] != '\0' && is_one_of(e->key, files, ARRAY_SIZE(files));
        case UNDO_UNIT:
                return e->pid == 0 && e->path[0] != '\0' && is_one_of(e->key, properties, ARRAY_SIZE(properties));
        case UNDO_SYSCTL:
                return e->id == 0 && e->pid == 0 && e->path[0] == '\0' && is_sysctl_name(e->key);
        case UNDO_OOM_SCORE_ADJ:
                return e->pid > 1 && e->path[0] == '\0' && (e->key[0] == '\0' || strcmp(e->key, "oom_score_adj") == 0);
        case _UNDO_KIND_MAX:
        case _UNDO_KIND_INVALID:
                break;
        }
        return false;
}

/* ---- writing ---- */

static void append_field(TextBuf *b, const char *s) {
        text_append(b, " ");
        if (s[0] == '\0')
                text_append(b, "-");
        else if (strcmp(s, "-") == 0)
                text_append(b, "\\x2d");
        else
                for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
                        if (*p > ' ' && *p < 0x7f && *p != '\\')
                                text_append_n(b, (const char *)p, 1);
                        else
                                text_appendf(b, "\\x%02x", *p);
                }
}

int undo_line_format(const UndoLine *l, char *buf, size_t size) {
        const UndoEntry *e = &l->entry;
        TextBuf b = { .data = buf, .size = size };

        if ((size_t)l->verb >= ARRAY_SIZE(verbs) || l->serial == 0)
                return -EINVAL;
        text_appendf(&b, "%s %llu", verbs[l->verb], (unsigned long long)l->serial);
        if (l->verb == UNDO_VERB_BEGIN) {
                if (!undo_entry_is_valid(e))
                        return -EINVAL;
                text_appendf(&b, " %s %llu %d %d", kinds[e->kind], (unsigned long long)e->id, e->pid, e->is_kept);
                append_field(&b, e->key);
                append_field(&b, e->old_value);
                append_field(&b, e->new_value);
                append_field(&b, e->path);
        } else if (l->verb == UNDO_VERB_UPDATE) {
                if (!is_value(e->new_value, sizeof(e->new_value)))
                        return -EINVAL;
                append_field(&b, e->new_value);
        }
        text_append(&b, "\n");
        return b.truncated ? -EINVAL : (int)b.len;
}

int undo_header_format(const char *boot_id, char *buf, size_t size) {
        TextBuf b = { .data = buf, .size = size };

        text_appendf(&b, "%s%s\n", HEADER_PREFIX, boot_id);
        return b.truncated ? -EINVAL : (int)b.len;
}

/* ---- reading ---- */

typedef struct Field {
        const char *s;
        size_t n;
} Field;

/* -EBADMSG for an empty field or one too many; else their number. */
static int split(const char *s, size_t n, Field fields[static FIELDS_MAX]) {
        int count = 0;

        for (size_t at = 0; at <= n;) {
                const char *space = memchr(s + at, ' ', n - at);
                size_t end = space ? (size_t)(space - s) : n;
                if (end == at || count == FIELDS_MAX)
                        return -EBADMSG;
                fields[count++] = (Field){ .s = s + at, .n = end - at };
                at = end + 1;
        }
        return count;
}

static bool field_is(Field f, const char *s) {
        return f.n == strlen(s) && memcmp(f.s, s, f.n) == 0;
}

static int field_u64(Field f, uint64_t max, uint64_t *ret) {
        uint64_t v;
        if (text_parse_u64_n(f.s, f.n, &v) < 0 || v > max || (f.n > 1 && f.s[0] == '0'))
                return -EBADMSG;
        *ret = v;
        return 0;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -EBADMSG;
}

static int field_text(Field f, char *buf, size_t size) {
        size_t len = 0;

        if (field_is(f, "-")) {
                buf[0] = '\0';
                return 0;
        }
        for (size_t i = 0; i < f.n; i++) {
                int c = (unsigned char)f.s[i];
                if (c <= ' ' || c >= 0x7f)
                        return -EBADMSG;
                if (c == '\\') {
                        if (f.n - i < 4 || f.s[i + 1] != 'x')
                                return -EBADMSG;
                        int high = hex_digit(f.s[i + 2]), low = hex_digit(f.s[i + 3]);
                        if (high < 0 || low < 0 || high + low == 0)
                                return -EBADMSG;
                        c = high * 16 + low;
                        i += 3;
                }
                if (len + 1 >= size)
                        return -EBADMSG;
                buf[len++] = (char)c;
        }
        buf[len] = '\0';
        return 0;
}

static UndoKind field_kind(Field f) {
        for (UndoKind k = 0; k < _UNDO_KIND_MAX; k++)
                if (field_is(f, kinds[k]))
                        return k;
        return _UNDO_KIND_INVALID;
}

static int parse_begin(const Field fields[static FIELDS_MAX], UndoEntry *e) {
        uint64_t pid, kept;

        e->kind = field_kind(fields[2]);
        if (e->kind < 0 || field_u64(fields[3], UINT64_MAX, &e->id) < 0 || field_u64(fields[4], INT32_MAX, &pid) < 0 ||
            field_u64(fields[5], 1, &kept) < 0 || field_text(fields[6], e->key, sizeof(e->key)) < 0 ||
            field_text(fields[7], e->old_value, sizeof(e->old_value)) < 0 ||
            field_text(fields[8], e->new_value, sizeof(e->new_value)) < 0 ||
            field_text(fields[9], e->path, sizeof(e->path)) < 0)
                return -EBADMSG;
        e->pid = (int32_t)pid;
        e->is_kept = kept == 1;
        return undo_entry_is_valid(e) ? 0 : -EBADMSG;
}

int undo_line_parse(const char *s, size_t n, UndoLine *ret) {
        Field fields[FIELDS_MAX];
        UndoLine l = { .verb = _UNDO_VERB_INVALID };

        int count = split(s, n, fields);
        if (count < 2 || field_u64(fields[1], UINT64_MAX - 1, &l.serial) < 0 || l.serial == 0)
                return -EBADMSG;
        if (field_is(fields[0], verbs[UNDO_VERB_BEGIN]) && count == FIELDS_MAX) {
                l.verb = UNDO_VERB_BEGIN;
                if (parse_begin(fields, &l.entry) < 0)
                        return -EBADMSG;
        } else if (field_is(fields[0], verbs[UNDO_VERB_UPDATE]) && count == 3) {
                l.verb = UNDO_VERB_UPDATE;
                if (field_text(fields[2], l.entry.new_value, sizeof(l.entry.new_value)) < 0 ||
                    !is_value(l.entry.new_value, sizeof(l.entry.new_value)))
                        return -EBADMSG;
        } else if (field_is(fields[0], verbs[UNDO_VERB_END]) && count == 2)
                l.verb = UNDO_VERB_END;
        else
                return -EBADMSG;
        *ret = l;
        return 0;
}

int undo_header_parse(const char *s, size_t n, char ret_boot_id[static UNDO_BOOT_ID_MAX]) {
        size_t k = strlen(HEADER_PREFIX);

        if (n <= k || memcmp(s, HEADER_PREFIX, k) != 0 || n - k >= UNDO_BOOT_ID_MAX)
                return -EBADMSG;
        for (size_t i = k; i < n; i++)
                if (s[i] <= ' ' || s[i] > '~')
                        return -EBADMSG;
        memcpy(ret_boot_id, s + k, n - k);
        ret_boot_id[n - k] = '\0';
        return 0;
}
