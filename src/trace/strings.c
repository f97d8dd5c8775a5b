/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "trace/strings.h"

#include <string.h>

#include "base/text.h"

int strings_init(Strings *s, size_t size, uint32_t max, bool with_index) {
        assert(size <= UINT32_MAX && max > 0);
        *s = (Strings){ .size = size, .max = max };
        s->bytes = reserve_map(size);
        s->offset = reserve_map(max * sizeof(uint32_t));
        if (!s->bytes || !s->offset)
                return -ENOMEM;
        int r = with_index ? chains_init(&s->index, max) : 0;
        if (r < 0)
                return r;
        strings_reset(s);
        return 0;
}

void strings_done(Strings *s) {
        reserve_unmap(s->bytes, s->size);
        reserve_unmap(s->offset, s->max * sizeof(uint32_t));
        chains_done(&s->index);
        *s = (Strings){ 0 };
}

void strings_reset(Strings *s) {
        if (s->index.heads)
                chains_reset(&s->index);
        s->bytes[0] = '\0';
        s->offset[0] = 0;
        s->used = 1;
        s->n = s->n_sent = 1;
        s->is_full = false;
}

uint32_t strings_add(Strings *s, const void *text, size_t n) {
        if (s->n >= s->max || n + 1 > s->size - s->used) {
                s->is_full = true;
                return 0;
        }
        memcpy(s->bytes + s->used, text, n);
        s->bytes[s->used + n] = '\0';
        s->offset[s->n] = (uint32_t)s->used;
        s->used += n + 1;
        return s->n++;
}

bool strings_equal(const Strings *s, uint64_t i, const char *text, size_t n) {
        return i < s->n && strings_length(s, (uint32_t)i) == n && memcmp(strings_get(s, (uint32_t)i), text, n) == 0;
}

uint32_t strings_intern(Strings *s, const char *text, size_t n) {
        if (n == 0)
                return 0;
        uint32_t hash = chains_mix(text_hash(TEXT_HASH_INIT, text, n));
        for (uint32_t i = chains_first(&s->index, hash); i != CHAINS_NONE; i = chains_next(&s->index, i))
                if (s->index.hash[i] == hash && strings_equal(s, i, text, n))
                        return i;
        uint32_t i = strings_add(s, text, n);
        if (i > 0)
                chains_add(&s->index, hash, i);
        return i;
}
