/*
 * Limits on the resources that outside input can make us use, and on the times that we accept.
 */
#ifndef CEMM_BASE_LIMITS_H
#define CEMM_BASE_LIMITS_H

#define CEMM_ANSWER_MAX       (1u << 18)  /* bytes of one answer's body */
#define CEMM_DEVLIST_MAX      (4u << 20)  /* bytes of a cloud's list of devices */
#define CEMM_HEADER_MAX       (64u << 10) /* bytes of an answer's headers and trailers */
#define CEMM_DEPTH_MAX        32          /* levels of JSON */
#define CEMM_NAME_MAX         64          /* characters of a uid, alias or channel from outside */
#define CEMM_LIST_MAX         100000      /* devices of one account */
#define CEMM_DEVICES_MAX      200000      /* devices of all accounts together */
#define CEMM_METERS_MAX       512         /* meters of one device */
#define CEMM_ROUTES_MAX       8           /* sources of a device that are tried for a document */
#define CEMM_CHANNELS_MAX     256         /* channels of one meter */
#define CEMM_COLUMNS_MAX      256         /* different members in the entries of an IO answer */
#define CEMM_DATAGRAM_MAX     2048        /* bytes of one discovery packet */
#define CEMM_DISCOVERED_MAX   256         /* devices that discovery may find */
#define CEMM_REMARKS_MAX      32          /* log lines per hour about answers to broadcasts */
#define CEMM_EXTRA_MAX        16          /* descriptors that a caller may give to cemm_turn() */
#define CEMM_URL_MAX          2048        /* characters of a request's URL */
#define CEMM_KEY_MAX          512         /* characters of an API key */
#define CEMM_CACHE_MAX        (8u << 20)  /* bytes of answers kept in memory */
#define CEMM_RENDERED_MAX     (64u << 20) /* bytes of one rendered file */
#define CEMM_TRUST_MAX        (8u << 20)  /* bytes of a file of certificates */
#define CEMM_LINE_MAX         16384       /* characters of one configuration line */
#define CEMM_NOTE_MAX         (1u << 16)  /* bytes of .first and .zone (archive.h) */
#define CEMM_STATE_MAX        (64u << 20) /* bytes of a state file */
#define CEMM_UNSAVED_MAX      (1u << 20)  /* bytes not yet written to a state file */
#define CEMM_STRETCHES_MAX    2048        /* stretches of sent minutes, for each series and sink */
#define CEMM_SINKS_MAX        64          /* sinks (outputs of minutes), including earlier runs' */
#define CEMM_REFUSED_MAX      64          /* refused requests kept per device and source */
#define CEMM_LOGGED_MAX       64          /* different messages logged about a source's answers */
#define CEMM_DEVICE_LINES_MAX 200         /* log messages about single devices in a minute */

/* Bytes of the deps (sources asked) of an answer: in .first, a date is before them. */
#define CEMM_DEPS_MAX (CEMM_NOTE_MAX - 16)

/* Bytes of an archived answer without a sample, and of the deps (sources asked) before it. */
#define CEMM_EMPTY_MAX (CEMM_NOTE_MAX + CEMM_ANSWER_MAX)

/* Times are in milliseconds. Samples outside 2000-01-01 … 2100-01-01 are ignored. */
#define CEMM_TIME_MIN   INT64_C(946684800000)
#define CEMM_TIME_MAX   INT64_C(4102444800000)
#define CEMM_PAUSE_MAX  INT64_C(3600000)  /* the longest Retry-After that is obeyed */
#define CEMM_SILENT_AGE INT64_C(600000)   /* a meter with a sample newer than this is not silent */
#define CEMM_ABSENT_AGE INT64_C(86400000) /* an absent meter is requested again after this long */
#define CEMM_AHEAD_MAX  INT64_C(900000)   /* a meter's clock may be ahead of ours by at most this */

#endif
