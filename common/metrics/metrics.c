#include "common/metrics/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

enum { COMMON_LABELS_MAX = 4, COLLECTORS_MAX = 8, TRACE_BYTES = 33 };

static const double default_bounds[] = { 0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02,  0.03, 0.05, 0.075, 0.1,
                                         0.15,  0.2,    0.25,  0.3,    0.4,  0.5,   0.75, 1,    1.5,  2.5,   5, 10 };

struct metrics_series {
        const struct metrics_family *family;
        char values[METRICS_LABELS_MAX][METRICS_VALUE_BYTES];
        _Atomic uint64_t bits; /* the double of a counter or gauge; the sum of a histogram */
        _Atomic uint64_t *buckets; /* histogram: bound_count + 1, not cumulative */
        pthread_mutex_t exemplar_lock;
        char exemplar_trace[TRACE_BYTES];
        double exemplar_value;
        struct metrics_series *next;
};

struct metrics_family {
        struct metrics *metrics;
        const char *name, *help;
        enum metrics_type type;
        char keys[METRICS_LABELS_MAX][METRICS_VALUE_BYTES];
        size_t key_count, series_count, bound_count;
        double bounds[METRICS_BUCKETS_MAX];
        struct metrics_series *first, **tail;
};

struct common_label {
        char key[METRICS_VALUE_BYTES], value[METRICS_VALUE_BYTES];
};

struct metrics {
        pthread_rwlock_t lock; /* guards the lists, not the numbers */
        struct metrics_family *families[METRICS_FAMILIES_MAX];
        size_t family_count;
        struct common_label common[COMMON_LABELS_MAX];
        size_t common_count;
        struct {
                void (*fn)(void *ctx);
                void *ctx;
        } collectors[COLLECTORS_MAX];
        size_t collector_count;
};

static double from_bits(uint64_t bits)
{
        double d;

        memcpy(&d, &bits, sizeof d);
        return d;
}

static uint64_t to_bits(double d)
{
        uint64_t bits;

        memcpy(&bits, &d, sizeof bits);
        return bits;
}

struct metrics *metrics_new(void)
{
        struct metrics *m = mem_zalloc(1, sizeof *m);

        if (m) pthread_rwlock_init(&m->lock, NULL);
        return m;
}

static void series_free_all(struct metrics_family *f)
{
        while (f->first) {
                struct metrics_series *s = f->first;

                f->first = s->next;
                pthread_mutex_destroy(&s->exemplar_lock);
                mem_free(s->buckets);
                mem_free(s);
        }
        f->tail = &f->first;
        f->series_count = 0;
}

void metrics_free(struct metrics *m)
{
        if (!m) return;
        for (size_t i = 0; i < m->family_count; i++) {
                series_free_all(m->families[i]);
                mem_free(m->families[i]);
        }
        pthread_rwlock_destroy(&m->lock);
        mem_free(m);
}

void metrics_common_label(struct metrics *m, const char *key, const char *value)
{
        size_t i;

        pthread_rwlock_wrlock(&m->lock);
        for (i = 0; i < m->common_count; i++)
                if (str_eq(m->common[i].key, key)) break;
        CHECK(i < COMMON_LABELS_MAX);
        if (i == m->common_count) m->common_count++;
        str_cut(m->common[i].key, sizeof m->common[i].key, key);
        str_cut(m->common[i].value, sizeof m->common[i].value, value);
        pthread_rwlock_unlock(&m->lock);
}

static void keys_split(struct metrics_family *f, const char *label_keys)
{
        while (*label_keys) {
                size_t n = strcspn(label_keys, " ");

                CHECK(f->key_count < METRICS_LABELS_MAX && n < METRICS_VALUE_BYTES);
                memcpy(f->keys[f->key_count++], label_keys, n);
                label_keys += n + (label_keys[n] == ' ');
        }
}

static struct metrics_family *family(struct metrics *m, enum metrics_type type, const char *name, const char *help,
                                     const char *label_keys, const double *bounds, size_t bound_count)
{
        struct metrics_family *f = NULL;

        CHECK(m && bound_count <= METRICS_BUCKETS_MAX);
        pthread_rwlock_wrlock(&m->lock);
        for (size_t i = 0; i < m->family_count && !f; i++)
                if (str_eq(m->families[i]->name, name)) f = m->families[i];
        if (!f && m->family_count < METRICS_FAMILIES_MAX && (f = mem_zalloc(1, sizeof *f))) {
                *f = (struct metrics_family){ .metrics = m, .name = name, .help = help, .type = type, .bound_count = bound_count };
                f->tail = &f->first;
                if (bound_count) memcpy(f->bounds, bounds, bound_count * sizeof *bounds);
                keys_split(f, label_keys);
                m->families[m->family_count++] = f;
        }
        pthread_rwlock_unlock(&m->lock);
        return f;
}

struct metrics_family *metrics_counter(struct metrics *m, const char *name, const char *help, const char *label_keys)
{
        return family(m, METRICS_COUNTER, name, help, label_keys, NULL, 0);
}

struct metrics_family *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *label_keys)
{
        return family(m, METRICS_GAUGE, name, help, label_keys, NULL, 0);
}

struct metrics_family *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *label_keys,
                                         const double *bounds, size_t bound_count)
{
        if (!bounds) {
                bounds = default_bounds;
                bound_count = ARRAY_COUNT(default_bounds);
        }
        return family(m, METRICS_HISTOGRAM, name, help, label_keys, bounds, bound_count);
}

static struct metrics_series *series_find(const struct metrics_family *f, const char *const *values, size_t count)
{
        for (struct metrics_series *s = f->first; s; s = s->next) {
                size_t i = 0;

                while (i < count && strncmp(s->values[i], values[i], METRICS_VALUE_BYTES - 1) == 0) i++;
                if (i == count) return s;
        }
        return NULL;
}

static struct metrics_series *series_new(struct metrics_family *f, const char *const *values, size_t count)
{
        struct metrics_series *s = mem_zalloc(1, sizeof *s);

        if (!s) return NULL;
        s->family = f;
        for (size_t i = 0; i < count; i++) str_cut(s->values[i], sizeof s->values[i], values[i]);
        if (f->type == METRICS_HISTOGRAM) {
                s->buckets = mem_zalloc(f->bound_count + 1, sizeof *s->buckets);
                if (!s->buckets) {
                        mem_free(s);
                        return NULL;
                }
        }
        pthread_mutex_init(&s->exemplar_lock, NULL);
        *f->tail = s;
        f->tail = &s->next;
        f->series_count++;
        return s;
}

struct metrics_series *metrics_with(struct metrics_family *f, const char *const *values, size_t count)
{
        static const char *const other[METRICS_LABELS_MAX] = { "other", "other", "other", "other", "other", "other" };
        struct metrics_series *s;

        if (!f) return NULL;
        CHECK(count == f->key_count);
        pthread_rwlock_rdlock(&f->metrics->lock);
        s = series_find(f, values, count);
        pthread_rwlock_unlock(&f->metrics->lock);
        if (s) return s;
        pthread_rwlock_wrlock(&f->metrics->lock);
        s = series_find(f, values, count);
        if (!s && f->series_count >= METRICS_SERIES_MAX) {
                values = other;
                s = series_find(f, values, count);
        }
        if (!s) s = series_new(f, values, count);
        pthread_rwlock_unlock(&f->metrics->lock);
        return s;
}

struct metrics_series *metrics_one(struct metrics_family *f)
{
        return metrics_with(f, NULL, 0);
}

static void bits_add(_Atomic uint64_t *bits, double amount)
{
        uint64_t old = atomic_load_explicit(bits, memory_order_relaxed);

        while (!atomic_compare_exchange_weak(bits, &old, to_bits(from_bits(old) + amount))) {}
}

void metrics_add(struct metrics_series *s, double amount)
{
        if (!s) return;
        CHECK(s->family->type != METRICS_HISTOGRAM);
        bits_add(&s->bits, amount);
}

void metrics_set(struct metrics_series *s, double value)
{
        if (s) atomic_store(&s->bits, to_bits(value));
}

void metrics_observe(struct metrics_series *s, double value)
{
        size_t i = 0;

        if (!s) return;
        CHECK(s->family->type == METRICS_HISTOGRAM);
        while (i < s->family->bound_count && value > s->family->bounds[i]) i++;
        atomic_fetch_add_explicit(&s->buckets[i], 1, memory_order_relaxed);
        bits_add(&s->bits, value);
}

void metrics_observe_trace(struct metrics_series *s, double value, const char *trace_id)
{
        metrics_observe(s, value);
        if (!s || !trace_id || !*trace_id || pthread_mutex_trylock(&s->exemplar_lock)) return;
        str_cut(s->exemplar_trace, sizeof s->exemplar_trace, trace_id);
        s->exemplar_value = value;
        pthread_mutex_unlock(&s->exemplar_lock);
}

static uint64_t histogram_count(const struct metrics_series *s)
{
        uint64_t count = 0;

        for (size_t i = 0; i <= s->family->bound_count; i++) count += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
        return count;
}

double metrics_value(const struct metrics_series *s)
{
        if (!s) return 0;
        return s->family->type == METRICS_HISTOGRAM ? (double)histogram_count(s) : from_bits(atomic_load(&s->bits));
}

void metrics_forget(struct metrics_family *f)
{
        if (!f) return;
        pthread_rwlock_wrlock(&f->metrics->lock);
        series_free_all(f);
        pthread_rwlock_unlock(&f->metrics->lock);
}

void metrics_on_collect(struct metrics *m, void (*fn)(void *ctx), void *ctx)
{
        CHECK(m->collector_count < COLLECTORS_MAX);
        m->collectors[m->collector_count].fn = fn;
        m->collectors[m->collector_count++].ctx = ctx;
}

static void write_escaped(struct buf *b, const char *value)
{
        for (; *value; value++) {
                if (*value == '\\' || *value == '"') buf_char(b, '\\');
                if (*value == '\n')
                        buf_str(b, "\\n");
                else
                        buf_char(b, *value);
        }
}

static void write_label(struct buf *b, const char *key, const char *value, bool *first)
{
        buf_str(b, *first ? "{" : ",");
        *first = false;
        buf_printf(b, "%s=\"", key);
        write_escaped(b, value);
        buf_char(b, '"');
}

/* extra: one more label (le), or NULL. */
static void write_name(struct buf *b, const struct metrics_series *s, const char *suffix, const char *le)
{
        const struct metrics_family *f = s->family;
        bool first = true;

        buf_printf(b, "%s%s", f->name, suffix);
        for (size_t i = 0; i < f->metrics->common_count; i++)
                write_label(b, f->metrics->common[i].key, f->metrics->common[i].value, &first);
        for (size_t i = 0; i < f->key_count; i++) write_label(b, f->keys[i], s->values[i], &first);
        if (le) write_label(b, "le", le, &first);
        if (!first) buf_char(b, '}');
        buf_char(b, ' ');
}

static void write_histogram(struct buf *b, struct metrics_series *s, bool openmetrics)
{
        const struct metrics_family *f = s->family;
        uint64_t cumulative = 0;
        char le[32], trace[TRACE_BYTES];
        double traced;

        pthread_mutex_lock(&s->exemplar_lock);
        memcpy(trace, s->exemplar_trace, sizeof trace);
        traced = s->exemplar_value;
        pthread_mutex_unlock(&s->exemplar_lock);
        for (size_t i = 0; i <= f->bound_count; i++) {
                double below = i ? f->bounds[i - 1] : -1e300, upto = i < f->bound_count ? f->bounds[i] : 1e300;

                cumulative += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
                if (i < f->bound_count)
                        snprintf(le, sizeof le, "%.15g", f->bounds[i]);
                else
                        str_cut(le, sizeof le, "+Inf");
                write_name(b, s, "_bucket", le);
                buf_printf(b, "%llu", (unsigned long long)cumulative);
                if (openmetrics && trace[0] && traced > below && traced <= upto)
                        buf_printf(b, " # {trace_id=\"%s\"} %.9g", trace, traced);
                buf_char(b, '\n');
        }
        write_name(b, s, "_sum", NULL);
        buf_printf(b, "%.15g\n", from_bits(atomic_load(&s->bits)));
        write_name(b, s, "_count", NULL);
        buf_printf(b, "%llu\n", (unsigned long long)cumulative);
}

/* OpenMetrics names a counter family without its _total suffix; the samples keep it. */
static void write_head(struct buf *b, const struct metrics_family *f, bool openmetrics)
{
        static const char *const types[] = { "counter", "gauge", "histogram" };
        int length = (int)strlen(f->name);

        if (openmetrics && f->type == METRICS_COUNTER && str_ends(f->name, "_total")) length -= 6;
        buf_printf(b, "# HELP %.*s %s\n# TYPE %.*s %s\n", length, f->name, f->help, length, f->name, types[f->type]);
}

enum err metrics_write(struct metrics *m, bool openmetrics, struct buf *b)
{
        for (size_t i = 0; i < m->collector_count; i++) m->collectors[i].fn(m->collectors[i].ctx);
        pthread_rwlock_rdlock(&m->lock);
        for (size_t i = 0; i < m->family_count; i++) {
                const struct metrics_family *f = m->families[i];

                if (!f->first) continue;
                write_head(b, f, openmetrics);
                for (struct metrics_series *s = f->first; s; s = s->next) {
                        if (f->type == METRICS_HISTOGRAM) {
                                write_histogram(b, s, openmetrics);
                                continue;
                        }
                        write_name(b, s, "", NULL);
                        buf_printf(b, "%.15g\n", from_bits(atomic_load(&s->bits)));
                }
        }
        pthread_rwlock_unlock(&m->lock);
        if (openmetrics) buf_str(b, "# EOF\n");
        return buf_status(b);
}
