/*
 * Random numbers, so that programs that fail together do not come back together.
 */
#ifndef CEMM_BASE_RANDOM_H
#define CEMM_BASE_RANDOM_H

#include <stdint.h>

/* Uniformly distributed. Never fails. */
uint32_t cemm_random(void);

#endif
