#include "common/sys/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "common/sys/fault_page.h"

static int64_t read_ns(clockid_t id)
{
        struct timespec t;

        clock_gettime(id, &t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_mono_ns(void)
{
        return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_mono_us(void)
{
        return clock_mono_ns() / 1000;
}

int64_t clock_mono_ms(void)
{
        return clock_mono_ns() / 1000000;
}

int64_t clock_wall_ms(void)
{
        return read_ns(CLOCK_REALTIME) / 1000000 + fault_page_skew_ms();
}

void clock_text(int64_t wall_ms, char dst[static CLOCK_TEXT_BYTES])
{
        time_t s = (time_t)(wall_ms / 1000);
        struct tm t;
        size_t used;

        gmtime_r(&s, &t);
        used = strftime(dst, CLOCK_TEXT_BYTES - 6, "%Y-%m-%dT%H:%M:%S", &t);
        snprintf(dst + used, CLOCK_TEXT_BYTES - used, ".%03uZ", (unsigned)(wall_ms % 1000));
}

void clock_sleep_until_ns(int64_t mono_ns)
{
        struct timespec t = { .tv_sec = mono_ns / 1000000000, .tv_nsec = mono_ns % 1000000000 };

        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}
