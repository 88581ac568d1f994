#include "server/app/keep.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/episode/episode.h"
#include "server/race/race.h"
#include "server/store/history.h"

struct keep {
        struct keep_options o;
        struct episode *episode;
        struct lane *lane; /* of a driver; NULL for a learner */
};

enum err keep_new(const struct keep_options *options, struct keep **ret)
{
        AUTO(keep_free) struct keep *r = mem_zalloc(1, sizeof(*r));
        enum err e;

        if (!r) return ERR_NOMEM;
        r->o = *options;
        e = episode_new(options->spec, options->driver, &r->episode);
        if (!e && !str_eq(options->driver, "learner")) e = lane_new(LANE_LIVE, options->driver, &r->lane);
        if (e) return e;
        *ret = take(&r);
        return ERR_OK;
}

void keep_free(struct keep *r)
{
        if (!r) return;
        episode_free(r->episode);
        lane_free(r->lane);
        mem_free(r);
}

void keep_hear(struct keep *r, const char *type, const char *json)
{
        AUTO(json_free) struct json *data = NULL;

        episode_hear(r->episode, type, json);
        if (!r->lane || (!str_eq(type, "run") && !str_eq(type, "standing") && !str_eq(type, "action") && !str_eq(type, "recommendation"))) return;
        if (!json_parse(json, strlen(json), &data, NULL)) lane_hear(r->lane, type, data);
}

static void complain(struct keep *r, const char *what, const char *why)
{
        AUTO(json_free) struct json *j = json_object();
        char text[ERR_NOTE_BYTES + 64];
        AUTO_BUF out;

        buf_init(&out, 4096);
        (void)snprintf(text, sizeof(text), "%s of this run is not kept: %s", what, why);
        json_set_str(j, "level", "warning");
        json_set_str(j, "text", text);
        if (!json_print(j, &out)) r->o.tell(r->o.ctx, "notice", out.data);
}

static void keep_episode(struct keep *r, int64_t run_id)
{
        struct episode_facts facts;
        struct err_note note = {.text = "it is too large"};
        AUTO_BUF lines = {0};
        enum err e;

        if (!episode_over(r->episode, &facts)) return;
        buf_init(&lines, STORE_TEXT_BYTES_MAX);
        episode_lines(r->episode, &lines);
        e = buf_status(&lines);
        if (!e)
                e = history_episode_put(r->o.store,
                                        &(struct history_episode){.run_id = run_id,
                                                                  .scenario = facts.scenario,
                                                                  .seed = facts.seed,
                                                                  .fast = facts.fast,
                                                                  .driver = r->o.driver,
                                                                  .assisted = facts.assisted,
                                                                  .outcome = facts.outcome,
                                                                  .steps = (int64_t)facts.steps,
                                                                  .ended_ms = facts.ended_ms,
                                                                  .lines = lines.data},
                                        &note);
        if (e) complain(r, "the episode", note.text);
}

struct source_hash {
        uint64_t hash;
};

static enum err hash_source(void *ctx, const struct store_run *run)
{
        struct source_hash *found = ctx;

        found->hash = hash_fnv(HASH_FNV_START, run->source, strlen(run->source));
        return ERR_OK;
}

void keep_end(struct keep *r, int64_t run_id)
{
        struct source_hash source = {0};
        struct err_note note;
        enum err e;

        keep_episode(r, run_id);
        if (!r->lane || !lane_is_complete(r->lane)) return;
        e = store_run_get(r->o.store, run_id, hash_source, &source, &note);
        if (!e) e = race_record(r->o.store, r->lane, source.hash, &note);
        if (e) complain(r, "a recording", note.text);
}
