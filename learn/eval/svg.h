/* svg: three plots of the report as inline SVG: lines with bands, bars with intervals, survival curves. Colours are CSS variables of
 * the page (--c1 .. --c6, --ink, --faint), so they follow dark and light; each plot has a title, axis labels and a text alternative.
 * Owner: none.  Memory: the caller's buf.  Units: the data's.  Limits: SVG_SERIES_MAX series, SVG_POINTS_MAX points each.
 * Fails: through the buf. */
#ifndef LEARN_EVAL_SVG_H
#define LEARN_EVAL_SVG_H

#include <stdbool.h>

#include "common/base/buf.h"

enum { SVG_SERIES_MAX = 8, SVG_POINTS_MAX = 512, SVG_BARS_MAX = 24 };

struct svg_series {
        const char *name;
        const double *x, *y, *lo, *hi; /* lo, hi NULL: no band */
        int count;
        bool steps;                    /* drawn as stairs */
};

struct svg_bar {
        const char *name;
        double value, lo, hi, part; /* part: a darker share at the bottom, 0: none */
};

struct svg_plot {
        const char *id, *title, *x_label, *y_label, *alternative;
        double y_min, y_max; /* both 0: by the data */
};

void svg_lines(const struct svg_plot *plot, const struct svg_series *series, int count, struct buf *to);
void svg_bars(const struct svg_plot *plot, const struct svg_bar *bars, int count, struct buf *to);

#endif
