/*
 * collectd's installed headers ask for "liboconfig/oconfig.h", which is found
 * only with a second include path into collectd's own folder. This forwards to
 * it, so that the compiler's ordinary search path is enough and no machine's
 * path is in a build file. If collectd is elsewhere, use
 * CFLAGS=-I/opt/collectd/include.
 */
#include <collectd/liboconfig/oconfig.h> // IWYU pragma: export
