/* The back end "sim1": one service over the failure kernel. */
#include <string.h>

#include "learn/env/env_int.h"

static const float lo[] = {
#define X(name, text, low, high) low,
        SIM1_OBS_LIST(X)
#undef X
};
static const float hi[] = {
#define X(name, text, low, high) high,
        SIM1_OBS_LIST(X)
#undef X
};
static const char *const names[] = {
#define X(name, text, low, high) text,
        SIM1_OBS_LIST(X)
#undef X
};
static const char *const targets[] = { "service" };

enum { MASK_UP = (1 << ACT_COUNT) - 1, MASK_DOWN = 1 << ACT_IGNORE | 1 << ACT_DELAY };

static enum err sim1_open(struct env_core *c, const struct env_opts *opts, struct err_note *reterr)
{
        struct sim1 *s;
        enum err e = sim1_new(&c->kernel, c->vec->n, opts->isa, &s);

        if (e) return err_note(reterr, e, "cannot make %u simulated services with instruction set '%s'", c->vec->n, sim1_isa_name(opts->isa));
        c->state = s;
        return ERR_OK;
}

static void sim1_close(struct env_core *c)
{
        sim1_free(c->state);
}

static void sim1_start_row(struct env_core *c, uint32_t i, uint32_t episode)
{
        struct sim1 *s = c->state;

        s->seed = c->seed;
        sim1_start(s, i, episode, c->vec->obs + (size_t)i * OBS_COUNT);
        c->vec->mask[i] = MASK_UP;
        c->vec->mask_target[i] = 1;
}

static void sim1_step_rows(struct env_core *c, uint32_t from, uint32_t to)
{
        struct sim1 *s = c->state;
        struct env_vec *v = c->vec;
        const struct sim1_out out = { v->obs, OBS_COUNT, v->reward, v->columns, v->terminated };
        uint32_t *restrict mask = v->mask;
        const int32_t *restrict down = s->down;

        sim1_step(s, from, to, v->act, &out);
        for (uint32_t i = from; i < to; i++) mask[i] = down[i] > 0 ? (uint32_t)MASK_DOWN : (uint32_t)MASK_UP;
}

struct sim1_blob {
        struct sim_state state;
        int32_t calm, t, episode;
};

static size_t sim1_save(const struct env_core *c, uint32_t i, uint8_t *bytes)
{
        const struct sim1 *s = c->state;
        struct sim1_blob blob = { .calm = s->calm[i], .t = s->t[i], .episode = s->episode[i] };

        sim1_peek(s, i, &blob.state);
        memcpy(bytes, &blob, sizeof blob);
        return sizeof blob;
}

static void sim1_load(struct env_core *c, uint32_t i, const uint8_t *bytes)
{
        struct sim1 *s = c->state;
        struct sim1_blob blob;

        memcpy(&blob, bytes, sizeof blob);
        sim1_poke(s, i, &blob.state);
        s->calm[i] = blob.calm;
        s->t[i] = blob.t;
        s->episode[i] = blob.episode;
}

static size_t sim1_blob_bytes(const struct env_core *c)
{
        (void)c;
        return sizeof(struct sim1_blob);
}

static void sim1_truth(const struct env_core *c, uint32_t i, uint16_t target, struct env_truth *ret)
{
        struct sim_state s;

        (void)target;
        sim1_peek(c->state, i, &s);
        *ret = (struct env_truth){ sim_index(&s), s.cell / SIM_SEVS, s.cell % SIM_SEVS, sim_in_slo(&c->kernel, &s) };
}

const struct env_backend env_backend_sim1 = {
        .spec = { "sim1", "one service, five failure modes", OBS_COUNT, ACT_COUNT, 1, ENV_STEPS_DEFAULT, 5.0f, lo, hi, names, targets },
        .open = sim1_open,
        .close = sim1_close,
        .start = sim1_start_row,
        .step = sim1_step_rows,
        .save = sim1_save,
        .load = sim1_load,
        .blob_bytes = sim1_blob_bytes,
        .truth = sim1_truth,
};

/* The back end "dyn": the same process by a kernel that was learned (learn/train/dynamics.h). */
static enum err dyn_open(struct env_core *c, const struct env_opts *opts, struct err_note *reterr)
{
        if (!opts->kernel) return err_note(reterr, ERR_INVAL, "the environment 'dyn' needs a learned kernel");
        return sim1_open(c, opts, reterr);
}

const struct env_backend env_backend_dyn = {
        .spec = { "dyn", "one service, by learned dynamics", OBS_COUNT, ACT_COUNT, 1, ENV_STEPS_DEFAULT, 5.0f, lo, hi, names, targets },
        .open = dyn_open,
        .close = sim1_close,
        .start = sim1_start_row,
        .step = sim1_step_rows,
        .save = sim1_save,
        .load = sim1_load,
        .blob_bytes = sim1_blob_bytes,
        .truth = sim1_truth,
};
