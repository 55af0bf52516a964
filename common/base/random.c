#include "common/base/random.h"

#include <unistd.h>

/* arc4random() would do, but neither musl nor glibc before 2.36 has it. */
uint32_t cemm_random(void)
{
    uint32_t number = (uint32_t)getpid();

    (void)!getentropy(&number, sizeof(number)); /* fails only on kernels before 3.17 */
    return number;
}
