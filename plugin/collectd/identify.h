/*
 * What a channel is called and counted in where collectd's rules hold.
 */
#ifndef CEMM_COLLECTD_IDENTIFY_H
#define CEMM_COLLECTD_IDENTIFY_H

#include <stdbool.h>

#include "common/cemm.h"

#define IDENTITY_FIELD_SIZE 128 /* room for one field, with its NUL: DATA_MAX_NAME_LEN */

struct identity {
    char plugin_instance[IDENTITY_FIELD_SIZE]; /* the uid */
    const char *type;                          /* of collectd's own types.db */
    char type_instance[IDENTITY_FIELD_SIZE];   /* <alias>-<channel> */
    double factor;                             /* from the API's unit to the type's */
    unsigned cadence;                          /* seconds between the meter's own readings, or 0 */
};

/* False if a name does not fit its field: such a channel cannot be told to collectd. */
bool identify(const struct cemm_uid *uid, const char *alias, const char *channel,
              struct identity *ret_identity);

#endif
