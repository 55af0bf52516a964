/*
 * info.json of a device or a meter: made of one of several documents, or of
 * more than one.
 */
#ifndef FS_INFO_H
#define FS_INFO_H

#include "fs/pending.h"

bool info_is(const struct path *path);

/* Asks for the documents; at the end `answer` or `take` is called. */
void info_ask(struct pending *pending);

#endif
