/* model: what was learned, as one value and as one file: features with their frozen edges, table or network, fallback rule,
 * calibration, and where it came from (training seeds, episodes, kernel). A file that does not fit is refused with a reason.
 *   file: "FDLM", version, body size, body (little-endian, fixed order), FNV-1a of all before
 * Owner:  model_read gives it away, model_free.  Memory: about 1 MB.  Units: as in feat.h, kernel.h.
 * Limits: MODEL_BYTES_MAX a file; a network has exactly DQN_FLOATS weights.   Fails: ERR_PARSE (not a model), ERR_UNSUPPORTED (other
 * version or shape), ERR_CORRUPT (checksum, counts, values out of range; the note names the section), ERR_NOMEM. */
#ifndef LEARN_MODEL_MODEL_H
#define LEARN_MODEL_MODEL_H

#include "common/base/buf.h"
#include "learn/policy/policy.h"

#define MODEL_BYTES_MAX ((size_t)8 << 20)
enum { MODEL_VERSION = 1, MODEL_NAME_BYTES = 32, MODEL_KNOTS = 32 };

enum model_kind { MODEL_QTAB, MODEL_DQN, MODEL_KIND_COUNT };

struct model_origin {
        uint64_t seed, kernel_fingerprint; /* seed: the training seed's value */
        uint64_t episodes, steps;
        uint32_t collect_episodes, tune_candidates;
        float gamma, train_return;
};

/* Confidence: p(optimal) by isotonic regression over the score, the conformal slack, and what counts as never seen. */
struct model_calibration {
        float score[MODEL_KNOTS], p[MODEL_KNOTS]; /* ascending scores, nondecreasing p; step function */
        float slack;           /* the action set holds all actions within this of the best */
        float surprise_max;
        uint64_t seed, samples;
        float ece, coverage, abstention; /* as measured on the second half of the calibration seeds */
        float p_nothing_max;   /* decisions count as such when p(nothing is wrong) is at most this */
};

struct model {
        char name[MODEL_NAME_BYTES];
        enum model_kind kind;
        struct model_origin origin;
        struct model_calibration calibration;
        struct rule_tuned tuned;
        struct rule_belief fallback;
        struct feat_params *feat;
        struct qtab *table; /* always there: a network's model keeps its table as the explanation by columns */
        float *net;         /* [net_count]: DQN_FLOATS, or NULL and 0 for MODEL_QTAB */
        uint32_t net_count;
};

MUST_USE enum err model_new(struct model **ret); /* zeroed, with feat and table */
void model_free(struct model *m);
AUTO_DEFINE(struct model, model_free)

/* Appends the file's bytes. */
MUST_USE enum err model_write(const struct model *m, struct buf *to, struct err_note *reterr);
MUST_USE enum err model_read(const void *bytes, size_t size_bytes, struct model **ret, struct err_note *reterr);
const char *model_kind_name(enum model_kind kind);
/* The checksum of a model's bytes: its identity in recommendations and reports. */
uint64_t model_fingerprint(const void *bytes, size_t size_bytes);
uint64_t kernel_fingerprint(const struct sim_kernel *k);

#endif
