#include "server/app/models.h"

#include "common/sys/file.h"

void models_init(struct models *m)
{
        buf_init(&m->model, MODELS_BYTES_MAX);
        buf_init(&m->calibration, MODELS_BYTES_MAX);
}

void models_done(struct models *m)
{
        buf_done(&m->model);
        buf_done(&m->calibration);
}

enum err models_read(struct models *m, const char *path, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], own[FILE_PATH_BYTES], live[FILE_PATH_BYTES], calibration[FILE_PATH_BYTES];
        enum err e = path_share(share, reterr);

        if (!e && (path_join(own, share, "models/default.fdlm") || path_join(live, share, "models/live.fdlm") ||
                   path_join(calibration, share, "models/calibration.json")))
                e = err_note(reterr, ERR_LIMIT, "the path of the product files is too long");
        if (e) return e;
        if (!path) path = file_exists(live) ? live : own;
        e = file_read(path, &m->model, reterr);
        if (!e && file_exists(calibration)) e = file_read(calibration, &m->calibration, reterr);
        return e;
}

void models_give(const struct models *m, struct advisor_options *options)
{
        options->model = m->model.data;
        options->model_bytes = m->model.size_bytes;
        options->calibration = m->calibration.data;
        options->calibration_bytes = m->calibration.size_bytes;
}
