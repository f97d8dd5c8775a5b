/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sense/path-store.h"

#include <string.h>

#include "base/text.h"

/* Slots in use on a small host: 4 KiB. */
#define MASK_MIN 1023u
/* systemd's paths are about 60 characters; entry and rounding add 40. Twice that, for churn between sweeps. */
#define BYTES_PER_PATH 256u

static size_t entry_size(size_t len) {
        return (sizeof(PathEntry) + len + 1 + 7) & ~(size_t)7;
}

static PathEntry *entry_at(const PathStore *s, uint32_t slot_value) {
        return (PathEntry *)((char *)s->arena.data + (size_t)(slot_value - 1) * 8);
}

/**
 * path_store_init() - set the address space aside
 * @max_paths: entries, of average length, that have to fit between two sweeps
 * Return: 0; negative errno of mmap().
 */
int path_store_init(PathStore *s, uint32_t max_paths) {
        uint32_t slots = MASK_MIN + 1;
        int r;

        *s = (PathStore){};
        while (slots < max_paths * 2 && slots < (UINT32_C(1) << 24))
                slots *= 2;
        if ((r = reserve_init(&s->arena, (size_t)max_paths * BYTES_PER_PATH)) < 0 ||
            (r = reserve_init(&s->spare, (size_t)max_paths * BYTES_PER_PATH)) < 0 ||
            (r = reserve_init(&s->table, (size_t)slots * sizeof(uint32_t))) < 0) {
                path_store_done(s);
                return r;
        }
        s->mask_max = slots - 1;
        s->mask = MASK_MIN;
        return 0;
}

void path_store_done(PathStore *s) {
        reserve_done(&s->arena);
        reserve_done(&s->spare);
        reserve_done(&s->table);
        *s = (PathStore){};
}

static uint32_t path_hash(const char *path, size_t len) {
        uint64_t h = text_hash(TEXT_HASH_INIT, path, len);
        return (uint32_t)(h ^ h >> 32);
}

PathEntry *path_store_find(const PathStore *s, const char *path, size_t len) {
        const uint32_t *table = s->table.data;
        uint32_t h = path_hash(path, len);

        for (uint32_t i = h & s->mask; table[i] != 0; i = (i + 1) & s->mask) {
                PathEntry *e = entry_at(s, table[i]);
                if (e->hash == h && e->len == len && memcmp(e->path, path, len) == 0)
                        return e;
        }
        return NULL;
}

static void table_insert(PathStore *s, const PathEntry *e) {
        uint32_t *table = s->table.data, i = e->hash & s->mask;

        while (table[i] != 0)
                i = (i + 1) & s->mask;
        table[i] = (uint32_t)(((const char *)e - (const char *)s->arena.data) / 8) + 1;
}

static void table_rebuild(PathStore *s) {
        memset(s->table.data, 0, ((size_t)s->mask + 1) * sizeof(uint32_t));
        for (size_t at = 0; at < s->used;) {
                PathEntry *e = (PathEntry *)((char *)s->arena.data + at);
                table_insert(s, e);
                at += entry_size(e->len);
        }
}

/**
 * path_store_intern() - the entry of a path, made if need be
 * Return: entry, valid until the sweep after next use; NULL where the store is full.
 */
PathEntry *path_store_intern(PathStore *s, const char *path, size_t len) {
        PathEntry *e = path_store_find(s, path, len);
        if (e)
                return e;

        size_t size = entry_size(len);
        if (size > s->arena.size - s->used)
                return NULL;
        if ((s->n_entries + 1) * 2 > s->mask) {
                if (s->mask == s->mask_max)
                        return NULL;
                s->mask = s->mask * 2 + 1;
                table_rebuild(s);
        }
        e = (PathEntry *)((char *)s->arena.data + s->used);
        *e = (PathEntry){ .hash = path_hash(path, len), .len = (uint32_t)len };
        memcpy(e->path, path, len);
        e->path[len] = '\0';
        s->used += size;
        s->n_entries++;
        table_insert(s, e);
        return e;
}

/* Sweep: begin, keep each entry in use (its address changes), end. No find or intern in between. */
void path_store_sweep_begin(PathStore *s) {
        Reserve t = s->arena;
        s->arena = s->spare;
        s->spare = t;
        s->used = 0;
        s->n_entries = 0;
}

/* Returns where @old lives from now on; the same for every call with the same entry. NULL gives NULL. */
PathEntry *path_store_keep(PathStore *s, PathEntry *old) {
        if (!old || old->moved)
                return old ? old->moved : NULL;
        size_t size = entry_size(old->len);
        PathEntry *e = (PathEntry *)((char *)s->arena.data + s->used);
        memcpy(e, old, size);
        e->moved = NULL;
        old->moved = e;
        s->used += size;
        s->n_entries++;
        return e;
}

void path_store_sweep_end(PathStore *s) {
        reserve_forget(&s->spare);
        uint32_t mask = MASK_MIN;
        while (mask < s->mask_max && (s->n_entries + 1) * 4 > mask)
                mask = mask * 2 + 1;
        if (mask < s->mask)
                reserve_forget(&s->table);
        s->mask = mask;
        table_rebuild(s);
}
