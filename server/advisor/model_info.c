#include "server/advisor/model_info.h"

#include "learn/model/model.h"

enum err model_info_put(const void *bytes, size_t size_bytes, struct json *object, struct err_note *reterr)
{
        AUTO(model_free) struct model *m = NULL;
        struct json *knots;
        enum err e = model_read(bytes, size_bytes, &m, reterr);

        if (e) return e;
        knots = json_array();
        for (size_t i = 0; i < MODEL_KNOTS; i++) {
                struct json *knot = json_object();

                json_set_num(knot, "score", (double)m->calibration.score[i]);
                json_set_num(knot, "p", (double)m->calibration.p[i]);
                json_push(knots, knot);
        }
        json_set_str(object, "name", m->name);
        json_set_str(object, "kind", model_kind_name(m->kind));
        json_set_num(object, "seed", (double)m->origin.seed);
        json_set_num(object, "episodes", (double)m->origin.episodes);
        json_set_num(object, "steps", (double)m->origin.steps);
        json_set_num(object, "train_return", (double)m->origin.train_return);
        json_set_num(object, "samples", (double)m->calibration.samples);
        json_set_num(object, "ece", (double)m->calibration.ece);
        json_set_num(object, "coverage", (double)m->calibration.coverage);
        json_set_num(object, "abstention", (double)m->calibration.abstention);
        json_set(object, "calibration", knots);
        return ERR_OK;
}
