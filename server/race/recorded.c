/* Recordings of complete runs: kept by scenario as written, seed, pace, policy and model; found again for a race without room. */
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/race/race.h"
#include "server/race/recording.h"
#include "server/store/history.h"

enum err race_record(struct store *store, const struct lane *lane, uint64_t source_hash, struct err_note *reterr)
{
        AUTO(json_free) struct json *document = lane_recording_json(lane);
        int64_t now_ms = clock_wall_ms();
        char source[RECORDING_SOURCE_BYTES];
        AUTO_BUF text = {0};
        enum err e;

        buf_init(&text, STORE_TEXT_BYTES_MAX);
        recording_source(source_hash, source);
        json_set_num(document, "recorded_ms", (double)now_ms);
        e = json_print(document, &text);
        if (e) return err_note(reterr, e, "the recording of '%s' cannot be kept: %s", lane->policy, err_text(e));
        return history_recording_put(store,
                                     &(struct history_recording){.scenario = lane->scenario,
                                                                 .source = source,
                                                                 .policy = lane->policy,
                                                                 .model = lane->model,
                                                                 .outcome = lane->outcome,
                                                                 .document = text.data,
                                                                 .seed = lane->seed,
                                                                 .recorded_ms = now_ms,
                                                                 .fast = lane->fast},
                                     reterr);
}

/* A recording that cannot be read any more is as good as none. */
static enum err recorded_read(void *ctx, const struct history_recording *r)
{
        struct lane **ret = ctx;
        AUTO(json_free) struct json *document = NULL;
        enum err e = json_parse(r->document, strlen(r->document), &document, NULL);

        if (!e) e = lane_read(document, ret);
        return e == ERR_PARSE ? ERR_OK : e;
}

enum err race_recorded(struct store *store, const struct lane *like, uint64_t source_hash, const char *policy, struct lane **ret,
                       struct err_note *reterr)
{
        char source[RECORDING_SOURCE_BYTES];

        recording_source(source_hash, source);
        return history_recording_find(store,
                                      &(struct history_recording){.scenario = like->scenario,
                                                                  .source = source,
                                                                  .policy = policy,
                                                                  .seed = like->seed,
                                                                  .fast = like->fast},
                                      recorded_read, ret, reterr);
}

enum err race_recording_export(const struct history_recording *r, struct buf *out)
{
        AUTO(json_free) struct json *kept = NULL, *document = NULL;
        AUTO(lane_free) struct lane *lane = NULL;
        enum err e = json_parse(r->document, strlen(r->document), &kept, NULL);

        if (!e) e = lane_read(kept, &lane);
        if (e) return e;
        document = lane_recording_json(lane);
        return recording_write(r->source, document, out);
}
