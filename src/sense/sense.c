/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Sense object: wires the host's files, the cgroup tree, the monitored cgroups and the process scan
 * together. Discovery may allocate and takes milliseconds; a cheap sample is a pread() per kept
 * descriptor; a detailed one opens files, but draws all memory from address space reserved at the start.
 */
#include "sense/sense.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "sense/cgroup-attr.h"
#include "sense/cgroup-detail.h"
#include "sense/cgroup-tree.h"
#include "sense/complaint.h"
#include "sense/degraded.h"
#include "sense/host-files.h"
#include "sense/monitored.h"
#include "sense/peak.h"
#include "sense/process-facts.h"
#include "sense/process-scan.h"
#include "sense/process.h"
#include "sense/read.h"

#define MAX_CGROUPS_DEFAULT   8192u
#define MAX_PROCESSES_DEFAULT 65536u
/* Untouched beyond what a file needs. Mount tables are the longest: some hundred KiB on container hosts. */
#define SCRATCH_BYTES ((size_t)1 << 20)

#define FIELDS_BETWEEN(first, last) ((UINT64_C(2) << (last)) - (UINT64_C(1) << (first)))
/* What DETAIL_STATS adds to a cgroup's sample. */
#define STATS_FIELDS                                                       \
        (FIELDS_BETWEEN(CGROUP_PSI_SOME_USEC, CGROUP_PSI_FULL_USEC) |      \
         FIELDS_BETWEEN(CGROUP_ANON, CGROUP_EVENT_OOM_KILL) |              \
         FIELDS_BETWEEN(CGROUP_PEAK_INTERVAL, CGROUP_PEAK_INTERVAL))

struct Sense {
        int root_fd; /* borrowed */
        int32_t self_pid;
        uint32_t page_size;
        uint32_t degraded;
        SenseMatchers matchers;
        Reserve scratch;
        Complaints complaints;
        HostFiles host;
        CgroupTree tree;
        MonitoredSet monitored;
        Peaks peaks;
        ProcessScan scan;
};

static void degraded_set(Sense *s, Degraded d, bool on) {
        s->degraded = (s->degraded & ~(UINT32_C(1) << d)) | (uint32_t)on << d;
}

/* Into the scratch buffer, which holds "" where there is no mount table. */
static void mounts_read(Sense *s) {
        static const char *const places[] = { "proc/self/mountinfo", "proc/1/mountinfo", "proc/mounts",
                                              "proc/1/mounts" };
        char *text = s->scratch.data;

        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                _cleanup_close_ int fd = fd_open_at(s->root_fd, places[i]);
                int r = fd < 0 ? fd : fd_pread_text(fd, text, s->scratch.size);
                if (r == -EFBIG)
                        complaint_raise_file(&s->complaints, COMPLAINT_MOUNTS, "", places[i], r);
                if (r > 0 || r == -EFBIG) /* what fitted may be enough */
                        return;
        }
        text[0] = '\0';
}

static void host_probe(Sense *s) {
        mounts_read(s);
        int r = cgroup_tree_mount(&s->tree, s->root_fd, s->scratch.data);
        if (r < 0 && r != -ENOENT)
                complaint_raise_file(&s->complaints, COMPLAINT_MOUNTS, "", "the cgroup2 mount", r);

        /* the mount table is looked at first: the other probes overwrite nothing of it */
        char text[8192];
        DegradedProbe p = { .root_fd = s->root_fd,
                            .self_pid = s->self_pid,
                            .mounts = s->scratch.data,
                            .scratch = text,
                            .scratch_size = sizeof(text) };
        degraded_set(s, DEGRADED_CONTAINER, degraded_is_container(&p) || (s->tree.fd >= 0 && !s->tree.is_real_root));
        degraded_set(s, DEGRADED_HIDEPID, degraded_is_hidepid(&p));
        degraded_set(s, DEGRADED_PSI_UNPRIVILEGED, degraded_lacks_sys_resource(&p));
}

static void degraded_update(Sense *s) {
        degraded_set(s, DEGRADED_NO_PSI, s->host.psi_fd < 0);
        degraded_set(s, DEGRADED_NO_CGROUP2, s->tree.fd < 0);
        degraded_set(s, DEGRADED_NO_MEMCG, s->tree.fd >= 0 && !s->tree.has_memory);
        if (s->host.psi_fd < 0)
                degraded_set(s, DEGRADED_PSI_UNPRIVILEGED, false);
}

/**
 * sense_new() - open a host
 * @options: the root fd stays the caller's and must outlive the object
 * @ret:     owned by the caller
 *
 * Succeeds on any host; what is missing is stated by sense_degraded(). Nothing is monitored before
 * sense_discover().
 *
 * Return: 0; -ENOMEM; -EINVAL for a root fd that is none.
 */
int sense_new(const SenseOptions *options, Sense **ret) {
        uint32_t max_cgroups = options->max_cgroups ? options->max_cgroups : MAX_CGROUPS_DEFAULT;
        uint32_t max_processes = options->max_processes ? options->max_processes : MAX_PROCESSES_DEFAULT;
        int r;

        if (options->root_fd < 0)
                return -EINVAL;
        _cleanup_(sense_freep) Sense *s = calloc(1, sizeof(Sense));
        if (!s)
                return -ENOMEM;
        s->root_fd = options->root_fd;
        s->self_pid = options->self_pid;
        s->page_size = (uint32_t)sysconf(_SC_PAGESIZE);
        s->tree.fd = s->scan.proc_fd = -EBADF;
        host_files_init(&s->host, s->root_fd);
        if ((r = reserve_init(&s->scratch, SCRATCH_BYTES)) < 0 ||
            (r = cgroup_tree_init(&s->tree, max_cgroups, s->scratch.data, SCRATCH_BYTES, &s->complaints)) < 0 ||
            (r = process_scan_init(&s->scan, s->root_fd, max_processes, max_cgroups)) < 0)
                return r;
        host_files_open(&s->host, s->scratch.data, SCRATCH_BYTES, &s->complaints);
        host_probe(s);
        degraded_update(s);
        *ret = TAKE_PTR(s);
        return 0;
}

Sense *sense_free(Sense *s) {
        if (!s)
                return NULL;
        process_scan_done(&s->scan);
        peaks_stop(&s->peaks);
        monitored_done(&s->monitored);
        cgroup_tree_done(&s->tree);
        host_files_done(&s->host);
        reserve_done(&s->scratch);
        free(s);
        return NULL;
}

/**
 * sense_set_matchers() - whom to ask about cgroups and processes
 * @m: copied; NULL for nobody. Neither function may allocate: both are asked while a sample is taken.
 *
 * Nothing is monitored until the next sense_discover(): policy indices of the old policy are void.
 */
void sense_set_matchers(Sense *s, const SenseMatchers *m) {
        s->matchers = m ? *m : (SenseMatchers){};
        s->tree.match++;
        monitored_done(&s->monitored);
        for (uint32_t i = 0; i < cgroup_tree_size(&s->tree); i++) {
                cgroup_tree_samples(&s->tree)[i].policy = -1;
                cgroup_tree_nodes(&s->tree)[i].slot = INDEX_NONE;
        }
        process_scan_forget_matches(&s->scan);
}

uint32_t sense_degraded(const Sense *s) {
        return s->degraded;
}

int sense_cgroup_root_fd(const Sense *s) {
        return s->tree.fd;
}

static void self_mark(Sense *s) {
        char path[32], text[4096];
        const char *cgroup;
        size_t len;

        if (s->self_pid <= 0)
                return;
        (void)snprintf(path, sizeof(path), "proc/%d/cgroup", s->self_pid);
        if (read_once_at(s->root_fd, path, text, sizeof(text)) < 0 || process_cgroup_parse(text, &cgroup, &len) != 0)
                return;
        cgroup = cgroup_tree_relative(&s->tree, cgroup, &len);
        cgroup_tree_mark_self(&s->tree, path_store_find(&s->tree.paths, cgroup, len));
}

/* Forgets the paths of cgroups that are gone; all that refer to the others follow their new addresses. */
static void paths_sweep(Sense *s) {
        CgroupNode *nodes = cgroup_tree_nodes(&s->tree);
        ProcessExtra *extras = process_table_extras(&s->scan.table);
        PathStore *paths = &s->tree.paths;

        path_store_sweep_begin(paths);
        for (uint32_t i = 0; i < cgroup_tree_size(&s->tree); i++) {
                nodes[i].path = path_store_keep(paths, nodes[i].path);
                cgroup_tree_samples(&s->tree)[i].path = nodes[i].path->path;
        }
        for (uint32_t i = 0; i < s->scan.table.n; i++) {
                extras[i].cgroup = path_store_keep(paths, extras[i].cgroup);
                process_table_rows(&s->scan.table)[i].cgroup_path = extras[i].cgroup ? extras[i].cgroup->path : "";
        }
        path_store_sweep_end(paths);
        monitored_repoint(&s->monitored, &s->tree);
        reserve_forget(&s->tree.samples[1 - s->tree.live]);
        reserve_forget(&s->tree.nodes[1 - s->tree.live]);
}

/**
 * sense_discover() - look at the whole tree anew
 *
 * Also retries whatever could not be opened earlier. Costs about 70 us per cgroup.
 *
 * Return: > 0 if the set of monitored cgroups changed; 0; negative errno where the tree could not be
 *         walked or memory is short, and then nothing is monitored.
 */
int sense_discover(Sense *s) {
        host_files_open(&s->host, s->scratch.data, SCRATCH_BYTES, &s->complaints);
        if (s->tree.fd < 0 || s->scan.proc_fd < 0) {
                host_probe(s);
                if (s->scan.proc_fd < 0)
                        process_scan_open(&s->scan, s->root_fd);
        }
        int r = cgroup_tree_walk(&s->tree, &s->matchers, /* is_discovery= */ true);
        self_mark(s);
        int changed = monitored_update(&s->monitored, &s->tree, &s->complaints);
        cgroup_detail_rebase(&s->tree);
        paths_sweep(s);
        degraded_update(s);
        return r < 0 ? r : changed;
}

static void processes_link(Sense *s, bool has_all_cgroups) {
        const CgroupNode *nodes = cgroup_tree_nodes(&s->tree);
        ProcessSample *rows = process_table_rows(&s->scan.table);

        for (uint32_t i = 0; i < s->scan.table.n; i++) {
                const PathEntry *e = process_table_extras(&s->scan.table)[i].cgroup;
                uint32_t c = cgroup_tree_index(&s->tree, e);
                rows[i].cgroup = INDEX_NONE;
                /* another cgroup may have taken the path since the walk */
                if (c == INDEX_NONE || e->id != rows[i].cgroup_id)
                        continue;
                if (has_all_cgroups)
                        rows[i].cgroup = c;
                else if (nodes[c].slot < s->monitored.n)
                        rows[i].cgroup = s->monitored.sample_index[nodes[c].slot];
        }
}

static ProcessReader process_reader(Sense *s) {
        return (ProcessReader){ .proc_fd = s->scan.proc_fd,
                                .self_pid = s->self_pid,
                                .page_size = s->page_size,
                                .table = &s->scan.table, .tree = &s->tree,
                                .matchers = &s->matchers,
                                .scratch = s->scratch.data,
                                .scratch_size = SCRATCH_BYTES,
                                .complaints = &s->complaints };
}

static void processes_scan(Sense *s, uint64_t mono_usec, bool may_be_known) {
        ProcessReader reader = process_reader(s);
        reader.mono_usec = mono_usec;
        (void)process_scan_take(&s->scan, &reader, may_be_known); /* a failure is a complaint and an empty list */
}

static bool has_unknown_cgroup(const Sense *s) {
        const ProcessSample *rows = process_table_rows(&s->scan.table);
        for (uint32_t i = 0; i < s->scan.table.n; i++) {
                const PathEntry *e = process_table_extras(&s->scan.table)[i].cgroup;
                /* a unit that was restarted has the path of the one before, and another id */
                if (rows[i].cgroup_path[0] && (cgroup_tree_index(&s->tree, e) == INDEX_NONE || e->id != rows[i].cgroup_id))
                        return true;
        }
        return false;
}

static void usage_read(Sense *s, uint32_t slot, CgroupSample *ret) {
        const CgroupAttrSource a = { .dir_fd = s->monitored.items[slot].dir_fd, .prefix = "", .complaints = &s->complaints };
        cgroup_attr_read_usage(&a, ret);
}

/*
 * A walk costs some 70 us a cgroup, which is too much between a limit that was crossed and the signal, when
 * one was made a moment ago. A cgroup made since then shows by a process in it that no known one holds.
 */
static void cgroups_take(Sense *s, uint32_t detail, Snapshot *ret) {
        bool is_walked = false;

        if ((detail & DETAIL_CGROUPS) || ((detail & DETAIL_ANY_PROCESSES) && has_unknown_cgroup(s))) {
                is_walked = cgroup_tree_walk(&s->tree, &s->matchers, /* is_discovery= */ false) >= 0;
                if (is_walked)
                        self_mark(s);
        }
        CgroupSample *samples = cgroup_tree_samples(&s->tree);
        for (uint32_t i = 0; i < cgroup_tree_size(&s->tree); i++) {
                uint32_t slot = monitored_find(&s->monitored, &s->tree, i);
                samples[i].have &= ~STATS_FIELDS; /* of an earlier sample, if any */
                if (slot == INDEX_NONE)
                        continue;
                (void)monitored_read(&s->monitored, slot, &s->complaints, &samples[i]);
                /* its file could not be opened at the discovery, or was another one */
                if (is_walked && s->tree.has_memory && !cgroup_has(&samples[i], CGROUP_CURRENT))
                        usage_read(s, slot, &samples[i]);
        }
        if (is_walked && (detail & DETAIL_ANY_STATS))
                cgroup_detail_read(&s->tree, &s->monitored, &s->peaks, /* has_limits= */ !(detail & DETAIL_STATS));
        ret->cgroups = samples;
        ret->n_cgroups = cgroup_tree_size(&s->tree);
}

/**
 * sense_sample() - take a sample
 * @mono_usec, @real_usec: the clocks, read by the caller
 * @detail: Detail. 0: only kept descriptors are read; nothing is opened, unless swap was added or
 *          removed, and nothing allocated. With DETAIL_CGROUPS or DETAIL_KNOWN_CGROUPS all cgroups are in
 *          the sample, the root first. With DETAIL_PROCESSES or DETAIL_KNOWN_PROCESSES all processes are, sorted
 *          by pid; asked for both, it is the former, as with the two kinds of stats.
 * @ret:    its arrays and strings are valid until the next call on @s
 *
 * Return: 0; -ENODATA where nothing at all could be read.
 */
int sense_sample(Sense *s, uint64_t mono_usec, uint64_t real_usec, uint32_t detail, Snapshot *ret) {
        *ret = (Snapshot){ .mono_usec = mono_usec,
                           .real_usec = real_usec,
                           .page_size = s->page_size,
                           .detail = detail_plain(detail & (DETAIL_ANY_CGROUPS | DETAIL_ANY_PROCESSES | DETAIL_ANY_STATS)) };
        host_files_sample(&s->host, s->scratch.data, SCRATCH_BYTES, &s->complaints, &ret->host);
        if (host_has(&ret->host, HOST_SWAP_TOTAL))
                degraded_set(s, DEGRADED_NO_SWAP, ret->host.value[HOST_SWAP_TOTAL] == 0);
        degraded_set(s, DEGRADED_NO_PSI, s->host.psi_fd < 0);

        if (detail & DETAIL_ANY_PROCESSES)
                processes_scan(s, mono_usec, /* may_be_known= */ !(detail & DETAIL_PROCESSES));
        bool has_all_cgroups = detail & DETAIL_ANY_CGROUPS;
        if (has_all_cgroups)
                cgroups_take(s, detail, ret);
        else {
                ret->n_cgroups = monitored_sample(&s->monitored, &s->complaints);
                ret->cgroups = s->monitored.samples;
        }
        if (detail & DETAIL_ANY_PROCESSES) {
                processes_link(s, has_all_cgroups);
                ret->processes = process_table_rows(&s->scan.table);
                ret->n_processes = s->scan.table.n;
        }
        return ret->host.have == 0 && ret->n_cgroups == 0 && ret->n_processes == 0 ? -ENODATA : 0;
}

/**
 * sense_list_processes() - the pids there are, and nothing else about them
 * @ret: sorted; belongs to @s and is valid until the next call on it
 *
 * Costs about 0.5 us a process, a fifteenth of a sample. The table of the latest sample stays as it is.
 *
 * Return: how many; negative errno where proc cannot be listed.
 */
int sense_list_processes(Sense *s, const int32_t **ret) {
        ProcessReader reader = process_reader(s);
        int n = process_scan_list(&s->scan, &reader);

        if (n < 0)
                return n;
        *ret = process_table_pids(&s->scan.table);
        return (int)process_pids_sort(process_table_pids(&s->scan.table), (uint32_t)n);
}

/**
 * sense_process() - one process, read in full and its rules asked, whatever the latest sample says of it
 * @ret: its cgroup_path is valid until the next call on @s; what could be read say the flags, as in a sample
 *
 * Return: 0; READ_E_GONE (1) where there is none of that pid.
 */
int sense_process(Sense *s, int32_t pid, ProcessSample *ret) {
        ProcessReader reader = process_reader(s);
        ProcessExtra extra;

        if (s->scan.proc_fd < 0)
                return READ_E_GONE;
        process_row_reset(ret, &extra, pid);
        return process_read_whole(&reader, ret, &extra);
}

/**
 * sense_process_facts() - what rules may look at and no sample holds
 * @pid, @start_ticks: whose
 * @exe, @cmdline: "" where there is nothing to see; @cmdline may be NULL. Untrusted text
 *
 * Opens files, and cmdline may wait for a lock of the process: only while memory is plentiful.
 * Return: 0; READ_E_GONE (1) where that process is gone; negative errno of a shortage, try again later.
 */
int sense_process_facts(Sense *s, int32_t pid, uint64_t start_ticks, char *exe, size_t exe_size, char *cmdline,
                        size_t cmdline_size) {
        if (s->scan.proc_fd < 0)
                return READ_E_GONE;
        return process_facts_read(s->scan.proc_fd, pid, start_ticks, exe, exe_size, cmdline, cmdline_size);
}

/**
 * sense_want_peaks() - shall detailed samples hold the highest use of each cgroup since the one before?
 *
 * Takes a descriptor for each cgroup that is read in full, 512 and a sixteenth of the limit at
 * most. Only for a live tree: it writes to the files.
 * Return: 0; -ENOMEM.
 */
int sense_want_peaks(Sense *s, bool want) {
        if (want)
                return peaks_start(&s->peaks);
        peaks_stop(&s->peaks);
        return 0;
}

size_t sense_monitored(const Sense *s, const SenseMonitored **ret) {
        *ret = s->monitored.items;
        return s->monitored.n;
}

bool sense_next_complaint(Sense *s, char *buf, size_t size) {
        return complaint_next(&s->complaints, buf, size);
}
