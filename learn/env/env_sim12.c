/* The back end "sim12": twelve services; an action goes to env_vec.target. */
#include <string.h>

#include "learn/env/env_int.h"
#include "learn/sim/sim12.h"

static const char *const targets[] = {
#define X(name, text, weight, target) text,
        SIM12_SERVICE_LIST(X)
#undef X
};

/* "gateway.error_rate" and so on, written out by the preprocessor. */
#define COLUMNS(text)                                                                                                  \
        text ".error_rate", text ".latency_ms", text ".cpu_pct", text ".memory_pct", text ".load_level",               \
                text ".restart_count", text ".up", text ".admission",
static const char *const names[] = {
#define X(name, text, weight, target) COLUMNS(text)
        SIM12_SERVICE_LIST(X)
#undef X
};
#define X1(name, text, low, high) low,
#define X2(name, text, low, high) high,
static const float lo[] = {
#define X(name, text, weight, target) SIM1_OBS_LIST(X1)
        SIM12_SERVICE_LIST(X)
#undef X
};
static const float hi[] = {
#define X(name, text, weight, target) SIM1_OBS_LIST(X2)
        SIM12_SERVICE_LIST(X)
#undef X
};
_Static_assert(sizeof names / sizeof names[0] == SIM12_OBS, "a name for every column");
_Static_assert(sizeof lo / sizeof lo[0] == SIM12_OBS, "bounds for every column");

static struct sim12_out out_of(struct env_core *c)
{
        struct env_vec *v = c->vec;

        return (struct sim12_out){ v->obs, v->reward, v->columns, v->terminated, v->mask, v->mask_target, NULL };
}

static enum err sim12_open(struct env_core *c, const struct env_opts *opts, struct err_note *reterr)
{
        struct sim12 *s;
        enum err e;

        if (!opts->kernel) sim12_kernel_init(&c->kernel);
        e = sim12_new(&c->kernel, c->vec->n, opts->isa, &s);
        if (e) return err_note(reterr, e, "cannot make %u topologies with instruction set '%s'", c->vec->n, sim1_isa_name(opts->isa));
        c->state = s;
        return ERR_OK;
}

static void sim12_close(struct env_core *c)
{
        sim12_free(c->state);
}

static void sim12_start_row(struct env_core *c, uint32_t i, uint32_t episode)
{
        struct sim12_out out = out_of(c);

        sim12_start(c->state, i, c->seed, episode, &out);
}

static void sim12_step_rows(struct env_core *c, uint32_t from, uint32_t to)
{
        struct sim12_out out = out_of(c);

        /* Blocks that stay in the second-level cache while twelve services pass over them. */
        for (uint32_t at = from; at < to; at += 256) sim12_step(c->state, at, at + 256 < to ? at + 256 : to, c->vec->act, c->vec->target, &out);
}

struct sim12_blob {
        uint8_t cell, load, shed, down, cold, recent, calm;
};
struct sim12_blob_head {
        int32_t t, episode;
};

static size_t sim12_save(const struct env_core *c, uint32_t i, uint8_t *bytes)
{
        const struct sim12 *s = c->state;
        struct sim12_blob_head head = { s->service[0]->t[i], s->service[0]->episode[i] };

        memcpy(bytes, &head, sizeof head);
        bytes += sizeof head;
        for (int svc = 0; svc < SIM12_SERVICES; svc++, bytes += sizeof(struct sim12_blob)) {
                const struct sim1 *one = s->service[svc];
                struct sim12_blob blob = { (uint8_t)one->cell[i], (uint8_t)one->load[i],   (uint8_t)one->shed[i], (uint8_t)one->down[i],
                                           (uint8_t)one->cold[i], (uint8_t)one->recent[i], (uint8_t)one->calm[i] };

                memcpy(bytes, &blob, sizeof blob);
        }
        return sizeof head + SIM12_SERVICES * sizeof(struct sim12_blob);
}

static void sim12_load(struct env_core *c, uint32_t i, const uint8_t *bytes)
{
        struct sim12 *s = c->state;
        struct sim12_blob_head head;

        memcpy(&head, bytes, sizeof head);
        bytes += sizeof head;
        for (int svc = 0; svc < SIM12_SERVICES; svc++, bytes += sizeof(struct sim12_blob)) {
                struct sim12_blob b;

                memcpy(&b, bytes, sizeof b);
                sim1_poke(s->service[svc], i, &(struct sim_state){ b.cell, b.load, b.shed, b.down, b.cold, b.recent });
                s->service[svc]->calm[i] = b.calm;
                s->service[svc]->t[i] = head.t;
                s->service[svc]->episode[i] = head.episode;
        }
}

static size_t sim12_blob_bytes(const struct env_core *c)
{
        (void)c;
        return sizeof(struct sim12_blob_head) + SIM12_SERVICES * sizeof(struct sim12_blob);
}

static void sim12_truth(const struct env_core *c, uint32_t i, uint16_t target, struct env_truth *ret)
{
        const struct sim12 *s = c->state;
        struct sim_state one;

        sim1_peek(s->service[target], i, &one);
        *ret = (struct env_truth){ sim_index(&one), one.cell / SIM_SEVS, one.cell % SIM_SEVS, sim_in_slo(&c->kernel, &one) };
}

const struct env_backend env_backend_sim12 = {
        .spec = { "sim12", "twelve services, cascades", SIM12_OBS, ACT_COUNT, SIM12_SERVICES, ENV_STEPS_DEFAULT, 5.0f, lo, hi, names, targets },
        .open = sim12_open,
        .close = sim12_close,
        .start = sim12_start_row,
        .step = sim12_step_rows,
        .save = sim12_save,
        .load = sim12_load,
        .blob_bytes = sim12_blob_bytes,
        .truth = sim12_truth,
};
