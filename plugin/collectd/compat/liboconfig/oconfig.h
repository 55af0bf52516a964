/*
 * collectd's installed headers include "liboconfig/oconfig.h", which is in
 * collectd's own folder. This file forwards to that one, because otherwise a
 * build file would have to name the folder. If collectd is not in the
 * compiler's search path, use CFLAGS=-I/opt/collectd/include.
 */
#include <collectd/liboconfig/oconfig.h> // IWYU pragma: export
