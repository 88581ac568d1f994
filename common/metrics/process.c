#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/metrics/metrics.h"

static double cpu_seconds(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double resident_bytes(void)
{
        char text[128];
        long total, resident = 0;
        int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

        if (fd >= 0) close(fd);
        if (n <= 0) return 0;
        text[n] = '\0';
        if (sscanf(text, "%ld %ld", &total, &resident) != 2) return 0;
        return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");
        double count = -3; /* ".", ".." and the listing itself */

        if (!dir) return 0;
        while (readdir(dir)) count++;
        closedir(dir);
        return count;
}

static void collect(void *ctx)
{
        struct metrics *m = ctx;

        metrics_set(metrics_one(metrics_counter(m, "process_cpu_seconds_total", "User and system CPU time spent.", "")), cpu_seconds());
        metrics_set(metrics_one(metrics_gauge(m, "process_resident_memory_bytes", "Resident memory.", "")), resident_bytes());
        metrics_set(metrics_one(metrics_gauge(m, "process_open_fds", "Open file descriptors.", "")), open_fds());
}

void metrics_process(struct metrics *m)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        metrics_set(metrics_one(metrics_gauge(m, "process_start_time_seconds", "Start of the process, seconds since 1970.", "")),
                    (double)now.tv_sec + (double)now.tv_nsec / 1e9);
        metrics_on_collect(m, collect, m);
}
