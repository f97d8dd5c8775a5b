/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * JSON Lines of hosts, as headroomctl plan --merge takes them from files of anybody: one line that is no plan is refused and
 * adds nothing; whatever is accepted adds up to a document, a page and tables, none of which has anything raw of a name.
 */

#include <stdio.h>

#include "ctl/plan.h"
#include "input.h"
#include "plan/html.h"
#include "plan/merge.h"

static void add_line(Fleet *f, const char *line, size_t n) {
        const char *why = NULL;
        uint64_t before = fleet_hosts(f);

        json_t *doc = json_loadb(line, n, 0, NULL);
        if (!doc)
                return;
        int r = fleet_add(f, doc, &why);
        REQUIRE(r == 0 || (r == -EBADMSG && why));
        REQUIRE(fleet_hosts(f) == before + (r == 0));
        json_decref(doc);
}

static void check_text(const char *text, size_t n) {
        for (size_t i = 0; i < n; i++)
                REQUIRE(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != '\177'));
}

static void write_page(const json_t *doc) {
        char *text = NULL;
        size_t n = 0;
        FILE *f = open_memstream(&text, &n);

        REQUIRE(f && html_write(doc, f) == 0);
        REQUIRE(fclose(f) == 0);
        check_text(text, n);
        REQUIRE(!strstr(text, "<script"));
        free(text);
}

static void write_tables(const json_t *doc) {
        Invocation i = { 0 };
        char *text = NULL;
        size_t n = 0;

        i.out = open_memstream(&text, &n);
        REQUIRE(i.out);
        plan_show_fleet(&i, doc);
        REQUIRE(fclose(i.out) == 0);
        check_text(text, n);
        free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(fleet_freep) Fleet *f = NULL;
        const char *p = (const char *)data, *end = p + size;

        REQUIRE(fleet_new(&f) == 0);
        while (p < end) {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                size_t n = (size_t)((newline ? newline : end) - p);
                add_line(f, p, n);
                p += n + 1;
        }
        json_t *doc = fleet_document(f);
        REQUIRE(doc);
        write_page(doc);
        write_tables(doc);
        json_decref(doc);
        return 0;
}
