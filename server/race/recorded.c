/* Recordings of complete runs: kept by scenario as written, seed, pace, policy and model; found again for a race without room. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/race/race.h"
#include "server/store/history.h"

enum { HASH_TEXT_BYTES = 20 };

static void hash_text(uint64_t hash, char dst[static HASH_TEXT_BYTES])
{
        (void)snprintf(dst, HASH_TEXT_BYTES, "%016" PRIx64, hash);
}

enum err race_record(struct store *store, const struct lane *lane, uint64_t source_hash, struct err_note *reterr)
{
        AUTO(json_free) struct json *document = lane_recording_json(lane);
        int64_t now_ms = clock_wall_ms();
        char source[HASH_TEXT_BYTES];
        AUTO_BUF text = {0};
        enum err e;

        buf_init(&text, STORE_TEXT_BYTES_MAX);
        hash_text(source_hash, source);
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
        char source[HASH_TEXT_BYTES];

        hash_text(source_hash, source);
        return history_recording_find(store,
                                      &(struct history_recording){.scenario = like->scenario,
                                                                  .source = source,
                                                                  .policy = policy,
                                                                  .seed = like->seed,
                                                                  .fast = like->fast},
                                      recorded_read, ret, reterr);
}
