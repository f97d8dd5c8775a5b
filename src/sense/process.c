/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * comm may hold parentheses, spaces and, in stat, raw newlines: stat is read from the last ')' on. In
 * status the kernel escapes newlines, so that no name can fake a line there.
 */
#include "sense/process.h"

#include <string.h>

#include "base/text.h"

/* Fields of stat behind the comm, counted from 0 there: field 3 of proc(5) is index 0. */
enum {
        STAT_STATE = 0,
        STAT_PPID = 1,
        STAT_PGRP = 2,
        STAT_SESSION = 3,
        STAT_TTY_NR = 4,
        STAT_FLAGS = 6,
        STAT_NUM_THREADS = 17,
        STAT_STARTTIME = 19,
        _STAT_WANTED,
};

static int int32_take(const char *s, size_t n, int32_t *ret) {
        int64_t v;
        if (text_parse_i64_n(s, n, &v) < 0 || v < INT32_MIN || v > INT32_MAX)
                return -EBADMSG;
        *ret = (int32_t)v;
        return 0;
}

static int stat_field_take(ProcessStat *st, unsigned field, const char *s, size_t n) {
        uint64_t v;

        switch (field) {
        case STAT_STATE:
                st->state = s[0];
                return n == 1 ? 0 : -EBADMSG;
        case STAT_PPID:
                return int32_take(s, n, &st->ppid);
        case STAT_PGRP:
                return int32_take(s, n, &st->pgid);
        case STAT_SESSION:
                return int32_take(s, n, &st->sid);
        case STAT_TTY_NR:
                return int32_take(s, n, &st->tty);
        case STAT_FLAGS:
                if (text_parse_u64_n(s, n, &v) < 0 || v > UINT32_MAX)
                        return -EBADMSG;
                st->pf_flags = (uint32_t)v;
                return 0;
        case STAT_NUM_THREADS:
                return text_parse_u64_n(s, n, &st->n_threads) < 0 ? -EBADMSG : 0;
        case STAT_STARTTIME:
                return text_parse_u64_n(s, n, &st->start_ticks) < 0 ? -EBADMSG : 0;
        default:
                return 0;
        }
}

/**
 * process_stat_parse() - fields of /proc/PID/stat
 * @text: the whole file, NUL-terminated
 * @ret:  untouched on failure
 *
 * Return: 0; -EBADMSG if it is not understood up to and including the start time.
 */
int process_stat_parse(const char *text, ProcessStat *ret) {
        ProcessStat st = {};
        const char *open = strchr(text, '('), *close = strrchr(text, ')');

        if (!open || !close || close < open || close[1] != ' ')
                return -EBADMSG;
        size_t n = MIN((size_t)(close - open - 1), sizeof(st.comm) - 1);
        memcpy(st.comm, open + 1, n);

        const char *p = close + 2;
        for (unsigned field = 0; field < _STAT_WANTED; field++) {
                size_t len = strcspn(p, " \n");
                if (len == 0 || stat_field_take(&st, field, p, len) < 0)
                        return -EBADMSG;
                /* a field that runs into the end of the text may have been cut */
                if (p[len] == '\0')
                        return -EBADMSG;
                p += len + 1;
        }
        *ret = st;
        return 0;
}

static int kb_take(const char *p, uint64_t *ret) {
        p += strspn(p, " \t");
        size_t n = strspn(p, "0123456789");
        if (text_parse_u64_n(p, n, ret) < 0 || strncmp(p + n, " kB\n", 4) != 0)
                return -EBADMSG;
        return 0;
}

static int number_take(const char *p, uint64_t max, uint64_t *ret) {
        p += strspn(p, " \t");
        size_t n = strspn(p, "0123456789");
        if (text_parse_u64_n(p, n, ret) < 0 || *ret > max || (p[n] != '\n' && p[n] != '\t'))
                return -EBADMSG;
        return 0;
}

/* The second of the four numbers: that is the one that oom reports and permissions go by. */
static int euid_take(const char *p, ProcessStatus *st) {
        uint64_t v;

        p += strspn(p, " \t");
        p += strspn(p, "0123456789");
        if (*p != '\t' || number_take(p, UINT32_MAX, &v) < 0)
                return -EBADMSG;
        st->euid = (uint32_t)v;
        st->has_euid = true;
        return 0;
}

/* SigPnd, ShdPnd: hexadecimal, signal N is bit N - 1. */
static int pending_take(const char *p, ProcessStatus *st) {
        p += strspn(p, " \t");
        size_t n = strspn(p, "0123456789abcdef");
        if (n < 3 || p[n] != '\n')
                return -EBADMSG;
        char digit = p[n - 3]; /* bits 8..11 */
        int v = digit <= '9' ? digit - '0' : digit - 'a' + 10;
        if (v & 1) /* SIGKILL is 9, bit 8 */
                st->is_sigkill_pending = true;
        return 0;
}

typedef enum StatusSize {
        STATUS_SIZE_VM = 1 << 0,
        STATUS_SIZE_ANON = 1 << 1,
        STATUS_SIZE_FILE = 1 << 2,
        STATUS_SIZE_SHMEM = 1 << 3,
        STATUS_SIZE_PTE = 1 << 4,
        STATUS_SIZE_SWAP = 1 << 5,
        STATUS_SIZES_ALL = (1 << 6) - 1,
} StatusSize;

static int status_line_take(const char *line, ProcessStatus *st, unsigned *sizes) {
        const struct {
                const char *key;
                uint64_t *kb;
                unsigned bit;
        } rows[] = {
                { "VmSize:", &st->vm_size_kb, STATUS_SIZE_VM },
                { "RssAnon:", &st->rss_anon_kb, STATUS_SIZE_ANON },
                { "RssFile:", &st->rss_file_kb, STATUS_SIZE_FILE },
                { "RssShmem:", &st->rss_shmem_kb, STATUS_SIZE_SHMEM },
                { "VmPTE:", &st->pgtables_kb, STATUS_SIZE_PTE },
                { "VmSwap:", &st->swap_kb, STATUS_SIZE_SWAP },
        };
        uint64_t v;

        switch (line[0]) {
        case 'U':
                return text_has_prefix(line, "Uid:") ? euid_take(line + 4, st) : 0;
        case 'T':
                if (text_has_prefix(line, "Threads:"))
                        return number_take(line + 8, UINT64_MAX, &st->n_threads);
                if (!text_has_prefix(line, "TracerPid:"))
                        return 0;
                if (number_take(line + 10, INT32_MAX, &v) < 0)
                        return -EBADMSG;
                st->tracer_pid = (int32_t)v;
                return 0;
        case 'S':
                if (text_has_prefix(line, "State:\t")) {
                        st->state = line[7];
                        return line[7] >= 'A' && line[7] <= 'z' ? 0 : -EBADMSG;
                }
                if (text_has_prefix(line, "SigPnd:") || text_has_prefix(line, "ShdPnd:"))
                        return pending_take(line + 7, st);
                return 0;
        case 'V':
        case 'R':
                for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                        if (text_has_prefix(line, rows[i].key)) {
                                if ((*sizes & rows[i].bit) || kb_take(line + strlen(rows[i].key), rows[i].kb) < 0)
                                        return -EBADMSG;
                                *sizes |= rows[i].bit;
                        }
                return 0;
        default:
                return 0;
        }
}

/**
 * process_status_parse() - fields of /proc/PID/status or /proc/PID/task/TID/status
 * @text: the whole file, NUL-terminated
 * @ret:  untouched on failure
 *
 * Return: 0, with has_sizes false where the process or thread has no memory (kernel thread, zombie);
 *         -EBADMSG if a wanted line is garbled, or the text was cut: sizes of which some are missing
 *         are no sizes.
 */
int process_status_parse(const char *text, ProcessStatus *ret) {
        ProcessStatus st = {};
        unsigned sizes = 0;

        while (*text != '\0') {
                const char *end = strchr(text, '\n');
                if (!end || status_line_take(text, &st, &sizes) < 0)
                        return -EBADMSG;
                text = end + 1;
        }
        if (st.state == 0 || (sizes != 0 && sizes != STATUS_SIZES_ALL))
                return -EBADMSG;
        st.has_sizes = sizes == STATUS_SIZES_ALL;
        *ret = st;
        return 0;
}

/**
 * process_cgroup_parse() - the cgroup2 line of /proc/PID/cgroup
 * @ret_path: into @text; not NUL-terminated. Untrusted; may begin with "/.." and end in " (deleted)".
 * @ret_len:  may be anything up to the length of the text
 *
 * Return: 0; -ENOENT where there is no such line (no cgroup2 on this host); -EBADMSG if it was cut.
 */
int process_cgroup_parse(const char *text, const char **ret_path, size_t *ret_len) {
        while (*text != '\0') {
                const char *end = strchr(text, '\n');
                if (text_has_prefix(text, "0::")) {
                        if (!end || text[3] != '/')
                                return -EBADMSG;
                        *ret_path = text + 3;
                        *ret_len = (size_t)(end - text - 3);
                        return 0;
                }
                if (!end)
                        break;
                text = end + 1;
        }
        return -ENOENT;
}

/* A file that holds one number: oom_score, oom_score_adj. Return: 0; -EBADMSG. */
int process_number_parse(const char *text, int64_t min, int64_t max, int64_t *ret) {
        size_t n = strcspn(text, "\n");
        int64_t v;

        if (text[n] != '\n' || text[n + 1] != '\0' || text_parse_i64_n(text, n, &v) < 0 || v < min || v > max)
                return -EBADMSG;
        *ret = v;
        return 0;
}
