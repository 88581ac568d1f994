/* report: an evaluation as one HTML page without scripts or foreign files, that follows dark and light, and as CSV.
 * Owner: the caller.  Memory: the caller's buf.  Units: as compare.h.  Limits: REPORT_LINES_MAX.  Fails: through the buf. */
#ifndef LEARN_EVAL_REPORT_H
#define LEARN_EVAL_REPORT_H

#include "common/base/buf.h"
#include "learn/eval/compare.h"

enum { REPORT_CURVE_POINTS = 60, REPORT_LINES_MAX = 64, REPORT_TEXT_BYTES = 240 };

/* A finding: what was claimed, what was measured, whether it holds. */
struct report_line {
        char id[16], claim[REPORT_TEXT_BYTES], measured[REPORT_TEXT_BYTES];
        bool holds;
};

struct report_curve {
        const char *name;
        int points;
        double episode[REPORT_CURVE_POINTS], value[REPORT_CURVE_POINTS], lo[REPORT_CURVE_POINTS], hi[REPORT_CURVE_POINTS];
};

struct report {
        const struct compare *compare;
        char made_by[REPORT_TEXT_BYTES]; /* the command that makes it again */
        struct report_curve curve[2];
        int curves;
        struct report_line line[REPORT_LINES_MAX];
        int lines;
        double horizon[8], horizon_value[8], optimum, ignore; /* look-ahead, exact */
        int horizons;
        struct {
                char what[48];
                double reward[8]; /* of the policies in `ranked` */
                bool same_order;
        } sensitivity[2 * REW_COUNT + 1];
        int sensitivities;
        const char *ranked[8];
        int rankeds;
        uint64_t test_seed;
};

void report_html(const struct report *r, struct buf *to);
void report_policies_csv(const struct report *r, struct buf *to);
void report_curve_csv(const struct report *r, struct buf *to);
void report_survival_csv(const struct report *r, struct buf *to);
/* Share of incidents not yet over after t = 0 .. STAT_TAU steps. */
void report_survival(const struct compare *c, const struct compare_entry *e, double ret[STAT_TAU + 1]);

#endif
