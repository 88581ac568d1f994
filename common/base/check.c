#include "common/base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *function, const char *condition)
{
        fprintf(stderr, "%s:%d: %s: CHECK(%s) failed\n", file, line, function, condition);
        fflush(stderr);
        abort();
}
