#include "common/sys/limit.h"

#include <sys/resource.h>

#include "common/base/attr.h"

size_t limit_files_raise(void)
{
        struct rlimit limit;
        rlim_t before;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
        before = limit.rlim_cur;
        limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)LIMIT_FILES_WANTED);
        if (limit.rlim_cur > before) return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? (size_t)before : (size_t)limit.rlim_cur;
        return (size_t)before;
}
