/* model_info: what a model file says of itself, as JSON: kind, where it came from, what it is for, whether it fits this stack, and how
 * well its confidence was calibrated.
 * Owner:  none, pure. Memory: members are added to the caller's object.   Units: as in learn/model/model.h.
 * Limits: MODEL_INFO_BYTES_MAX a file.   Fails: with the reason why the bytes are no model. */
#ifndef SERVER_ADVISOR_MODEL_INFO_H
#define SERVER_ADVISOR_MODEL_INFO_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/text/json.h"

enum { MODEL_INFO_BYTES_MAX = 8 << 20, MODEL_ID_BYTES = 32 };

/* A file's bytes, lent for the call; empty: there is no such file. */
struct model_file {
        const void *bytes;
        size_t size_bytes;
};

/* "NAME-CHECKSUM", as in recommendations. name: that inside the file. */
void model_id_make(const char *name, const struct model_file *file, char dst[static MODEL_ID_BYTES]);

/* Adds id, name, kind, environment ("sim1": the simulator as it is, "sim1-fitted": fitted to this stack by the calibration, "other"),
 * fits (only the fitted one does), purpose, seed, training_seed, episodes, steps, train_return, samples, ece, coverage, abstention,
 * calibration: [{"score","p"}]. calibration: models/calibration.json; one that cannot be read fits nobody. */
MUST_USE enum err model_info_put(const struct model_file *file, const struct model_file *calibration, struct json *object, struct err_note *reterr);

#endif
