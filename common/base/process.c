#include "common/frontend.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * Core dumps are off, because the key is in memory. If a server hangs up or a file size limit is
 * reached, write() fails, and no signal ends the process. Descriptors 0 to 2 are opened if they are
 * closed, because otherwise a socket could become stdout. They are read-only, so that writing to
 * them still fails.
 */
void cemm_process_prepare(void)
{
    const struct rlimit no_core = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
            _exit(EXIT_FAILURE);
    }
}
