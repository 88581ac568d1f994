/* env: environments for learners, a vector of n episodes in Gymnasium's language over interchangeable back ends.
 *
 *   running --(terminated: unrecoverable | truncated: time limit)--> ended --reset--> running
 *     NEXT_STEP  the step after the end resets; its action is ignored and its reward is 0 (Gymnasium's default)
 *     SAME_STEP  the ending step resets; obs is the new episode's first, final_obs the old one's last
 *     DISABLED   the caller resets with a mask; stepping an ended row is a bug (CHECK)
 *
 * Row i plays the episodes i, i + n, i + 2n ...: an episode is the same whatever n is, in whatever row and thread.
 * Owner:  the caller; env_step_range on disjoint ranges may run in different threads.
 * Memory: env_make allocates all (64-byte aligned rows), env_step nothing; buffers live until env_close.
 * Units:  as named in spec->obs_name; reward 1.0 = all requests of one nominal 5 s step.
 * Limits: 1 <= n <= SIM1_ENVS_MAX.
 * Fails:  ERR_NOT_FOUND for an unknown id, ERR_INVAL for options, ERR_NOMEM; ERR_CORRUPT for a blob that does not fit. */
#ifndef LEARN_ENV_ENV_H
#define LEARN_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "learn/sim/sim1.h"

enum { ENV_STEPS_DEFAULT = 120, ENV_STEPS_MAX = 1 << 20, ENV_BLOB_BYTES = 1024, ENV_TARGETS_MAX = 16 };

enum env_autoreset { ENV_NEXT_STEP, ENV_SAME_STEP, ENV_DISABLED, ENV_AUTORESET_COUNT };

struct env_spec {
        const char *id, *title;
        uint32_t obs_count, action_count, target_count, max_steps;
        float step_s;
        const float *lo, *hi;          /* [obs_count] */
        const char *const *obs_name;   /* [obs_count] */
        const char *const *target_name; /* [target_count] */
};

struct env_recording; /* a recorded incident for the back end "replay", see replay.h */

struct env_opts {
        const struct sim_kernel *kernel; /* NULL: the default one; lent; "dyn" needs the learned one */
        const struct env_recording *recording;
        enum env_autoreset autoreset;
        enum sim1_isa isa;
        uint32_t max_steps;              /* 0: ENV_STEPS_DEFAULT */
        uint32_t first_episode;
};

/* What is true and not observed: for evaluation and fitting only, never read by features or policies. */
struct env_truth {
        int state;  /* number of the latent state of the target service (sim_index), -1 if the back end has none */
        int mode, severity;
        bool in_slo;
};

struct env_vec {
        const struct env_spec *spec;
        uint32_t n;
        enum env_autoreset autoreset;
        float *obs;          /* [n][obs_count] */
        uint8_t *act;        /* [n], written by the caller */
        uint16_t *target;    /* [n], written by the caller; 0 with one service */
        uint32_t *mask;      /* [n], bit a: action a is legal (for every target; the topology masks targets by mask_target) */
        uint32_t *mask_target; /* [n], bit s: service s can be acted on */
        float *reward;       /* [n] */
        float (*columns)[REW_COUNT]; /* [n], sum to reward */
        uint8_t *terminated, *truncated; /* [n] */
        float *final_obs;    /* [n][obs_count] */
        uint32_t *episode;   /* [n] */
        uint32_t *t;         /* [n], steps taken */
        double *episode_return; /* [n], of the running episode, or of the ended one until the reset */
        struct env_core *core;
};

struct env_blob {
        uint32_t size_bytes;
        uint64_t fingerprint; /* of back end, kernel and seed */
        uint8_t bytes[ENV_BLOB_BYTES];
};

MUST_USE enum err env_make(const char *id, uint32_t n, const struct env_opts *opts /* NULL: defaults */, struct env_vec **ret,
                           struct err_note *reterr);
void env_close(struct env_vec *v); /* NULL is fine */
AUTO_DEFINE(struct env_vec, env_close)

/* Starts rows anew under `seed`; rows: NULL for all, or a byte per row. */
void env_reset(struct env_vec *v, uint64_t seed, const uint8_t *rows);
void env_step(struct env_vec *v);
void env_step_range(struct env_vec *v, uint32_t from, uint32_t to);

void env_save(const struct env_vec *v, uint32_t i, struct env_blob *ret);
MUST_USE enum err env_load(struct env_vec *v, uint32_t i, const struct env_blob *blob, struct err_note *reterr);
void env_truth_peek(const struct env_vec *v, uint32_t i, uint16_t target, struct env_truth *ret);

/* The ids there are; NULL past the last. */
const char *env_id_at(size_t index);

#endif
