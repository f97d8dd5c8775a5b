/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What is remembered of the cgroups, or of the processes: one slot each. Both sides have this table, and what is in a
 * slot is the same on both. The encoder says what goes where, and finds slots by the identity (its first two fields).
 */

#include "trace/chains.h"
#include "trace/strings.h"
#include "trace/vector.h"

typedef struct Entities {
        uint32_t max, n_fields;
        uint64_t *value;     /* n_fields of each */
        uint64_t (*have)[2]; /* of cheap and of detailed samples */
        uint64_t (*mask)[2];
        uint32_t *seen;     /* the sample that lists it, by number; 0: the slot is empty */
        uint32_t *fresh;    /* the sample in which it was new */
        uint32_t *taken;    /* encoder: the sample in whose list it stands already */
        uint32_t *position; /* in the list of @seen */
        uint32_t *lists[3];
        uint32_t *list;        /* of the present sample */
        uint32_t *previous[2]; /* of the latest cheap and the latest detailed sample */
        uint32_t n_list, n_previous[2];
        uint32_t serial; /* number of the present sample; goes on over segments */
        /* encoder */
        uint32_t n_slots, n_free;
        uint32_t *free;
        Chains index;
} Entities;

int entities_init(Entities *t, uint32_t max, uint32_t n_fields, bool with_index);
void entities_done(Entities *t);
/* A segment begins: nothing is known. */
void entities_reset(Entities *t);

static inline uint64_t *entities_value(const Entities *t, uint32_t slot) {
        return t->value + (size_t)slot * t->n_fields;
}
static inline Base entities_base(const Entities *t, uint32_t slot, bool detailed) {
        return (Base){ entities_value(t, slot), &t->have[slot][detailed], &t->mask[slot][detailed] };
}
static inline bool entities_listed(const Entities *t, uint32_t slot) {
        return slot < t->max && t->seen[slot] == t->serial;
}
/* The vector of the @i-th, which is new: as the one before it. */
void entities_begin_fresh(Entities *t, uint32_t i);

/* The list of the next sample is empty; that of the one before it is what it is compared with. */
void entities_next(Entities *t);
/* The list is complete: keep it. */
void entities_keep(Entities *t, bool detailed);
/* Appends a slot that is not listed yet. */
void entities_append(Entities *t, uint32_t slot);

/* ---- encoder ---- */

/*
 * Finds slots for all @n of a sample, of which @get hands out the identity, and makes the list of them. Where there is no
 * free slot for a new one, those go which are not in this sample: -ENOSPC only where @n is more than there are slots.
 */
typedef struct EntityKey {
        uint64_t id; /* first field */
        uint64_t number;
        const char *text; /* second field: a string, or NULL and a number */
        size_t text_len;
} EntityKey;
int entities_resolve(Entities *t, const Strings *s, uint32_t n, void (*get)(const void *, uint32_t, EntityKey *),
                     const void *userdata);
/* Writes the list of the present sample. */
void entities_put_list(Entities *t, bool detailed, WireOut *w);
/* Forgets those which are not in the present sample. */
void entities_purge(Entities *t);
/* Reads the list of the present sample. False: damaged. */
bool entities_get_list(Entities *t, bool detailed, WireIn *w);
