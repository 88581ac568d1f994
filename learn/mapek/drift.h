/* drift: says when a stream's mean has moved: a two-sided CUSUM on values standardised by a learned start, O(1) a value.
 * After an alarm it learns anew, so one change alarms once.
 *   k = 0.5 sigma of slack, alarm at h sigma: with h = 14 a false alarm comes once in more than 10^6 normal values
 * Owner:  one thread.  Memory: the caller's struct.  Units: the stream's.  Limits: DRIFT_WARM_UP values before it can alarm.
 * Fails:  never; NaN is counted and skipped. */
#ifndef LEARN_MAPEK_DRIFT_H
#define LEARN_MAPEK_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

enum { DRIFT_WARM_UP = 200 };

struct drift {
        double h, k;                  /* in sigmas */
        double mean, m2, sigma, high, low;
        uint64_t seen, values, alarms, refused;
        int direction;                /* of the last alarm: 1 up, -1 down */
};

void drift_init(struct drift *d, double h /* 0: default */);
bool drift_add(struct drift *d, double value); /* true: alarm */

#endif
