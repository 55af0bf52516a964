/*
 * Whether people look at stdout, and how wide their terminal is.
 */
#ifndef CEMM_EXEC_SCREEN_H
#define CEMM_EXEC_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Stdout is a terminal. */
bool screen_there(void);

/* Its columns, or those of $COLUMNS where it is no terminal; 0: not known. */
size_t screen_width(void);

#endif
