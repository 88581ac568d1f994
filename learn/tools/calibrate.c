/* calibrate: from recordings of the real stack to a model that fits it: what was measured (calibration.json), and a model trained on a
 * simulator that shows and costs what the stack shows and costs. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "learn/reco/calibrate.h"
#include "learn/reco/reco.h"
#include "learn/tools/tape.h"
#include "learn/tools/tool.h"
#include "learn/train/collect.h"
#include "learn/train/qlearn.h"

enum { TAPE_FIT, TAPE_HELD_OUT, TAPE_ACTIONS, TAPES };
enum { SURPRISES_MAX = TAPE_SECONDS_MAX * TAPE_SERVICES };
/* Of the observations of the stack this share is within what the model calls known. */
#define KNOWN_SHARE 0.99

struct surprises {
        float value[SURPRISES_MAX];
        size_t count, over;
};

/* The filter over a whole recording, step by step as beside a run; while a process is down there is nothing to be surprised at. */
static void surprises_of(const struct model *m, const struct tape *t, struct surprises *ret)
{
        ret->count = ret->over = 0;
        for (int s = 0; s < TAPE_SERVICES; s++) {
                struct reco_session session;
                int64_t last = 0;

                for (size_t i = 0; i < t->seconds; i++) {
                        if (t->at_ms[i] - last < TAPE_STEP_MS) continue;
                        if (last) reco_feel(m, &session, ACT_IGNORE, t->obs[i][s]);
                        else reco_start(m, &session, t->obs[i][s]);
                        last = t->at_ms[i];
                        if (!session.tracker.up || ret->count == SURPRISES_MAX) continue;
                        ret->value[ret->count++] = session.tracker.belief.surprise;
                        ret->over += session.tracker.belief.surprise > m->calibration.surprise_max;
                }
        }
}

static int by_value(const void *a, const void *b)
{
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

static enum err tapes_fit(struct tape *const tape[TAPES], struct fit_data *d, struct fit *ret, struct err_note *reterr)
{
        struct sim_kernel k;
        enum err e;

        kernel_init(&k, NULL);
        e = tape_label(tape[TAPE_FIT], &k, d);
        if (!e && tape[TAPE_ACTIONS]) e = tape_cost(tape[TAPE_ACTIONS], d);
        if (e) return err_note(reterr, e, "the recordings cannot be labelled: %s", err_text(e));
        return fit_solve(d, &k, ret, reterr);
}

/* What is trained on is what is written, to the last digit, so that training from the file makes the same model. */
static enum err fit_keep(struct fit *f, const struct fit_data *d, const char *path, struct err_note *reterr)
{
        AUTO_BUF file;
        enum err e;

        buf_init(&file, 1u << 20);
        fit_write(f, d, &file);
        e = buf_status(&file);
        if (e) return err_note(reterr, e, "no memory for '%s'", path);
        e = tool_write(path, file.data, file.size_bytes, reterr);
        return e ? e : fit_read(file.data, file.size_bytes, f, reterr);
}

static enum err lab_fitted(struct lab *lab, const struct fit *fit, struct err_note *reterr)
{
        enum err e;

        memset(lab, 0, sizeof *lab);
        kernel_init(&lab->kernel, NULL);
        fit_kernel(fit, &lab->kernel);
        e = oracle_new(&lab->kernel, 0.99, &lab->oracle);
        if (!e) e = oracle_solve(lab->oracle, LAB_TOLERANCE, 3000);
        lab->exact = e ? NULL : mem_aligned(64, sizeof *lab->exact);
        if (!e && !lab->exact) e = ERR_NOMEM;
        if (e) return err_note(reterr, e, "the fitted kernel cannot be solved: %s", err_text(e));
        memset(lab->exact, 0, sizeof *lab->exact);
        belief_params_true(&lab->kernel, &lab->exact->belief);
        lab->exact->sure = 0.8f;
        return ERR_OK;
}

static enum err fit_load(const char *path, struct fit *ret, struct err_note *reterr)
{
        AUTO_BUF file;
        enum err e;

        buf_init(&file, 1u << 20);
        e = file_read(path, &file, reterr);
        if (!e) e = fit_read(file.data, file.size_bytes, ret, reterr);
        if (e) err_note_prefix(reterr, "%s", path);
        return e;
}

static float known_share(struct surprises *s)
{
        qsort(s->value, s->count, sizeof s->value[0], by_value);
        return s->count ? s->value[(size_t)((double)(s->count - 1) * KNOWN_SHARE)] : 0;
}

static enum err train(const struct fit *fit, struct train_options *o, struct model **ret, struct err_note *reterr)
{
        AUTO(model_free) struct model *m = NULL;
        struct lab lab = { 0 };
        bool stopped = false;
        enum err e = lab_fitted(&lab, fit, reterr);

        if (!e) e = tool_train(&lab, o, &m, &stopped, reterr);
        lab_close(&lab);
        if (!e && stopped) e = err_note(reterr, ERR_STATE, "interrupted: the model is not written, for one that was learned in part must not advise on a real stack; what was measured is");
        if (!e) *ret = take(&m);
        return e;
}

struct paths {
        const char *tape[TAPES], *from, *out, *model;
};

static void measure(const struct model *m, const struct tape *tape, struct surprises *s, struct fit *fit)
{
        surprises_of(m, tape, s);
        fit->known = known_share(s);
        (void)printf("surprise: %.1f on the simulator, %.1f holds %.0f %% of what was fitted\n", (double)m->calibration.surprise_max, (double)fit->known, KNOWN_SHARE * 100);
}

static void model_tell(const struct paths *p, const struct model *m, uint64_t id, const struct tape *held, struct surprises *s)
{
        if (held) {
                surprises_of(m, held, s);
                (void)printf("held out: %zu of %zu observations are unlike anything known (%.1f %%)\n", s->over, s->count, 100.0 * (double)s->over / (double)(s->count ? s->count : 1));
        }
        (void)printf("%s: model %016" PRIx64 ", error of confidence %.3f, sets cover %.1f %%, abstains in %.1f %%\n", p->model, id, (double)m->calibration.ece,
                     100 * (double)m->calibration.coverage, 100 * (double)m->calibration.abstention);
}

static enum err calibrate(const struct paths *p, struct train_options *o, struct err_note *reterr)
{
        AUTO(mem_free) struct fit_data *d = mem_zalloc(1, sizeof *d);
        AUTO(mem_free) struct surprises *s = mem_zalloc(1, sizeof *s);
        AUTO(model_free) struct model *m = NULL;
        struct tape *tape[TAPES] = { NULL };
        struct fit fit;
        uint64_t id = 0;
        enum err e = d && s ? ERR_OK : err_note(reterr, ERR_NOMEM, "out of memory");

        for (int i = 0; i < TAPES && !e; i++)
                if (p->tape[i]) e = tape_read(p->tape[i], &tape[i], reterr);
        if (!e) e = p->from ? fit_load(p->from, &fit, reterr) : tapes_fit(tape, d, &fit, reterr);
        if (!e && p->out) e = fit_keep(&fit, d, p->out, reterr);
        if (!e && p->model) e = train(&fit, o, &m, reterr);
        if (!e && m && tape[TAPE_FIT]) {
                measure(m, tape[TAPE_FIT], s, &fit);
                e = fit_keep(&fit, d, p->out, reterr);
        }
        /* The threshold of the simulator's noise, or that of the stack's own where it is noisier. */
        if (!e && m && fit.known > m->calibration.surprise_max) m->calibration.surprise_max = fit.known;
        if (!e && m) e = tool_model_write(m, p->model, &id, reterr);
        if (!e && m) model_tell(p, m, id, tape[TAPE_HELD_OUT], s);
        for (int i = 0; i < TAPES; i++) tape_free(tape[i]);
        return e;
}

int cmd_calibrate(int argc, char **argv)
{
        struct paths p = { .from = NULL };
        struct train_options o = { .seed = 1, .episodes = qlearn_defaults.episodes, .collect = COLLECT_EPISODES_DEFAULT, .tune = 300,
                                   .calibrate = CALIBRATE_EPISODES_DEFAULT, .learner = "qtab", .name = "live" };
        const struct option options[] = {
                { "fit", OPTION_TEXT, &p.tape[TAPE_FIT], 0, 0, "recording of models/calibration/fit.yaml" },
                { "held-out", OPTION_TEXT, &p.tape[TAPE_HELD_OUT], 0, 0, "recording of models/calibration/held-out.yaml: how much of it is known" },
                { "actions", OPTION_TEXT, &p.tape[TAPE_ACTIONS], 0, 0, "recording of models/calibration/actions.yaml: what actions cost" },
                { "from", OPTION_TEXT, &p.from, 0, 0, "what was measured before, instead of recordings" },
                { "out", OPTION_TEXT, &p.out, 0, 0, "file of what was measured, JSON" },
                { "model", OPTION_TEXT, &p.model, 0, 0, "model to train on it" },
                { "seed", OPTION_COUNT, &o.seed, 0, 1e9, "training seed, default 1" },
                { "episodes", OPTION_COUNT, &o.episodes, 100, 1e9, "training episodes, default 500000" },
                { "tune", OPTION_COUNT, &o.tune, 1, 100000, "candidates tried for each rule, default 300" },
                { 0 },
        };
        int code = tool_options(argc, argv, "calibrate (--fit FILE --out FILE | --from FILE --model FILE) [OPTION]...", options);
        struct err_note note = { 0 };

        if (code >= 0) return code;
        if (p.from ? !p.model || p.out || p.tape[TAPE_FIT] : !p.tape[TAPE_FIT] || !p.out) {
                (void)fprintf(stderr, "firedrill-learn: calibrate needs --fit FILE and --out FILE, or --from FILE and --model FILE\n");
                return EXIT_USAGE;
        }
        return calibrate(&p, &o, &note) ? tool_fail(&note) : EXIT_FINE;
}
