/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/commands.h"

#include <getopt.h>
#include <string.h>

#include "base/units.h"

#define BIT(o) (UINT64_C(1) << (o))

const Command commands[] = {
        { "status", "", 0, 0, BIT(CTL_OPTION_OUTPUT),
          "levels, pressure and headroom of the host and the watched cgroups", command_status },
        { "explain", "CGROUP|PID|last", 1, 1, BIT(CTL_OPTION_OUTPUT),
          "who would go and why, or the record of the last kill", command_explain },
        { "history", "", 0, 0, BIT(CTL_OPTION_OUTPUT), "the last kills and what came back", command_history },
        { "sysctl", "", 0, 0, BIT(CTL_OPTION_OUTPUT), "memory settings of the kernel: wanted, current, original, why",
          command_sysctl },
        { "check", "[PATH...]", 0, 64,
          BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_ROOT) | BIT(CTL_OPTION_STRICT) | BIT(CTL_OPTION_OPTIONS) |
                  BIT(CTL_OPTION_DUMP),
          "check the configuration; needs no daemon", command_check },
        { "replay", "TRACE...", 1, 1000000,
          BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_POLICY) | BIT(CTL_OPTION_SALVAGE) | BIT(CTL_OPTION_CHECK) |
                  BIT(CTL_OPTION_VERBOSE),
          "decide a recorded host once more, by its policy and by another; needs no daemon", command_replay },
        { "release", "", 0, 0, BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_RUNTIME_DIR) | BIT(CTL_OPTION_AFTER_CRASH),
          "put back everything that was changed; needs no daemon", command_release },
        { "plan", "TRACE...", 1, 1000000,
          BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_SALVAGE) | BIT(CTL_OPTION_RAM) | BIT(CTL_OPTION_SWAP) | BIT(CTL_OPTION_ZRAM) |
                  BIT(CTL_OPTION_SWAPPINESS) | BIT(CTL_OPTION_OVERCOMMIT) | BIT(CTL_OPTION_SCALE) | BIT(CTL_OPTION_LIMIT) |
                  BIT(CTL_OPTION_POLICY) | BIT(CTL_OPTION_DENSITY) | BIT(CTL_OPTION_REPORT) | BIT(CTL_OPTION_WRITE_DROPINS) |
                  BIT(CTL_OPTION_MERGE),
          "how much memory these hosts need, and what would have happened with another size", command_plan },
        { "report", "[TRACE...]", 0, 1000000,
          BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_SALVAGE) | BIT(CTL_OPTION_DENSITY) | BIT(CTL_OPTION_REPORT) |
                  BIT(CTL_OPTION_WRITE_DROPINS),
          "what stood in a record: headroom, kills, limits for units", command_report },
        { "record", "FILE", 1, 1,
          BIT(CTL_OPTION_ROOT) | BIT(CTL_OPTION_FOR) | BIT(CTL_OPTION_INTERVAL) | BIT(CTL_OPTION_DETAIL_INTERVAL) |
                  BIT(CTL_OPTION_CMDLINE),
          "write what is seen of this host to FILE; needs no daemon", command_record },
        { "trace", "VERB FILE...", 2, 1024, BIT(CTL_OPTION_OUTPUT) | BIT(CTL_OPTION_SALVAGE) | BIT(CTL_OPTION_FORMAT),
          "info, dump, export or import of recorded files", command_trace },
        { 0 },
};

static const struct {
        const char *name, *shown, *help;
        char letter;
        bool has_value;
} options_table[] = {
        [CTL_OPTION_OUTPUT] = { "output", "-o, --output=FORMAT", "text (default) or json; plan and report: also jsonl", 'o', true },
        [CTL_OPTION_ROOT] = { "root", "--root=DIR", "check: the configuration and the host below DIR", 0, true },
        [CTL_OPTION_STRICT] = { "strict", "--strict", "check: warnings count as errors", 0, false },
        [CTL_OPTION_OPTIONS] = { "options", "--options", "check: print every option with its default", 0, false },
        [CTL_OPTION_DUMP] = { "dump", "--dump", "check: print the policy that would be in force", 0, false },
        [CTL_OPTION_POLICY] = { "policy", "--policy=PATH", "replay, plan: by this policy: a directory, or a file from check --dump",
                                0, true },
        [CTL_OPTION_CHECK] = { "check", "--check", "replay: fail where anything differs", 0, false },
        [CTL_OPTION_VERBOSE] = { "verbose", "--verbose", "replay: also what is the same", 0, false },
        [CTL_OPTION_RUNTIME_DIR] = { "runtime-dir", "--runtime-dir=DIR",
                                     "release: DIR instead of /run/headroom", 0, true },
        [CTL_OPTION_RAM] = { "ram", "--ram=SIZE,...", "plan: sizes to try; default: a grid around the recorded use", 0, true },
        [CTL_OPTION_SWAP] = { "swap", "--swap=SIZE", "plan: swap on disk, 0 for none", 0, true },
        [CTL_OPTION_ZRAM] = { "zram", "--zram=SIZE[:RATIO%]", "plan: swap on zram, compressed to RATIO", 0, true },
        [CTL_OPTION_SWAPPINESS] = { "swappiness", "--swappiness=N", "plan: vm.swappiness, 0 to 200", 0, true },
        [CTL_OPTION_OVERCOMMIT] = { "overcommit", "--overcommit=strict:RATIO", "plan: vm.overcommit_memory=2 with this ratio", 0, true },
        [CTL_OPTION_SCALE] = { "scale", "--scale=CGROUP=Nx", "plan: N copies of it", 0, true },
        [CTL_OPTION_LIMIT] = { "limit", "--limit=CGROUP=SIZE", "plan: its memory.max", 0, true },
        [CTL_OPTION_DENSITY] = { "density", "--density=CGROUP", "plan, report: how many more copies of it fit", 0, true },
        [CTL_OPTION_REPORT] = { "report", "--report=FILE", "plan, report: write a page of HTML", 0, true },
        [CTL_OPTION_WRITE_DROPINS] = { "write-dropins", "--write-dropins=DIR",
                                       "plan, report: write limits as drop-ins for systemd below DIR", 0, true },
        [CTL_OPTION_MERGE] = { "merge", "--merge", "plan: add up the JSON Lines of other plans", 0, false },
        [CTL_OPTION_FOR] = { "for", "--for=TIME", "record: end after TIME, for example 1h; default: when interrupted", 0, true },
        [CTL_OPTION_INTERVAL] = { "interval", "--interval=TIME", "record: time between two samples, default 1s", 0, true },
        [CTL_OPTION_DETAIL_INTERVAL] = { "detail-interval", "--detail-interval=TIME",
                                         "record: the same with all cgroups and processes, default 10s", 0, true },
        [CTL_OPTION_CMDLINE] = { "cmdline", "--cmdline", "record: command lines as well, which may hold secrets", 0, false },
        [CTL_OPTION_SALVAGE] = { "salvage", "--salvage", "go on behind damage in a trace", 0, false },
        [CTL_OPTION_FORMAT] = { "format", "--format=FORMAT",
                                "trace export: jsonl (default), csv, csv-cgroups; import: prometheus (default), sar, below", 0, true },
        [CTL_OPTION_AFTER_CRASH] = { "after-crash", "--after-crash", "release: as the next headroomd would do at its start",
                                     0, false },
};

static const char *const exits[] = {
        [CTL_EXIT_OK] = "done; check found no error",
        [CTL_EXIT_FAILED] = "failed, or there is no such thing, or check found errors, or replay --check a difference",
        [CTL_EXIT_USAGE] = "the command line is wrong",
        [CTL_EXIT_NOT_RUNNING] = "headroomd does not run or does not answer",
        [CTL_EXIT_NOT_PERMITTED] = "not permitted: that is for root",
};

static const char *const formats[] = { [FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_JSONL] = "jsonl" };

const char *ctl_exit_describe(CtlExit status) {
        return (size_t)status < ARRAY_SIZE(exits) ? exits[status] : NULL;
}

const char *format_to_string(Format f) {
        return (size_t)f < ARRAY_SIZE(formats) ? formats[f] : NULL;
}

static Format format_from_string(const char *s) {
        for (Format f = 0; f < _FORMAT_MAX; f++)
                if (strcmp(formats[f], s) == 0)
                        return f;
        return _FORMAT_INVALID;
}

void commands_help(FILE *f) {
        (void)fprintf(
                f, "headroomctl [OPTION...] COMMAND\n\nLooks into headroomd, checks its configuration, records and plans hosts.\n\nCommands:\n");
        for (const Command *c = commands; c->name; c++) {
                char left[40];
                (void)snprintf(left, sizeof(left), "%s%s%s", c->name, c->args[0] ? " " : "", c->args);
                (void)fprintf(f, "  %-24s  %s\n", left, c->help);
        }
        (void)fprintf(f, "\nOptions:\n");
        for (size_t i = 0; i < ARRAY_SIZE(options_table); i++)
                (void)fprintf(f, "  %-24s  %s\n", options_table[i].shown, options_table[i].help);
        (void)fprintf(f, "  %-24s  %s\n  %-24s  %s\n", "--help", "print this and end", "--version",
                      "print the version and end");
        (void)fprintf(f, "\nExit status:\n");
        for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
                (void)fprintf(f, "  %zu - %s\n", i, exits[i]);
        (void)fprintf(f, "\nSee headroomctl(1).\n");
}

static const Command *command_find(const char *name) {
        for (const Command *c = commands; c->name; c++)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

static int take_time(const char *name, const char *value, uint64_t min_usec, uint64_t *ret) {
        uint64_t v;

        if (units_parse_usec(value, strlen(value), &v) < 0 || v < min_usec) {
                (void)fprintf(stderr, "headroomctl: --%s= takes a time with its unit, for example 10s or 1h\n", name);
                return -EINVAL;
        }
        *ret = v;
        return 0;
}

/* Of the options without a value. */
static bool *flag_of(Invocation *i, CtlOption o) {
        static const size_t offsets[_CTL_OPTION_MAX] = {
                [CTL_OPTION_STRICT] = offsetof(Invocation, strict),
                [CTL_OPTION_OPTIONS] = offsetof(Invocation, list_options),
                [CTL_OPTION_DUMP] = offsetof(Invocation, dump),
                [CTL_OPTION_CHECK] = offsetof(Invocation, check),
                [CTL_OPTION_VERBOSE] = offsetof(Invocation, verbose),
                [CTL_OPTION_CMDLINE] = offsetof(Invocation, cmdline),
                [CTL_OPTION_SALVAGE] = offsetof(Invocation, salvage),
                [CTL_OPTION_AFTER_CRASH] = offsetof(Invocation, after_crash),
                [CTL_OPTION_MERGE] = offsetof(Invocation, merge),
        };
        return (bool *)(void *)((char *)i + offsets[o]);
}

static int take_option(Invocation *i, CtlOption o, const char *value) {
        switch (o) {
        case CTL_OPTION_OUTPUT:
                i->format = format_from_string(value);
                if (i->format < 0) {
                        (void)fprintf(stderr, "headroomctl: unknown format, expected text, json or jsonl\n");
                        return -EINVAL;
                }
                return 0;
        case CTL_OPTION_ROOT:
                i->root = value;
                return 0;
        case CTL_OPTION_POLICY:
                i->policy = value;
                return 0;
        case CTL_OPTION_RUNTIME_DIR:
                i->runtime_dir = value;
                return 0;
        case CTL_OPTION_FOR:
                return take_time("for", value, USEC_PER_SEC, &i->for_usec);
        case CTL_OPTION_INTERVAL:
                return take_time("interval", value, 50 * USEC_PER_MSEC, &i->interval_usec);
        case CTL_OPTION_DETAIL_INTERVAL:
                return take_time("detail-interval", value, 50 * USEC_PER_MSEC, &i->detail_interval_usec);
        case CTL_OPTION_FORMAT:
                i->data_format = value;
                return 0;
        case CTL_OPTION_RAM:
        case CTL_OPTION_SWAP:
        case CTL_OPTION_ZRAM:
        case CTL_OPTION_SWAPPINESS:
        case CTL_OPTION_OVERCOMMIT:
        case CTL_OPTION_SCALE:
        case CTL_OPTION_LIMIT:
        case CTL_OPTION_DENSITY:
        case CTL_OPTION_REPORT:
        case CTL_OPTION_WRITE_DROPINS:
                return plan_options_take(&i->plan, o, value);
        case CTL_OPTION_STRICT:
        case CTL_OPTION_OPTIONS:
        case CTL_OPTION_DUMP:
        case CTL_OPTION_CHECK:
        case CTL_OPTION_VERBOSE:
        case CTL_OPTION_CMDLINE:
        case CTL_OPTION_SALVAGE:
        case CTL_OPTION_AFTER_CRASH:
        case CTL_OPTION_MERGE:
                *flag_of(i, o) = true;
                return 0;
        case _CTL_OPTION_MAX:
                break;
        }
        return -EINVAL;
}

static int check_arguments(const Invocation *i, uint64_t used) {
        const Command *c = i->command;

        for (CtlOption o = 0; o < _CTL_OPTION_MAX; o++)
                if ((used & BIT(o)) && !(c->options & BIT(o))) {
                        (void)fprintf(stderr, "headroomctl: %s does not take --%s\n", c->name, options_table[o].name);
                        return -EINVAL;
                }
        if (i->format == FORMAT_JSONL && !(c->options & BIT(CTL_OPTION_REPORT))) {
                (void)fprintf(stderr, "headroomctl: %s has no format jsonl, expected text or json\n", c->name);
                return -EINVAL;
        }
        if (i->n_args < c->min_args || i->n_args > c->max_args) {
                (void)fprintf(stderr, "headroomctl: usage: headroomctl %s %s\n", c->name, c->args);
                return -EINVAL;
        }
        return 0;
}

#define LONG_FIRST   0x100
#define LONG_HELP    0x200
#define LONG_VERSION 0x201

int commands_parse(int argc, char *argv[], Invocation *ret) {
        struct option options[ARRAY_SIZE(options_table) + 3] = { 0 };
        Invocation i = { .root = "/", .out = stdout };
        uint64_t used = 0;
        int c;

        for (size_t o = 0; o < ARRAY_SIZE(options_table); o++)
                options[o] = (struct option){ options_table[o].name,
                                              options_table[o].has_value ? required_argument : no_argument, NULL,
                                              LONG_FIRST + (int)o };
        options[ARRAY_SIZE(options_table)] = (struct option){ "help", no_argument, NULL, LONG_HELP };
        options[ARRAY_SIZE(options_table) + 1] = (struct option){ "version", no_argument, NULL, LONG_VERSION };

        while ((c = getopt_long(argc, argv, "o:", options, NULL)) >= 0) {
                if (c == LONG_HELP || c == LONG_VERSION) {
                        if (c == LONG_HELP)
                                commands_help(stdout);
                        else
                                (void)printf("headroomctl %s\n", HEADROOM_VERSION);
                        return 1;
                }
                CtlOption o = c == 'o' ? CTL_OPTION_OUTPUT : (CtlOption)(c - LONG_FIRST);
                if (c == '?' || take_option(&i, o, optarg) < 0)
                        return -EINVAL;
                used |= BIT(o);
        }
        i.command = optind < argc ? command_find(argv[optind]) : NULL;
        if (!i.command) {
                (void)fprintf(stderr, "headroomctl: %s; see headroomctl --help\n",
                              optind < argc ? "no such command" : "which command?");
                return -EINVAL;
        }
        i.args = argv + optind + 1;
        i.n_args = argc - optind - 1;
        int r = check_arguments(&i, used);
        if (r < 0)
                return r;
        const char *no_color = getenv("NO_COLOR");
        i.color = isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
        *ret = i;
        return 0;
}
