/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/units.h"

#include <inttypes.h>
#include <string.h>

/* Splits "12.5M" into 12, 5 of 10, and the unit text. Decimals: up to @max_decimals, else -EINVAL. */
static int parse_decimal(const char *s, size_t n, unsigned max_decimals, uint64_t *ret_whole,
                         uint64_t *ret_fraction, uint64_t *ret_scale, size_t *ret_used) {
        size_t i = 0, start;
        uint64_t fraction = 0, scale = 1;

        while (i < n && s[i] >= '0' && s[i] <= '9')
                i++;
        int r = text_parse_u64_n(s, i, ret_whole);
        if (r < 0)
                return r;
        if (i < n && s[i] == '.') {
                start = ++i;
                while (i < n && s[i] >= '0' && s[i] <= '9') {
                        if (i - start >= max_decimals)
                                return -EINVAL;
                        fraction = fraction * 10 + (uint64_t)(s[i] - '0');
                        scale *= 10;
                        i++;
                }
                if (i == start)
                        return -EINVAL;
        }
        *ret_fraction = fraction;
        *ret_scale = scale;
        *ret_used = i;
        return 0;
}

/* whole.fraction * unit, exact to the unit's smallest part. */
static int scale_up(uint64_t whole, uint64_t fraction, uint64_t scale, uint64_t unit, uint64_t *ret) {
        uint64_t v;
        if (__builtin_mul_overflow(whole, unit, &v) ||
            __builtin_add_overflow(v, u64_mul_div(fraction, unit, scale), &v))
                return -ERANGE;
        *ret = v;
        return 0;
}

typedef struct UnitName {
        const char *name;
        uint64_t factor;
} UnitName;

static int parse_with_units(const char *s, size_t n, const UnitName *units, size_t n_units, uint64_t *ret) {
        uint64_t whole, fraction, scale;
        size_t used;
        int r = parse_decimal(s, n, 6, &whole, &fraction, &scale, &used);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_units; i++)
                if (strlen(units[i].name) == n - used && memcmp(s + used, units[i].name, n - used) == 0)
                        return scale_up(whole, fraction, scale, units[i].factor, ret);
        return -EINVAL;
}

int units_parse_bytes(const char *s, size_t n, uint64_t *ret) {
        static const UnitName units[] = {
                { "", 1 },
                { "B", 1 },
                { "K", UINT64_C(1) << 10 },
                { "M", UINT64_C(1) << 20 },
                { "G", UINT64_C(1) << 30 },
                { "T", UINT64_C(1) << 40 },
        };
        return parse_with_units(s, n, units, ARRAY_SIZE(units), ret);
}

int units_parse_usec(const char *s, size_t n, uint64_t *ret) {
        static const UnitName units[] = {
                { "us", 1 },
                { "ms", USEC_PER_MSEC },
                { "s", USEC_PER_SEC },
                { "sec", USEC_PER_SEC },
                { "min", 60 * USEC_PER_SEC },
                { "h", 3600 * USEC_PER_SEC },
                { "d", 86400 * USEC_PER_SEC },
        };
        return parse_with_units(s, n, units, ARRAY_SIZE(units), ret);
}

int units_parse_share(const char *s, size_t n, uint64_t *ret) {
        uint64_t whole, fraction, scale;
        size_t used;
        int r = parse_decimal(s, n, 2, &whole, &fraction, &scale, &used);
        if (r < 0)
                return r;
        if (n - used != 1 || s[used] != '%')
                return -EINVAL;
        if (whole > 100000)
                return -ERANGE;
        return scale_up(whole, fraction, scale, PERMYRIAD / 100, ret);
}

void units_append_bytes(TextBuf *b, uint64_t bytes) {
        static const struct {
                char name;
                unsigned shift;
        } units[] = { { 'T', 40 }, { 'G', 30 }, { 'M', 20 }, { 'K', 10 } };

        if (bytes == UINT64_MAX) {
                text_append(b, "infinity");
                return;
        }
        for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
                uint64_t one = UINT64_C(1) << units[i].shift;
                if (bytes < one)
                        continue;
                uint64_t whole = bytes >> units[i].shift;
                uint64_t tenth = ((bytes & (one - 1)) * 10) >> units[i].shift;
                if (whole < 100 && tenth > 0)
                        text_appendf(b, "%" PRIu64 ".%" PRIu64 "%c", whole, tenth, units[i].name);
                else
                        text_appendf(b, "%" PRIu64 "%c", whole, units[i].name);
                return;
        }
        text_appendf(b, "%" PRIu64 "B", bytes);
}

void units_append_usec(TextBuf *b, uint64_t usec) {
        if (usec == USEC_INFINITY)
                text_append(b, "infinity");
        else if (usec >= 2 * 86400 * USEC_PER_SEC)
                text_appendf(b, "%" PRIu64 "d", usec / (86400 * USEC_PER_SEC));
        else if (usec >= 2 * 3600 * USEC_PER_SEC)
                text_appendf(b, "%" PRIu64 "h", usec / (3600 * USEC_PER_SEC));
        else if (usec >= 120 * USEC_PER_SEC)
                text_appendf(b, "%" PRIu64 "min", usec / (60 * USEC_PER_SEC));
        else if (usec >= USEC_PER_SEC && usec % USEC_PER_SEC >= 100 * USEC_PER_MSEC)
                text_appendf(b, "%" PRIu64 ".%" PRIu64 "s", usec / USEC_PER_SEC,
                             usec % USEC_PER_SEC / (100 * USEC_PER_MSEC));
        else if (usec >= USEC_PER_SEC)
                text_appendf(b, "%" PRIu64 "s", usec / USEC_PER_SEC);
        else if (usec >= USEC_PER_MSEC || usec == 0)
                text_appendf(b, "%" PRIu64 "ms", usec / USEC_PER_MSEC);
        else
                text_appendf(b, "%" PRIu64 "us", usec);
}

void units_append_share(TextBuf *b, uint64_t permyriad) {
        if (permyriad % 100 == 0)
                text_appendf(b, "%" PRIu64 "%%", permyriad / 100);
        else if (permyriad >= 1000)
                text_appendf(b, "%" PRIu64 ".%" PRIu64 "%%", permyriad / 100, permyriad % 100 / 10);
        else
                text_appendf(b, "%" PRIu64 ".%02" PRIu64 "%%", permyriad / 100, permyriad % 100);
}
