#include "learn/mapek/drift.h"

#include <math.h>

/* A mean learned from few values is off by a good part of the slack k, which would let the sums creep: the baseline goes on
 * being refined while all is calm (both sums near zero). */
enum { REFINE_MAX = 20000 };

void drift_init(struct drift *d, double h)
{
        *d = (struct drift){ .h = h > 0 ? h : 14.0, .k = 0.5 };
}

static void refine(struct drift *d, double value)
{
        double n, delta = value - d->mean;

        d->values++;
        n = (double)(d->values < REFINE_MAX ? d->values : REFINE_MAX);
        d->mean += delta / n;
        d->m2 += (delta * (value - d->mean) - (d->values > REFINE_MAX ? d->m2 / n : 0));
        d->sigma = n > 1 ? sqrt(d->m2 / (n - 1)) : 0;
}

bool drift_add(struct drift *d, double value)
{
        double z;

        if (!isfinite(value)) {
                d->refused++;
                return false;
        }
        d->seen++;
        if (d->values < DRIFT_WARM_UP) {
                refine(d, value);
                return false;
        }
        z = (value - d->mean) / (d->sigma > 1e-12 ? d->sigma : 1e-12);
        z = z > 8 ? 8 : z < -8 ? -8 : z; /* one wild value is not a drift */
        d->high = fmax(0, d->high + z - d->k);
        d->low = fmax(0, d->low - z - d->k);
        if (d->high <= d->h && d->low <= d->h) {
                if (d->high < 3 && d->low < 3) refine(d, value);
                return false;
        }
        d->direction = d->high > d->h ? 1 : -1;
        d->alarms++;
        d->high = d->low = d->mean = d->m2 = d->sigma = 0;
        d->values = 0;
        return true;
}
