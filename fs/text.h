/*
 * Texts of our own as JSON. What the API wrote is never written by this: it is
 * copied.
 */
#ifndef FS_TEXT_H
#define FS_TEXT_H

#include <stdio.h>

/* A string with its quotes; null for NULL. */
void print_json_text(FILE *out, const char *text);

#endif
