/*
 * Random numbers, so that programs that fail together do not come back together.
 */
#ifndef CEMM_BASE_RANDOM_H
#define CEMM_BASE_RANDOM_H

#include <stdint.h>

/* Any number is as likely as any other. Never fails. */
uint32_t cemm_random(void);

#endif
