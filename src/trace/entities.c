/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/entities.h"

#include <string.h>

#include "trace/format.h"

static int map(void *ret, size_t n, size_t size) {
        void *p = reserve_map(n * size);

        *(void **)ret = p;
        return p ? 0 : -ENOMEM;
}

int entities_init(Entities *t, uint32_t max, uint32_t n_fields, bool with_index) {
        *t = (Entities){ .max = max, .n_fields = n_fields };
        int r = map(&t->value, max, n_fields * sizeof(uint64_t));
        r = r < 0 ? r : map(&t->have, max, sizeof(*t->have));
        r = r < 0 ? r : map(&t->mask, max, sizeof(*t->mask));
        r = r < 0 ? r : map(&t->seen, max, sizeof(uint32_t));
        r = r < 0 ? r : map(&t->fresh, max, sizeof(uint32_t));
        r = r < 0 ? r : map(&t->position, max, sizeof(uint32_t));
        for (int i = 0; i < 3 && r >= 0; i++)
                r = map(&t->lists[i], max, sizeof(uint32_t));
        if (r >= 0 && with_index) {
                r = map(&t->taken, max, sizeof(uint32_t));
                r = r < 0 ? r : map(&t->free, max, sizeof(uint32_t));
                r = r < 0 ? r : chains_init(&t->index, max);
        }
        if (r < 0)
                return r;
        t->list = t->lists[0];
        t->previous[0] = t->lists[1];
        t->previous[1] = t->lists[2];
        return 0;
}

void entities_done(Entities *t) {
        reserve_unmap(t->value, (size_t)t->max * t->n_fields * sizeof(uint64_t));
        reserve_unmap(t->have, t->max * sizeof(*t->have));
        reserve_unmap(t->mask, t->max * sizeof(*t->mask));
        reserve_unmap(t->seen, t->max * sizeof(uint32_t));
        reserve_unmap(t->fresh, t->max * sizeof(uint32_t));
        reserve_unmap(t->position, t->max * sizeof(uint32_t));
        for (int i = 0; i < 3; i++)
                reserve_unmap(t->lists[i], t->max * sizeof(uint32_t));
        reserve_unmap(t->taken, t->max * sizeof(uint32_t));
        reserve_unmap(t->free, t->max * sizeof(uint32_t));
        chains_done(&t->index);
        *t = (Entities){ 0 };
}

void entities_reset(Entities *t) {
        t->n_list = t->n_previous[0] = t->n_previous[1] = 0;
        memset(t->seen, 0, t->n_slots * sizeof(uint32_t));
        t->n_slots = t->n_free = 0;
        if (t->index.heads)
                chains_reset(&t->index);
}

void entities_next(Entities *t) {
        t->n_list = 0;
        if (++t->serial == 0)
                t->serial = 1; /* 0 stands for an empty slot */
}

void entities_append(Entities *t, uint32_t slot) {
        t->seen[slot] = t->serial;
        t->position[slot] = t->n_list;
        t->list[t->n_list++] = slot;
}

void entities_keep(Entities *t, bool detailed) {
        uint32_t *unused = t->previous[detailed];

        t->previous[detailed] = t->list;
        t->n_previous[detailed] = t->n_list;
        t->list = unused;
}

void entities_begin_fresh(Entities *t, uint32_t i) {
        uint32_t slot = t->list[i];
        size_t size = t->n_fields * sizeof(uint64_t);

        if (i == 0) {
                memset(entities_value(t, slot), 0, size);
                memset(t->have[slot], 0, sizeof(t->have[slot]));
                memset(t->mask[slot], 0, sizeof(t->mask[slot]));
                return;
        }
        uint32_t before = t->list[i - 1];
        memcpy(entities_value(t, slot), entities_value(t, before), size);
        memcpy(t->have[slot], t->have[before], sizeof(t->have[slot]));
        memcpy(t->mask[slot], t->mask[before], sizeof(t->mask[slot]));
}

/* ---- encoder: slots ---- */

static bool has_key(const Entities *t, const Strings *s, uint32_t slot, const EntityKey *key) {
        const uint64_t *v = entities_value(t, slot);

        if (v[0] != key->id)
                return false;
        return key->text ? strings_equal(s, v[1], key->text, key->text_len) : v[1] == key->number;
}

/* Two of the same identity in one sample have two slots. */
static uint32_t find(const Entities *t, const Strings *s, const EntityKey *key) {
        uint32_t hash = chains_mix(key->id);

        for (uint32_t slot = chains_first(&t->index, hash); slot != CHAINS_NONE; slot = chains_next(&t->index, slot))
                if (t->index.hash[slot] == hash && t->seen[slot] != t->serial && has_key(t, s, slot, key))
                        return slot;
        return CHAINS_NONE;
}

void entities_purge(Entities *t) {
        for (uint32_t slot = 0; slot < t->n_slots; slot++) {
                if (t->seen[slot] == 0 || t->seen[slot] == t->serial)
                        continue;
                t->seen[slot] = 0;
                chains_remove(&t->index, slot);
                t->free[t->n_free++] = slot;
        }
}

static uint32_t take_slot(Entities *t) {
        if (t->n_free == 0 && t->n_slots == t->max)
                entities_purge(t);
        return t->n_free > 0 ? t->free[--t->n_free] : t->n_slots++;
}

int entities_resolve(Entities *t, const Strings *s, uint32_t n, void (*get)(const void *, uint32_t, EntityKey *),
                     const void *userdata) {
        EntityKey key;

        if (n > t->max)
                return -ENOSPC;
        /* First all that are known: only then is it certain which slots may be given away. */
        for (uint32_t i = 0; i < n; i++) {
                get(userdata, i, &key);
                uint32_t slot = find(t, s, &key);
                t->list[i] = slot;
                if (slot == CHAINS_NONE)
                        continue;
                t->seen[slot] = t->serial;
                t->position[slot] = i;
        }
        t->n_list = n;
        for (uint32_t i = 0; i < n; i++) {
                if (t->list[i] != CHAINS_NONE)
                        continue;
                get(userdata, i, &key);
                uint32_t slot = take_slot(t);
                t->list[i] = slot;
                t->seen[slot] = t->fresh[slot] = t->serial;
                t->position[slot] = i;
                chains_add(&t->index, chains_mix(key.id), slot);
        }
        return 0;
}

/* ---- encoder: the list ---- */

static void put_op(WireOut *w, ListOp op, uint32_t count) {
        wire_put_varint(w, (uint64_t)count << 2 | op);
}

static bool is_fresh(const Entities *t, uint32_t slot) {
        return t->fresh[slot] == t->serial;
}

static bool is_same_list(const Entities *t, bool detailed) {
        if (t->n_list != t->n_previous[detailed])
                return false;
        for (uint32_t i = 0; i < t->n_list; i++)
                if (t->list[i] != t->previous[detailed][i] || is_fresh(t, t->list[i]))
                        return false;
        return true;
}

/* How many of the list before, from @at on, will not be copied: gone, moved to the front, or their slot is another's. */
static uint32_t count_skipped(const Entities *t, bool detailed, uint32_t at) {
        uint32_t n = 0;

        for (; at + n < t->n_previous[detailed]; n++) {
                uint32_t slot = t->previous[detailed][at + n];
                if (t->seen[slot] == t->serial && t->taken[slot] != t->serial && !is_fresh(t, slot))
                        break;
        }
        return n;
}

static uint32_t put_fresh(Entities *t, uint32_t i, WireOut *w) {
        uint32_t n = 1;

        while (i + n < t->n_list && is_fresh(t, t->list[i + n]) && t->list[i + n] == t->list[i] + n)
                n++;
        put_op(w, LIST_NEW, n);
        wire_put_varint(w, t->list[i]);
        return n;
}

static uint32_t put_copy(Entities *t, bool detailed, uint32_t i, uint32_t at, WireOut *w) {
        uint32_t n = 0;

        while (i + n < t->n_list && at + n < t->n_previous[detailed] && t->list[i + n] == t->previous[detailed][at + n] &&
               !is_fresh(t, t->list[i + n]) && t->taken[t->list[i + n]] != t->serial)
                t->taken[t->list[i + n++]] = t->serial;
        put_op(w, LIST_COPY, n);
        return n;
}

void entities_put_list(Entities *t, bool detailed, WireOut *w) {
        const uint32_t *previous = t->previous[detailed];
        uint32_t at = 0, skip = 0; /* @skip only grows until it is written: no turn looks at the same ones again */

        if (is_same_list(t, detailed)) {
                wire_put_varint(w, 0);
                return;
        }
        wire_put_varint(w, (uint64_t)t->n_list + 1);
        for (uint32_t i = 0; i < t->n_list && !w->is_full;) {
                uint32_t slot = t->list[i];
                if (is_fresh(t, slot)) {
                        i += put_fresh(t, i, w);
                        continue;
                }
                skip += count_skipped(t, detailed, at + skip);
                if (at + skip < t->n_previous[detailed] && previous[at + skip] == slot) {
                        if (skip > 0)
                                put_op(w, LIST_SKIP, skip);
                        at += skip;
                        skip = 0;
                        uint32_t n = put_copy(t, detailed, i, at, w);
                        i += n;
                        at += n;
                        continue;
                }
                t->taken[slot] = t->serial;
                put_op(w, LIST_MOVE, slot);
                i++;
        }
}

/* ---- decoder: the list ---- */

static bool get_copy(Entities *t, bool detailed, uint32_t at, uint64_t count) {
        if (count > t->n_previous[detailed] - at)
                return false;
        for (uint64_t i = 0; i < count; i++) {
                uint32_t slot = t->previous[detailed][at + i];
                if (entities_listed(t, slot))
                        return false;
                entities_append(t, slot);
        }
        return true;
}

static bool get_fresh(Entities *t, uint64_t first, uint64_t count) {
        if (first >= t->max || count > t->max - first)
                return false;
        for (uint32_t slot = (uint32_t)first; slot < first + count; slot++) {
                if (entities_listed(t, slot))
                        return false;
                t->fresh[slot] = t->serial;
                entities_append(t, slot);
        }
        t->n_slots = MAX(t->n_slots, (uint32_t)(first + count));
        return true;
}

static bool get_move(Entities *t, uint64_t slot) {
        if (slot >= t->n_slots || t->seen[slot] == 0 || t->seen[slot] == t->serial)
                return false;
        entities_append(t, (uint32_t)slot);
        return true;
}

bool entities_get_list(Entities *t, bool detailed, WireIn *w) {
        uint64_t n = wire_get_varint(w);
        uint32_t at = 0;

        if (n == 0)
                return get_copy(t, detailed, 0, t->n_previous[detailed]);
        if (--n > t->max)
                return false;
        while (t->n_list < n && !w->is_bad) {
                uint64_t v = wire_get_varint(w), count = v >> 2;
                bool ok = false;
                if ((v & 3) != LIST_MOVE && (count == 0 || count > t->max))
                        return false; /* each turn goes on */
                switch ((ListOp)(v & 3)) {
                case LIST_COPY:
                        ok = count <= n - t->n_list && get_copy(t, detailed, at, count);
                        at += (uint32_t)count;
                        break;
                case LIST_SKIP:
                        ok = count <= t->n_previous[detailed] - at;
                        at += (uint32_t)count;
                        break;
                case LIST_NEW:
                        ok = count <= n - t->n_list && get_fresh(t, wire_get_varint(w), count);
                        break;
                case LIST_MOVE:
                        ok = get_move(t, count);
                        break;
                }
                if (!ok)
                        return false;
        }
        return !w->is_bad;
}
