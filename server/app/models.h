/* models: the files of the installation that an advisor is made from: the model fitted to the stack (models/live.fdlm with
 * models/calibration.json) or, where there is none, the one trained on the simulator alone (models/default.fdlm).
 * Owner:  the caller's struct. Memory: models_done; what models_give lends lives as long. Units: none.
 * Limits: MODELS_BYTES_MAX a file.    Fails: ERR_NOT_FOUND and the like of file_read, with a sentence. */
#ifndef SERVER_APP_MODELS_H
#define SERVER_APP_MODELS_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "server/advisor/advisor.h"

#define MODELS_BYTES_MAX ((size_t)8 << 20)

struct models {
        struct buf model, calibration;
};

void models_init(struct models *m);
void models_done(struct models *m);
/* path: of a model file, or NULL for the installation's. */
MUST_USE enum err models_read(struct models *m, const char *path, struct err_note *reterr);
void models_give(const struct models *m, struct advisor_options *options);

#endif
