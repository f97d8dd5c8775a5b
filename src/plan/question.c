/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/question.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config/match.h"
#include "model/snapshot.h"

static int fail(char *error, const char *format, ...) _printf_(2, 3);
static int fail(char *error, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(error, QUESTION_ERROR_MAX, format, ap);
        va_end(ap);
        return -EINVAL;
}

/* What was written, shortened and escaped: it goes into a message. */
static const char *shown(const char *text, size_t n, char buf[64]) {
        char raw[32];
        TextBuf b = { .data = buf, .size = 64 };

        (void)snprintf(raw, sizeof(raw), "%.*s", (int)MIN(n, sizeof(raw) - 1), text);
        text_append(&b, "");
        text_append_escaped(&b, raw);
        return buf;
}

static int parse_size(const char *text, size_t n, uint64_t *ret) {
        int r = n > 0 ? units_parse_bytes(text, n, ret) : -EINVAL;
        /* More than any machine has would only overflow somewhere. */
        return r < 0 ? r : *ret > UINT64_C(1) << 50 ? -ERANGE : 0;
}

int question_parse_sizes(const char *text, uint64_t *sizes, uint32_t max, uint32_t *ret_n, char *error) {
        uint32_t n = 0;
        char buf[64];

        for (const char *p = text;; p++) {
                size_t len = strcspn(p, ",");
                uint64_t bytes;
                if (n == max)
                        return fail(error, "more than %u sizes", max);
                if (parse_size(p, len, &bytes) < 0 || bytes < UINT64_C(16) << 20)
                        return fail(error, "'%s' is no size of RAM, expected sizes of at least 16M like 4G,8G", shown(p, len, buf));
                sizes[n++] = bytes;
                p += len;
                if (*p == '\0')
                        break;
        }
        *ret_n = n;
        return 0;
}

int question_parse_swap(const char *text, PlanQuestion *q, char *error) {
        uint64_t bytes;
        char buf[64];

        if (parse_size(text, strlen(text), &bytes) < 0)
                return fail(error, "'%s' is no size of swap, expected one like 2G, or 0 for none", shown(text, strlen(text), buf));
        q->has_swap = true;
        q->swap_bytes = bytes;
        return 0;
}

int question_parse_zram(const char *text, PlanQuestion *q, char *error) {
        size_t n = strcspn(text, ":");
        uint64_t bytes, share = 0;
        char buf[64];

        if (parse_size(text, n, &bytes) < 0)
                return fail(error, "'%s' is no size of zram, expected SIZE or SIZE:RATIO%% like 4G:35%%", shown(text, n, buf));
        if (text[n] == ':' && (units_parse_share(text + n + 1, strlen(text + n + 1), &share) < 0 || share == 0 || share > PERMYRIAD))
                return fail(error, "'%s' is no ratio, expected the compressed size in percent of the original, like 35%%",
                            shown(text + n + 1, strlen(text + n + 1), buf));
        q->has_zram = true;
        q->zram_bytes = bytes;
        q->zram_permyriad = (uint32_t)share;
        return 0;
}

int question_parse_swappiness(const char *text, PlanQuestion *q, char *error) {
        uint64_t v;
        char buf[64];

        if (text_parse_u64(text, &v) < 0 || v > 200)
                return fail(error, "'%s' is no swappiness, expected 0 to 200", shown(text, strlen(text), buf));
        q->swappiness = (int32_t)v;
        return 0;
}

int question_parse_overcommit(const char *text, PlanQuestion *q, char *error) {
        uint64_t v;
        char buf[64];

        if (!text_has_prefix(text, "strict:") || text_parse_u64(text + strlen("strict:"), &v) < 0 || v == 0 || v > 1000)
                return fail(error, "'%s' is not understood, expected strict:RATIO with vm.overcommit_ratio, 1 to 1000, like strict:80",
                            shown(text, strlen(text), buf));
        q->overcommit_ratio = (uint32_t)v;
        return 0;
}

const char *question_parse_pattern(const char *text, char *error) {
        PatternError e;

        while (*text == '/')
                text++;
        if (*text == '\0') {
                (void)fail(error, "the name of a cgroup is missing, expected one like system.slice/foo.service");
                return NULL;
        }
        if (glob_check(text, GLOB_PATH, &e) < 0) {
                (void)fail(error, "not a pattern of cgroups: %s", e.text);
                return NULL;
        }
        return text;
}

/* Unit names may hold an '=': the last one counts. */
static int split(char *text, const char *example, const char **ret_pattern, const char **ret_value, char *error) {
        char *equals = strrchr(text, '=');
        char buf[64];

        if (!equals)
                return fail(error, "'%s' has no =, expected CGROUP=%s", shown(text, strlen(text), buf), example);
        *equals = '\0';
        *ret_value = equals + 1;
        *ret_pattern = question_parse_pattern(text, error);
        return *ret_pattern ? 0 : -EINVAL;
}

int question_parse_scale(char *text, PlanQuestion *q, char *error) {
        const char *pattern = NULL, *value = NULL;
        char buf[64], percent[32];
        uint64_t factor;

        if (q->n_scales == PLAN_SCALES_MAX - 1) /* one is left for the search of density */
                return fail(error, "more than %d scales", PLAN_SCALES_MAX - 1);
        if (split(text, "2x", &pattern, &value, error) < 0)
                return -EINVAL;
        size_t n = strlen(value);
        /* "1.5x" is read as a share of hundreds: the same decimals, no floats. */
        if (n < 2 || n > 12 || value[n - 1] != 'x' || snprintf(percent, sizeof(percent), "%.*s%%", (int)n - 1, value) < 0 ||
            units_parse_share(percent, n, &factor) < 0 || factor > 10000 * 100)
                return fail(error, "'%s' is no number of copies, expected one like 2x or 1.5x, up to 10000x",
                            shown(value, strlen(value), buf));
        q->scales[q->n_scales++] = (PlanScale){ pattern, factor * 100 };
        return 0;
}

int question_parse_limit(char *text, PlanQuestion *q, char *error) {
        const char *pattern = NULL, *value = NULL;
        uint64_t bytes = CGROUP_NO_LIMIT;
        char buf[64];

        if (q->n_limits == PLAN_SCALES_MAX)
                return fail(error, "more than %d limits", PLAN_SCALES_MAX);
        if (split(text, "512M", &pattern, &value, error) < 0)
                return -EINVAL;
        if (strcmp(value, "max") != 0 && parse_size(value, strlen(value), &bytes) < 0)
                return fail(error, "'%s' is no limit, expected a size like 512M, or max", shown(value, strlen(value), buf));
        q->limits[q->n_limits++] = (PlanLimit){ pattern, bytes };
        return 0;
}

static void append_part(TextBuf *b, const char *text) {
        if (b->len > 0)
                text_append(b, ", ");
        text_append(b, text);
}

void question_set_name(PlanQuestion *q) {
        TextBuf b = TEXT_BUF(q->name);

        text_append(&b, "");
        if (q->has_swap) {
                append_part(&b, "swap ");
                units_append_bytes(&b, q->swap_bytes);
        }
        if (q->has_zram) {
                append_part(&b, "zram ");
                units_append_bytes(&b, q->zram_bytes);
        }
        if (q->swappiness >= 0) {
                append_part(&b, "swappiness ");
                text_appendf(&b, "%d", q->swappiness);
        }
        if (q->overcommit_ratio > 0) {
                append_part(&b, "overcommit strict:");
                text_appendf(&b, "%" PRIu32, q->overcommit_ratio);
        }
        if (q->n_scales > 0)
                append_part(&b, "scaled");
        if (q->n_limits > 0)
                append_part(&b, "limited");
        if (q->policy)
                append_part(&b, "other policy");
        if (b.truncated || b.len == 0)
                (void)snprintf(q->name, sizeof(q->name), "with the options");
}
