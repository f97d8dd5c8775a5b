/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/schema.h"

#include <string.h>

#define FIELD(type, member, w, s) \
        { .name = #member, .wire = w, .store = s, .offset = offsetof(type, member), .size = sizeof(((type *)0)->member) }
#define FIELD_NAMED(type, member, w, s, n)                                                            \
        { .name = #member, .wire = w, .store = s, .names = n, .offset = offsetof(type, member),       \
          .size = sizeof(((type *)0)->member) }
#define U64(type, member)     FIELD(type, member, WIRE_NUMBER, STORE_U64)
#define BYTES(type, member)   FIELD(type, member, WIRE_SCALED, STORE_U64)
#define U32(type, member)     FIELD(type, member, WIRE_NUMBER, STORE_U32)
#define I32(type, member)     FIELD(type, member, WIRE_NUMBER, STORE_I32)
#define BOOL(type, member)    FIELD(type, member, WIRE_NUMBER, STORE_BOOL)
#define CHARS(type, member)   FIELD(type, member, WIRE_STRING, STORE_CHARS)
#define POINTER(type, member) FIELD(type, member, WIRE_STRING, STORE_POINTER)
#define SLOT(type, member)    FIELD(type, member, WIRE_SLOT, STORE_SLOT)
#define BITS(type, member, n) FIELD_NAMED(type, member, WIRE_BITS, STORE_U32, n)
#define ENUM(type, member, n) FIELD_NAMED(type, member, WIRE_ENUM, STORE_ENUM, n)

static_assert(sizeof(Tier) == sizeof(int) && sizeof(Hold) == sizeof(int), "STORE_ENUM");

static const Field segment_fields[] = {
        FIELD(Segment, stream, WIRE_FIXED64, STORE_U64), U64(Segment, number),
};

static const Field stamp_fields[] = {
        U64(Snapshot, mono_usec),
        /* directly behind mono_usec: the two clocks mostly go together */
        FIELD(Snapshot, real_usec, WIRE_AFTER, STORE_U64),
        U32(Snapshot, page_size),
        BITS(Snapshot, detail, NAMES_DETAIL),
};

static const Field start_fields[] = {
        CHARS(TraceStart, boot_id), CHARS(TraceStart, kernel), CHARS(TraceStart, machine), CHARS(TraceStart, recorder),
        U32(TraceStart, page_size), U32(TraceStart, n_cpus), U64(TraceStart, mono_usec), U64(TraceStart, real_usec),
        U64(TraceStart, interval_usec), U64(TraceStart, detail_interval_usec), U32(TraceStart, max_domains),
        U32(TraceStart, max_cgroups), U32(TraceStart, max_processes), BOOL(TraceStart, decides), BOOL(TraceStart, dry_run),
};

static const Field policy_fields[] = { FIELD(TracePolicy, hash, WIRE_FIXED64, STORE_U64) };

static const Field facts_fields[] = {
        I32(TraceFacts, pid), U64(TraceFacts, start_ticks), BOOL(TraceFacts, has_exe), BOOL(TraceFacts, has_cmdline),
};

static const Field gap_fields[] = { U64(Gap, n_lost) };

static const Field answer_fields[] = { U64(Answer, kill_id), ENUM(Answer, hold, NAMES_HOLD) };

/* Sizes change by whole pages, counters by anything. */
#define HOST_WIRE(f)   ((f) < HOST_MEM_TOTAL || (f) >= HOST_VM_OOM_KILL ? WIRE_NUMBER : WIRE_SCALED)
#define CGROUP_WIRE(f) ((f) < CGROUP_CURRENT || (f) >= CGROUP_PGSCAN ? WIRE_NUMBER : WIRE_SCALED)

static const Field host_fields[] = {
#define X(id, key)                                                                                            \
        { .name = key, .wire = HOST_WIRE(HOST_##id), .store = STORE_U64, .is_optional = true,                 \
          .have_bit = HOST_##id, .offset = offsetof(HostSample, value) + HOST_##id * sizeof(uint64_t), .size = 8 },
        HOST_FIELDS(X)
#undef X
};

static const Field cgroup_fields[] = {
        U64(CgroupSample, id), POINTER(CgroupSample, path), SLOT(CgroupSample, parent), I32(CgroupSample, policy),
        BITS(CgroupSample, marks, NAMES_CGROUP_MARK),
#define X(id, key)                                                                                            \
        { .name = key, .wire = CGROUP_WIRE(CGROUP_##id), .store = STORE_U64, .is_optional = true,             \
          .have_bit = CGROUP_##id, .offset = offsetof(CgroupSample, value) + CGROUP_##id * sizeof(uint64_t), .size = 8 },
        CGROUP_FIELDS(X)
#undef X
};

static const Field process_fields[] = {
        I32(ProcessSample, pid), U64(ProcessSample, start_ticks), I32(ProcessSample, ppid), I32(ProcessSample, pgid),
        I32(ProcessSample, sid), U64(ProcessSample, cgroup_id), POINTER(ProcessSample, cgroup_path),
        SLOT(ProcessSample, cgroup), U32(ProcessSample, uid), CHARS(ProcessSample, comm),
        BITS(ProcessSample, flags, NAMES_PROCESS_FLAG), U32(ProcessSample, oom_score), I32(ProcessSample, oom_score_adj),
        I32(ProcessSample, rule_adjust), I32(ProcessSample, rule), ENUM(ProcessSample, tier, NAMES_TIER),
        I32(ProcessSample, kernel_wanted), I32(ProcessSample, kernel_rule), I32(ProcessSample, kernel_adjust),
        U64(ProcessSample, rss_anon), U64(ProcessSample, rss_file), U64(ProcessSample, rss_shmem),
        U64(ProcessSample, swap), U64(ProcessSample, pgtables),
};

static const Field kill_status_fields[] = {
        U64(KillStatus, kill_id), ENUM(KillStatus, outcome, NAMES_KILL_OUTCOME), U32(KillStatus, candidate),
        U64(KillStatus, signalled_usec), U64(KillStatus, exited_usec),
};

static const Field measure_status_fields[] = {
        U64(MeasureStatus, measure_id), ENUM(MeasureStatus, verb, NAMES_MEASURE_VERB), I32(MeasureStatus, error),
        BOOL(MeasureStatus, by_manager), BYTES(MeasureStatus, done_bytes), U64(MeasureStatus, run_usec),
        U64(MeasureStatus, ended_usec),
};

static const Field decision_fields[] = {
        U64(TraceDecision, seq), FIELD(TraceDecision, digest, WIRE_FIXED64, STORE_U64),
        BITS(TraceDecision, need, NAMES_DETAIL), BOOL(TraceDecision, need_now), U64(TraceDecision, next_usec),
        ENUM(TraceDecision, hold, NAMES_HOLD), U32(TraceDecision, n_changes), U32(TraceDecision, n_measures),
        BOOL(TraceDecision, has_kill),
};

static const Field change_fields[] = {
        U64(TraceChange, domain_id), CHARS(TraceChange, domain_path), CHARS(TraceChange, policy_name),
        ENUM(TraceChange, from, NAMES_LEVEL), ENUM(TraceChange, to, NAMES_LEVEL), ENUM(TraceChange, reason, NAMES_REASON),
};

static const Field measure_fields[] = {
        U64(TraceMeasure, measure_id), ENUM(TraceMeasure, step, NAMES_STEP), ENUM(TraceMeasure, verb, NAMES_MEASURE_VERB),
        U64(TraceMeasure, domain_id), U64(TraceMeasure, cgroup_id), CHARS(TraceMeasure, cgroup_path),
        BYTES(TraceMeasure, value), BYTES(TraceMeasure, old_value),
};

static const Field kill_fields[] = {
        U64(TraceKill, kill_id), ENUM(TraceKill, step, NAMES_STEP), BOOL(TraceKill, is_escalation),
        BOOL(TraceKill, dry_run), CHARS(TraceKill, policy_name), U64(TraceKill, domain_id), CHARS(TraceKill, domain_path),
        ENUM(TraceKill, reason, NAMES_REASON), ENUM(TraceKill, victim_kind, NAMES_CANDIDATE_KIND), I32(TraceKill, pid),
        U64(TraceKill, start_ticks), CHARS(TraceKill, comm), U64(TraceKill, cgroup_id), CHARS(TraceKill, cgroup_path),
        U32(TraceKill, n_processes), BYTES(TraceKill, freeable_bytes), BYTES(TraceKill, available_bytes),
        BYTES(TraceKill, deficit_bytes),
};

#define CLASS(n, f) { .name = n, .fields = f, .n_fields = ARRAY_SIZE(f), .have_offset = -1 }

const Class trace_classes[_CLASS_MAX] = {
        [CLASS_SEGMENT] = CLASS("segment", segment_fields),
        [CLASS_STAMP] = CLASS("stamp", stamp_fields),
        [CLASS_START] = CLASS("start", start_fields),
        [CLASS_POLICY] = CLASS("policy", policy_fields),
        [CLASS_FACTS] = CLASS("facts", facts_fields),
        [CLASS_GAP] = CLASS("gap", gap_fields),
        [CLASS_ANSWER] = CLASS("answer", answer_fields),
        [CLASS_HOST] = { "host", host_fields, ARRAY_SIZE(host_fields), offsetof(HostSample, have) },
        [CLASS_CGROUP] = { "cgroup", cgroup_fields, ARRAY_SIZE(cgroup_fields), offsetof(CgroupSample, have) },
        [CLASS_PROCESS] = CLASS("process", process_fields),
        [CLASS_KILL_STATUS] = CLASS("kill-status", kill_status_fields),
        [CLASS_MEASURE_STATUS] = CLASS("measure-status", measure_status_fields),
        [CLASS_DECISION] = CLASS("decision", decision_fields),
        [CLASS_CHANGE] = CLASS("change", change_fields),
        [CLASS_MEASURE] = CLASS("measure", measure_fields),
        [CLASS_KILL] = CLASS("kill", kill_fields),
};

static_assert(ARRAY_SIZE(host_fields) <= CLASS_FIELDS_MAX && ARRAY_SIZE(cgroup_fields) <= CLASS_FIELDS_MAX &&
                      ARRAY_SIZE(process_fields) <= CLASS_FIELDS_MAX,
              "a mask of 64 bits");

/* ---- names ---- */

static const char *const frame_names[] = { "schema", "string", "segment" };
static const char *const detail_names[] = { "cgroups", "processes", "stats", "known-cgroups", "known-processes", "known-stats" };
static const char *const mark_names[] = { "prefer", "avoid", "omit", "self", "leaf", "new" };
static const char *const flag_names[] = {
        "kthread", "init", "self", "no-mm", "dying", "vfork", "has-tty", "traced", "dstate", "sizes", "score",
        "identity", "forked",
};
static const char *const candidate_kind_names[] = { "process", "cgroup", "group" };

static_assert(ARRAY_SIZE(frame_names) == FRAME_RECORD, "frames");
static_assert(CGROUP_MARK_NEW == 1 << (ARRAY_SIZE(mark_names) - 1), "marks");
static_assert(PROCESS_FORKED == 1 << (ARRAY_SIZE(flag_names) - 1), "flags");
static_assert(DETAIL_KNOWN_STATS == 1 << (ARRAY_SIZE(detail_names) - 1), "detail");
static_assert(ARRAY_SIZE(candidate_kind_names) == _CANDIDATE_KIND_MAX, "kinds of candidates");

static const char *kind_name(uint32_t i) {
        return i < FRAME_RECORD ? frame_names[i] : trace_kind_to_string((TraceKind)(i - FRAME_RECORD));
}
static const char *detail_name(uint32_t i) {
        return detail_names[i];
}
static const char *mark_name(uint32_t i) {
        return mark_names[i];
}
static const char *flag_name(uint32_t i) {
        return flag_names[i];
}
static const char *candidate_kind_name(uint32_t i) {
        return candidate_kind_names[i];
}
static const char *tier_name(uint32_t i) {
        return tier_to_string((Tier)i);
}
static const char *kill_outcome_name(uint32_t i) {
        return kill_outcome_to_string((KillOutcome)i);
}
static const char *measure_verb_name(uint32_t i) {
        return measure_verb_to_string((MeasureVerb)i);
}
static const char *level_name(uint32_t i) {
        return level_to_string((Level)i);
}
static const char *step_name(uint32_t i) {
        return step_to_string((Step)i);
}
static const char *reason_name(uint32_t i) {
        return reason_to_string((Reason)i);
}
static const char *hold_name(uint32_t i) {
        return hold_to_string((Hold)i);
}

const Names trace_names[_NAMES_MAX] = {
        [NAMES_NONE] = { "", 0, NULL },
        [NAMES_KIND] = { "kind", FRAME_RECORD + _TRACE_KIND_MAX, kind_name },
        [NAMES_DETAIL] = { "detail", ARRAY_SIZE(detail_names), detail_name },
        [NAMES_CGROUP_MARK] = { "cgroup-mark", ARRAY_SIZE(mark_names), mark_name },
        [NAMES_PROCESS_FLAG] = { "process-flag", ARRAY_SIZE(flag_names), flag_name },
        [NAMES_TIER] = { "tier", _TIER_MAX, tier_name },
        [NAMES_KILL_OUTCOME] = { "kill-outcome", _KILL_OUTCOME_MAX, kill_outcome_name },
        [NAMES_MEASURE_VERB] = { "measure-verb", _MEASURE_VERB_MAX, measure_verb_name },
        [NAMES_LEVEL] = { "level", _LEVEL_MAX, level_name },
        [NAMES_STEP] = { "step", _STEP_MAX, step_name },
        [NAMES_REASON] = { "reason", _REASON_MAX, reason_name },
        [NAMES_HOLD] = { "hold", _HOLD_MAX, hold_name },
        [NAMES_CANDIDATE_KIND] = { "candidate-kind", _CANDIDATE_KIND_MAX, candidate_kind_name },
};

/* ---- structures ---- */

uint64_t field_get(const Field *f, const void *object) {
        const char *p = (const char *)object + f->offset;

        switch (f->store) {
        case STORE_U64:
                return *(const uint64_t *)(const void *)p;
        case STORE_U32:
                return *(const uint32_t *)(const void *)p;
        case STORE_I32:
                return (uint64_t)(int64_t) * (const int32_t *)(const void *)p;
        case STORE_ENUM:
                return (uint64_t)(int64_t) * (const int *)(const void *)p;
        case STORE_BOOL:
                return *(const bool *)(const void *)p;
        case STORE_CHARS:
        case STORE_POINTER:
        case STORE_SLOT:
                break;
        }
        assert(!"a number");
        return 0;
}

bool field_set(const Field *f, void *object, uint64_t v) {
        char *p = (char *)object + f->offset;

        switch (f->store) {
        case STORE_U64:
                *(uint64_t *)(void *)p = v;
                return true;
        case STORE_U32:
                *(uint32_t *)(void *)p = (uint32_t)v;
                return v <= UINT32_MAX;
        case STORE_I32:
        case STORE_ENUM:
                *(int32_t *)(void *)p = (int32_t)v;
                return (int64_t)v == (int32_t)v;
        case STORE_BOOL:
                *(bool *)(void *)p = v & 1;
                return v <= 1;
        case STORE_CHARS:
        case STORE_POINTER:
        case STORE_SLOT:
                break;
        }
        assert(!"a number");
        return false;
}

const char *field_text(const Field *f, const void *object, size_t *ret_len) {
        const char *p = (const char *)object + f->offset;

        if (f->store == STORE_CHARS) {
                *ret_len = strnlen(p, f->size - 1u);
                return p;
        }
        assert(f->store == STORE_POINTER);
        p = *(const char *const *)(const void *)p;
        p = p ? p : "";
        *ret_len = strnlen(p, CGROUP_PATH_MAX);
        return p;
}
