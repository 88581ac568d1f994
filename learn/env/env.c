#include "learn/env/env_int.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static const struct env_backend *const backends[] = { &env_backend_sim1, &env_backend_sim12, &env_backend_dyn, &env_backend_replay };

const char *env_id_at(size_t index)
{
        return index < ARRAY_COUNT(backends) ? backends[index]->spec.id : NULL;
}

static const struct env_backend *backend_named(const char *id, struct err_note *reterr)
{
        const char *ids[ARRAY_COUNT(backends)];

        for (size_t i = 0; i < ARRAY_COUNT(backends); i++) {
                ids[i] = backends[i]->spec.id;
                if (str_eq(id, ids[i])) return backends[i];
        }
        const char *near = str_suggest(id, ids, ARRAY_COUNT(ids));

        (void)err_note(reterr, ERR_NOT_FOUND, "no environment '%s'; %s%s%s", id, near ? "did you mean '" : "there are sim1, sim12, dyn, replay",
                       near ? near : "", near ? "'?" : "");
        return NULL;
}

/* One aligned block for all rows; `at` walks it. The first walk, with block NULL, only measures. */
static void *carve(uint8_t *block, size_t *at, size_t bytes)
{
        void *here = block ? block + *at : NULL;

        *at += (bytes + 63) / 64 * 64;
        return here;
}

static size_t rows_carve(struct env_vec *v, uint8_t *block)
{
        size_t at = 0, n = v->n, obs = v->spec->obs_count * sizeof(float);

        v->obs = carve(block, &at, n * obs);
        v->final_obs = carve(block, &at, n * obs);
        v->act = carve(block, &at, n + SIM1_LANES);
        v->target = carve(block, &at, n * sizeof *v->target);
        v->mask = carve(block, &at, n * sizeof *v->mask);
        v->mask_target = carve(block, &at, n * sizeof *v->mask_target);
        v->reward = carve(block, &at, n * sizeof *v->reward);
        v->columns = carve(block, &at, n * sizeof *v->columns);
        v->terminated = carve(block, &at, n + SIM1_LANES);
        v->truncated = carve(block, &at, n + SIM1_LANES);
        v->episode = carve(block, &at, n * sizeof *v->episode);
        v->t = carve(block, &at, n * sizeof *v->t);
        v->episode_return = carve(block, &at, n * sizeof *v->episode_return);
        v->core->ended = carve(block, &at, n);
        return at;
}

enum err env_make(const char *id, uint32_t n, const struct env_opts *opts, struct env_vec **ret, struct err_note *reterr)
{
        static const struct env_opts defaults = { 0 };
        const struct env_backend *backend = backend_named(id, reterr);
        AUTO(env_close) struct env_vec *v = NULL;
        enum err e;

        if (!opts) opts = &defaults;
        if (!backend) return ERR_NOT_FOUND;
        if (n == 0 || n > SIM1_ENVS_MAX) return err_note(reterr, ERR_INVAL, "%u environments asked, 1 to %d are possible", n, SIM1_ENVS_MAX);
        if (opts->max_steps > ENV_STEPS_MAX || opts->autoreset >= ENV_AUTORESET_COUNT)
                return err_note(reterr, ERR_INVAL, "time limit %u or auto-reset mode %d is out of range", opts->max_steps, (int)opts->autoreset);
        v = mem_zalloc(1, sizeof *v);
        if (!v) return err_note(reterr, ERR_NOMEM, "no memory for an environment");
        v->core = mem_zalloc(1, sizeof *v->core);
        if (!v->core) return err_note(reterr, ERR_NOMEM, "no memory for an environment");
        v->core->backend = backend;
        v->core->vec = v;
        v->core->spec = backend->spec;
        v->core->spec.max_steps = opts->max_steps ? opts->max_steps : ENV_STEPS_DEFAULT;
        v->core->first_episode = opts->first_episode;
        v->spec = &v->core->spec;
        v->n = n;
        v->autoreset = opts->autoreset;
        if (opts->kernel) v->core->kernel = *opts->kernel;
        else kernel_init(&v->core->kernel, NULL);
        v->core->block = mem_aligned(64, rows_carve(v, NULL));
        if (!v->core->block) return err_note(reterr, ERR_NOMEM, "no memory for %u environments", n);
        (void)rows_carve(v, v->core->block);
        e = backend->open(v->core, opts, reterr);
        if (e) return e;
        *ret = take(&v);
        return ERR_OK;
}

void env_close(struct env_vec *v)
{
        if (!v) return;
        if (v->core) {
                if (v->core->state) v->core->backend->close(v->core);
                mem_free(v->core->block);
        }
        mem_free(v->core);
        mem_free(v);
}

static void row_start(struct env_vec *v, uint32_t i, uint32_t episode)
{
        v->episode[i] = episode;
        v->t[i] = 0;
        v->episode_return[i] = 0;
        v->core->ended[i] = 0;
        v->core->backend->start(v->core, i, episode);
}

void env_reset(struct env_vec *v, uint64_t seed, const uint8_t *rows)
{
        v->core->seed = seed;
        for (uint32_t i = 0; i < v->n; i++) {
                if (rows && !rows[i]) continue;
                /* A full reset begins the row's sequence of episodes, a masked one goes on with it. */
                row_start(v, i, rows ? v->episode[i] + v->n : v->core->first_episode + i);
                v->reward[i] = 0;
                memset(v->columns[i], 0, sizeof v->columns[i]);
                v->terminated[i] = v->truncated[i] = 0;
        }
}

void env_step(struct env_vec *v)
{
        env_step_range(v, 0, v->n);
}

/* Rows whose episode ended in the last step (NEXT_STEP): this step was theirs to reset. */
static void rows_restart(struct env_vec *v, uint32_t from, uint32_t to)
{
        for (uint32_t i = from; i < to; i++) {
                if (!v->core->ended[i]) continue;
                row_start(v, i, v->episode[i] + v->n);
                v->reward[i] = 0;
                memset(v->columns[i], 0, sizeof v->columns[i]);
                v->terminated[i] = v->truncated[i] = 0;
        }
}

static void rows_end(struct env_vec *v, uint32_t from, uint32_t to)
{
        size_t bytes = v->spec->obs_count * sizeof(float);

        for (uint32_t i = from; i < to; i++) {
                if (!(v->terminated[i] | v->truncated[i])) continue;
                if (v->autoreset == ENV_SAME_STEP) {
                        double episode_return = v->episode_return[i];

                        memcpy(v->final_obs + (size_t)i * v->spec->obs_count, v->obs + (size_t)i * v->spec->obs_count, bytes);
                        row_start(v, i, v->episode[i] + v->n);
                        v->episode_return[i] = episode_return;
                } else {
                        v->core->ended[i] = 1;
                }
        }
}

void env_step_range(struct env_vec *v, uint32_t from, uint32_t to)
{
        uint8_t *restrict ended = v->core->ended, *restrict terminated = v->terminated, *restrict truncated = v->truncated;
        uint32_t *restrict t = v->t, max_steps = v->spec->max_steps;
        unsigned waiting = 0, over = 0;

        CHECK(from <= to && to <= v->n);
        for (uint32_t i = from; i < to; i++) waiting |= ended[i];
        CHECK(!(waiting && v->autoreset == ENV_DISABLED));
        /* SAME_STEP keeps the return of an ended episode until the next step. */
        if (v->autoreset == ENV_SAME_STEP)
                for (uint32_t i = from; i < to; i++) v->episode_return[i] = t[i] == 0 ? 0 : v->episode_return[i];
        v->core->backend->step(v->core, from, to);
        for (uint32_t i = from; i < to; i++) {
                v->episode_return[i] += (double)v->reward[i];
                t[i]++;
                truncated[i] = (uint8_t)(t[i] >= max_steps) & (uint8_t)!terminated[i];
                over |= terminated[i] | truncated[i];
        }
        if (waiting) rows_restart(v, from, to);
        if (over) rows_end(v, from, to);
}

/* Binds a saved state to its environment, and guards its bytes against damage. */
static uint64_t fingerprint(const struct env_vec *v, const struct env_blob *blob)
{
        uint64_t h = hash_fnv(HASH_FNV_START, v->spec->id, strlen(v->spec->id));

        h = hash_fnv(h, blob->bytes, sizeof blob->bytes);
        h = hash_fnv(h, &v->core->kernel, sizeof v->core->kernel);
        return hash_fnv(h, &v->core->seed, sizeof v->core->seed);
}

struct blob_head {
        uint32_t episode, t;
        double episode_return;
        uint32_t mask, mask_target;
};

void env_save(const struct env_vec *v, uint32_t i, struct env_blob *ret)
{
        struct blob_head head = { v->episode[i], v->t[i], v->episode_return[i], v->mask[i], v->mask_target[i] };
        size_t obs = v->spec->obs_count * sizeof(float), at = sizeof head + obs;

        CHECK(i < v->n && at + v->core->backend->blob_bytes(v->core) <= ENV_BLOB_BYTES);
        memset(ret, 0, sizeof *ret);
        memcpy(ret->bytes, &head, sizeof head);
        memcpy(ret->bytes + sizeof head, v->obs + (size_t)i * v->spec->obs_count, obs);
        ret->size_bytes = (uint32_t)(at + v->core->backend->save(v->core, i, ret->bytes + at));
        ret->fingerprint = fingerprint(v, ret);
}

enum err env_load(struct env_vec *v, uint32_t i, const struct env_blob *blob, struct err_note *reterr)
{
        struct blob_head head;
        size_t obs = v->spec->obs_count * sizeof(float), at = sizeof head + obs;

        CHECK(i < v->n);
        if (blob->fingerprint != fingerprint(v, blob) || blob->size_bytes != at + v->core->backend->blob_bytes(v->core))
                return err_note(reterr, ERR_CORRUPT, "the saved state belongs to another environment, kernel or seed");
        memcpy(&head, blob->bytes, sizeof head);
        v->episode[i] = head.episode;
        v->t[i] = head.t;
        v->episode_return[i] = head.episode_return;
        v->mask[i] = head.mask;
        v->mask_target[i] = head.mask_target;
        memcpy(v->obs + (size_t)i * v->spec->obs_count, blob->bytes + sizeof head, obs);
        v->core->ended[i] = 0;
        v->core->backend->load(v->core, i, blob->bytes + at);
        return ERR_OK;
}

void env_truth_peek(const struct env_vec *v, uint32_t i, uint16_t target, struct env_truth *ret)
{
        CHECK(i < v->n && target < v->spec->target_count);
        v->core->backend->truth(v->core, i, target, ret);
}
