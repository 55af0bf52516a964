/*
 * A state file belongs to one process at a time.
 */
#ifndef CEMM_EXEC_LOCK_H
#define CEMM_EXEC_LOCK_H

#include "common/cemm.h"

/*
 * Takes the lock of a file, which is another one beside it: the file itself is
 * replaced whenever it is written anew. Returns a descriptor, with which the
 * lock goes when it is closed, or a negative errno with `words`.
 */
int lock_take(const char *path, struct cemm_words *words);

#endif
