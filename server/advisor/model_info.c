#include "server/advisor/model_info.h"

#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "learn/model/model.h"
#include "learn/reco/fit.h"

enum { SEEDS_OF_A_TRAINING = 16 }; /* firedrill-learn train --seed N takes so many from N times this on */

/* What it was trained in, as far as the figures of that simulator tell. */
static const struct environment {
        const char *name, *purpose;
        bool fits;
} environments[] = {
        { "sim1", "Trained on the simulator as it is: what docs/learning.md reports. It advises only where no model fitted to the stack is installed.", false },
        { "sim1-fitted", "Trained on the simulator with what was measured on this stack (models/calibration.json): to advise beside a run.", true },
        { "other", "Trained on a simulator with other figures than this installation knows: not for this stack.", false },
};

void model_id_make(const char *name, const struct model_file *file, char dst[static MODEL_ID_BYTES])
{
        (void)snprintf(dst, MODEL_ID_BYTES, "%.15s-%08x", name, (unsigned)model_fingerprint(file->bytes, file->size_bytes));
}

static const struct environment *environment_of(const struct model *m, const struct model_file *calibration)
{
        AUTO(mem_free) struct sim_kernel *k = mem_zalloc(1, sizeof(*k));
        struct fit fit;

        if (!k) return &environments[2];
        kernel_init(k, NULL);
        if (m->origin.kernel_fingerprint == kernel_fingerprint(k)) return &environments[0];
        if (!calibration->size_bytes || fit_read(calibration->bytes, calibration->size_bytes, &fit, NULL)) return &environments[2];
        fit_kernel(&fit, k);
        return &environments[m->origin.kernel_fingerprint == kernel_fingerprint(k) ? 1 : 2];
}

static void origin_put(const struct model *m, const struct environment *where, struct json *object)
{
        json_set_str(object, "name", m->name);
        json_set_str(object, "kind", model_kind_name(m->kind));
        json_set_str(object, "environment", where->name);
        json_set_bool(object, "fits", where->fits);
        json_set_str(object, "purpose", where->purpose);
        json_set_num(object, "seed", (double)m->origin.seed);
        json_set_num(object, "training_seed", (double)(m->origin.seed / SEEDS_OF_A_TRAINING));
        json_set_num(object, "episodes", (double)m->origin.episodes);
        json_set_num(object, "steps", (double)m->origin.steps);
        json_set_num(object, "train_return", (double)m->origin.train_return);
}

enum err model_info_put(const struct model_file *file, const struct model_file *calibration, struct json *object, struct err_note *reterr)
{
        AUTO(model_free) struct model *m = NULL;
        struct json *knots;
        char id[MODEL_ID_BYTES];
        enum err e = model_read(file->bytes, file->size_bytes, &m, reterr);

        if (e) return e;
        knots = json_array();
        for (size_t i = 0; i < MODEL_KNOTS; i++) {
                struct json *knot = json_object();

                json_set_num(knot, "score", (double)m->calibration.score[i]);
                json_set_num(knot, "p", (double)m->calibration.p[i]);
                json_push(knots, knot);
        }
        model_id_make(m->name, file, id);
        json_set_str(object, "id", id);
        origin_put(m, environment_of(m, calibration), object);
        json_set_num(object, "samples", (double)m->calibration.samples);
        json_set_num(object, "ece", (double)m->calibration.ece);
        json_set_num(object, "coverage", (double)m->calibration.coverage);
        json_set_num(object, "abstention", (double)m->calibration.abstention);
        json_set(object, "calibration", knots);
        return ERR_OK;
}
