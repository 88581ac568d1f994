/* threshold: thresholds that are learned from what a metric does while all is well.
 *   P95, mean + 2 sigma, and the IQR fence propose; the one named by the strategy is taken; agreement, sample count, width of the
 *   quantile's order-statistic interval and trend say how much to trust it.
 * Thresholds do not learn while learning is frozen (the state machine is not HEALTHY), or they would learn the incident.
 * Owner:  one thread.      Memory: threshold_learner_new allocates all rings: 8 bytes a point.
 * Units:  the metric's; ms for intervals.   Limits: THRESHOLD_PARAMS_MAX parameters, THRESHOLD_HISTORY recommendations.
 * Fails:  ERR_NOMEM, ERR_LIMIT (too many parameters), ERR_STATE (frozen, too few points, not yet due), ERR_NOT_FOUND. */
#ifndef LEARN_MAPEK_THRESHOLD_H
#define LEARN_MAPEK_THRESHOLD_H

#include "learn/mapek/metric_ring.h"

#define THRESHOLD_STRATEGY_LIST(X) X(P95, "p95") X(SIGMA, "mean+2sigma") X(IQR, "iqr-fence")
enum threshold_strategy {
#define X(name, text) STRATEGY_##name,
        THRESHOLD_STRATEGY_LIST(X)
#undef X
        STRATEGY_COUNT
};

enum { THRESHOLD_PARAMS_MAX = 1024, THRESHOLD_NAME_BYTES = 64, THRESHOLD_HISTORY = 256 };

struct threshold_config {
        size_t points, points_min; /* defaults 10000, 100 */
        int64_t interval_ms;       /* between optimisations, default 3,600,000 */
        double anomaly_sigma;      /* default 2 */
        enum threshold_strategy strategy;
};
extern const struct threshold_config threshold_config_default;

struct threshold_recommendation {
        char parameter[THRESHOLD_NAME_BYTES];
        double value, previous, confidence, by_strategy[STRATEGY_COUNT]; /* previous: NAN the first time */
        enum threshold_strategy strategy;
        enum ring_trend trend;
        double slope;
        size_t samples;
        int64_t at_ms;
};

struct threshold_stats {
        size_t parameters, points;
        uint64_t optimisations, recommendations, refused_points, frozen_attempts, anomalies;
};

struct threshold_learner;
MUST_USE enum err threshold_learner_new(const struct threshold_config *config /* NULL: default */, struct threshold_learner **ret);
void threshold_learner_free(struct threshold_learner *l);
AUTO_DEFINE(struct threshold_learner, threshold_learner_free)
MUST_USE enum err threshold_add(struct threshold_learner *l, const char *parameter, double value);
void threshold_freeze(struct threshold_learner *l, bool frozen); /* points are then kept out, too */
bool threshold_due(const struct threshold_learner *l, int64_t now_ms);
/* One recommendation per parameter with enough points; force: even if not due. ret_count parameters were optimised. */
MUST_USE enum err threshold_optimise(struct threshold_learner *l, int64_t now_ms, bool force, size_t *ret_count);
/* The latest recommendation of a parameter. */
MUST_USE enum err threshold_get(const struct threshold_learner *l, const char *parameter, struct threshold_recommendation *ret);
/* More than anomaly_sigma from the window's mean; false while there are too few points. */
bool threshold_is_anomaly(struct threshold_learner *l, const char *parameter, double value);
void threshold_sensitivity(struct threshold_learner *l, double sigma);
double threshold_sensitivity_now(const struct threshold_learner *l);
const struct metric_ring *threshold_ring(const struct threshold_learner *l, const char *parameter); /* NULL if there is none */
const char *threshold_parameter(const struct threshold_learner *l, size_t index);                   /* NULL past the last */
/* The recommendations made, oldest first, the last THRESHOLD_HISTORY; NULL past the last. */
const struct threshold_recommendation *threshold_history(const struct threshold_learner *l, size_t index);
void threshold_stats(const struct threshold_learner *l, struct threshold_stats *ret);
const char *threshold_strategy_name(enum threshold_strategy s);

#endif
