#include "learn/eval/report.h"

#include <stdio.h>
#include <string.h>

#include "learn/eval/svg.h"

static const char style[] =
        ":root{color-scheme:light dark;--ink:#1b2430;--faint:#d5dbe3;--page:#fff;--card:#f6f8fa;--c1:#1668c7;--c2:#d05a14;--c3:#1f7a33;--c4:#8c3fb5;--c5:#b3261e;--c6:#0b7f8a}\n"
        "@media(prefers-color-scheme:dark){:root{--ink:#e6ebf2;--faint:#39424e;--page:#12161c;--card:#1b2129;--c1:#6cb2ff;--c2:#ffa366;--c3:#6fd08c;--c4:#cf9bff;--c5:#ff8a80;--c6:#5fd3de}}\n"
        "body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--page);max-width:1000px;margin:2rem auto;padding:0 1rem}\n"
        "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem}table{border-collapse:collapse;width:100%;font-size:.86rem}.wide{overflow-x:auto}\n"
        "th,td{padding:.35rem .5rem;text-align:right;border-bottom:1px solid var(--faint);white-space:nowrap}th:first-child,td:first-child{text-align:left}td.text{text-align:left;white-space:normal}\n"
        "small{opacity:.75}figure{margin:1.5rem 0;background:var(--card);padding:1rem;border-radius:8px}figcaption{font-weight:600;margin-bottom:.5rem}svg{width:100%;height:auto;display:block}\n"
        "svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .tick{font-size:11px;opacity:.85}.grid{stroke:var(--faint)}.zero{stroke:var(--ink);opacity:.5}.line{fill:none;stroke-width:2}\n"
        ".band{opacity:.18}.bar{fill:var(--c1);opacity:.8}.part{fill:var(--c2)}.whisker{stroke:var(--ink);fill:none;stroke-width:1.5}\n"
        ".legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;padding:0;margin:.5rem 0 0;font-size:.86rem}.legend i{display:inline-block;width:14px;height:3px;margin-right:.4rem;vertical-align:middle}\n"
        ".yes{color:var(--c3);font-weight:600}.no{color:var(--c5);font-weight:600}code{background:var(--card);padding:.1rem .3rem;border-radius:4px;overflow-wrap:anywhere}\n";

static void ci_cell(const struct stat_ci *ci, struct buf *to)
{
        buf_printf(to, "<td>%.2f<br><small>%.2f to %.2f</small></td>", ci->value, ci->lo, ci->hi);
}

static void table_policies(const struct report *r, struct buf *to)
{
        static const enum metric shown[] = { METRIC_REWARD, METRIC_UNNECESSARY, METRIC_EX_ANTE, METRIC_COST, METRIC_TIME, METRIC_RELAPSE, METRIC_UNSTABLE };

        buf_str(to, "<div class=\"wide\" tabindex=\"0\"><table id=\"policies\"><thead><tr><th>policy</th>");
        for (size_t i = 0; i < ARRAY_COUNT(shown); i++) buf_printf(to, "<th>%s<br><small>%s</small></th>", metric_title(shown[i]), metric_unit(shown[i]));
        buf_str(to, "</tr></thead><tbody>\n");
        for (uint32_t k = 0; k < r->compare->count; k++) {
                const struct compare_entry *e = r->compare->entry[k];

                buf_printf(to, "<tr><td>%s<br><small>%s%s", e->name, e->clairvoyant ? "sees the truth" : e->ablation ? "ablation" : "", e->seeds > 1 ? e->clairvoyant || e->ablation ? ", " : "" : "");
                if (e->seeds > 1) buf_printf(to, "%u training seeds", e->seeds);
                buf_str(to, "</small></td>");
                for (size_t i = 0; i < ARRAY_COUNT(shown); i++) ci_cell(&e->metric[shown[i]], to);
                buf_str(to, "</tr>\n");
        }
        buf_str(to, "</tbody></table></div>\n");
}

static void table_lines(const struct report *r, struct buf *to)
{
        buf_str(to, "<div class=\"wide\" tabindex=\"0\"><table id=\"findings\"><thead><tr><th>no.</th><th style=\"text-align:left\">claim</th><th style=\"text-align:left\">measured</th><th>holds</th></tr></thead><tbody>\n");
        for (int i = 0; i < r->lines; i++)
                buf_printf(to, "<tr><td>%s</td><td class=\"text\">%s</td><td class=\"text\">%s</td><td class=\"%s\">%s</td></tr>\n", r->line[i].id, r->line[i].claim, r->line[i].measured,
                           r->line[i].holds ? "yes" : "no", r->line[i].holds ? "yes" : "no");
        buf_str(to, "</tbody></table></div>\n");
}

static void plot_curves(const struct report *r, struct buf *to)
{
        const struct svg_plot plot = { .id = "reward-by-episode", .title = "Reward by training episode (exploration included; band: all training seeds)",
                                       .x_label = "training episode", .y_label = "mean return", .alternative = "Learning curves: mean return rises with training episodes" };
        struct svg_series series[2];

        for (int i = 0; i < r->curves; i++)
                series[i] = (struct svg_series){ r->curve[i].name, r->curve[i].episode, r->curve[i].value, r->curve[i].lo, r->curve[i].hi, r->curve[i].points, false };
        if (r->curves) svg_lines(&plot, series, r->curves, to);
}

/* Policies whose bars would dwarf the others are left to the table. */
static bool worth_a_bar(const struct compare_entry *e)
{
        return strcmp(e->name, "random") != 0 && strcmp(e->name, "ignore") != 0;
}

static void plot_restarts(const struct report *r, struct buf *to)
{
        const struct svg_plot plot = { .id = "restart-frequency", .title = "Restarts per episode (lower part: unnecessary in hindsight)", .y_label = "restarts per episode",
                                       .alternative = "Bars: restarts per episode and policy, with the unnecessary share" };
        struct svg_bar bars[SVG_BARS_MAX];
        int count = 0;

        for (uint32_t k = 0; k < r->compare->count && count < SVG_BARS_MAX; k++) {
                const struct compare_entry *e = r->compare->entry[k];

                if (worth_a_bar(e))
                        bars[count++] = (struct svg_bar){ e->name, e->metric[METRIC_RESTARTS].value, e->metric[METRIC_RESTARTS].lo, e->metric[METRIC_RESTARTS].hi,
                                                          e->metric[METRIC_UNNECESSARY].value };
        }
        if (count) svg_bars(&plot, bars, count, to);
}

void report_survival(const struct compare *c, const struct compare_entry *e, double ret[STAT_TAU + 1])
{
        double event[STAT_TAU + 1] = { 0 }, left[STAT_TAU + 1] = { 0 }, at_risk = 0, alive = 1;

        for (uint32_t k = 0; k < e->seeds * c->episodes; k++) {
                const struct run_record *r = &e->records[k];

                for (int i = 0; i < r->incidents && i < RUN_INCIDENTS_MAX; i++) {
                        int t = MIN((int)r->duration[i], (int)STAT_TAU);

                        if (r->censored[i] || r->duration[i] > STAT_TAU) left[t] += 1;
                        else event[t] += 1;
                        at_risk += 1;
                }
        }
        for (int t = 0; t <= STAT_TAU; t++) {
                if (at_risk > 0) alive *= 1 - event[t] / at_risk;
                at_risk -= event[t] + left[t];
                ret[t] = alive;
        }
}

static const char *const survival_names[] = { "qtab", "tuned-rule", "belief-rule", "literal-rule", "ignore", "clairvoyant" };

static void plot_times(const struct report *r, struct buf *to)
{
        const struct svg_plot plot = { .id = "stability-time", .title = "Time to stability: share of incidents not yet over (Kaplan-Meier)", .x_label = "seconds since onset",
                                       .y_label = "share still unstable", .alternative = "Survival curves of incidents by policy", .y_min = 0, .y_max = 1.0001 };
        static double x[STAT_TAU + 1];
        double y[ARRAY_COUNT(survival_names)][STAT_TAU + 1];
        struct svg_series series[ARRAY_COUNT(survival_names)];
        int count = 0;

        for (int t = 0; t <= STAT_TAU; t++) x[t] = 5.0 * t;
        for (size_t k = 0; k < ARRAY_COUNT(survival_names); k++) {
                const struct compare_entry *e = compare_find(r->compare, survival_names[k]);

                if (!e) continue;
                report_survival(r->compare, e, y[count]);
                series[count] = (struct svg_series){ survival_names[k], x, y[count], NULL, NULL, STAT_TAU + 1, true };
                count++;
        }
        if (count) svg_lines(&plot, series, count, to);
}

static void plot_look_ahead(const struct report *r, struct buf *to)
{
        const struct svg_plot plot = { .id = "look-ahead", .title = "Look-ahead ablation: exact value when only h steps are looked ahead (clairvoyant)", .y_label = "expected reward of an episode",
                                       .alternative = "Bars: value by look-ahead horizon" };
        static char names[8][16];
        struct svg_bar bars[8];

        for (int i = 0; i < r->horizons; i++) {
                (void)snprintf(names[i], sizeof names[i], "h = %.0f", r->horizon[i]);
                bars[i] = (struct svg_bar){ names[i], r->horizon_value[i], r->horizon_value[i], r->horizon_value[i], 0 };
        }
        if (r->horizons) svg_bars(&plot, bars, r->horizons, to);
}

static void plot_ablations(const struct report *r, struct buf *to)
{
        static const char *const names[] = { "qtab", "no-history", "no-belief", "bandit", "dqn", "belief-rule", "qmdp" };
        const struct svg_plot plot = { .id = "ablations", .title = "What memory, belief and foresight are worth: reward per episode", .y_label = "reward per episode", .alternative = "Bars: reward of the learner and its ablations" };
        struct svg_bar bars[ARRAY_COUNT(names)];
        int count = 0;

        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                const struct compare_entry *e = compare_find(r->compare, names[i]);

                if (e) bars[count++] = (struct svg_bar){ names[i], e->metric[METRIC_REWARD].value, e->metric[METRIC_REWARD].lo, e->metric[METRIC_REWARD].hi, 0 };
        }
        if (count) svg_bars(&plot, bars, count, to);
}

static void table_sensitivity(const struct report *r, struct buf *to)
{
        buf_str(to, "<div class=\"wide\" tabindex=\"0\"><table id=\"sensitivity\"><thead><tr><th>weight</th>");
        for (int i = 0; i < r->rankeds; i++) buf_printf(to, "<th>%s</th>", r->ranked[i]);
        buf_str(to, "<th>order</th></tr></thead><tbody>\n");
        for (int k = 0; k < r->sensitivities; k++) {
                buf_printf(to, "<tr><td>%s</td>", r->sensitivity[k].what);
                for (int i = 0; i < r->rankeds; i++) buf_printf(to, "<td>%.2f</td>", r->sensitivity[k].reward[i]);
                buf_printf(to, "<td class=\"%s\">%s</td></tr>\n", r->sensitivity[k].same_order ? "yes" : "no", r->sensitivity[k].same_order ? "same" : "changed");
        }
        buf_str(to, "</tbody></table></div>\n");
}

void report_html(const struct report *r, struct buf *to)
{
        buf_printf(to, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>Firedrill: what the recovery agent learned</title>\n<style>%s</style></head><body><main>\n", style);
        buf_printf(to, "<h1>What the recovery agent learned</h1>\n<p>%u test episodes of ten minutes each, test seed %llu, the same incidents for every policy; 95 %% intervals from %u bootstrap replicates over episodes (within strata) and training seeds. Made by <code>%s</code>.</p>\n",
                   r->compare->episodes, (unsigned long long)r->test_seed, r->compare->replicates, r->made_by);
        buf_str(to, "<h2>Findings</h2>\n");
        table_lines(r, to);
        buf_str(to, "<h2>Policies</h2>\n");
        table_policies(r, to);
        buf_str(to, "<p><small>Unnecessary: by the exact optimal values, something gentler than the restart was at least as good; in hindsight by the true state, ex ante by what an exact filter knew. Time to stability: mean restricted to five minutes, a step is 5 s, incidents that never ended are censored, not dropped.</small></p>\n");
        plot_curves(r, to);
        plot_restarts(r, to);
        plot_times(r, to);
        buf_str(to, "<h2>Why it works</h2>\n");
        plot_look_ahead(r, to);
        plot_ablations(r, to);
        buf_str(to, "<h2>Sensitivity to the reward's weights</h2>\n<p>The same behaviour judged with each reward column halved and doubled.</p>\n");
        table_sensitivity(r, to);
        buf_str(to, "</main></body></html>\n");
}

void report_policies_csv(const struct report *r, struct buf *to)
{
        buf_str(to, "policy,training_seeds,metric,value,lo,hi\n");
        for (uint32_t k = 0; k < r->compare->count; k++)
                for (int m = 0; m < METRIC_COUNT; m++) {
                        const struct compare_entry *e = r->compare->entry[k];

                        buf_printf(to, "%s,%u,%s,%.6f,%.6f,%.6f\n", e->name, e->seeds, metric_id((enum metric)m), e->metric[m].value, e->metric[m].lo, e->metric[m].hi);
                }
}

void report_curve_csv(const struct report *r, struct buf *to)
{
        buf_str(to, "learner,episode,iqm,lo,hi\n");
        for (int k = 0; k < r->curves; k++)
                for (int i = 0; i < r->curve[k].points; i++)
                        buf_printf(to, "%s,%.0f,%.4f,%.4f,%.4f\n", r->curve[k].name, r->curve[k].episode[i], r->curve[k].value[i], r->curve[k].lo[i], r->curve[k].hi[i]);
}

void report_survival_csv(const struct report *r, struct buf *to)
{
        buf_str(to, "policy,seconds,share_unstable\n");
        for (uint32_t k = 0; k < r->compare->count; k++) {
                double y[STAT_TAU + 1];

                report_survival(r->compare, r->compare->entry[k], y);
                for (int t = 0; t <= STAT_TAU; t++) buf_printf(to, "%s,%d,%.5f\n", r->compare->entry[k]->name, 5 * t, y[t]);
        }
}
