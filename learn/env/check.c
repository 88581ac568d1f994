#include "learn/env/check.h"

#include <math.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/str.h"

enum { CHECK_ENVS = 5, CHECK_STEPS = 300 };

#define PROMISE(condition, ...)                                                                                        \
        do {                                                                                                           \
                if (!(condition)) return err_note(reterr, ERR_STATE, __VA_ARGS__);                                     \
        } while (0)

static void acts(struct env_vec *v, uint32_t salt)
{
        for (uint32_t i = 0; i < v->n; i++) {
                uint32_t draw = ((v->episode[i] * 31 + v->t[i]) * 2654435761u + salt) >> 16;

                v->act[i] = draw % 7 < 5 ? ACT_IGNORE : (uint8_t)(draw % v->spec->action_count);
                v->target[i] = (uint16_t)(draw % v->spec->target_count);
        }
}

static uint64_t trace(uint64_t h, const struct env_vec *v, uint32_t i)
{
        h = hash_fnv(h, v->obs + (size_t)i * v->spec->obs_count, v->spec->obs_count * sizeof(float));
        h = hash_fnv(h, &v->reward[i], sizeof v->reward[i]);
        h = hash_fnv(h, v->columns[i], sizeof v->columns[i]);
        h = hash_fnv(h, &v->terminated[i], 1);
        return hash_fnv(h, &v->truncated[i], 1);
}

static enum err row_sane(const struct env_vec *v, uint32_t i, struct err_note *reterr)
{
        const float *obs = v->obs + (size_t)i * v->spec->obs_count;

        for (uint32_t c = 0; c < v->spec->obs_count; c++)
                PROMISE(obs[c] >= v->spec->lo[c] && obs[c] <= v->spec->hi[c], "%s: %s = %g is outside [%g, %g] at step %u", v->spec->id,
                        v->spec->obs_name[c], (double)obs[c], (double)v->spec->lo[c], (double)v->spec->hi[c], v->t[i]);
        PROMISE(isfinite(v->reward[i]), "%s: the reward is not finite", v->spec->id);
        PROMISE(v->reward[i] == ((v->columns[i][0] + v->columns[i][1]) + v->columns[i][2]) + v->columns[i][3],
                "%s: the columns do not sum to the reward", v->spec->id);
        PROMISE(v->mask[i] & 1u << ACT_IGNORE, "%s: ignoring must always be legal", v->spec->id);
        PROMISE(!(v->terminated[i] && v->truncated[i]), "%s: an end is both terminated and truncated", v->spec->id);
        return ERR_OK;
}

static enum err run(struct env_vec *v, uint64_t seed, uint32_t salt, uint64_t *ret_hash, struct err_note *reterr)
{
        uint64_t h = HASH_FNV_START;

        env_reset(v, seed, NULL);
        for (uint32_t i = 0; i < v->n; i++) h = trace(h, v, i);
        for (int step = 0; step < CHECK_STEPS; step++) {
                acts(v, salt);
                env_step(v);
                for (uint32_t i = 0; i < v->n; i++) {
                        enum err e = row_sane(v, i, reterr);

                        if (e) return e;
                        h = trace(h, v, i);
                        PROMISE(v->t[i] <= v->spec->max_steps, "%s: an episode outlives its time limit", v->spec->id);
                }
        }
        *ret_hash = h;
        return ERR_OK;
}

static enum err check_seeds(const char *id, const struct env_opts *opts, struct err_note *reterr)
{
        AUTO(env_close) struct env_vec *a = NULL, *b = NULL;
        uint64_t ha, hb, hc;
        enum err e = env_make(id, CHECK_ENVS, opts, &a, reterr);

        if (!e) e = env_make(id, CHECK_ENVS, opts, &b, reterr);
        if (!e) e = run(a, 1, 0, &ha, reterr);
        if (!e) e = run(b, 1, 0, &hb, reterr);
        if (!e) e = run(b, 2, 0, &hc, reterr);
        if (e) return e;
        PROMISE(ha == hb, "%s: the same seed gives another trace", id);
        if (!opts || !opts->recording) PROMISE(ha != hc, "%s: another seed gives the same trace", id);
        e = run(a, 1, 0, &hc, reterr);
        if (e) return e;
        PROMISE(ha == hc, "%s: a reset does not forget the run before it", id);
        return ERR_OK;
}

/* Episode 0 alone, and as row 0 of five: the same bits. */
static enum err check_batch(const char *id, const struct env_opts *opts, struct err_note *reterr)
{
        AUTO(env_close) struct env_vec *one = NULL, *many = NULL;
        enum err e = env_make(id, 1, opts, &one, reterr);

        if (!e) e = env_make(id, CHECK_ENVS, opts, &many, reterr);
        if (e) return e;
        env_reset(one, 7, NULL);
        env_reset(many, 7, NULL);
        for (uint32_t step = 0; step + 1 < one->spec->max_steps; step++) {
                acts(one, 3), acts(many, 3);
                env_step(one), env_step(many);
                PROMISE(trace(0, one, 0) == trace(0, many, 0), "%s: an episode depends on the size of its batch (step %u)", id, step);
                if (one->terminated[0]) break;
        }
        return ERR_OK;
}

static enum err check_save(const char *id, const struct env_opts *opts, struct err_note *reterr)
{
        AUTO(env_close) struct env_vec *v = NULL;
        struct env_blob blob, other;
        uint64_t first = HASH_FNV_START, second = HASH_FNV_START;
        enum err e = env_make(id, 2, opts, &v, reterr);

        if (e) return e;
        env_reset(v, 5, NULL);
        for (int step = 0; step < 20 && !v->terminated[1] && !v->truncated[1]; step++) acts(v, 9), env_step(v);
        if (v->terminated[1] || v->truncated[1]) return ERR_OK;
        env_save(v, 1, &blob);
        for (int pass = 0; pass < 2; pass++) {
                uint64_t *h = pass ? &second : &first;

                for (int step = 0; step < 10; step++) acts(v, 9), env_step(v), *h = trace(*h, v, 1);
                if (pass == 0) {
                        e = env_load(v, 1, &blob, reterr);
                        if (e) return e;
                }
        }
        PROMISE(first == second, "%s: a loaded state goes on otherwise than the saved one", id);
        other = blob;
        other.bytes[9] ^= 1;
        PROMISE(env_load(v, 1, &other, NULL) == ERR_CORRUPT, "%s: a damaged saved state was accepted", id);
        return ERR_OK;
}

static enum err check_autoreset(const char *id, const struct env_opts *opts, enum env_autoreset mode, struct err_note *reterr)
{
        AUTO(env_close) struct env_vec *v = NULL;
        struct env_opts o = opts ? *opts : (struct env_opts){ 0 };
        enum err e;

        o.autoreset = mode;
        if (!o.recording) o.max_steps = 10;
        e = env_make(id, 1, &o, &v, reterr);
        if (e) return e;
        env_reset(v, 11, NULL);
        for (uint32_t step = 0; step < v->spec->max_steps; step++) v->act[0] = ACT_IGNORE, env_step(v);
        PROMISE(v->truncated[0] && !v->terminated[0], "%s: the time limit must truncate and not terminate", id);
        if (mode == ENV_SAME_STEP) {
                PROMISE(v->t[0] == 0 && v->episode[0] == 1, "%s: SAME_STEP must have begun the next episode", id);
                return ERR_OK;
        }
        PROMISE(v->t[0] == v->spec->max_steps, "%s: the ended episode must stay visible", id);
        if (mode == ENV_NEXT_STEP) {
                env_step(v);
        } else {
                const uint8_t row = 1;

                env_reset(v, 11, &row);
        }
        PROMISE(v->t[0] == 0 && v->episode[0] == 1 && v->reward[0] == 0 && !v->truncated[0], "%s: the reset must begin the next episode", id);
        return ERR_OK;
}

enum err env_check(const char *id, const struct env_opts *opts, struct err_note *reterr)
{
        enum err e = check_seeds(id, opts, reterr);

        if (!e) e = check_batch(id, opts, reterr);
        if (!e) e = check_save(id, opts, reterr);
        for (int mode = 0; mode < ENV_AUTORESET_COUNT && !e; mode++) e = check_autoreset(id, opts, (enum env_autoreset)mode, reterr);
        return e;
}
