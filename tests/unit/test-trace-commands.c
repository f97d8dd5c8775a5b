/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/trace-verbs.h"
#include "ctl/trace-writer.h"
#include "tree.h"

#define SEC USEC_PER_SEC
#define T0  (UINT64_C(500) * SEC)
#define R0  (UINT64_C(1700000000) * SEC)
/* What a cgroup may be called: a quote, a comma, a newline, an escape sequence. */
#define ODD "/a.slice/\"o,dd\"\n\033[31m.service"

static TraceRecord record;

static TraceRecord *begin(TraceKind kind, uint64_t t_usec) {
        record = (TraceRecord){ .kind = kind, .snap = { .mono_usec = T0 + t_usec, .real_usec = R0 + t_usec } };
        return &record;
}

static void put_start(TraceWriter *w, const char *boot, uint64_t t_usec) {
        TraceRecord *r = begin(TRACE_START, t_usec);
        r->start = (TraceStart){ .kernel = "6.12.0-test", .machine = "x86_64", .recorder = "0.1", .page_size = 4096, .n_cpus = 2,
                                 .mono_usec = T0 + t_usec, .real_usec = R0 + t_usec, .interval_usec = SEC,
                                 .detail_interval_usec = 10 * SEC, .decides = true, .dry_run = true };
        (void)strcpy(r->start.boot_id, boot);
        assert_int_equal(trace_writer_put(w, r), 0);
        static const char text[] = "# file: headroomd.conf\n[Daemon]\nDryRun=yes\n";
        r = begin(TRACE_POLICY, t_usec);
        r->policy = (TracePolicy){ .hash = 0x1234, .text = text, .n = sizeof(text) - 1 };
        assert_int_equal(trace_writer_put(w, r), 0);
}

static void put_sample(TraceWriter *w, uint64_t t_usec, uint64_t oom_kills, bool has_kill) {
        static CgroupSample cgroups[2];
        static ProcessSample process;
        TraceRecord *r = begin(TRACE_SAMPLE, t_usec);
        cgroups[0] = (CgroupSample){ .id = 1, .parent = INDEX_NONE, .policy = -1, .path = "/" };
        cgroups[1] = (CgroupSample){ .id = 9, .parent = 0, .policy = 2, .path = ODD };
        cgroup_set(&cgroups[1], CGROUP_CURRENT, 12345678);
        cgroup_set(&cgroups[1], CGROUP_MAX, CGROUP_NO_LIMIT);
        process = (ProcessSample){ .pid = 77, .ppid = 1, .start_ticks = 5, .cgroup_id = 9, .cgroup = 1, .rule = -1, .kernel_rule = -1,
                                   .flags = PROCESS_IDENTITY | PROCESS_SIZES, .rss_anon = 321, .tier = TIER_NORMAL,
                                   .cgroup_path = ODD, .comm = "b\"a\nd" };
        r->snap.page_size = 4096;
        r->snap.detail = DETAIL_CGROUPS | DETAIL_PROCESSES | DETAIL_STATS;
        host_set(&r->snap.host, HOST_MEM_TOTAL, UINT64_C(1) << 30);
        host_set(&r->snap.host, HOST_VM_OOM_KILL, oom_kills);
        r->snap.cgroups = cgroups;
        r->snap.n_cgroups = 2;
        r->snap.processes = &process;
        r->snap.n_processes = 1;
        r->has_decision = true;
        r->decision = (TraceDecision){ .seq = 1, .digest = 0xfeed };
        r->decision.has_kill = has_kill;
        if (has_kill) {
                r->decision.kill = (TraceKill){ .kill_id = 3, .step = STEP_KILL, .dry_run = true, .pid = 77, .start_ticks = 5,
                                                .comm = "b\"a\nd", .cgroup_path = ODD, .domain_path = "/", .policy_name = "host" };
        }
        assert_int_equal(trace_writer_put(w, r), 0);
}

/* Two boots; in the first a kill, a kernel kill, a marked gap and a pause without a mark. */
static void make(const Tree *t, const char *name) {
        TraceWriter w = TRACE_WRITER_NULL;
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
        assert_int_equal(trace_writer_open(&w, path), 0);
        put_start(&w, "11111111-1111", 0);
        put_sample(&w, 1 * SEC, 0, false);
        put_sample(&w, 2 * SEC, 0, true);
        TraceRecord *r = begin(TRACE_FACTS, 2 * SEC);
        r->facts = (TraceFacts){ .pid = 77, .start_ticks = 5, .has_exe = true, .exe = "/usr/bin/ba\033d" };
        assert_int_equal(trace_writer_put(&w, r), 0);
        r = begin(TRACE_GAP, 30 * SEC);
        r->n_lost = 4;
        assert_int_equal(trace_writer_put(&w, r), 0);
        put_sample(&w, 30 * SEC, 1, false);
        put_sample(&w, 90 * SEC, 1, false);
        put_start(&w, "22222222-2222", 100 * SEC);
        put_sample(&w, 101 * SEC, 0, false);
        put_sample(&w, 102 * SEC, 0, false);
        assert_int_equal(trace_writer_put(&w, begin(TRACE_END, 102 * SEC)), 0);
        assert_int_equal(trace_writer_close(&w), 0);
        trace_writer_done(&w);
}

/* What the verb prints; its exit status in *ret_status. To be freed. */
static char *run(CtlExit (*verb)(const Invocation *), const Tree *t, const char *name, Invocation i, CtlExit *ret_status) {
        char path[128], *text = NULL;
        char *args[] = { (char *)"verb", path };
        size_t n = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", t->path, name);
        i.args = args;
        i.n_args = 2;
        i.out = open_memstream(&text, &n);
        *ret_status = verb(&i);
        assert_int_equal(fclose(i.out), 0);
        return text;
}

static void expect(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("lacks: %s\nin:\n%s", part, text);
}

static void test_info(void **state) {
        (void)state;
        Tree t;
        CtlExit status;
        tree_open(&t);
        make(&t, "x.trace");
        char *text = run(trace_info, &t, "x.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_OK);
        expect(text, "boot 11111111-1111: Linux 6.12.0-test, x86_64, page size 4096, 2 CPUs, recorded by 0.1 (dry run)");
        expect(text, "boot 22222222-2222: ");
        expect(text, "from 2023-11-14T22:13:20.000000Z to ");
        expect(text, "6 samples, 6 with details, 6 with decisions");
        expect(text, "gaps: 1 (4 records lost), pauses without a mark: 1, together 88s");
        expect(text, "kills: 1, of these 1 virtual; not confirmed or not carried out: 0; by the kernel: 1");
        expect(text, "virtual kill b\"a\\x0ad (pid 77)");
        expect(text, "policies: 0000000000001234\n");
        expect(text, "0 torn tails, 0 damaged pieces, ended in order");
        assert_null(strchr(text, '\033'));
        free(text);
        text = run(trace_info, &t, "x.trace", (Invocation){ .format = FORMAT_JSON }, &status);
        json_error_t error;
        json_t *o = json_loads(text, 0, &error);
        assert_non_null(o);
        assert_int_equal(json_array_size(json_object_get(o, "boots")), 2);
        assert_int_equal(show_int(o, "samples", -1), 6);
        assert_int_equal(show_int(o, "lost_records", -1), 4);
        assert_int_equal(show_int(o, "covered_usec", -1), 2 * (int64_t)SEC);
        assert_string_equal(show_string(json_array_get(json_object_get(o, "kills"), 0), "step"), "kill");
        assert_int_equal(strlen(show_string(o, "trace_hash")), 16);
        json_decref(o);
        free(text);
        tree_close(&t);
}

static void test_dump(void **state) {
        (void)state;
        Tree t;
        CtlExit status;
        tree_open(&t);
        make(&t, "x.trace");
        char *text = run(trace_dump, &t, "x.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_OK);
        expect(text, "mem_total=1073741824");
        expect(text, "  | DryRun=yes\n");
        expect(text, "current=12345678");
        expect(text, " max=max");
        expect(text, "cgroup /a.slice/\"o,dd\"\\x0a\\x1b[31m.service id=9 policy=2");
        expect(text, "process 77 b\"a\\x0ad start=5");
        expect(text, "digest=000000000000feed");
        expect(text, "kill 3: virtual kill pid 77");
        expect(text, "exe=/usr/bin/ba\\x1bd");
        expect(text, "  lost=4\n");
        assert_null(strstr(text, "swap_total")); /* absent is not printed */
        assert_null(strchr(text, '\033'));
        free(text);
        tree_close(&t);
}

static void test_export(void **state) {
        (void)state;
        Tree t;
        CtlExit status;
        unsigned n = 0;
        tree_open(&t);
        make(&t, "x.trace");
        char *text = run(trace_export, &t, "x.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_OK);
        for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
                json_t *o = json_loadb(line, (size_t)(end - line), 0, NULL);
                assert_non_null(o);
                assert_int_equal(show_int(json_object_get(o, "host"), "mem_total", -1), 1 << 30);
                json_t *c = json_array_get(json_object_get(o, "cgroups"), 1);
                assert_string_equal(show_string(c, "max"), "max");
                assert_string_equal(show_string(c, "path"), "/a.slice/\"o,dd\"\\x0a\\x1b[31m.service");
                assert_int_equal(show_int(json_array_get(json_object_get(o, "processes"), 0), "rss_anon_pages", -1), 321);
                json_decref(o);
                n++;
        }
        assert_int_equal(n, 6);
        free(text);

        text = run(trace_export, &t, "x.trace", (Invocation){ .data_format = "csv" }, &status);
        assert_int_equal(strncmp(text, "real_usec,mono_usec,psi_some_usec,psi_full_usec,mem_total,", 57), 0);
        expect(text, "\n1700000001000000,501000000,,,1073741824,,");
        free(text);
        text = run(trace_export, &t, "x.trace", (Invocation){ .data_format = "csv-cgroups" }, &status);
        expect(text, ",\"/a.slice/\"\"o,dd\"\"\\x0a\\x1b[31m.service\",9,,,12345678,");
        n = 0;
        for (const char *s = text; (s = strchr(s, '\n')); s++)
                n++;
        assert_int_equal(n, 13); /* head, and two cgroups of each sample */
        free(text);
        text = run(trace_export, &t, "x.trace", (Invocation){ .data_format = "xml" }, &status);
        assert_int_equal(status, CTL_EXIT_USAGE);
        free(text);
        tree_close(&t);
}

static void test_damaged(void **state) {
        (void)state;
        Tree t;
        CtlExit status;
        struct stat st;
        tree_open(&t);
        char *text = run(trace_info, &t, "none.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_FAILED);
        free(text);
        tree_write_n(&t, "foreign.trace", "#!/bin/sh\necho hello, this is no trace at all\n", 46);
        text = run(trace_info, &t, "foreign.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_FAILED);
        free(text);
        /* a byte in the middle: an error without --salvage, what is whole with it */
        make(&t, "x.trace");
        int fd = openat(t.fd, "x.trace", O_RDWR | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        uint8_t byte;
        assert_int_equal(pread(fd, &byte, 1, st.st_size / 3), 1);
        byte ^= 0x10;
        assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 3), 1);
        text = run(trace_info, &t, "x.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_FAILED);
        free(text);
        text = run(trace_info, &t, "x.trace", (Invocation){ .salvage = true }, &status);
        assert_int_equal(status, CTL_EXIT_OK);
        expect(text, "boot 22222222-2222");
        free(text);
        /* cut: what is before it reads, and nothing is wrong */
        make(&t, "y.trace");
        (void)close(fd);
        fd = openat(t.fd, "y.trace", O_RDWR | O_CLOEXEC);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(ftruncate(fd, st.st_size - 7), 0);
        (void)close(fd);
        text = run(trace_info, &t, "y.trace", (Invocation){ 0 }, &status);
        assert_int_equal(status, CTL_EXIT_OK);
        expect(text, "1 torn tails, 0 damaged pieces");
        expect(text, "boot 11111111-1111");
        free(text);
        tree_close(&t);
}

static void test_verbs(void **state) {
        (void)state;
        char *args[] = { (char *)"explode", (char *)"x" };
        const Invocation i = { .args = args, .n_args = 2, .out = stdout };
        assert_int_equal(command_trace(&i), CTL_EXIT_USAGE);
        char buf[64];
        assert_string_equal(trace_time(buf, sizeof(buf), R0), "2023-11-14T22:13:20.000000Z");
        assert_string_equal(trace_time(buf, sizeof(buf), UINT64_MAX), "?.551615Z");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_info),    cmocka_unit_test(test_dump),  cmocka_unit_test(test_export),
                cmocka_unit_test(test_damaged), cmocka_unit_test(test_verbs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
