#include "learn/abi/firedrill_learn.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/env/check.h"
#include "learn/reco/reco.h"

struct fdl_env {
        struct env_vec *v;
        uint64_t seed;
        int reset;
};

struct fdl_model {
        struct model *m;
        struct reco_session session;
        uint64_t id;
        int started;
};

static __thread struct err_note last;

static int tell(enum err e)
{
        if (e && !last.text[0]) (void)err_note(&last, e, "%s", err_text(e));
        return (int)e;
}

static int refuse(const char *sentence)
{
        return (int)err_note(&last, ERR_INVAL, "%s", sentence);
}

int fdl_abi_version(void)
{
        return FDL_ABI_VERSION;
}

const char *fdl_error(void)
{
        return last.text;
}

int fdl_env_open(const char *id, uint32_t n, int autoreset, uint32_t max_steps, struct fdl_env **ret)
{
        struct env_opts opts = { .max_steps = max_steps };
        struct fdl_env *f;
        enum err e;

        last.text[0] = 0;
        if (!id || !ret) return refuse("an id and a place for the handle are needed");
        if (autoreset < 0 || autoreset >= ENV_AUTORESET_COUNT) return refuse("autoreset is 0 (next step), 1 (same step) or 2 (disabled)");
        opts.autoreset = (enum env_autoreset)autoreset;
        f = mem_zalloc(1, sizeof *f);
        if (!f) return tell(ERR_NOMEM);
        e = env_make(id, n, &opts, &f->v, &last);
        if (e) {
                mem_free(f);
                return tell(e);
        }
        *ret = f;
        return 0;
}

void fdl_env_close(struct fdl_env *e)
{
        if (!e) return;
        env_close(e->v);
        mem_free(e);
}

int fdl_env_reset(struct fdl_env *e, uint64_t seed, const uint8_t *rows)
{
        if (!e) return refuse("no environment");
        if (rows && !e->reset) return refuse("the first reset must be of all rows");
        env_reset(e->v, rows ? e->seed : seed, rows);
        if (!rows) e->seed = seed;
        e->reset = 1;
        return 0;
}

int fdl_env_step(struct fdl_env *e)
{
        if (!e || !e->reset) return refuse("reset the environment before the first step");
        for (uint32_t i = 0; i < e->v->n; i++) {
                if (e->v->act[i] >= e->v->spec->action_count || e->v->target[i] >= e->v->spec->target_count)
                        return (int)err_note(&last, ERR_INVAL, "row %u: action %u or target %u is out of range (%u actions, %u targets)", i, e->v->act[i], e->v->target[i],
                                             e->v->spec->action_count, e->v->spec->target_count);
                if (e->v->autoreset == ENV_DISABLED && (e->v->terminated[i] || e->v->truncated[i]))
                        return (int)err_note(&last, ERR_STATE, "row %u has ended: reset it before the next step", i);
        }
        env_step(e->v);
        return 0;
}

void *fdl_env_buffer(struct fdl_env *e, int buffer)
{
        if (!e) return NULL;
        void *const buffers[FDL_BUFFER_COUNT] = { e->v->obs,     e->v->act,        e->v->target,    e->v->mask,      e->v->mask_target,   e->v->reward,
                                                  e->v->columns, e->v->terminated, e->v->truncated, e->v->final_obs, e->v->episode_return };

        return buffer >= 0 && buffer < FDL_BUFFER_COUNT ? buffers[buffer] : NULL;
}

uint32_t fdl_env_count(const struct fdl_env *e)
{
        return e ? e->v->n : 0;
}

static size_t give(struct buf *from, char *text, size_t bytes)
{
        size_t need = buf_status(from) ? 0 : from->size_bytes + 1;

        if (need && text && bytes >= need) memcpy(text, from->data, need);
        return need;
}

size_t fdl_env_spec_json(const struct fdl_env *e, char *text, size_t bytes)
{
        const struct env_spec *s;
        AUTO_BUF b;

        buf_init(&b, 1u << 20);
        if (!e) return 0;
        s = e->v->spec;
        buf_printf(&b, "{\"id\":\"%s\",\"title\":\"%s\",\"max_steps\":%u,\"step_s\":%g,\"obs\":[", s->id, s->title, s->max_steps, (double)s->step_s);
        for (uint32_t i = 0; i < s->obs_count; i++)
                buf_printf(&b, "%s{\"name\":\"%s\",\"lo\":%g,\"hi\":%g}", i ? "," : "", s->obs_name[i], (double)s->lo[i], (double)s->hi[i]);
        buf_str(&b, "],\"actions\":[");
        for (int a = 0; a < (int)s->action_count; a++) buf_printf(&b, "%s\"%s\"", a ? "," : "", sim_action_name(a));
        buf_str(&b, "],\"targets\":[");
        for (uint32_t t = 0; t < s->target_count; t++) buf_printf(&b, "%s\"%s\"", t ? "," : "", s->target_name[t]);
        buf_str(&b, "]}");
        return give(&b, text, bytes);
}

int fdl_env_save(const struct fdl_env *e, uint32_t row, void *bytes, size_t *size_bytes)
{
        struct env_blob blob;

        if (!e || !e->reset || row >= e->v->n || !bytes || !size_bytes) return refuse("a reset environment, one of its rows and room for the state are needed");
        if (*size_bytes < sizeof blob) return (int)err_note(&last, ERR_LIMIT, "a saved state needs %zu bytes", sizeof blob);
        memset(&blob, 0, sizeof blob);
        env_save(e->v, row, &blob);
        memcpy(bytes, &blob, sizeof blob);
        *size_bytes = sizeof blob;
        return 0;
}

int fdl_env_load(struct fdl_env *e, uint32_t row, const void *bytes, size_t size_bytes)
{
        struct env_blob blob;

        last.text[0] = 0;
        if (!e || !e->reset || row >= e->v->n || !bytes) return refuse("a reset environment, one of its rows and a saved state are needed");
        if (size_bytes != sizeof blob) return (int)err_note(&last, ERR_CORRUPT, "a saved state has %zu bytes, not %zu", sizeof blob, size_bytes);
        memcpy(&blob, bytes, sizeof blob);
        return tell(env_load(e->v, row, &blob, &last));
}

int fdl_env_check(const char *id)
{
        last.text[0] = 0;
        return id ? tell(env_check(id, NULL, &last)) : refuse("an id is needed");
}

int fdl_model_open(const void *bytes, size_t size_bytes, struct fdl_model **ret)
{
        struct fdl_model *f;
        enum err e;

        last.text[0] = 0;
        if (!bytes || !ret) return refuse("a model's bytes and a place for the handle are needed");
        f = mem_aligned(64, sizeof *f);
        if (!f) return tell(ERR_NOMEM);
        e = model_read(bytes, size_bytes, &f->m, &last);
        if (e) {
                mem_free(f);
                return tell(e);
        }
        f->id = model_fingerprint(bytes, size_bytes);
        *ret = f;
        return 0;
}

void fdl_model_close(struct fdl_model *m)
{
        if (!m) return;
        model_free(m->m);
        mem_free(m);
}

/* What comes from outside is brought into the bounds the filter was made for. */
static int take_obs(const float *obs, size_t count, float ret[OBS_COUNT])
{
        if (!obs || count != OBS_COUNT) return (int)err_note(&last, ERR_INVAL, "%d observations are needed, as of 'sim1'", OBS_COUNT);
        for (int i = 0; i < OBS_COUNT; i++) {
                float lo, hi;

                sim1_obs_bounds(i, &lo, &hi);
                if (!(obs[i] >= lo && obs[i] <= hi))
                        return (int)err_note(&last, ERR_INVAL, "%s is %g, from %g to %g is possible", sim1_obs_name(i), (double)obs[i], (double)lo, (double)hi);
                ret[i] = obs[i];
        }
        return 0;
}

int fdl_model_start(struct fdl_model *m, const float *obs, size_t count)
{
        float x[OBS_COUNT];

        if (!m) return refuse("no model");
        if (take_obs(obs, count, x)) return (int)last.code;
        reco_start(m->m, &m->session, x);
        m->started = 1;
        return 0;
}

int fdl_model_feel(struct fdl_model *m, int action, const float *obs, size_t count)
{
        float x[OBS_COUNT];

        if (!m || !m->started) return refuse("start the model with a first observation");
        if (action < 0 || action >= ACT_COUNT) return refuse("the action is out of range");
        if (take_obs(obs, count, x)) return (int)last.code;
        reco_feel(m->m, &m->session, (enum sim_action)action, x);
        return 0;
}

size_t fdl_model_advise_json(struct fdl_model *m, const char *target, char *text, size_t bytes)
{
        struct reco r;
        char id[24];
        AUTO_BUF b;

        buf_init(&b, 1u << 20);
        if (!m || !m->started || !target) return 0;
        reco_decide(m->m, &m->session, NULL, 0, 0, NULL, &r);
        (void)snprintf(id, sizeof id, "%016llx", (unsigned long long)m->id);
        reco_json(&r, target, id, &b);
        return give(&b, text, bytes);
}
