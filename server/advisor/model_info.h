/* model_info: what a model file says of itself, as JSON: kind, where it came from, and how well its confidence was calibrated.
 * Owner:  none, pure. Memory: members are added to the caller's object.   Units: as in learn/model/model.h.
 * Limits: MODEL_INFO_BYTES_MAX a file.   Fails: with the reason why the bytes are no model. */
#ifndef SERVER_ADVISOR_MODEL_INFO_H
#define SERVER_ADVISOR_MODEL_INFO_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/text/json.h"

enum { MODEL_INFO_BYTES_MAX = 8 << 20 };

/* Adds name, kind, episodes, steps, train_return, ece, coverage, abstention, samples, calibration: [{"score","p"}]. */
MUST_USE enum err model_info_put(const void *bytes, size_t size_bytes, struct json *object, struct err_note *reterr);

#endif
