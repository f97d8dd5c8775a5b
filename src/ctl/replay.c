/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * headroomctl replay: a recorded host once more through the decision core, under the policy that was in force and, with
 * --policy, under another one. Local: it asks no daemon and reads nothing of this host's configuration.
 */

#include "ctl/commands.h"

#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"
#include "ctl/policy-path.h"
#include "ctl/show.h"
#include "plan/replay.h"
#include "trace/reader.h"

static void say_damage(const TraceError *e) {
        char path[1024], text[640];
        TextBuf p = TEXT_BUF(path), t = TEXT_BUF(text);

        text_append(&p, "");
        text_append(&t, "");
        text_append_escaped(&p, e->path);
        text_append_escaped(&t, e->text);
        (void)fprintf(stderr, "headroomctl: %s: offset %llu: %s\n", path, (unsigned long long)e->offset, text);
}

/* 0; -EBADMSG: damaged, said; -ENOMEM. */
static int feed_all(TraceReader *reader, PlanReplay *replay) {
        const TraceRecord *record;
        int r;

        while ((r = trace_reader_next(reader, &record)) > 0) {
                int n = plan_replay_feed(replay, record);
                if (n < 0)
                        return n;
        }
        if (r == -EBADMSG)
                say_damage(trace_reader_error(reader));
        return r;
}

static int run(const Invocation *i, PlanReplay *replay) {
        const TraceReaderOptions options = { .salvage = i->salvage };
        _cleanup_(trace_reader_freep) TraceReader *reader = NULL;
        TraceError error = { 0 };

        int r = trace_reader_new(AT_FDCWD, i->args, (size_t)i->n_args, &options, &error, &reader);
        if (r < 0) {
                if (error.text[0])
                        say_damage(&error);
                else
                        (void)fprintf(stderr, "headroomctl: %s: %s\n", error.path[0] ? error.path : i->args[0], strerror(-r));
                return r;
        }
        r = feed_all(reader, replay);
        const TraceReaderStats *stats = trace_reader_stats(reader);
        if (r >= 0 && stats->n_damaged > 0)
                (void)fprintf(stderr, "headroomctl: damage was passed over at %llu places, each of them a gap\n",
                              (unsigned long long)stats->n_damaged);
        if (r < 0 && r != -EBADMSG)
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
        return r;
}

static void show(const Invocation *i, const ReplayResult *result) {
        if (i->format != FORMAT_JSON) {
                replay_print(result, i->verbose, i->out);
                return;
        }
        json_t *answer = replay_json(result);
        show_json(i, answer);
        json_decref(answer);
}

CtlExit command_replay(const Invocation *i) {
        _cleanup_(policy_freep) Policy *other = NULL;
        _cleanup_(plan_replay_freep) PlanReplay *replay = NULL;
        const ReplayResult *result;

        if (i->policy && policy_path_load(i->policy, &other) < 0)
                return CTL_EXIT_FAILED;
        const ReplayOptions options = { .other = other };
        int r = plan_replay_new(&options, &replay);
        if (r < 0) {
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
                return CTL_EXIT_FAILED;
        }
        int damaged = run(i, replay);
        if (damaged < 0 && damaged != -EBADMSG)
                return CTL_EXIT_FAILED;
        r = plan_replay_finish(replay, &result);
        if (r < 0) {
                (void)fprintf(stderr, "headroomctl: %s\n", strerror(-r));
                return CTL_EXIT_FAILED;
        }
        /* what stood before the damage is told all the same */
        if (result->n_records > 0)
                show(i, result);
        return damaged < 0 || (i->check && replay_result_differs(result)) ? CTL_EXIT_FAILED : CTL_EXIT_OK;
}
