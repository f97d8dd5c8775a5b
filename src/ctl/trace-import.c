/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomctl trace import: which format, which files, and where to. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "ctl/import.h"
#include "ctl/trace-verbs.h"

#define FILE_MAX ((off_t)2 << 30)

static const struct ImportFormat {
        const char *name, *recorder;
        ImportText read;
} formats[] = {
        { "prometheus", "import-prometheus", import_prometheus_text }, /* the default */
        { "sar", "import-sar", import_sar_text },
        { "below", "import-below", import_below_text },
};

static const struct ImportFormat *format_find(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
                if (!name || strcmp(formats[i].name, name) == 0)
                        return &formats[i];
        return NULL;
}

static int say_file(const char *path, int error, const char *what) {
        char text[1024];
        TextBuf b = TEXT_BUF(text);

        text_append(&b, "");
        text_append_escaped(&b, path);
        (void)fprintf(stderr, "headroomctl: %s: %s\n", text, what);
        return error;
}

static int import_file(const struct ImportFormat *f, const char *path, Import *x) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return say_file(path, -errno, strerror(errno));
        if (!S_ISREG(st.st_mode) || st.st_size >= FILE_MAX)
                return say_file(path, -EBADMSG, "expected a file of less than 2 GiB");
        size_t n = (size_t)st.st_size;
        /* a copy: a file that is cut while it is read would be the end of us */
        _cleanup_free_ char *text = malloc(MAX(n, (size_t)1));
        if (!text)
                return say_file(path, -ENOMEM, strerror(ENOMEM));
        size_t got = 0;
        for (ssize_t k; got < n && (k = pread(fd, text + got, n - got, (off_t)got)) > 0;)
                got += (size_t)k;
        return f->read(path, text, got, x);
}

static int import_files(const Invocation *i, const struct ImportFormat *f, Import *x) {
        for (int n = 1; n < i->n_args - 1; n++) {
                int r = import_file(f, i->args[n], x);
                if (r < 0)
                        return r;
        }
        int r = import_finish(x);
        if (r == -ENODATA)
                (void)fprintf(stderr, "headroomctl: nothing in it that a trace could hold, read as --format=%s\n", f->name);
        else if (r < 0)
                (void)fprintf(stderr, "headroomctl: %s\n", r == -E2BIG ? "more than 8192 cgroups" : strerror(-r));
        return r;
}

CtlExit trace_import(const Invocation *i) {
        const struct ImportFormat *f = format_find(i->data_format);
        TraceWriter w = TRACE_WRITER_NULL;
        uint64_t n_samples = 0, n_gaps = 0;
        Import x = { 0 };

        if (!f) {
                (void)fprintf(stderr, "headroomctl: trace import takes --format=prometheus, sar or below\n");
                return CTL_EXIT_USAGE;
        }
        if (i->n_args < 3) {
                (void)fprintf(stderr, "headroomctl: usage: headroomctl trace import FILE... TRACE\n");
                return CTL_EXIT_USAGE;
        }
        int r = import_files(i, f, &x);
        if (r >= 0)
                r = trace_writer_open(&w, i->args[i->n_args - 1]);
        if (r >= 0) {
                r = import_write(&x, f->recorder, &w, &n_samples, &n_gaps);
                int k = trace_writer_close(&w);
                r = r < 0 ? r : k;
                if (r < 0)
                        (void)fprintf(stderr, "headroomctl: %s\n", r == -E2BIG ? "more samples than a trace may have" : strerror(-r));
                else
                        (void)fprintf(i->out,
                                      "%u series, %llu samples every %llu ms, %llu gaps, %u cgroups; %llu values were given twice\n",
                                      x.n, (unsigned long long)n_samples, (unsigned long long)(x.step_usec / 1000),
                                      (unsigned long long)n_gaps, x.n_paths, (unsigned long long)x.n_duplicates);
        }
        trace_writer_done(&w);
        import_done(&x);
        return r < 0 ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}
