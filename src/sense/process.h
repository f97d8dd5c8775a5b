/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The files of one process under /proc, as text. Everything in them that a user can set is hostile. */

#include "model/snapshot.h"

/* Flags of the kernel (include/linux/sched.h), field 9 of stat. */
#define PROCESS_PF_EXITING UINT32_C(0x00000004)
#define PROCESS_PF_FORKNOEXEC UINT32_C(0x00000040)
#define PROCESS_PF_KTHREAD UINT32_C(0x00200000)

typedef struct ProcessStat {
        char comm[COMM_MAX]; /* cut: kernel threads show longer names */
        char state;
        int32_t ppid, pgid, sid, tty;
        uint32_t pf_flags;
        uint64_t n_threads;
        uint64_t start_ticks;
} ProcessStat;

typedef struct ProcessStatus {
        char state;
        uint32_t euid;
        int32_t tracer_pid;
        uint64_t n_threads;
        bool has_euid;
        bool is_sigkill_pending;
        bool has_sizes; /* all of the below: a process without memory has none of the lines */
        uint64_t vm_size_kb;
        uint64_t rss_anon_kb, rss_file_kb, rss_shmem_kb, swap_kb;
        uint64_t pgtables_kb; /* VmPTE: all levels of page tables, in spite of its name */
} ProcessStatus;

int process_stat_parse(const char *text, ProcessStat *ret);
int process_status_parse(const char *text, ProcessStatus *ret);
int process_cgroup_parse(const char *text, const char **ret_path, size_t *ret_len);
int process_number_parse(const char *text, int64_t min, int64_t max, int64_t *ret);
