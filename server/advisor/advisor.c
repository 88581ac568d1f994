#include "server/advisor/advisor.h"

#include <math.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/reco/fit.h"
#include "server/advisor/advisor_impl.h"

static const double signal_steps[SIGNAL_COUNT] = {
#define X(name, series, title, unit, step) step,
        LIVE_SIGNAL_LIST(X)
#undef X
};

static const enum rca_kind signal_kinds[ADVISOR_RCA_SIGNALS] = {
        [SIGNAL_LATENCY] = RCA_FLOWS, [SIGNAL_ERRORS] = RCA_FLOWS, [SIGNAL_CPU] = RCA_OWN, [SIGNAL_MEMORY] = RCA_OWN,
        [SIGNAL_RPS] = RCA_DEMAND,    [SIGNAL_SATURATION] = RCA_WAITS, [SIGNAL_QUEUE] = RCA_WAITS,
};

static const char *const policy_names[ADVISOR_POLICY_COUNT] = {
#define X(name, text) text,
        ADVISOR_POLICY_LIST(X)
#undef X
};

const char *advisor_policy_name(enum advisor_policy p)
{
        return policy_names[p];
}

enum advisor_policy advisor_policy_parse(const char *name)
{
        for (int i = 0; i < ADVISOR_POLICY_COUNT; i++)
                if (str_eq(name, policy_names[i])) return (enum advisor_policy)i;
        return ADVISOR_POLICY_COUNT;
}

int advisor_service(const struct advisor *a, const char *name)
{
        for (int i = 0; i < a->services; i++)
                if (str_eq(a->service[i].live.name, name)) return i;
        return -1;
}

/* Users, configuration and those who only watch are not restarted by an agent. */
static bool may_be_target(const struct stack_service *s)
{
        static const char *const spared[] = { "config", "logproc", "loadgen" };

        if (s->kind != STACK_SERVICE) return false;
        for (size_t i = 0; i < ARRAY_COUNT(spared); i++)
                if (str_eq(s->name, spared[i])) return false;
        return true;
}

static bool only_watches(const char *name)
{
        static const char *const names[] = { "prometheus", "alertmanager", "loadgen" };

        for (size_t i = 0; i < ARRAY_COUNT(names); i++)
                if (str_eq(name, names[i])) return true;
        return false;
}

static void forget(struct advisor *a)
{
        for (int i = 0; i < a->services; i++) {
                struct advisor_service *s = &a->service[i];

                *s = (struct advisor_service){ .live.name = s->live.name, .target = s->target, .watches = s->watches, .done = ACT_IGNORE };
                live_forget(&s->live, s->live.name);
        }
        safety_init(&a->safety, NULL, a->services);
        for (int i = 0; i < a->services; i++) a->safety.service[i].targetable = a->service[i].target;
        a->rca->count = a->rca->change = 0;
        a->rca->metrics = ADVISOR_RCA_SIGNALS;
        memcpy(a->rca->kind, signal_kinds, sizeof(signal_kinds));
        memset(&a->cause, 0, sizeof(a->cause));
        a->load = (struct live_load){ .admission = 1 };
        a->onset_ms = a->step_ms = 0;
        a->steps = a->told = 0;
        a->unlike = 0;
        a->has_advice = a->diagnosed = a->early = false;
        a->last_action[0] = '\0';
        a->subject = -1;
}

static void graph_make(struct advisor *a)
{
        const struct stack_spec *spec = a->o.spec;

        for (size_t i = 0; i < spec->services_count && a->services < ADVISOR_SERVICES_MAX; i++) {
                a->service[a->services].live.name = spec->services[i].name;
                a->service[a->services].target = may_be_target(&spec->services[i]);
                a->service[a->services].watches = only_watches(spec->services[i].name);
                a->graph.name[a->services++] = spec->services[i].name;
        }
        a->graph.services = a->services;
        a->gateway = advisor_service(a, "gateway");
        for (size_t i = 0; i < spec->edges_count; i++) {
                size_t from = spec->edges[i].from, to = spec->edges[i].to;

                /* Everybody sends logs and asks for configuration; that says nothing about who makes whom sick. */
                if (to < (size_t)a->services) a->graph.called |= UINT32_C(1) << to;
                if (str_eq(spec->services[to].name, "logproc") || str_eq(spec->services[to].name, "config")) continue;
                if (from < (size_t)a->services && to < (size_t)a->services) a->graph.calls[from] |= UINT32_C(1) << to;
        }
}

enum err advisor_new(const struct advisor_options *options, struct advisor **ret, struct err_note *reterr)
{
        AUTO(advisor_free) struct advisor *a = mem_zalloc(1, sizeof(*a));
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "cannot make the advisor: out of memory");
        a->o = *options;
        a->rca = mem_zalloc(1, sizeof(*a->rca));
        a->kernel = mem_zalloc(1, sizeof(*a->kernel));
        if (!a->rca || !a->kernel) return err_note(reterr, ERR_NOMEM, "cannot make the advisor: out of memory");
        e = model_read(options->model, options->model_bytes, &a->model, reterr);
        if (e) return e;
        kernel_init(a->kernel, NULL);
        if (a->o.calibration_bytes) {
                struct fit fit;

                e = fit_read(a->o.calibration, a->o.calibration_bytes, &fit, reterr);
                if (e) return err_note_prefix(reterr, "the calibration"), e;
                fit_kernel(&fit, a->kernel);
        }
        e = reco_twin_new(a->kernel, &a->twin);
        if (e) return err_note(reterr, e, "cannot make the advisor: %s", err_text(e));
        model_id_make(a->model->name, &(struct model_file){ options->model, options->model_bytes }, a->model_id);
        graph_make(a);
        forget(a);
        *ret = take(&a);
        return ERR_OK;
}

void advisor_free(struct advisor *a)
{
        if (!a) return;
        reco_twin_free(a->twin);
        model_free(a->model);
        mem_free(a->kernel);
        mem_free(a->rca);
        mem_free(a);
}

static void hear_run(struct advisor *a, const struct json *run)
{
        const char *state = json_get_str(run, "state", ""), *id = json_get_str(run, "id", "");

        if (!str_eq(id, a->run_id) || str_eq(state, "preparing")) {
                forget(a);
                str_cut(a->run_id, sizeof(a->run_id), id);
                a->state = ADVISOR_IDLE;
        }
        str_cut(a->mode, sizeof(a->mode), json_get_str(run, "advice", "off"));
        a->diagnosed = json_get_bool(run, "diagnosed", false);
        if (str_eq(state, "baseline")) a->state = ADVISOR_LEARNING;
        if (str_eq(state, "injecting") || str_eq(state, "running")) {
                if (a->state != ADVISOR_WATCHING) a->rca->change = a->rca->count;
                a->state = ADVISOR_WATCHING;
                a->onset_ms = (int64_t)json_get_num(run, "onset_ms", 0);
        }
        if (str_eq(state, "ended") || str_eq(state, "debriefed")) a->state = ADVISOR_IDLE;
}

/* rca_rank takes 2 % of the median as the least spread: with this offset that is one step of the signal. */
#define RCA_OFFSET 50.0

/* The window keeps what was before the change as it is, and slides over what came after it. */
static void rca_note(struct advisor *a)
{
        struct rca_input *in = a->rca;
        int drop_at = in->change < RCA_WINDOW / 2 ? in->change : RCA_WINDOW / 2;

        if (a->state == ADVISOR_LEARNING && in->count >= RCA_WINDOW / 2) drop_at = 0;
        if (in->count == RCA_WINDOW || (a->state == ADVISOR_LEARNING && in->count >= RCA_WINDOW / 2)) {
                for (int i = 0; i < a->services; i++)
                        for (int k = 0; k < ADVISOR_RCA_SIGNALS; k++)
                                memmove(&in->sample[i][k][drop_at], &in->sample[i][k][drop_at + 1],
                                        (size_t)(in->count - drop_at - 1) * sizeof(float));
                in->count--;
        }
        for (int i = 0; i < a->services; i++)
                for (int k = 0; k < ADVISOR_RCA_SIGNALS; k++)
                        in->sample[i][k][in->count] = a->service[i].watches ? NAN : (float)(RCA_OFFSET + a->service[i].live.now[k] / signal_steps[k]);
        in->count++;
}

bool advisor_shows(const struct advisor *a)
{
        return str_eq(a->mode, "live") || (str_eq(a->mode, "after") && a->diagnosed);
}

static void advise(struct advisor *a)
{
        AUTO_BUF out = {0};

        a->told++;
        if (!a->o.tell) return;
        buf_init(&out, 65536);
        advisor_put(a, &out);
        if (!buf_status(&out)) a->o.tell(a->o.ctx, out.data, advisor_shows(a));
}

void advisor_again(struct advisor *a)
{
        if (a->state != ADVISOR_WATCHING || !a->has_advice || !advisor_decide_early(a, true)) return;
        a->early = true;
        advise(a);
}

/* The model's step is five seconds. What changes in between is told at once, but only once: two messages a step, not five. */
static void hear_series(struct advisor *a, const struct json *message)
{
        const struct json *values = json_get(message, "v");

        a->now_ms = (int64_t)json_get_num(message, "t", 0);
        a->observed = HASH_FNV_START;
        live_load_read(&a->load, values, a->state == ADVISOR_LEARNING);
        for (int i = 0; i < a->services; i++) {
                live_read(&a->service[i].live, values, a->state == ADVISOR_LEARNING);
                a->observed = hash_fnv(a->observed, a->service[i].live.now, sizeof(a->service[i].live.now));
        }
        a->observed = hash_fnv(a->observed, &a->load.offered, sizeof(a->load.offered));
        if (a->state == ADVISOR_IDLE) return;
        advisor_stakes(a);
        rca_note(a);
        if (a->state != ADVISOR_WATCHING) return;
        if (a->now_ms - a->step_ms >= ADVISOR_STEP_MS) {
                a->step_ms = a->now_ms;
                a->early = false;
                advisor_decide(a);
                advise(a);
        } else if (!a->early && advisor_decide_early(a, false)) {
                a->early = true;
                advise(a);
        }
}

/* A reduction of the load is made at the gateway for the sake of whoever cannot bear it. */
static void note_tried(struct advisor *a, int service, enum sim_action action)
{
        struct advisor_service *s = &a->service[action == ACT_REDUCE && a->subject >= 0 ? a->subject : service];

        if (action == ACT_REDUCE && a->load.admission > 0.99) return; /* it is over */
        tried_note(&s->tried, action, s->felt ? s->session.obs[OBS_ERROR] : 0, a->now_ms);
}

/* Whoever acted, learner or agent: the features know of it, and so do the safety rules. They also count what failed, for nobody knows
 * how far it came. */
static void hear_action(struct advisor *a, const struct json *action)
{
        const char *by = json_get_str(action, "by", ""), *id = json_get_str(action, "id", ""), *state = json_get_str(action, "state", "");
        enum sim_action what = advisor_action_of(json_get_str(action, "kind", ""));
        int service = what == ACT_REDUCE ? a->gateway : advisor_service(a, json_get_str(action, "on", ""));
        bool applied = str_eq(state, "applied");

        if ((!applied && !str_eq(state, "failed")) || str_eq(by, "scenario") || str_eq(by, "engine")) return;
        if (str_eq(id, a->last_action)) return; /* told again because it was undone */
        str_cut(a->last_action, sizeof(a->last_action), id);
        if (what == ACT_COUNT || service < 0) return;
        if (what != ACT_REDUCE) hung_acted(&a->service[service].hung, a->now_ms);
        safety_note(&a->safety, service, what, a->now_ms);
        if (!applied) return;
        if (what == ACT_REDUCE) a->load.admission = json_get_num(json_get(action, "args"), "admit_percent", 100) / 100;
        a->service[service].done = what;
        note_tried(a, service, what);
}

void advisor_hear(struct advisor *a, const char *type, const char *json)
{
        AUTO(json_free) struct json *message = NULL;
        bool run = str_eq(type, "run"), series = str_eq(type, "series"), action = str_eq(type, "action");

        if (!run && !series && !action) return;
        if (series && a->state == ADVISOR_IDLE) return;
        if (json_parse(json, strlen(json), &message, NULL)) return;
        if (run) hear_run(a, message);
        if (series) hear_series(a, message);
        if (action) hear_action(a, message);
}

const char *advisor_model(const struct advisor *a)
{
        return a->model_id;
}

bool advisor_sentence(const struct advisor *a, char dst[static ADVISOR_SENTENCE_BYTES])
{
        str_cut(dst, ADVISOR_SENTENCE_BYTES,
                a->has_advice ? a->advice.sentence : "The agent has not seen enough of this incident yet: ask again in a few seconds.");
        return a->has_advice;
}

bool advisor_step_peek(const struct advisor *a, struct advisor_step *ret)
{
        if (!a->has_advice || a->state != ADVISOR_WATCHING || a->early || !a->advice.kind[0]) return false;
        *ret = (struct advisor_step){ .kind = a->advice.kind, .on = a->advice.on, .args = a->advice.args };
        return true;
}
