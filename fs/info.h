/*
 * The files that say what a device or a meter is: made of more than one
 * document, or of whichever there is.
 */
#ifndef FS_INFO_H
#define FS_INFO_H

#include "fs/pending.h"

bool info_is(const struct path *path);

/* Asks for the documents of such a file; in the end `answer` or `take` is called. */
void info_ask(struct pending *pending);

#endif
