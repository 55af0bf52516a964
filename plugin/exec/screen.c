#include "plugin/exec/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_MAX 100000

bool screen_there(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

size_t screen_width(void)
{
    struct winsize size;
    const char *columns = getenv("COLUMNS"); /* watch(1) sets it, and reads us through a pipe */
    if (screen_there())
        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
    return width <= COLUMNS_MAX ? width : 0;
}
