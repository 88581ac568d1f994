#include "learn/eval/compare.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static const struct {
        const char *id, *title, *unit;
} metrics[] = {
#define X(name, id, title, unit, better) { id, title, unit },
        METRIC_LIST(X)
#undef X
};

const char *metric_id(enum metric m)
{
        return metrics[m].id;
}

const char *metric_title(enum metric m)
{
        return metrics[m].title;
}

const char *metric_unit(enum metric m)
{
        return metrics[m].unit;
}

float metric_of(enum metric m, const struct run_record *r)
{
        switch (m) {
        case METRIC_REWARD: return r->reward;
        case METRIC_UNNECESSARY: return r->unnecessary;
        case METRIC_EX_ANTE: return r->unnecessary_ex_ante;
        case METRIC_RESTARTS: return (float)run_restarts(r);
        case METRIC_COST: return -r->columns[REW_RECOVERY];
        case METRIC_RELAPSE: return r->relapses;
        case METRIC_UNSTABLE: return r->unstable;
        case METRIC_TIME:
        case METRIC_COUNT: break;
        }
        CHECK(!"a metric of single episodes");
        return 0;
}

struct compare_entry *compare_find(const struct compare *c, const char *name)
{
        for (uint32_t i = 0; i < c->count; i++)
                if (str_eq(c->entry[i]->name, name)) return c->entry[i];
        return NULL;
}

static float *values_of(const struct compare *c, const struct compare_entry *e, enum metric m)
{
        float *values = mem_zalloc((size_t)c->episodes * e->seeds, sizeof *values);

        if (!values) return NULL;
        for (uint32_t k = 0; k < e->seeds; k++)
                for (uint32_t i = 0; i < c->episodes; i++) values[(size_t)i * e->seeds + k] = metric_of(m, &e->records[(size_t)k * c->episodes + i]);
        return values;
}

enum err compare_pair(const struct compare *c, const struct compare_entry *a, const struct compare_entry *b, enum metric metric,
                      enum stat_kind kind, struct stat_ci *ret)
{
        AUTO(mem_free) float *va = NULL, *vb = NULL;
        const uint64_t seed = 20260101 + (uint64_t)metric;

        if (metric == METRIC_TIME) {
                const struct stat_times ta = { a->records, c->episodes, a->seeds, c->stratum };
                const struct stat_times tb = b ? (struct stat_times){ b->records, c->episodes, b->seeds, c->stratum } : ta;

                /* Each replicate rebuilds the survival curve of every training seed: a fifth of the replicates keeps it to seconds. */
                return stat_times_boot(kind, &ta, b ? &tb : NULL, c->replicates / 5, seed, ret);
        }
        va = values_of(c, a, metric);
        vb = b ? values_of(c, b, metric) : NULL;
        if (!va || (b && !vb)) return ERR_NOMEM;
        const struct stat_sample sa = { va, c->episodes, a->seeds, c->stratum };
        const struct stat_sample sb = { vb, c->episodes, b ? b->seeds : 1, c->stratum };

        return stat_boot(kind, &sa, b ? &sb : NULL, c->replicates, seed, ret);
}

enum err compare_measure(const struct compare *c, struct compare_entry *e)
{
        for (int m = 0; m < METRIC_COUNT; m++) {
                enum err err = compare_pair(c, e, NULL, (enum metric)m, STAT_MEAN, &e->metric[m]);

                if (err) return err;
        }
        return ERR_OK;
}
