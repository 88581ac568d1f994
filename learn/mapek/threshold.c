#include "learn/mapek/threshold.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"

const struct threshold_config threshold_config_default = {
        .points = RING_POINTS_DEFAULT, .points_min = 100, .interval_ms = 3600000, .anomaly_sigma = 2.0, .strategy = STRATEGY_P95,
};

enum { SLOTS = 2 * THRESHOLD_PARAMS_MAX, TREND_WINDOW = 50 };

struct parameter {
        char name[THRESHOLD_NAME_BYTES];
        struct metric_ring *ring;
        struct threshold_recommendation last;
        bool has_last;
        struct ring_summary cached; /* for anomalies, valid at cached_epoch */
        uint64_t cached_epoch;
};

struct threshold_learner {
        struct threshold_config config;
        struct parameter *parameter; /* [THRESHOLD_PARAMS_MAX] */
        uint16_t slot[SLOTS];        /* index + 1 by hash of the name */
        size_t count;
        bool frozen, ran;
        int64_t last_ms;
        struct threshold_stats stats;
        struct threshold_recommendation history[THRESHOLD_HISTORY];
        size_t recorded;
};

const char *threshold_strategy_name(enum threshold_strategy s)
{
        static const char *const names[] = {
#define X(name, text) text,
                THRESHOLD_STRATEGY_LIST(X)
#undef X
        };

        return s < STRATEGY_COUNT ? names[s] : "unknown";
}

enum err threshold_learner_new(const struct threshold_config *config, struct threshold_learner **ret)
{
        AUTO(threshold_learner_free) struct threshold_learner *l = mem_zalloc(1, sizeof *l);

        if (!l) return ERR_NOMEM;
        l->config = config ? *config : threshold_config_default;
        if (l->config.points < 2 || l->config.points > RING_POINTS_MAX || !(l->config.anomaly_sigma > 0) || l->config.strategy >= STRATEGY_COUNT) return ERR_INVAL;
        l->parameter = mem_zalloc(THRESHOLD_PARAMS_MAX, sizeof *l->parameter);
        if (!l->parameter) return ERR_NOMEM;
        *ret = take(&l);
        return ERR_OK;
}

void threshold_learner_free(struct threshold_learner *l)
{
        if (!l) return;
        for (size_t i = 0; l->parameter && i < l->count; i++) ring_free(l->parameter[i].ring);
        mem_free(l->parameter);
        mem_free(l);
}

static size_t slot_of(const struct threshold_learner *l, const char *name)
{
        size_t at = hash_fnv_str(name) % SLOTS;

        while (l->slot[at] && !str_eq(l->parameter[l->slot[at] - 1].name, name)) at = (at + 1) % SLOTS;
        return at;
}

static struct parameter *find(const struct threshold_learner *l, const char *name)
{
        size_t at = slot_of(l, name);

        return l->slot[at] ? &l->parameter[l->slot[at] - 1] : NULL;
}

static enum err make(struct threshold_learner *l, const char *name, struct parameter **ret)
{
        struct parameter *p = &l->parameter[l->count];
        enum err e;

        if (l->count == THRESHOLD_PARAMS_MAX) return ERR_LIMIT;
        e = str_copy(p->name, sizeof p->name, name);
        if (!e && !name[0]) e = ERR_INVAL;
        if (!e) e = ring_new(l->config.points, &p->ring);
        if (e) {
                p->name[0] = 0;
                return e;
        }
        l->slot[slot_of(l, name)] = (uint16_t)(++l->count);
        *ret = p;
        return ERR_OK;
}

enum err threshold_add(struct threshold_learner *l, const char *name, double value)
{
        struct parameter *p = find(l, name);

        if (!p) {
                enum err e = make(l, name, &p);

                if (e) return e;
        }
        if (l->frozen) {
                l->stats.frozen_attempts++;
                return ERR_OK;
        }
        if (!ring_add(p->ring, value)) {
                l->stats.refused_points++;
                return ERR_INVAL;
        }
        return ERR_OK;
}

void threshold_freeze(struct threshold_learner *l, bool frozen)
{
        l->frozen = frozen;
}

bool threshold_due(const struct threshold_learner *l, int64_t now_ms)
{
        return !l->ran || now_ms - l->last_ms >= l->config.interval_ms;
}

/* Trust grows with samples, with a narrow interval of the quantile and with agreement, and falls with a trend. The interval
 * is that of order statistics n q +- 1.96 sqrt(n q (1 - q)). */
static double confidence_of(const struct metric_ring *r, const struct threshold_recommendation *t, const struct ring_summary *s)
{
        double n = (double)s->count, half = 1.96 * sqrt(n * .95 * .05), lo = (n * .95 - half) / n, hi = (n * .95 + half) / n;
        double ends[2], width, scale = s->sigma > 0 ? s->sigma : 1;
        double low = t->by_strategy[0], high = t->by_strategy[0];

        for (int i = 1; i < STRATEGY_COUNT; i++) low = fmin(low, t->by_strategy[i]), high = fmax(high, t->by_strategy[i]);
        if (s->sigma <= 0) return n / (n + 100);
        ring_quantiles(r, (double[]){ lo, hi > 1 ? 1 : hi }, 2, ends);
        width = ends[1] - ends[0];
        return n / (n + 100) / (1 + width / scale) / (1 + 0.25 * (high - low) / scale) * (t->trend == RING_STABLE ? 1.0 : 0.7);
}

static void recommend(struct threshold_learner *l, struct parameter *p, int64_t now_ms)
{
        struct threshold_recommendation *t = &l->history[l->recorded++ % THRESHOLD_HISTORY];
        struct ring_summary s;

        ring_five(p->ring, &s);
        *t = (struct threshold_recommendation){ .strategy = l->config.strategy, .samples = s.count, .at_ms = now_ms, .previous = p->has_last ? p->last.value : (double)NAN };
        memcpy(t->parameter, p->name, sizeof t->parameter);
        t->by_strategy[STRATEGY_P95] = s.p95;
        t->by_strategy[STRATEGY_SIGMA] = s.mean + 2 * s.sigma;
        t->by_strategy[STRATEGY_IQR] = s.p75 + 1.5 * (s.p75 - s.p25);
        t->trend = ring_trend(p->ring, TREND_WINDOW, &t->slope);
        t->value = t->by_strategy[t->strategy];
        t->confidence = confidence_of(p->ring, t, &s);
        p->last = *t;
        p->has_last = true;
        l->stats.recommendations++;
}

enum err threshold_optimise(struct threshold_learner *l, int64_t now_ms, bool force, size_t *ret_count)
{
        size_t done = 0;

        if (l->frozen) {
                l->stats.frozen_attempts++;
                return ERR_STATE;
        }
        if (!force && !threshold_due(l, now_ms)) return ERR_STATE;
        for (size_t i = 0; i < l->count; i++) {
                if (ring_count(l->parameter[i].ring) < l->config.points_min) continue;
                recommend(l, &l->parameter[i], now_ms);
                done++;
        }
        if (!done) return ERR_STATE;
        l->ran = true;
        l->last_ms = now_ms;
        l->stats.optimisations++;
        *ret_count = done;
        return ERR_OK;
}

enum err threshold_get(const struct threshold_learner *l, const char *name, struct threshold_recommendation *ret)
{
        const struct parameter *p = find(l, name);

        if (!p) return ERR_NOT_FOUND;
        if (!p->has_last) return ERR_STATE;
        *ret = p->last;
        return ERR_OK;
}

bool threshold_is_anomaly(struct threshold_learner *l, const char *name, double value)
{
        struct parameter *p = find(l, name);
        bool anomaly;

        if (!p || ring_count(p->ring) < 10 || !isfinite(value)) return false;
        if (p->cached_epoch != ring_epoch(p->ring)) {
                ring_five(p->ring, &p->cached);
                p->cached_epoch = ring_epoch(p->ring);
        }
        anomaly = p->cached.sigma > 0 ? fabs(value - p->cached.mean) > l->config.anomaly_sigma * p->cached.sigma : value != p->cached.mean;
        l->stats.anomalies += anomaly;
        return anomaly;
}

void threshold_sensitivity(struct threshold_learner *l, double sigma)
{
        CHECK(sigma > 0);
        l->config.anomaly_sigma = sigma;
}

double threshold_sensitivity_now(const struct threshold_learner *l)
{
        return l->config.anomaly_sigma;
}

const struct metric_ring *threshold_ring(const struct threshold_learner *l, const char *name)
{
        const struct parameter *p = find(l, name);

        return p ? p->ring : NULL;
}

const char *threshold_parameter(const struct threshold_learner *l, size_t index)
{
        return index < l->count ? l->parameter[index].name : NULL;
}

const struct threshold_recommendation *threshold_history(const struct threshold_learner *l, size_t index)
{
        size_t kept = MIN(l->recorded, (size_t)THRESHOLD_HISTORY);

        return index < kept ? &l->history[(l->recorded - kept + index) % THRESHOLD_HISTORY] : NULL;
}

void threshold_stats(const struct threshold_learner *l, struct threshold_stats *ret)
{
        *ret = l->stats;
        ret->parameters = l->count;
        ret->points = 0;
        for (size_t i = 0; i < l->count; i++) ret->points += ring_count(l->parameter[i].ring);
}
