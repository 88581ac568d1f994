/* firedrill_learn: a thin C ABI over the environments and the advice, for ctypes and the like. Plain types only.
 * Owner:  the caller of fdl_env_open / fdl_model_open; one thread per handle.
 * Memory: buffers lent by fdl_env_buffer live until fdl_env_close. Handles are freed by their close; NULL is fine.
 * Units:  as the spec says (fdl_env_spec_json).
 * Limits: FDL_TEXT_BYTES of error text.
 * Fails:  0 is success, anything else a failure whose sentence fdl_error gives (per thread, until the next failure). */
#ifndef LEARN_ABI_FIREDRILL_LEARN_H
#define LEARN_ABI_FIREDRILL_LEARN_H

#include <stddef.h>
#include <stdint.h>

#define FDL_ABI_VERSION 1
#define FDL_TEXT_BYTES 512

#if defined(FDL_EXPORT)
#define FDL_API __attribute__((visibility("default")))
#else
#define FDL_API
#endif

/* Rows of a batch: type by buffer as in the comment. */
enum fdl_buffer {
        FDL_OBS,            /* float [n][obs] */
        FDL_ACT,            /* uint8 [n], written by the caller */
        FDL_TARGET,         /* uint16 [n], written by the caller */
        FDL_MASK,           /* uint32 [n], bit a: action a is legal */
        FDL_MASK_TARGET,    /* uint32 [n] */
        FDL_REWARD,         /* float [n] */
        FDL_COLUMNS,        /* float [n][4] */
        FDL_TERMINATED,     /* uint8 [n] */
        FDL_TRUNCATED,      /* uint8 [n] */
        FDL_FINAL_OBS,      /* float [n][obs] */
        FDL_EPISODE_RETURN, /* double [n] */
        FDL_BUFFER_COUNT
};

struct fdl_env;
struct fdl_model;

FDL_API int fdl_abi_version(void);
FDL_API const char *fdl_error(void);

/* autoreset: 0 next step, 1 same step, 2 disabled; max_steps 0: the default. */
FDL_API int fdl_env_open(const char *id, uint32_t n, int autoreset, uint32_t max_steps, struct fdl_env **ret);
FDL_API void fdl_env_close(struct fdl_env *e);
FDL_API int fdl_env_reset(struct fdl_env *e, uint64_t seed, const uint8_t *rows /* NULL: all */);
FDL_API int fdl_env_step(struct fdl_env *e); /* refuses actions and targets out of range */
FDL_API void *fdl_env_buffer(struct fdl_env *e, int buffer); /* NULL if there is none */
FDL_API uint32_t fdl_env_count(const struct fdl_env *e);
/* {"id","obs":[{"name","lo","hi"}],"actions":[..],"targets":[..],"max_steps","step_s"}; returns the bytes it needs with its NUL. */
FDL_API size_t fdl_env_spec_json(const struct fdl_env *e, char *text, size_t bytes);
/* Saved states are opaque; *size_bytes in: room, out: size. */
FDL_API int fdl_env_save(const struct fdl_env *e, uint32_t row, void *bytes, size_t *size_bytes);
FDL_API int fdl_env_load(struct fdl_env *e, uint32_t row, const void *bytes, size_t size_bytes);
FDL_API int fdl_env_check(const char *id);

/* A model file's bytes; then per service: start, and feel + advise each step. obs as of "sim1". */
FDL_API int fdl_model_open(const void *bytes, size_t size_bytes, struct fdl_model **ret);
FDL_API void fdl_model_close(struct fdl_model *m);
FDL_API int fdl_model_start(struct fdl_model *m, const float *obs, size_t count);
FDL_API int fdl_model_feel(struct fdl_model *m, int action, const float *obs, size_t count);
FDL_API size_t fdl_model_advise_json(struct fdl_model *m, const char *target, char *text, size_t bytes);

#endif
