#include "learn/mapek/feedback.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

struct loop_count {
        uint64_t signals, actions, callbacks, failures;
        double sum;
};

struct feedback {
        struct feedback_tuning tuning;
        struct feedback_signal *signal; /* ring of FEEDBACK_SIGNALS */
        struct feedback_action *action; /* ring of FEEDBACK_ACTIONS */
        uint64_t signals, actions;
        struct loop_count count[LOOP_COUNT];
        struct {
                feedback_callback *call;
                void *context;
        } callback[LOOP_COUNT][FEEDBACK_CALLBACKS];
        int callbacks[LOOP_COUNT];
};

const char *feedback_loop_name(enum feedback_loop loop)
{
        static const char *const names[] = {
#define X(name, text) text,
                FEEDBACK_LIST(X)
#undef X
        };

        return loop < LOOP_COUNT ? names[loop] : "all";
}

enum err feedback_new(struct feedback **ret)
{
        AUTO(feedback_free) struct feedback *f = mem_zalloc(1, sizeof *f);

        if (!f) return ERR_NOMEM;
        f->signal = mem_zalloc(FEEDBACK_SIGNALS, sizeof *f->signal);
        f->action = mem_zalloc(FEEDBACK_ACTIONS, sizeof *f->action);
        if (!f->signal || !f->action) return ERR_NOMEM;
        f->tuning.parameters = *system_parameters_of(SYSTEM_HEALTHY);
        f->tuning.anomaly_sigma = 2.0;
        *ret = take(&f);
        return ERR_OK;
}

void feedback_free(struct feedback *f)
{
        if (!f) return;
        mem_free(f->signal);
        mem_free(f->action);
        mem_free(f);
}

enum err feedback_register(struct feedback *f, enum feedback_loop loop, feedback_callback *callback, void *context)
{
        CHECK(loop < LOOP_COUNT && callback);
        if (f->callbacks[loop] == FEEDBACK_CALLBACKS) return ERR_LIMIT;
        f->callback[loop][f->callbacks[loop]].call = callback;
        f->callback[loop][f->callbacks[loop]++].context = context;
        return ERR_OK;
}

struct feedback_tuning *feedback_tuning(struct feedback *f)
{
        return &f->tuning;
}

/* What a signal changes: which parameter, to what, and why; NULL: nothing. */
struct change {
        const char *parameter, *reason;
        double from, to;
};

static double within(double x, double lo, double hi)
{
        return x < lo ? lo : x > hi ? hi : x;
}

static bool decide_change(struct feedback_tuning *t, const struct feedback_signal *s, struct change *ret)
{
        struct system_parameters *p = &t->parameters;

        switch (s->loop) {
        case LOOP_METRICS_LEARNING:
                if (s->confidence < 0.6) return false;
                *ret = (struct change){ "threshold", "a threshold was learned with enough confidence", (double)NAN, s->value };
                return true;
        case LOOP_PERFORMANCE:
                *ret = (struct change){ "monitoring_interval_s", "performance fell: look more often", p->monitoring_interval_s, within(60 - 50 * s->value, 10, 60) };
                if (s->value < 0.2) ret->reason = "performance is back: look less often";
                p->monitoring_interval_s = (int)ret->to;
                return (int)ret->from != (int)ret->to;
        case LOOP_DECISION_QUALITY:
                *ret = (struct change){ "learning_rate", s->value < 0.5 ? "decisions were poor: learn faster" : "decisions are good: learn calmly", p->learning_rate,
                                        within(s->value < 0.5 ? p->learning_rate * 1.2 : s->value > 0.8 ? p->learning_rate * 0.9 : p->learning_rate, .05, .3) };
                p->learning_rate = ret->to;
                return fabs(ret->from - ret->to) > 1e-12;
        case LOOP_ANOMALY:
                *ret = (struct change){ "anomaly_sigma", s->value > 0.3 ? "too many false alarms: less sensitive" : "few false alarms: more sensitive", t->anomaly_sigma,
                                        within(s->value > 0.3 ? t->anomaly_sigma + .1 : s->value < 0.05 ? t->anomaly_sigma - .1 : t->anomaly_sigma, 1.5, 4) };
                t->anomaly_sigma = ret->to;
                return fabs(ret->from - ret->to) > 1e-12;
        case LOOP_RESOURCE:
                *ret = (struct change){ "execution_parallelism", s->value > 0.85 ? "resources are scarce: do less at a time" : "resources are free: do more at a time",
                                        p->execution_parallelism,
                                        within(s->value > 0.85 ? p->execution_parallelism - 1 : s->value < 0.4 ? p->execution_parallelism + 1 : p->execution_parallelism, 1, 8) };
                p->execution_parallelism = (int)ret->to;
                return (int)ret->from != (int)ret->to;
        case LOOP_COUNT: break;
        }
        return false;
}

static const struct feedback_action *act(struct feedback *f, const struct feedback_signal *s)
{
        struct change change;
        struct feedback_action *a;

        if (!decide_change(&f->tuning, s, &change)) return NULL;
        a = &f->action[f->actions++ % FEEDBACK_ACTIONS];
        *a = (struct feedback_action){ .loop = s->loop, .parameter = change.parameter, .from = change.from, .to = change.to, .at_ms = s->at_ms };
        memcpy(a->source, s->source, sizeof a->source);
        str_cut(a->reason, sizeof a->reason, change.reason);
        f->count[s->loop].actions++;
        return a;
}

enum err feedback_signal(struct feedback *f, enum feedback_loop loop, const char *source, double value, double confidence, int64_t now_ms)
{
        struct feedback_signal *s;
        const struct feedback_action *a;

        CHECK(loop < LOOP_COUNT);
        if (!isfinite(value) || !(confidence >= 0 && confidence <= 1)) return ERR_INVAL;
        s = &f->signal[f->signals++ % FEEDBACK_SIGNALS];
        *s = (struct feedback_signal){ .loop = loop, .value = value, .confidence = confidence, .at_ms = now_ms };
        str_cut(s->source, sizeof s->source, source);
        f->count[loop].signals++;
        f->count[loop].sum += value;
        a = act(f, s);
        for (int i = 0; i < f->callbacks[loop]; i++) {
                f->count[loop].callbacks++;
                if (f->callback[loop][i].call(f->callback[loop][i].context, s, a) != 0) f->count[loop].failures++;
        }
        return ERR_OK;
}

size_t feedback_signals(const struct feedback *f, enum feedback_loop loop, int64_t since_ms, struct feedback_signal *ret, size_t max)
{
        size_t kept = (size_t)MIN(f->signals, (uint64_t)FEEDBACK_SIGNALS), count = 0;

        for (size_t i = 0; i < kept && count < max; i++) {
                const struct feedback_signal *s = &f->signal[(f->signals - 1 - i) % FEEDBACK_SIGNALS];

                if (s->at_ms >= since_ms && (loop == LOOP_COUNT || s->loop == loop)) ret[count++] = *s;
        }
        return count;
}

size_t feedback_actions(const struct feedback *f, enum feedback_loop loop, int64_t since_ms, struct feedback_action *ret, size_t max)
{
        size_t kept = (size_t)MIN(f->actions, (uint64_t)FEEDBACK_ACTIONS), count = 0;

        for (size_t i = 0; i < kept && count < max; i++) {
                const struct feedback_action *a = &f->action[(f->actions - 1 - i) % FEEDBACK_ACTIONS];

                if (a->at_ms >= since_ms && (loop == LOOP_COUNT || a->loop == loop)) ret[count++] = *a;
        }
        return count;
}

void feedback_stats(const struct feedback *f, enum feedback_loop loop, struct feedback_stats *ret)
{
        double sum = 0;

        *ret = (struct feedback_stats){ 0 };
        for (int i = 0; i < LOOP_COUNT; i++) {
                const struct loop_count *c = &f->count[i];

                if (loop != LOOP_COUNT && i != (int)loop) continue;
                ret->signals += c->signals;
                ret->actions += c->actions;
                ret->callbacks += c->callbacks;
                ret->callback_failures += c->failures;
                sum += c->sum;
        }
        if (!ret->signals) return;
        ret->value_mean = sum / (double)ret->signals;
        ret->effectiveness = (double)ret->actions / (double)ret->signals;
}
