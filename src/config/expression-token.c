/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/expression-token.h"

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}
static bool is_upper(char c) {
        return c >= 'A' && c <= 'Z';
}
static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* One byte, or a whole UTF-8 sequence so that a message never holds half of one. */
static size_t other_length(const char *s) {
        size_t n = 1;
        if ((unsigned char)s[0] >= 0xc0)
                while (((unsigned char)s[n] & 0xc0) == 0x80 && n < 4)
                        n++;
        return n;
}

/**
 * token_next() - the token behind @t, of the same text
 *
 * The first token of a text is the one behind { .s = text, .n = 0 }. Never fails: what is no token is TOKEN_OTHER.
 */
Token token_next(Token t) {
        const char *s = t.s + t.n;
        size_t n = 0;
        TokenKind kind;

        while (*s == ' ' || *s == '\t')
                s++;
        if (*s == '\0')
                kind = TOKEN_END;
        else if (is_lower(*s) || is_upper(*s)) {
                kind = TOKEN_WORD;
                while (is_lower(s[n]) || is_upper(s[n]) || is_digit(s[n]) || s[n] == '-' || s[n] == '_' || s[n] == '.')
                        n++;
        } else if (is_digit(*s) || *s == '.') {
                kind = TOKEN_NUMBER;
                while (is_lower(s[n]) || is_upper(s[n]) || is_digit(s[n]) || s[n] == '%' || s[n] == '.' || s[n] == '/')
                        n++;
        } else if (*s == '<' || *s == '>') {
                kind = TOKEN_COMPARE;
                n = s[1] == '=' ? 2 : 1;
        } else {
                kind = *s == '(' ? TOKEN_OPEN : *s == ')' ? TOKEN_CLOSE : *s == ',' ? TOKEN_COMMA : TOKEN_OTHER;
                n = kind == TOKEN_OTHER ? other_length(s) : 1;
        }
        return (Token){ .kind = kind, .s = s, .n = n };
}

size_t token_number_length(const Token *t) {
        size_t i = 0;
        while (i < t->n && (is_digit(t->s[i]) || t->s[i] == '.'))
                i++;
        return i;
}

bool token_is_capital(const Token *t) {
        return t->n > 0 && is_upper(*t->s);
}
