#include "common/sys/machine.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/sys/file.h"

enum { MACHINE_FILE_BYTES_MAX = 1 << 20 };

/* Version 2 of control groups, and version 1, as a container sees its own. */
static const char *const memory_max_files[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
static const char *const memory_now_files[] = {"/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"};

static bool file_text(const char *path, struct buf *ret)
{
        struct err_note note;

        buf_init(ret, MACHINE_FILE_BYTES_MAX);
        return file_read(path, ret, &note) == ERR_OK;
}

static bool file_number(const char *path, uint64_t *ret)
{
        AUTO_BUF text = {0};
        bool ok = file_text(path, &text) && sscanf(text.data, "%" SCNu64, ret) == 1;

        return ok;
}

uint64_t machine_meminfo_parse(const char *text)
{
        const char *at = strstr(text, "MemAvailable:");
        uint64_t kib = 0;

        if (!at || sscanf(at, "MemAvailable: %" SCNu64 " kB", &kib) != 1) return 0;
        return kib * 1024;
}

bool machine_stat_parse(const char *text, struct machine_ticks *ret)
{
        uint64_t v[8] = {0};
        struct machine_ticks ticks = {0};

        if (sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &v[0], &v[1], &v[2],
                   &v[3], &v[4], &v[5], &v[6], &v[7]) < 4)
                return false;
        for (size_t i = 0; i < ARRAY_COUNT(v); i++) ticks.all += v[i];
        ticks.idle = v[3] + v[4]; /* idle, and idle while waiting for a disk */
        *ret = ticks;
        return true;
}

uint64_t machine_memory_available_bytes(void)
{
        AUTO_BUF text = {0};
        uint64_t available = file_text("/proc/meminfo", &text) ? machine_meminfo_parse(text.data) : 0;

        for (size_t i = 0; i < ARRAY_COUNT(memory_max_files); i++) {
                uint64_t max, now;

                if (!file_number(memory_max_files[i], &max) || !file_number(memory_now_files[i], &now)) continue;
                available = MIN(available, max > now ? max - now : 0);
        }
        return available;
}

double machine_cores(void)
{
        double cores = (double)sysconf(_SC_NPROCESSORS_ONLN);
        AUTO_BUF text = {0};
        uint64_t quota, period;

        if (file_text("/sys/fs/cgroup/cpu.max", &text) && sscanf(text.data, "%" SCNu64 " %" SCNu64, &quota, &period) == 2 && period > 0)
                cores = fmin(cores, (double)quota / (double)period);
        return fmax(0.1, cores);
}

bool machine_ticks(struct machine_ticks *ret)
{
        AUTO_BUF text = {0};

        return file_text("/proc/stat", &text) && machine_stat_parse(text.data, ret);
}

double machine_idle_cores(const struct machine_ticks *before, const struct machine_ticks *now, double cores)
{
        if (now->all <= before->all || now->idle < before->idle) return -1;
        return fmin(cores, cores * (double)(now->idle - before->idle) / (double)(now->all - before->all));
}
