/* bench: what measuring programs share: samples with percentiles, descriptors, the two options.
 * Owner: one thread. Memory: bench_samples of the caller. Units: us. Limits: BENCH_SAMPLES_MAX samples (the later ones are dropped). */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { BENCH_SAMPLES_MAX = 4 * 1024 * 1024 };

struct bench_samples {
        uint32_t *us;
        size_t count;
        uint64_t total; /* also those that were dropped */
};

static inline void bench_samples_init(struct bench_samples *s)
{
        *s = (struct bench_samples){ .us = malloc(BENCH_SAMPLES_MAX * sizeof(uint32_t)) };
        if (!s->us) abort();
}

static inline void bench_samples_add(struct bench_samples *s, int64_t ns)
{
        s->total++;
        if (s->count < BENCH_SAMPLES_MAX) s->us[s->count++] = ns < 0 ? 0 : (uint32_t)(ns / 1000);
}

static inline int bench_compare(const void *a, const void *b)
{
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        return x < y ? -1 : x > y;
}

/* Sorts; the smallest value that `percent` of all samples do not exceed. */
static inline double bench_percentile_ms(struct bench_samples *s, double percent)
{
        size_t rank = (size_t)(percent / 100 * (double)s->count);

        if (!s->count) return 0;
        qsort(s->us, s->count, sizeof s->us[0], bench_compare);
        return s->us[rank < s->count ? rank : s->count - 1] / 1000.0;
}

static inline void bench_raise_descriptors(void)
{
        struct rlimit limit;

        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < 4096) {
                fprintf(stderr, "at least 4,096 open files are needed (ulimit -n), here are %llu\n", (unsigned long long)limit.rlim_cur);
                exit(3);
        }
}

struct bench_args {
        bool json;
        int seconds;
};

static inline struct bench_args bench_args_read(int argc, char **argv, const char *what)
{
        struct bench_args args = { .seconds = 3 };

        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--json") == 0) {
                        args.json = true;
                } else if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc && atoi(argv[i + 1]) > 0) {
                        args.seconds = atoi(argv[++i]);
                } else {
                        printf("usage: %s [--json] [--seconds N]\n%s\n", argv[0], what);
                        exit(strcmp(argv[i], "--help") == 0 ? 0 : 2);
                }
        }
        return args;
}

#endif
