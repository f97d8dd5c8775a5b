/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl trace: which verb, and reading what the verbs look at. */

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/trace-verbs.h"
#include "trace/schema.h"

static const struct {
        const char *name;
        CtlExit (*run)(const Invocation *i);
} verbs[] = {
        { "info", trace_info },
        { "dump", trace_dump },
        { "export", trace_export },
        { "import", trace_import },
};

CtlExit command_trace(const Invocation *i) {
        for (size_t v = 0; v < ARRAY_SIZE(verbs); v++)
                if (strcmp(i->args[0], verbs[v].name) == 0)
                        return verbs[v].run(i);
        (void)fprintf(stderr, "headroomctl: trace takes info, dump, export or import, and files\n");
        return CTL_EXIT_USAGE;
}

static void say_error(const TraceError *e, const char *what) {
        char path[1024], text[640];
        TextBuf p = TEXT_BUF(path), t = TEXT_BUF(text);

        text_append(&p, "");
        text_append(&t, "");
        text_append_escaped(&p, e->path);
        text_append_escaped(&t, e->text);
        (void)fprintf(stderr, "headroomctl: %s: at offset %" PRIu64 ": %s%s\n", path, e->offset, text, what);
}

int trace_input_open(const Invocation *i, TraceInput *ret) {
        const TraceReaderOptions options = { .salvage = i->salvage };

        *ret = (TraceInput){ 0 };
        int r = trace_reader_new(AT_FDCWD, i->args + 1, (size_t)i->n_args - 1, &options, &ret->error, &ret->reader);
        if (r == -EBADMSG)
                say_error(&ret->error, "");
        else if (r < 0 && ret->error.path[0]) {
                char path[1024];
                TextBuf p = TEXT_BUF(path);
                text_append(&p, "");
                text_append_escaped(&p, ret->error.path);
                (void)fprintf(stderr, "headroomctl: %s: %s\n", path, strerror(-r));
        } else if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
        return r;
}

int trace_input_next(TraceInput *t, const TraceRecord **ret) {
        int r = trace_reader_next(t->reader, ret);

        if (r == -EBADMSG)
                say_error(trace_reader_error(t->reader), "; what is before it was read, --salvage goes on behind it");
        else if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
        return r;
}

void trace_input_done(TraceInput *t) {
        if (t->reader) {
                const TraceReaderStats *s = trace_reader_stats(t->reader);
                if (s->n_damaged > 0) {
                        (void)fprintf(stderr, "headroomctl: %" PRIu64 " damaged pieces were passed over, the latest:\n",
                                      s->n_damaged);
                        say_error(trace_reader_error(t->reader), "");
                }
        }
        t->reader = trace_reader_free(t->reader);
}

const char *trace_time(char *buf, size_t size, uint64_t real_usec) {
        time_t seconds = (time_t)(real_usec / USEC_PER_SEC);
        struct tm tm;
        char text[32] = "?";

        /* a damaged time may be one that no calendar has */
        if (real_usec < UINT64_C(253402300800) * USEC_PER_SEC && gmtime_r(&seconds, &tm))
                (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(buf, size, "%s.%06" PRIu64 "Z", text, real_usec % USEC_PER_SEC);
        return buf;
}

const char *trace_detail_name(uint32_t bit) {
        const Names *names = &trace_names[NAMES_DETAIL];

        return bit < names->n ? names->get(bit) : NULL;
}
