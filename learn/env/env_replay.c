/* The back end "replay": see replay.h. */
#include <string.h>

#include "common/base/mem.h"
#include "learn/env/env_int.h"
#include "learn/env/replay.h"

enum err env_recording_append(struct env_recording *r, const struct env_recording_step *step)
{
        void *items = r->steps;
        enum err e = mem_grow(&items, &r->capacity, r->count + 1, sizeof *r->steps, RECORDING_STEPS_MAX);

        r->steps = items;
        if (e) return e;
        r->steps[r->count++] = *step;
        return ERR_OK;
}

void env_recording_done(struct env_recording *r)
{
        mem_free(r->steps);
        *r = (struct env_recording){ 0 };
}

struct replay {
        const struct env_recording *recording;
        uint32_t *at; /* [n] */
};

static enum err replay_open(struct env_core *c, const struct env_opts *opts, struct err_note *reterr)
{
        struct replay *r;

        if (!opts->recording || opts->recording->count < 2)
                return err_note(reterr, ERR_INVAL, "the environment 'replay' needs a recording of at least two steps");
        r = mem_zalloc(1, sizeof *r);
        c->state = r;
        if (!r) return err_note(reterr, ERR_NOMEM, "no memory for a replay");
        r->recording = opts->recording;
        r->at = mem_zalloc(c->vec->n, sizeof *r->at);
        if (!r->at) return err_note(reterr, ERR_NOMEM, "no memory for a replay");
        c->spec.max_steps = (uint32_t)opts->recording->count - 1;
        return ERR_OK;
}

static void replay_close(struct env_core *c)
{
        struct replay *r = c->state;

        mem_free(r->at);
        mem_free(r);
}

static void replay_show(struct env_core *c, uint32_t i)
{
        const struct replay *r = c->state;
        const struct env_recording_step *step = &r->recording->steps[r->at[i]];

        memcpy(c->vec->obs + (size_t)i * OBS_COUNT, step->obs, sizeof step->obs);
        c->vec->mask[i] = step->obs[OBS_UP] > 0 ? (1u << ACT_COUNT) - 1 : 3u;
        c->vec->mask_target[i] = 1;
}

static void replay_start(struct env_core *c, uint32_t i, uint32_t episode)
{
        struct replay *r = c->state;

        (void)episode;
        r->at[i] = 0;
        replay_show(c, i);
}

static void replay_step(struct env_core *c, uint32_t from, uint32_t to)
{
        struct replay *r = c->state;

        for (uint32_t i = from; i < to; i++) {
                const float *columns = r->recording->steps[r->at[i]].columns;

                if (r->at[i] + 1 < r->recording->count) r->at[i]++;
                memcpy(c->vec->columns[i], columns, sizeof c->vec->columns[i]);
                c->vec->reward[i] = ((columns[0] + columns[1]) + columns[2]) + columns[3];
                c->vec->terminated[i] = 0;
                replay_show(c, i);
        }
}

static size_t replay_save(const struct env_core *c, uint32_t i, uint8_t *bytes)
{
        const struct replay *r = c->state;

        memcpy(bytes, &r->at[i], sizeof r->at[i]);
        return sizeof r->at[i];
}

static void replay_load(struct env_core *c, uint32_t i, const uint8_t *bytes)
{
        struct replay *r = c->state;
        uint32_t at;

        memcpy(&at, bytes, sizeof at);
        r->at[i] = at < r->recording->count ? at : (uint32_t)r->recording->count - 1;
}

static size_t replay_blob_bytes(const struct env_core *c)
{
        (void)c;
        return sizeof(uint32_t);
}

static void replay_truth(const struct env_core *c, uint32_t i, uint16_t target, struct env_truth *ret)
{
        (void)target;
        *ret = (struct env_truth){ -1, -1, -1, c->vec->obs[(size_t)i * OBS_COUNT] <= c->kernel.slo_error_max };
}

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

const struct env_backend env_backend_replay = {
        .spec = { "replay", "a recorded incident, open loop", OBS_COUNT, ACT_COUNT, 1, ENV_STEPS_DEFAULT, 5.0f, lo, hi, names, targets },
        .open = replay_open,
        .close = replay_close,
        .start = replay_start,
        .step = replay_step,
        .save = replay_save,
        .load = replay_load,
        .blob_bytes = replay_blob_bytes,
        .truth = replay_truth,
};
