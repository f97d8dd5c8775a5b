/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * EXACT_SHORT is what makes a dump loadable: a line of a file has an upper bound, and a value written
 * in the shortest form is never longer than what the operator wrote.
 */

#include "config/exact.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"

typedef struct ExactUnit {
        const char *name;
        uint64_t factor;
} ExactUnit;

/* Biggest first. */
static const ExactUnit bytes_units[] = {
        { "T", UINT64_C(1) << 40 },
        { "G", UINT64_C(1) << 30 },
        { "M", UINT64_C(1) << 20 },
        { "K", UINT64_C(1) << 10 },
        { "B", 1 },
        { NULL, 0 },
};
static const ExactUnit usec_units[] = {
        { "d", 86400 * USEC_PER_SEC },
        { "h", 3600 * USEC_PER_SEC },
        { "min", 60 * USEC_PER_SEC },
        { "s", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },
        { "us", 1 },
        { NULL, 0 },
};

typedef int (*ParseFunc)(const char *s, size_t n, uint64_t *ret);

static void append_plain(TextBuf *b, const ExactUnit *units, const ExactUnit *zero, uint64_t value) {
        const ExactUnit *u = units;

        if (value == 0)
                u = zero;
        while (value % u->factor != 0)
                u++;
        text_appendf(b, "%" PRIu64 "%s", value / u->factor, u->name);
}

/* The value in unit @u with @decimals places, rounded up, so that the parser's cut gives it back if it can. */
static bool format_decimal(char *buf, size_t size, uint64_t value, const ExactUnit *u, unsigned decimals,
                           ParseFunc parse) {
        uint64_t scale = 1, again;

        for (unsigned i = 0; i < decimals; i++)
                scale *= 10;
        uint64_t whole = value / u->factor;
        unsigned __int128 rest = (unsigned __int128)(value % u->factor) * scale;
        uint64_t fraction = (uint64_t)((rest + u->factor - 1) / u->factor);
        if (fraction >= scale)
                return false;
        TextBuf b = { .data = buf, .size = size };
        if (decimals > 0)
                text_appendf(&b, "%" PRIu64 ".%0*" PRIu64 "%s", whole, (int)decimals, fraction, u->name);
        else
                text_appendf(&b, "%" PRIu64 "%s", whole, u->name);
        return parse(buf, b.len, &again) == 0 && again == value;
}

static void append_short(TextBuf *b, const ExactUnit *units, const ExactUnit *zero, uint64_t value, ParseFunc parse) {
        char best[40] = "", buf[40];

        if (value == 0) {
                append_plain(b, units, zero, value);
                return;
        }
        for (const ExactUnit *u = units; u->name; u++)
                for (unsigned decimals = 0; decimals <= 6; decimals++)
                        if (format_decimal(buf, sizeof(buf), value, u, decimals, parse) &&
                            (!best[0] || strlen(buf) < strlen(best)))
                                memcpy(best, buf, strlen(buf) + 1);
        text_append(b, best);
}

static void append_share(TextBuf *b, uint64_t permyriad) {
        uint64_t whole = permyriad / 100, part = permyriad % 100;

        if (part == 0)
                text_appendf(b, "%" PRIu64 "%%", whole);
        else if (part % 10 == 0)
                text_appendf(b, "%" PRIu64 ".%" PRIu64 "%%", whole, part / 10);
        else
                text_appendf(b, "%" PRIu64 ".%02" PRIu64 "%%", whole, part);
}

/**
 * exact_append() - append a value with its unit
 * @value: in @unit
 * @style: both parse to the same value
 */
void exact_append(TextBuf *b, Unit unit, uint64_t value, ExactStyle style) {
        switch (unit) {
        case UNIT_SHARE:
                append_share(b, value);
                break;
        case UNIT_BYTES:
                if (style == EXACT_PLAIN)
                        append_plain(b, bytes_units, &bytes_units[4], value);
                else
                        append_short(b, bytes_units, &bytes_units[4], value, units_parse_bytes);
                break;
        case UNIT_USEC:
                if (style == EXACT_PLAIN)
                        append_plain(b, usec_units, &usec_units[3], value);
                else
                        append_short(b, usec_units, &usec_units[3], value, units_parse_usec);
                break;
        case UNIT_COUNT:
                text_appendf(b, "%" PRIu64, value);
                break;
        case _UNIT_MAX:
        case _UNIT_INVALID:
                break;
        }
}
