/* train: collect, tune, learn, calibrate. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "learn/nn/dqn.h"
#include "learn/reco/calibrate.h"
#include "learn/reco/reco.h"
#include "learn/tools/tool.h"
#include "learn/train/collect.h"
#include "learn/train/qlearn.h"
#include "learn/train/tune.h"

static void curve_line(const struct train_options *o, const char *learner, uint64_t episodes, double value)
{
        struct train_points *p = o->points;

        if (o->curve) buf_printf(o->curve, "%s,%" PRIu64 ",%" PRIu64 ",%.4f\n", learner, o->seed, episodes, value);
        if (!p || !str_eq(learner, o->learner) || p->count == (int)ARRAY_COUNT(p->value)) return;
        p->episode[p->count] = (double)episodes;
        p->value[p->count++] = value;
}

static enum err learn_table(const struct lab *lab, const struct train_options *o, struct model *m, bool *ret_stopped, struct err_note *reterr)
{
        AUTO(qlearn_free) struct qlearn *q = NULL;
        struct qlearn_opts opts = qlearn_defaults;
        struct progress progress;
        enum err e;

        opts.kernel = &lab->kernel;
        opts.feat = m->feat;
        opts.seed = seed_train_at(o->seed * 16 + 3);
        opts.episodes = o->episodes;
        if (o->bandit) opts.gamma = 0;
        e = qlearn_new(&opts, &q);
        if (e) return err_note(reterr, e, "no memory for learning");
        progress_start(&progress, o->bandit ? "bandit" : "Q-learning", (double)o->episodes);
        for (uint64_t done = 0, part = o->episodes / 50 + 1; done < o->episodes; done = qlearn_episodes(q)) {
                if (tool_interrupted(NULL)) {
                        *ret_stopped = true;
                        break;
                }
                qlearn_run(q, MIN(part, o->episodes - done));
                curve_line(o, "qtab", qlearn_episodes(q), qlearn_recent_return(q));
                if (!o->quiet) progress_at(&progress, (double)qlearn_episodes(q));
        }
        progress_end(&progress);
        qlearn_table(q, m->table);
        m->origin.episodes = qlearn_episodes(q);
        m->origin.steps = qlearn_steps(q);
        m->origin.train_return = (float)qlearn_recent_return(q);
        m->origin.gamma = opts.gamma;
        return ERR_OK;
}

/* The network learns beside a table, which explains by columns what the network advises. */
static enum err learn_net(const struct lab *lab, const struct train_options *o, struct model *m, bool *ret_stopped, struct err_note *reterr)
{
        AUTO(dqn_free) struct dqn *d = NULL;
        struct dqn_opts opts = dqn_defaults;
        struct progress progress;
        enum err e;

        opts.kernel = &lab->kernel;
        opts.feat = m->feat;
        opts.seed = seed_train_at(o->seed * 16 + 4);
        if (o->updates) opts.updates = o->updates;
        e = dqn_new(&opts, &d);
        if (e) return err_note(reterr, e, "no memory for the network's training");
        progress_start(&progress, "DQN updates", (double)opts.updates);
        while (dqn_updates(d) < opts.updates && !(*ret_stopped = *ret_stopped || tool_interrupted(NULL))) {
                dqn_run(d, opts.updates / 50 + 1);
                curve_line(o, "dqn", dqn_episodes(d), dqn_recent_return(d));
                if (!o->quiet) progress_at(&progress, (double)dqn_updates(d));
        }
        progress_end(&progress);
        m->net = mem_alloc(DQN_FLOATS * sizeof *m->net);
        if (!m->net) return err_note(reterr, ERR_NOMEM, "no memory for the network");
        memcpy(m->net, dqn_net(d), DQN_FLOATS * sizeof *m->net);
        m->net_count = DQN_FLOATS;
        m->kind = MODEL_DQN;
        return ERR_OK;
}

static enum err learn_rules(const struct lab *lab, const struct train_options *o, struct model *m, bool *ret_stopped, struct err_note *reterr)
{
        const struct tune_setup setup = { &lab->kernel, m->feat, seed_train_at(o->seed * 16 + 2), (uint32_t)o->tune, 192, tool_interrupted, NULL };
        float params[TUNE_PARAMS_MAX];
        double reward;
        enum err e;

        if (o->rules) {
                m->tuned = o->rules->tuned;
                m->fallback = o->rules->fallback;
                return ERR_OK;
        }
        if (!o->quiet && o->tune > 20) (void)fprintf(stderr, "tuning the rules on training episodes (about %d s) ...\n", (int)(o->tune / 8));
        e = tune_search(&setup, &tune_rule_tuned, params, &reward);
        if (!e) memcpy(&m->tuned, params, sizeof m->tuned);
        if (!e) e = tune_search(&setup, &tune_rule_belief, params, &reward);
        if (!e) memcpy(&m->fallback, params, sizeof m->fallback);
        if (e == ERR_STATE) *ret_stopped = true;
        return e ? err_note(reterr, e, "tuning the rules %s", e == ERR_STATE ? "was interrupted: nothing was learned yet and nothing is written" : "is out of memory") : ERR_OK;
}

enum err tool_train(const struct lab *lab, const struct train_options *o, struct model **ret, bool *ret_stopped, struct err_note *reterr)
{
        AUTO(model_free) struct model *m = NULL;
        enum err e = model_new(&m);

        *ret_stopped = false;
        if (e) return err_note(reterr, e, "no memory for a model");
        str_cut(m->name, sizeof m->name, o->name ? o->name : o->learner);
        m->origin.seed = seed_train_at(o->seed * 16).value;
        m->origin.kernel_fingerprint = kernel_fingerprint(&lab->kernel);
        m->origin.collect_episodes = (uint32_t)o->collect;
        m->origin.tune_candidates = (uint32_t)o->tune;
        if (o->feat) {
                *m->feat = *o->feat;
        } else {
                const struct collect_setup collect = { &lab->kernel, seed_train_at(o->seed * 16 + 1), (uint32_t)o->collect, tool_interrupted, NULL };

                e = collect_fit(&collect, m->feat);
                if (e) return err_note(reterr, e, "phase one (random interaction) %s", e == ERR_STATE ? "was interrupted: nothing was learned yet and nothing is written" : "is out of memory");
        }
        m->feat->ablation = o->ablation;
        e = learn_rules(lab, o, m, ret_stopped, reterr);
        if (!e) e = learn_table(lab, o, m, ret_stopped, reterr);
        if (!e && str_eq(o->learner, "dqn")) e = learn_net(lab, o, m, ret_stopped, reterr);
        if (e) return e;
        if (o->calibrate) {
                /* Not stoppable: a model without calibration must not advise, and this takes seconds. */
                const struct calibrate_setup calibrate = { &lab->kernel, lab->oracle, seed_calib_at(o->seed * 2), (uint32_t)o->calibrate, NULL, NULL };

                e = calibrate_fit(&calibrate, m);
                if (e) return err_note(reterr, e, "calibration failed: %s", err_text(e));
        }
        *ret = take(&m);
        return ERR_OK;
}

static void model_print(const struct model *m, uint64_t id, const char *path, double seconds, bool json)
{
        const struct model_calibration *c = &m->calibration;

        if (json) {
                (void)printf("{\"model\":\"%016" PRIx64 "\",\"path\":\"%s\",\"kind\":\"%s\",\"training_seed\":%" PRIu64 ",\"episodes\":%" PRIu64
                             ",\"steps\":%" PRIu64 ",\"seconds\":%.2f,\"calibration\":{\"ece\":%.4f,\"coverage\":%.4f,\"abstention\":%.4f}}\n",
                             id, path, model_kind_name(m->kind), m->origin.seed, m->origin.episodes, m->origin.steps, seconds, (double)c->ece,
                             (double)c->coverage, (double)c->abstention);
                return;
        }
        (void)printf("%s: %s model %016" PRIx64 " from %" PRIu64 " episodes (%" PRIu64 " decisions) in %.1f s\n", path, model_kind_name(m->kind), id,
                     m->origin.episodes, m->origin.steps, seconds);
        (void)printf("calibration on held-out seeds: error %.3f, action sets cover %.1f %%, abstains in %.1f %% of suspected incidents\n",
                     (double)c->ece, 100 * (double)c->coverage, 100 * (double)c->abstention);
}

int cmd_train(int argc, char **argv)
{
        const char *out = NULL, *curve_path = NULL;
        struct train_options o = { .seed = 1, .episodes = qlearn_defaults.episodes, .collect = COLLECT_EPISODES_DEFAULT, .tune = 300,
                                   .calibrate = CALIBRATE_EPISODES_DEFAULT, .learner = "qtab" };
        bool json = false, stopped;
        const struct option options[] = {
                { "learner", OPTION_TEXT, &o.learner, 0, 0, "qtab (double tabular Q) or dqn (network beside the table); default qtab" },
                { "seed", OPTION_COUNT, &o.seed, 0, 1e9, "training seed, default 1" },
                { "episodes", OPTION_COUNT, &o.episodes, 100, 1e9, "training episodes of the table, default 500000" },
                { "updates", OPTION_COUNT, &o.updates, 100, 1e9, "gradient updates of the network, default 150000" },
                { "collect", OPTION_COUNT, &o.collect, 200, 1e6, "episodes of random interaction, default 6000" },
                { "tune", OPTION_COUNT, &o.tune, 1, 100000, "candidates tried for each rule, default 300" },
                { "calibrate", OPTION_COUNT, &o.calibrate, 200, 1e6, "calibration episodes, default 4000" },
                { "name", OPTION_TEXT, &o.name, 0, 0, "name inside the file, at most 31 characters" },
                { "out", OPTION_TEXT, &out, 0, 0, "model file to write (needed)" },
                { "curve", OPTION_TEXT, &curve_path, 0, 0, "learning curve to write as CSV" },
                { "json", OPTION_FLAG, &json, 0, 0, "print the result as JSON" },
                { 0 },
        };
        int code = tool_options(argc, argv, "train --out FILE [OPTION]...", options);
        AUTO(model_free) struct model *m = NULL;
        AUTO_BUF curve;
        struct err_note note = { 0 };
        struct lab lab = { 0 };
        uint64_t id = 0;
        int64_t started = clock_mono_ms();
        enum err e;

        buf_init(&curve, 16u << 20);
        if (code >= 0) return code;
        if (!out || !(str_eq(o.learner, "qtab") || str_eq(o.learner, "dqn"))) {
                (void)fprintf(stderr, "firedrill-learn: %s\n", out ? "--learner is qtab or dqn" : "train needs --out FILE");
                return EXIT_USAGE;
        }
        buf_str(&curve, "learner,seed,episodes,return\n");
        o.curve = &curve;
        e = lab_open(&lab, LAB_TOLERANCE, &note);
        if (!e) e = tool_train(&lab, &o, &m, &stopped, &note);
        if (!e) e = tool_model_write(m, out, &id, &note);
        if (!e && curve_path) e = tool_write(curve_path, curve.data, curve.size_bytes, &note);
        lab_close(&lab);
        if (e) return tool_fail(&note);
        if (stopped) (void)fprintf(stderr, "interrupted: the model learned so far was kept\n");
        model_print(m, id, out, (double)(clock_mono_ms() - started) / 1000, json);
        return EXIT_FINE;
}
