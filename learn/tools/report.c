/* report: trains on several seeds, plays everything on the same test episodes, tests the registered hypotheses, writes the page. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "learn/eval/report.h"
#include "learn/reco/calibrate.h"
#include "learn/reco/reco.h"
#include "learn/tools/tool.h"

#define NOTHING "interrupted before the first seed was trained and played; no report was written"

struct plan {
        uint64_t first_seed, seeds, side_seeds, test_seed, episodes, train_episodes, tune, replicates, updates;
        const char *out;
};

struct work {
        struct plan plan;
        struct lab lab;
        struct compare compare;
        struct report *report;
        struct model *first; /* of the first seed: its rules serve all */
        struct train_points *points; /* [seeds] */
        struct train_points *net_points; /* [side_seeds] */
        struct calibrate_measure calibration; /* mean over seeds */
        bool stopped; /* asked to end: the seeds that were trained and played are reported, nothing half done */
};

static void say(const char *what, uint64_t at, uint64_t of)
{
        (void)fprintf(stderr, "%s %" PRIu64 " of %" PRIu64 "\n", what, at + 1, of);
}

static enum err play_model(struct work *w, const struct model *m, struct compare_entry *entry, uint32_t seed)
{
        const struct reco_policy bare = { m, false };
        const struct policy p = { entry->name, reco_policy_decide, &bare, m->feat, false };

        return tool_play(&w->compare, &w->lab, &p, entry, seed, w->plan.test_seed);
}

/* An interruption is no failure of this work. */
static enum err training(struct work *w, const struct train_options *o, struct model **ret, struct err_note *reterr)
{
        bool stopped = false;
        enum err e = tool_train(&w->lab, o, ret, &stopped, reterr);

        w->stopped |= stopped || e == ERR_STATE;
        return e == ERR_STATE ? ERR_OK : e;
}

static enum err playing(struct work *w, const struct model *m, struct compare_entry *entry, uint32_t seed)
{
        enum err e = play_model(w, m, entry, seed);

        w->stopped |= e == ERR_STATE;
        return e == ERR_STATE ? ERR_OK : e;
}

/* Once one seed is through there is something to report. */
static enum err train_main_first(struct work *w, const struct model *m, struct compare_entry **ret, struct err_note *reterr)
{
        enum err e = tool_baselines(&w->compare, &w->lab, m, w->plan.test_seed, reterr);

        return e ? e : tool_entry(&w->compare, &w->lab, "qtab", (uint32_t)w->plan.seeds, ret);
}

static void calibration_mean(struct work *w, uint64_t seeds)
{
        w->calibration.ece /= (double)seeds;
        w->calibration.coverage /= (double)seeds;
        w->calibration.abstention /= (double)seeds;
        w->calibration.accuracy /= (double)seeds;
}

static enum err train_main(struct work *w, struct err_note *reterr)
{
        struct compare_entry *entry = NULL;
        uint64_t k;

        for (k = 0; k < w->plan.seeds; k++) {
                const struct train_options o = { .seed = w->plan.first_seed + k, .episodes = w->plan.train_episodes, .collect = 6000, .tune = w->plan.tune,
                                                 .calibrate = CALIBRATE_EPISODES_DEFAULT, .learner = "qtab", .rules = w->first, .points = &w->points[k] };
                const struct calibrate_setup again = { &w->lab.kernel, w->lab.oracle, seed_calib_at(0), 2000, NULL, NULL };
                struct calibrate_measure c;
                AUTO(model_free) struct model *m = NULL;
                enum err e;

                say("tabular policy, training seed", k, w->plan.seeds);
                e = training(w, &o, &m, reterr);
                if (e || w->stopped) {
                        if (e) return e;
                        break;
                }
                if (k == 0) e = train_main_first(w, m, &entry, reterr);
                if (!e) e = playing(w, m, entry, (uint32_t)k);
                if (e) return err_note(reterr, e, "playing the trained policy: %s", e == ERR_STATE ? NOTHING : err_text(e));
                if (w->stopped) break;
                /* Fresh seeds: neither trained, nor calibrated, nor used for the policies' figures. */
                e = calibrate_measure(&again, seed_test_at(w->plan.test_seed + 500 + k).value, m, &c);
                if (e) return err_note(reterr, e, "calibration could not be measured");
                w->calibration.ece += c.ece;
                w->calibration.coverage += c.coverage;
                w->calibration.abstention += c.abstention;
                w->calibration.accuracy += c.accuracy;
                if (k == 0) w->first = take(&m);
        }
        if (!k) return err_note(reterr, ERR_STATE, NOTHING);
        tool_entry_keep(&w->compare, (uint32_t)k);
        w->plan.seeds = k;
        calibration_mean(w, k);
        return ERR_OK;
}

static enum err train_side(struct work *w, const char *name, const char *learner, enum feat_ablation ablation, bool bandit, struct err_note *reterr)
{
        struct compare_entry *entry;
        uint64_t k;
        enum err e;

        if (w->stopped) return ERR_OK;
        e = tool_entry(&w->compare, &w->lab, name, (uint32_t)w->plan.side_seeds, &entry);
        if (e) return err_note(reterr, e, "no room for '%s'", name);
        entry->ablation = ablation != FEAT_FULL || bandit;
        for (k = 0; k < w->plan.side_seeds; k++) {
                bool net = str_eq(learner, "dqn");
                const struct train_options o = { .seed = w->plan.first_seed + k, .episodes = net ? w->plan.train_episodes / 10 : w->plan.train_episodes, .collect = 6000,
                                                 .learner = learner, .rules = w->first, .ablation = ablation, .bandit = bandit, .points = net ? &w->net_points[k] : NULL, .updates = w->plan.updates };
                AUTO(model_free) struct model *m = NULL;

                say(name, k, w->plan.side_seeds);
                e = training(w, &o, &m, reterr);
                if (!e && !w->stopped) e = playing(w, m, entry, (uint32_t)k);
                if (e) return err_note(reterr, e, "training and playing '%s': %s", name, err_text(e));
                if (w->stopped) break;
        }
        tool_entry_keep(&w->compare, (uint32_t)k);
        return ERR_OK;
}

/* Interquartile mean over seeds, band from least to greatest. */
static void curve_of(const char *name, const struct train_points *points, uint64_t seeds, struct report_curve *ret)
{
        *ret = (struct report_curve){ .name = name };
        for (int i = 0; i < REPORT_CURVE_POINTS && i < points[0].count; i++) {
                double values[STAT_SEEDS_MAX];
                size_t count = 0;

                for (uint64_t k = 0; k < seeds; k++)
                        if (i < points[k].count) values[count++] = points[k].value[i];
                ret->episode[i] = points[0].episode[i];
                ret->value[i] = stat_iqm(values, count);
                ret->lo[i] = values[0]; /* sorted by stat_iqm */
                ret->hi[i] = values[count - 1];
                ret->points++;
        }
}

FMT_PRINTF(5, 6)
static void finding(struct report *r, const char *id, bool holds, const char *claim, const char *format, ...)
{
        struct report_line *line = &r->line[r->lines++];
        va_list args;

        str_cut(line->id, sizeof line->id, id);
        str_cut(line->claim, sizeof line->claim, claim);
        line->holds = holds;
        va_start(args, format);
        (void)vsnprintf(line->measured, sizeof line->measured, format, args);
        va_end(args);
}

static enum err pair(struct work *w, const char *a, const char *b, enum metric m, enum stat_kind kind, struct stat_ci *ret)
{
        return compare_pair(&w->compare, compare_find(&w->compare, a), compare_find(&w->compare, b), m, kind, ret);
}

static enum err findings_policies(struct work *w)
{
        struct report *r = w->report;
        struct stat_ci a, b, c;
        double rule = compare_find(&w->compare, "belief-rule")->metric[METRIC_REWARD].value;
        enum err e = pair(w, "qtab", "tuned-rule", METRIC_UNNECESSARY, STAT_CHANGE, &a);

        if (e) return e;
        finding(r, "H1", a.value <= -.6 && a.hi <= -.5, "qtab makes 60 % fewer unnecessary restarts than the tuned rule (upper bound -50 %)", "%+.1f %% [%+.1f, %+.1f]", 100 * a.value,
                100 * a.lo, 100 * a.hi);
        e = pair(w, "qtab", "belief-rule", METRIC_UNNECESSARY, STAT_CHANGE, &a);
        if (!e) e = pair(w, "qtab", "belief-rule", METRIC_REWARD, STAT_DIFF, &b);
        if (!e) e = pair(w, "qtab", "belief-rule", METRIC_EX_ANTE, STAT_CHANGE, &c);
        if (e) return e;
        finding(r, "H2", a.value <= -.25 && a.hi < 0 && b.lo > -.02 * rule, "against the rule on the belief 25 % fewer, at no worse reward (margin 2 %)",
                "%+.1f %% [%+.1f, %+.1f] in hindsight, %+.1f %% ex ante; reward %+.2f [%+.2f, %+.2f]", 100 * a.value, 100 * a.lo, 100 * a.hi, 100 * c.value, b.value, b.lo, b.hi);
        e = pair(w, "qtab", "tuned-rule", METRIC_TIME, STAT_CHANGE, &a);
        if (e) return e;
        finding(r, "H3", a.value <= -.25 && a.hi < 0, "stable 25 % sooner than the tuned rule", "%+.1f %% [%+.1f, %+.1f]", 100 * a.value, 100 * a.lo, 100 * a.hi);
        e = pair(w, "qtab", "qmdp", METRIC_REWARD, STAT_CHANGE, &a);
        if (!e) e = pair(w, "qtab", "clairvoyant", METRIC_REWARD, STAT_CHANGE, &b);
        if (e) return e;
        finding(r, "H4", a.value >= -.03 && b.value >= -.20, "regret at most 3 % to Bayes-QMDP, 20 % to the clairvoyant optimum", "%.1f %% [%.1f, %.1f] and %.1f %% [%.1f, %.1f]", -100 * a.value,
                -100 * a.hi, -100 * a.lo, -100 * b.value, -100 * b.hi, -100 * b.lo);
        return ERR_OK;
}

/* After an interruption some were not: then nothing is said about them. */
static bool played(const struct work *w, const char *name)
{
        return compare_find(&w->compare, name) != NULL;
}

static enum err findings_ablations(struct work *w)
{
        static const struct {
                const char *id, *name, *claim;
        } rows[] = {
                { "H6", "no-history", "memory matters: qtab earns more than when one sample decides" },
                { "H7", "no-belief", "the belief matters: qtab earns more than with a k-means pattern" },
        };
        struct report *r = w->report;
        struct stat_ci a;
        double share = (r->horizon_value[0] - r->ignore) / (r->optimum - r->ignore);
        enum err e = played(w, "bandit") ? pair(w, "qtab", "bandit", METRIC_REWARD, STAT_DIFF, &a) : ERR_OK;

        if (e) return e;
        if (played(w, "bandit")) finding(r, "H5", share < .2 && a.lo > 0, "decisions matter beyond the next step", "one-step look-ahead gains %.1f %% of the optimum's gain (exact); qtab over bandit %+.2f [%+.2f, %+.2f]", 100 * share,
                a.value, a.lo, a.hi);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                if (!played(w, rows[i].name)) continue;
                e = pair(w, "qtab", rows[i].name, METRIC_REWARD, STAT_DIFF, &a);
                if (e) return e;
                finding(r, rows[i].id, a.lo > 0, rows[i].claim, "%+.2f [%+.2f, %+.2f] reward per episode", a.value, a.lo, a.hi);
        }
        const struct calibrate_measure *c = &w->calibration;

        finding(r, "H8", c->ece <= .05 && c->coverage >= .88 && c->coverage <= .92 && c->abstention <= .15, "confidence: error at most .05, sets cover 88 to 92 %, abstention at most 15 %",
                "error %.3f, coverage %.1f %%, abstention %.1f %% (advice optimal in %.1f %%)", c->ece, 100 * c->coverage, 100 * c->abstention, 100 * c->accuracy);
        if (!played(w, "dqn")) return ERR_OK;
        e = pair(w, "dqn", "qmdp", METRIC_REWARD, STAT_CHANGE, &a);
        if (e) return e;
        finding(r, "H9", a.value >= -.05, "the network earns 95 % of Bayes-QMDP", "%.1f %% [%.1f, %.1f]", 100 * (1 + a.value), 100 * (1 + a.lo), 100 * (1 + a.hi));
        return ERR_OK;
}

/* Every column halved and doubled, the same behaviour judged anew. */
static void sensitivity(struct work *w)
{
        static const char *const ranked[] = { "literal-rule", "ignore", "tuned-rule", "belief-rule", "qtab", "dqn" };
        static const int hypothesis[] = { 0, 1, 2, 4 }; /* H10 speaks of these */
        struct report *r = w->report;
        bool all_same = true;

        for (size_t i = 0; i < ARRAY_COUNT(ranked); i++)
                if (compare_find(&w->compare, ranked[i])) r->ranked[r->rankeds++] = ranked[i];
        for (int k = 0; k <= 2 * REW_COUNT; k++) {
                double factor = k == 0 ? 1 : k % 2 ? 0.5 : 2;
                int column = (k - 1) / 2;

                (void)snprintf(r->sensitivity[k].what, sizeof r->sensitivity[k].what, "%s%s", k ? sim_reward_name(column) : "as trained", k == 0 ? "" : factor < 1 ? " x 0.5" : " x 2");
                for (int i = 0; i < r->rankeds; i++) {
                        const struct compare_entry *e = compare_find(&w->compare, r->ranked[i]);
                        double sum = 0;

                        for (uint32_t n = 0; n < e->seeds * w->compare.episodes; n++)
                                for (int c = 0; c < REW_COUNT; c++) sum += (double)e->records[n].columns[c] * (k > 0 && c == column ? factor : 1);
                        r->sensitivity[k].reward[i] = sum / (e->seeds * w->compare.episodes);
                }
                r->sensitivity[k].same_order = true;
                for (size_t i = 1; i < ARRAY_COUNT(hypothesis); i++) {
                        int a = hypothesis[i - 1], b = hypothesis[i];

                        if ((r->sensitivity[k].reward[a] < r->sensitivity[k].reward[b]) != (r->sensitivity[0].reward[a] < r->sensitivity[0].reward[b])) r->sensitivity[k].same_order = false;
                }
                all_same &= r->sensitivity[k].same_order;
                r->sensitivities++;
        }
        finding(r, "H10", all_same, "the order of ignore, literal rule, tuned rule and qtab does not hang on the weights", "%s", all_same ? "same order for all eight changes" : "changed for some, see the table");
}

static enum err look_ahead(struct work *w, struct err_note *reterr)
{
        static const int horizons[] = { 1, 2, 4, 8, 16, 32 };
        AUTO(mem_free) uint8_t *policy = mem_zalloc(SIM_STATES, 1);
        AUTO(oracle_free) struct oracle *o = NULL;
        struct sim_state start = sim_start();
        struct report *r = w->report;

        if (!policy || oracle_new(&w->lab.kernel, 0.99, &o)) return err_note(reterr, ERR_NOMEM, "no memory for the look-ahead ablation");
        for (size_t i = 0; i < ARRAY_COUNT(horizons); i++) {
                oracle_look_ahead(o, horizons[i]);
                oracle_greedy(o, policy);
                r->horizon[i] = horizons[i];
                r->horizon_value[i] = oracle_policy_value(o, policy, ENV_STEPS_DEFAULT, &start);
                r->horizons++;
        }
        oracle_greedy(w->lab.oracle, policy);
        r->optimum = oracle_policy_value(o, policy, ENV_STEPS_DEFAULT, &start);
        memset(policy, ACT_IGNORE, SIM_STATES);
        r->ignore = oracle_policy_value(o, policy, ENV_STEPS_DEFAULT, &start);
        return ERR_OK;
}

static enum err write_all(struct work *w, struct err_note *reterr)
{
        static const struct {
                const char *name;
                void (*write)(const struct report *r, struct buf *to);
        } files[] = {
                { "report.html", report_html }, { "policies.csv", report_policies_csv }, { "curve.csv", report_curve_csv }, { "stability.csv", report_survival_csv },
        };
        enum err e = dir_make(w->plan.out, 0755, reterr);

        for (size_t i = 0; i < ARRAY_COUNT(files) && !e; i++) {
                char path[FILE_PATH_BYTES];
                AUTO_BUF b;

                buf_init(&b, 32u << 20);
                files[i].write(w->report, &b);
                e = buf_status(&b) ? err_note(reterr, buf_status(&b), "%s became too large", files[i].name) : path_join(path, w->plan.out, files[i].name);
                if (!e) e = tool_write(path, b.data, b.size_bytes, reterr);
        }
        return e;
}

/* Also on the page, so that nobody takes it for the whole study. */
static void stopped_tell(struct work *w)
{
        size_t used = strlen(w->report->made_by);

        (void)snprintf(w->report->made_by + used, sizeof w->report->made_by - used, " (interrupted after %" PRIu64 " training seeds, %u policies)", w->plan.seeds, w->compare.count);
        (void)fprintf(stderr, "interrupted: what was trained and played by %" PRIu64 " training seeds and %u policies is reported\n", w->plan.seeds, w->compare.count);
}

static enum err work_run(struct work *w, struct err_note *reterr)
{
        enum err e;

        w->report = mem_zalloc(1, sizeof *w->report);
        w->points = mem_zalloc(w->plan.seeds, sizeof *w->points);
        w->net_points = mem_zalloc(w->plan.side_seeds, sizeof *w->net_points);
        if (!w->report || !w->points || !w->net_points) return err_note(reterr, ERR_NOMEM, "no memory for a report");
        w->compare = (struct compare){ .episodes = (uint32_t)w->plan.episodes, .replicates = (uint32_t)w->plan.replicates };
        w->report->compare = &w->compare;
        w->report->test_seed = seed_test_at(w->plan.test_seed).value;
        (void)snprintf(w->report->made_by, sizeof w->report->made_by,
                       "firedrill-learn report --out DIR --first-seed %" PRIu64 " --seeds %" PRIu64 " --side-seeds %" PRIu64 " --test-seed %" PRIu64 " --episodes %" PRIu64
                       " --train-episodes %" PRIu64 " --tune %" PRIu64,
                       w->plan.first_seed, w->plan.seeds, w->plan.side_seeds, w->plan.test_seed, w->plan.episodes, w->plan.train_episodes, w->plan.tune);
        e = lab_open(&w->lab, LAB_TOLERANCE, reterr);
        if (!e) e = train_main(w, reterr);
        if (!e) e = train_side(w, "bandit", "qtab", FEAT_FULL, true, reterr);
        if (!e) e = train_side(w, "no-belief", "qtab", FEAT_NO_BELIEF, false, reterr);
        if (!e) e = train_side(w, "no-history", "qtab", FEAT_NO_HISTORY, false, reterr);
        if (!e) e = train_side(w, "dqn", "dqn", FEAT_FULL, false, reterr);
        if (!e) e = look_ahead(w, reterr);
        if (e) return e;
        if (w->stopped) stopped_tell(w);
        (void)fprintf(stderr, "intervals of %u policies ...\n", w->compare.count);
        for (uint32_t i = 0; i < w->compare.count && !e; i++) e = compare_measure(&w->compare, w->compare.entry[i]);
        curve_of("qtab", w->points, w->plan.seeds, &w->report->curve[0]);
        w->report->curves = 1;
        if (played(w, "dqn")) curve_of("dqn", w->net_points, compare_find(&w->compare, "dqn")->seeds, &w->report->curve[w->report->curves++]);
        if (!e) e = findings_policies(w);
        if (!e) e = findings_ablations(w);
        if (e) return err_note(reterr, e, "the figures could not be computed: %s", err_text(e));
        sensitivity(w);
        return write_all(w, reterr);
}

int cmd_report(int argc, char **argv)
{
        struct work w = { .plan = { 101, 10, 3, 1000, 2000, 500000, 300, STAT_REPLICATES, 0, NULL } };
        bool json = false;
        const struct option options[] = {
                { "out", OPTION_TEXT, &w.plan.out, 0, 0, "folder for report.html and its CSV files (needed)" },
                { "first-seed", OPTION_COUNT, &w.plan.first_seed, 0, 1e9, "first training seed, default 101" },
                { "seeds", OPTION_COUNT, &w.plan.seeds, 1, STAT_SEEDS_MAX, "training seeds of the tabular policy, default 10" },
                { "side-seeds", OPTION_COUNT, &w.plan.side_seeds, 1, STAT_SEEDS_MAX, "training seeds of network and ablations, default 3" },
                { "test-seed", OPTION_COUNT, &w.plan.test_seed, 0, 1e9, "test seed, default 1000" },
                { "episodes", OPTION_COUNT, &w.plan.episodes, 10, 100000, "test episodes, default 2000" },
                { "train-episodes", OPTION_COUNT, &w.plan.train_episodes, 1000, 1e9, "training episodes, default 500000" },
                { "updates", OPTION_COUNT, &w.plan.updates, 100, 1e9, "gradient updates of the network, default 150000" },
                { "tune", OPTION_COUNT, &w.plan.tune, 1, 100000, "candidates tried for each rule, default 300" },
                { "replicates", OPTION_COUNT, &w.plan.replicates, 100, 1e6, "bootstrap replicates, default 10000" },
                { "json", OPTION_FLAG, &json, 0, 0, "print the findings as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "report --out DIR [OPTION]...", options);
        struct err_note note = { 0 };
        enum err e;

        if (code >= 0) return code;
        if (!w.plan.out) {
                (void)fprintf(stderr, "firedrill-learn: report needs --out DIR\n");
                return EXIT_USAGE;
        }
        e = work_run(&w, &note);
        if (json && !e) (void)printf("[");
        for (int i = 0; !e && i < w.report->lines; i++) {
                const struct report_line *line = &w.report->line[i];

                if (json) (void)printf("%s{\"id\":\"%s\",\"holds\":%s,\"claim\":\"%s\",\"measured\":\"%s\"}", i ? ",\n" : "", line->id, line->holds ? "true" : "false", line->claim, line->measured);
                else (void)printf("%-4s %-13s %s: %s\n", line->id, line->holds ? "holds" : "does not hold", line->claim, line->measured);
        }
        if (json && !e) (void)printf("]\n");
        compare_close(&w.compare);
        lab_close(&w.lab);
        model_free(w.first);
        mem_free(w.points);
        mem_free(w.net_points);
        mem_free(w.report);
        return e ? tool_fail(&note) : EXIT_FINE;
}
