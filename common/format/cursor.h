/*
 * A walk through JSON text without a parser's tree: each value stays the text
 * that the API wrote. The text must have been read and found valid before
 * (protocol/json.h), so that there is nothing here that could go wrong.
 */
#ifndef CEMM_FORMAT_CURSOR_H
#define CEMM_FORMAT_CURSOR_H

#include <stdbool.h>
#include <stddef.h>

/* A value or a member's name as it stands in the text; not terminated. */
struct cemm_piece {
    const char *text; /* NULL: none */
    size_t length;
};

/* The value that begins at `text`, blanks in front of it left out. */
struct cemm_piece cemm_piece_at(const char *text);

/* Begins a walk through the members of an object, or through the elements of a list: where it
 * stands then; NULL if the piece is neither. */
const char *cemm_piece_walk(struct cemm_piece piece);

/* Steps to the next member or element; false at the end. `ret_name` is a string with its quotes. */
bool cemm_piece_member(const char **cursor, struct cemm_piece *ret_name,
                       struct cemm_piece *ret_value);
bool cemm_piece_element(const char **cursor, struct cemm_piece *ret_value);

/* The value of an object's member; its text is NULL where there is none. `name` has no quotes. */
struct cemm_piece cemm_piece_find(struct cemm_piece object, const char *name);

/* Whether a piece is this string, which needs no escapes. */
bool cemm_piece_says(struct cemm_piece piece, const char *text);

bool cemm_piece_same(struct cemm_piece a, struct cemm_piece b);

#endif
