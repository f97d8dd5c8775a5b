/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The words of the condition language. Tokens point into the text. */

#include "base/macros.h"

typedef enum TokenKind {
        TOKEN_END,
        TOKEN_WORD,
        TOKEN_NUMBER,
        TOKEN_OPEN,
        TOKEN_CLOSE,
        TOKEN_COMMA,
        TOKEN_COMPARE,
        TOKEN_OTHER,
} TokenKind;

typedef struct Token {
        TokenKind kind;
        const char *s;
        size_t n;
} Token;

Token token_next(Token t);
/* Length of the number that a TOKEN_NUMBER begins with; its unit is what follows. */
size_t token_number_length(const Token *t);
bool token_is_capital(const Token *t);
