/* env_int: what a back end provides. Only learn/env includes this. */
#ifndef LEARN_ENV_ENV_INT_H
#define LEARN_ENV_ENV_INT_H

#include "learn/env/env.h"

struct env_backend {
        struct env_spec spec;
        enum err (*open)(struct env_core *c, const struct env_opts *opts, struct err_note *reterr);
        void (*close)(struct env_core *c);
        void (*start)(struct env_core *c, uint32_t i, uint32_t episode); /* writes obs and masks of row i */
        void (*step)(struct env_core *c, uint32_t from, uint32_t to);    /* writes obs, reward, columns, terminated, masks */
        size_t (*save)(const struct env_core *c, uint32_t i, uint8_t *bytes);
        void (*load)(struct env_core *c, uint32_t i, const uint8_t *bytes);
        size_t (*blob_bytes)(const struct env_core *c);
        void (*truth)(const struct env_core *c, uint32_t i, uint16_t target, struct env_truth *ret);
};

struct env_core {
        const struct env_backend *backend;
        struct env_vec *vec;
        struct env_spec spec; /* the back end's, with this environment's time limit */
        struct sim_kernel kernel;
        uint64_t seed;
        uint32_t first_episode;
        uint8_t *ended;       /* [n]: waiting for a reset */
        void *block;
        void *state;          /* the back end's */
};

extern const struct env_backend env_backend_sim1, env_backend_sim12, env_backend_dyn, env_backend_replay;

#endif
