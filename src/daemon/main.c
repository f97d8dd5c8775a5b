/* SPDX-License-Identifier: GPL-2.0-or-later */

/* headroomd: the command line, and nothing else. */

#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/units.h"
#include "config/config.h"
#include "daemon/manager.h"

enum {
        EXIT_OK = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2, /* the command line or the configuration has an error */
};

static ManagerOptions arg_options = { .root = "/" };
static bool arg_dump_config;

static void print_help(void) {
        (void)printf("headroomd [OPTION...]\n\n"
                     "Keeps the host responsive while memory runs short.\n\n"
                     "  --config=DIR     one more configuration directory, before all others\n"
                     "  --root=DIR       read a captured tree instead of /; implies --dry-run\n"
                     "  --dry-run        decide and report, but send no signal and write nothing\n"
                     "  --record=PATH    write a trace: to PATH, or to files in it where it is a directory\n"
                     "  --duration=TIME  end after TIME, for example 15s or 10min\n"
                     "  --force          run although a right is missing or another headroomd runs\n"
                     "  --dump-config    print the policy that would be in force and end\n"
                     "  --help           print this and end\n"
                     "  --version        print the version and end\n\n"
                     "See headroomd(8).\n");
}

/* 0: go on; > 0: done; -EINVAL: said what is wrong. */
static int parse_argv(int argc, char *argv[]) {
        enum {
                ARG_CONFIG = 0x100,
                ARG_ROOT,
                ARG_DRY_RUN,
                ARG_RECORD,
                ARG_DURATION,
                ARG_FORCE,
                ARG_DUMP,
                ARG_HELP,
                ARG_VERSION,
        };
        static const struct option options[] = {
                { "config", required_argument, NULL, ARG_CONFIG },
                { "root", required_argument, NULL, ARG_ROOT },
                { "dry-run", no_argument, NULL, ARG_DRY_RUN },
                { "record", required_argument, NULL, ARG_RECORD },
                { "duration", required_argument, NULL, ARG_DURATION },
                { "force", no_argument, NULL, ARG_FORCE },
                { "dump-config", no_argument, NULL, ARG_DUMP },
                { "help", no_argument, NULL, ARG_HELP },
                { "version", no_argument, NULL, ARG_VERSION },
                { 0 },
        };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case ARG_CONFIG:
                        arg_options.config_dir = optarg;
                        break;
                case ARG_ROOT:
                        arg_options.root = optarg;
                        break;
                case ARG_DRY_RUN:
                        arg_options.dry_run = true;
                        break;
                case ARG_RECORD:
                        arg_options.record = optarg;
                        break;
                case ARG_DURATION:
                        if (units_parse_usec(optarg, strlen(optarg), &arg_options.duration_usec) < 0 ||
                            arg_options.duration_usec == 0) {
                                (void)fprintf(
                                        stderr,
                                        "headroomd: --duration= takes a time with its unit, for example 15s or 10min\n");
                                return -EINVAL;
                        }
                        break;
                case ARG_FORCE:
                        arg_options.force = true;
                        break;
                case ARG_DUMP:
                        arg_dump_config = true;
                        break;
                case ARG_HELP:
                        print_help();
                        return 1;
                case ARG_VERSION:
                        (void)printf("headroomd %s\n", HEADROOM_VERSION);
                        return 1;
                default:
                        return -EINVAL;
                }
        if (optind < argc) {
                (void)fprintf(stderr, "headroomd: takes no arguments, only options (--help)\n");
                return -EINVAL;
        }
        if (strcmp(arg_options.root, "/") != 0)
                arg_options.dry_run = true;
        return 0;
}

static int dump_config(void) {
        _cleanup_close_ int root_fd = open(arg_options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(policy_freep) Policy *policy = NULL;
        ConfigReport report = { 0 };

        if (root_fd < 0) {
                (void)fprintf(stderr, "headroomd: %s: %s\n", arg_options.root, strerror(errno));
                return EXIT_FAILED;
        }
        int r = policy_load(root_fd, arg_options.config_dir, &report, &policy);
        config_report_print(&report, stderr);
        config_report_done(&report);
        if (r >= 0)
                policy_dump(policy, stdout);
        return r >= 0 ? EXIT_OK : r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}

/* Before any thread is there: signals are the loop's, and one arena is enough for all threads. */
static int prepare_process(void) {
        sigset_t mask;

        (void)mallopt(M_ARENA_MAX, 1);
        (void)signal(SIGPIPE, SIG_IGN);
        (void)sigemptyset(&mask);
        (void)sigaddset(&mask, SIGTERM);
        (void)sigaddset(&mask, SIGINT);
        (void)sigaddset(&mask, SIGHUP);
        return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

int main(int argc, char *argv[]) {
        /* Reserved address space is touched here and there: a huge page for each touch would make megabytes of it. */
        (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        _cleanup_(manager_freep) Manager *m = NULL;

        int r = parse_argv(argc, argv);
        if (r != 0)
                return r < 0 ? EXIT_USAGE : EXIT_OK;
        if (arg_dump_config)
                return dump_config();
        arg_options.view = !getenv("NOTIFY_SOCKET");
        r = prepare_process();
        if (r >= 0)
                r = manager_new(&arg_options, &m);
        if (r < 0) {
                (void)fprintf(stderr, "headroomd: not started: %s\n",
                              r == -EINVAL ? "the configuration has errors" : strerror(-r));
                return r == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
        }
        return manager_run(m) < 0 ? EXIT_FAILED : EXIT_OK;
}
