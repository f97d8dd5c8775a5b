/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/table.h"

#include <stdarg.h>
#include <string.h>

typedef struct Cell {
        Color color;
        char *text;
} Cell;

struct Table {
        const char *headings[TABLE_COLUMNS_MAX];
        size_t n_columns, n_cells, n_room;
        Cell *cells;
};

const char *color_begin(Color c, bool enabled) {
        static const char *const codes[] = {
                [COLOR_NONE] = "",
                [COLOR_BOLD] = "\x1b[1m",
                [COLOR_GREEN] = "\x1b[32m",
                [COLOR_YELLOW] = "\x1b[33m",
                [COLOR_RED] = "\x1b[31m",
        };
        return enabled && (size_t)c < ARRAY_SIZE(codes) ? codes[c] : "";
}

const char *color_end(Color c, bool enabled) {
        return enabled && c != COLOR_NONE ? "\x1b[0m" : "";
}

Table *table_new(const char *const *headings) {
        Table *t = calloc(1, sizeof(*t));
        if (!t)
                return NULL;
        while (t->n_columns < TABLE_COLUMNS_MAX && headings[t->n_columns]) {
                t->headings[t->n_columns] = headings[t->n_columns];
                t->n_columns++;
        }
        return t;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i].text);
        free(t->cells);
        free(t);
        return NULL;
}

void table_add(Table *t, Color color, const char *text) {
        if (t->n_cells == t->n_room) {
                size_t room = t->n_room ? 2 * t->n_room : 64;
                Cell *bigger = reallocarray(t->cells, room, sizeof(Cell));
                if (!bigger)
                        return;
                t->cells = bigger;
                t->n_room = room;
        }
        t->cells[t->n_cells++] = (Cell){ color, strdup(text) };
}

void table_addf(Table *t, Color color, const char *format, ...) {
        char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        table_add(t, color, text ? text : "");
        free(text);
}

/* Characters, not bytes: all but the continuation bytes of UTF-8. */
static size_t width_of(const char *s) {
        size_t n = 0;
        for (; *s; s++)
                n += ((unsigned char)*s & 0xc0) != 0x80;
        return n;
}

static const char *cell_text(const Cell *c) {
        return c->text ? c->text : "";
}

static void print_cell(FILE *f, const char *text, size_t width, bool right, bool last, Color color, bool colors) {
        size_t n = width_of(text), pad = width > n ? width - n : 0;

        (void)fprintf(f, "%*s%s%s%s", right ? (int)pad : 0, "", color_begin(color, colors), text,
                      color_end(color, colors));
        if (!last)
                (void)fprintf(f, "%*s", (right ? 0 : (int)pad) + 2, "");
}

void table_print(const Table *t, FILE *f, bool color) {
        size_t widths[TABLE_COLUMNS_MAX];

        if (t->n_columns == 0)
                return;
        for (size_t c = 0; c < t->n_columns; c++)
                widths[c] = width_of(t->headings[c]) - (t->headings[c][0] == '>');
        for (size_t i = 0; i < t->n_cells; i++) {
                size_t *w = &widths[i % t->n_columns], n = width_of(cell_text(&t->cells[i]));
                *w = MAX(*w, n);
        }
        for (size_t c = 0; c < t->n_columns; c++) {
                bool right = t->headings[c][0] == '>';
                print_cell(f, t->headings[c] + right, widths[c], right, c + 1 == t->n_columns, COLOR_BOLD, color);
        }
        (void)fputc('\n', f);
        for (size_t i = 0; i < t->n_cells; i++) {
                size_t c = i % t->n_columns;
                bool last = c + 1 == t->n_columns || i + 1 == t->n_cells;
                print_cell(f, cell_text(&t->cells[i]), widths[c], t->headings[c][0] == '>', last, t->cells[i].color,
                           color);
                if (last)
                        (void)fputc('\n', f);
        }
}
