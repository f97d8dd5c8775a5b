/* SPDX-License-Identifier: GPL-2.0-or-later */

/* generate-trace: a recorded host out of nothing, for tests, benches and whoever wants to see what the planner says. */

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "config/config.h"
#include "synth/write.h"

static const char usage[] =
        "generate-trace [OPTIONS] FILE\n"
        "  --seed N          which host, default 1: the same for the same number\n"
        "  --span TIME       how long it was recorded, default 1h\n"
        "  --ram SIZE        default 4G\n"
        "  --swap SIZE       default none\n"
        "  --cgroups N       services, default 20\n"
        "  --processes N     default three for each\n"
        "  --leak SIZE       what a leak takes a second, default half of RAM in two hours\n"
        "  --patterns LIST   of idle,leak,diurnal,burst,cache,forks; default all\n"
        "  --policy DIR      that decides; default the built-in one\n"
        "  --no-policy       nobody decides: what headroomctl record leaves\n"
        "  --dry-run         it kills nobody\n"
        "  --gap TIME, --restart TIME, --reboot TIME   what happens, so long after its beginning\n";

static int take_size(const char *text, uint64_t *ret) {
        return units_parse_bytes(text, strlen(text), ret);
}

static int take_time(const char *text, uint64_t *ret) {
        return units_parse_usec(text, strlen(text), ret);
}

static int take_number(const char *text, uint32_t *ret) {
        uint64_t v;
        int r = text_parse_u64(text, &v);
        if (r < 0 || v > 8192)
                return -EINVAL;
        *ret = (uint32_t)v;
        return 0;
}

static int take_patterns(char *list, uint32_t *ret) {
        static const char *const names[] = { "idle", "leak", "diurnal", "burst", "cache", "forks" };
        char *save = NULL;

        for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
                SynthPattern p = 0;
                while (p < _SYNTH_PATTERN_MAX && strcmp(names[p], word) != 0)
                        p++;
                if (p == _SYNTH_PATTERN_MAX)
                        return -EINVAL;
                *ret |= 1u << p;
        }
        return 0;
}

typedef struct Arguments {
        SynthOptions o;
        const char *policy_dir, *path;
        bool no_policy;
} Arguments;

static int take_option(Arguments *a, int c, char *value) {
        switch (c) {
        case 's':
                return text_parse_u64(value, &a->o.seed);
        case 't':
                return take_time(value, &a->o.span_usec);
        case 'r':
                return take_size(value, &a->o.ram_bytes);
        case 'w':
                return take_size(value, &a->o.swap_bytes);
        case 'c':
                return take_number(value, &a->o.n_cgroups);
        case 'p':
                return take_number(value, &a->o.n_processes);
        case 'l':
                return take_size(value, &a->o.leak_bytes_per_sec);
        case 'P':
                return take_patterns(value, &a->o.patterns);
        case 'd':
                a->policy_dir = value;
                return 0;
        case 'n':
                a->no_policy = true;
                return 0;
        case 'D':
                a->o.dry_run = true;
                return 0;
        case 'g':
                return take_time(value, &a->o.gap_usec);
        case 'R':
                return take_time(value, &a->o.restart_usec);
        case 'b':
                return take_time(value, &a->o.reboot_usec);
        default:
                return -EINVAL;
        }
}

static int take_arguments(int argc, char *argv[], Arguments *a) {
        static const struct option options[] = {
                { "seed", required_argument, NULL, 's' },     { "span", required_argument, NULL, 't' },
                { "ram", required_argument, NULL, 'r' },      { "swap", required_argument, NULL, 'w' },
                { "cgroups", required_argument, NULL, 'c' },  { "processes", required_argument, NULL, 'p' },
                { "leak", required_argument, NULL, 'l' },     { "patterns", required_argument, NULL, 'P' },
                { "policy", required_argument, NULL, 'd' },   { "no-policy", no_argument, NULL, 'n' },
                { "dry-run", no_argument, NULL, 'D' },        { "gap", required_argument, NULL, 'g' },
                { "restart", required_argument, NULL, 'R' },  { "reboot", required_argument, NULL, 'b' },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                if (take_option(a, c, optarg) < 0)
                        return -EINVAL;
        if (optind != argc - 1)
                return -EINVAL;
        a->path = argv[optind];
        if (a->o.n_processes == 0)
                a->o.n_processes = 3 * a->o.n_cgroups;
        return 0;
}

int main(int argc, char *argv[]) {
        Arguments a = { .o = { .seed = 1, .span_usec = 3600 * USEC_PER_SEC, .ram_bytes = UINT64_C(4) << 30, .n_cgroups = 20 } };
        _cleanup_(policy_freep) Policy *policy = NULL;
        _cleanup_(synth_freep) Synth *synth = NULL;
        ConfigReport report = { 0 };
        uint64_t bytes = 0;

        if (take_arguments(argc, argv, &a) < 0) {
                (void)fputs(usage, stderr);
                return 2;
        }
        int r = a.no_policy ? 0 : policy_load(-EBADF, a.policy_dir, &report, &policy);
        config_report_print(&report, stderr);
        config_report_done(&report);
        if (policy)
                policy->daemon.dry_run |= a.o.dry_run;
        a.o.policy = policy;
        if (r >= 0)
                r = synth_new(&a.o, &synth);
        const TraceFileOptions file = { .dir_fd = AT_FDCWD, .name = a.path, .is_single = true };
        if (r >= 0)
                r = synth_write(synth, &file, &bytes);
        if (r < 0) {
                (void)fprintf(stderr, "generate-trace: %s: %s\n", a.path, strerror(-r));
                return 1;
        }
        const SynthStats *s = synth_stats(synth);
        (void)printf("%llu records, %llu samples, %llu kills, %llu by the kernel, %llu bytes before compression\n",
                     (unsigned long long)s->n_records, (unsigned long long)s->n_samples, (unsigned long long)s->n_kills,
                     (unsigned long long)s->n_kernel_kills, (unsigned long long)bytes);
        return 0;
}
