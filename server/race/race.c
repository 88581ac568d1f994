#include "server/race/race.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/race/divergence.h"
#include "server/race/ghost.h"
#include "server/race/recording.h"
#include "server/race/regret.h"
#include "server/race/room.h"
#include "server/race/shipped.h"
#include "server/race/stack_pick.h"
#include "server/store/history.h"

enum { RACE_NOTE_BYTES = 480 };

/* Who runs live, and who is looked up in the recordings for the debrief. */
static const char *const live_policies[RACE_LIVE] = {"agent", "rule"};
static const char *const all_policies[] = {"agent", "rule", "tuned", "ignore", "none", "solution"};
static const char *const mode_texts[RACE_MODE_COUNT] = {
#define X(name, text) [RACE_##name] = text,
        RACE_MODE_LIST(X)
#undef X
};

struct rival {
        struct lane *lane;
        struct ghost *ghost; /* NULL: recorded */
        uint64_t source_hash;
        bool is_past; /* of an earlier run, and still ending */
};

struct race {
        struct race_options o;
        char home[FILE_PATH_BYTES];
        struct loop_timer *look, *teller;
        struct room room;
        char run_id[LANE_NAME_BYTES], advice[16], note[RACE_NOTE_BYTES];
        bool diagnosed, autopilot, is_race, is_kept, changed;
        uint64_t source_hash; /* 0: not known */
        struct lane *you;
        struct rival rival[RACE_RIVALS_MAX];
        size_t rivals;
        struct regret *regret;
        struct shipped *shipped;
};

const char *race_mode_text(enum race_mode mode)
{
        return mode_texts[mode];
}

enum race_mode race_mode_parse(const char *text)
{
        int mode = 0;

        while (mode < RACE_MODE_COUNT && !str_eq(text, mode_texts[mode])) mode++;
        return (enum race_mode)mode;
}

/* Rivals that are no longer needed and have ended are let go. */
static void rivals_sweep(struct race *race)
{
        size_t kept = 0;

        for (size_t i = 0; i < race->rivals; i++) {
                struct rival *r = &race->rival[i];

                if (r->is_past && (!r->ghost || ghost_has_ended(r->ghost))) {
                        ghost_free(r->ghost);
                        lane_free(r->lane);
                        continue;
                }
                race->rival[kept++] = *r;
        }
        race->rivals = kept;
}

void race_interrupt(struct race *race, const char *why)
{
        for (size_t i = 0; i < race->rivals; i++)
                if (race->rival[i].ghost) ghost_interrupt(race->rival[i].ghost, why);
}

bool race_is_quiet(const struct race *race)
{
        for (size_t i = 0; i < race->rivals; i++)
                if (race->rival[i].ghost && !ghost_has_ended(race->rival[i].ghost)) return false;
        return true;
}

static void forget(struct race *race)
{
        race_interrupt(race, "another run has begun");
        for (size_t i = 0; i < race->rivals; i++) race->rival[i].is_past = true;
        rivals_sweep(race);
        lane_free(take(&race->you));
        regret_forget(race->regret);
        race->run_id[0] = race->note[0] = race->advice[0] = '\0';
        race->diagnosed = race->autopilot = race->is_race = race->is_kept = race->changed = false;
        race->source_hash = 0;
}

/* What is told */

static bool shows_others(const struct race *race)
{
        return lane_is_over(race->you) || race->autopilot || str_eq(race->advice, "live") || (str_eq(race->advice, "after") && race->diagnosed);
}

static struct json *divergences_json(const struct json *lanes, const struct json *yours)
{
        struct json *list = json_array();

        JSON_EACH(lane, lanes)
        {
                struct json *found;

                if (str_eq(json_get_str(lane, "source", ""), "you") || !json_is(json_get(lane, "items"), JSON_ARRAY)) continue;
                found = divergence_find(yours, json_get(lane, "items"));
                if (!found) continue;
                json_set_str(found, "with", json_get_str(lane, "who", ""));
                json_push(list, found);
        }
        return list;
}

/* 1 + those who did better, by the scalar that all share; runs that are not whole do not count. That scalar counts up to a run's end, so
 * whoever gave up early has none: the least would be lost by whoever leaves first. */
static struct json *place_json(const struct json *lanes, double yours)
{
        struct json *j = json_object();
        int place = 1, of = 1;

        JSON_EACH(lane, lanes)
        {
                const char *outcome = json_get_str(lane, "outcome", "");

                if (str_eq(json_get_str(lane, "source", ""), "you") || (!str_eq(outcome, "resolved") && !str_eq(outcome, "time_up"))) continue;
                of++;
                place += json_get_num(json_get(lane, "standing"), "utility", yours) > yours;
        }
        json_set_num(j, "place", place);
        json_set_num(j, "of", of);
        return j;
}

static bool has_policy(const struct json *lanes, const char *policy)
{
        JSON_EACH(lane, lanes)
                if (str_eq(json_get_str(lane, "policy", ""), policy)) return true;
        return false;
}

/* Of the home, else of what came with the installation. */
static enum err recorded_find(const struct race *race, const char *policy, struct lane **ret, struct err_note *reterr)
{
        char source[RECORDING_SOURCE_BYTES];
        enum err e = race_recorded(race->o.store, race->you, race->source_hash, policy, ret, reterr);

        recording_source(race->source_hash, source);
        if (!e && !*ret) e = shipped_find(race->shipped, race->you, source, policy, ret, reterr);
        if (!e && *ret) (*ret)->is_other_model = race->o.model && (*ret)->model[0] && !str_eq((*ret)->model, race->o.model);
        return e;
}

/* Everybody else who is known to have met this incident. A store that cannot be read costs only their lanes. */
static void push_recorded(const struct race *race, struct json *lanes)
{
        for (size_t i = 0; race->source_hash && i < ARRAY_COUNT(all_policies); i++) {
                AUTO(lane_free) struct lane *lane = NULL;
                struct err_note note;

                if (has_policy(lanes, all_policies[i])) continue;
                if (recorded_find(race, all_policies[i], &lane, &note) || !lane) continue;
                json_push(lanes, lane_json(lane, INT64_MAX, true));
        }
}

static void put_end(const struct race *race, struct json *j, struct json *lanes)
{
        const struct json *standing = race->you->standing;
        int64_t end_ms = json_get_int(standing, "at_ms", 0);
        struct json *regret;

        push_recorded(race, lanes);
        json_set(j, "divergence", divergences_json(lanes, race->you->items));
        regret = regret_json(race->regret, race->you->items, json_get_num(standing, "users", 0), end_ms);
        json_set(j, "regret", regret ? regret : json_null());
        json_set(j, "place", standing && lane_is_complete(race->you) ? place_json(lanes, json_get_num(standing, "utility", 0)) : json_null());
}

static struct json *comparison_json(const struct race *race, bool at_end)
{
        struct json *j = json_object(), *lanes = json_array();
        bool over = lane_is_over(race->you), shown = shows_others(race);
        int64_t at_ms = over ? INT64_MAX : json_get_int(race->you->standing, "at_ms", -1);

        json_set_str(j, "run", race->run_id);
        json_set_bool(j, "race", race->is_race);
        json_set_bool(j, "over", over);
        json_set_bool(j, "withheld", !shown);
        json_set_str(j, "note", race->note);
        json_push(lanes, lane_json(race->you, INT64_MAX, true));
        for (size_t i = 0; i < race->rivals; i++)
                if (!race->rival[i].is_past) json_push(lanes, lane_json(race->rival[i].lane, at_ms, shown));
        if (at_end) {
                put_end(race, j, lanes);
        } else {
                json_set_null(j, "divergence");
                json_set_null(j, "regret");
                json_set_null(j, "place");
        }
        json_set(j, "lanes", lanes);
        return j;
}

static void tell(struct race *race)
{
        AUTO(json_free) struct json *j = comparison_json(race, false);
        AUTO_BUF text;

        buf_init(&text, RACE_BYTES_MAX);
        race->changed = false;
        if (!json_print(j, &text)) race->o.tell(race->o.ctx, text.data);
}

static void tick(void *ctx)
{
        struct race *race = ctx;

        rivals_sweep(race);
        if (race->is_race && race->you && race->changed) tell(race);
}

static void look(void *ctx)
{
        struct race *race = ctx;

        room_look(&race->room);
}

bool race_comparison(struct race *race, const char *run_id, struct buf *out)
{
        AUTO(json_free) struct json *j = NULL;

        if (!race->you || !str_eq(run_id, race->run_id)) return false;
        j = comparison_json(race, lane_is_over(race->you));
        if (json_print(j, out) && !out->status) out->status = ERR_NOMEM;
        return true;
}

/* The comparison as it stood when everything of the learner's run was undone. Not being able to keep it ends nothing. */
static void keep(struct race *race)
{
        AUTO(json_free) struct json *j = comparison_json(race, true);
        struct err_note note;
        int64_t id = 0;
        AUTO_BUF text;

        race->is_kept = true;
        buf_init(&text, RACE_BYTES_MAX);
        if (race->run_id[0] != 'r' || str_parse_i64(race->run_id + 1, 1, INT64_MAX, &id) || json_print(j, &text)) return;
        if (history_comparison_put(race->o.store, id, text.data, &note)) str_cut(race->note, sizeof(race->note), note.text);
        if (race->is_race) tell(race);
}

/* What is heard */

static void hear_run(struct race *race, const struct json *run)
{
        const char *id = json_get_str(run, "id", ""), *state = json_get_str(run, "state", "");

        if (!str_eq(id, race->run_id)) {
                forget(race);
                if (lane_new(LANE_YOU, "learner", &race->you)) return;
                str_cut(race->run_id, sizeof(race->run_id), id);
        }
        str_cut(race->advice, sizeof(race->advice), json_get_str(run, "advice", ""));
        race->diagnosed = json_get_bool(run, "diagnosed", false);
        race->autopilot = json_get_bool(run, "autopilot", false);
        lane_hear(race->you, "run", run);
        if (str_eq(state, "ended") || str_eq(state, "debriefed")) race_interrupt(race, "stopped when your run ended");
        if (str_eq(state, "debriefed") && !race->is_kept) keep(race);
}

void race_hear(struct race *race, const char *type, const char *json)
{
        AUTO(json_free) struct json *data = NULL;
        bool run = str_eq(type, "run");

        if (!run && !str_eq(type, "standing") && !str_eq(type, "action")) return;
        if (json_parse(json, strlen(json), &data, NULL)) return;
        if (run) hear_run(race, data);
        if (!race->you) return;
        if (!run) lane_hear(race->you, type, data);
        race->changed = true;
}

void race_decided(struct race *race, const char *recommendation)
{
        AUTO(json_free) struct json *data = NULL;

        if (!race->you || json_parse(recommendation, strlen(recommendation), &data, NULL)) return;
        regret_hear(race->regret, data);
}

/* Rivals */

static void ghost_ended(void *ctx, struct ghost *ghost)
{
        struct race *race = ctx;

        race->changed = true;
        for (size_t i = 0; i < race->rivals; i++) {
                struct rival *r = &race->rival[i];
                struct err_note note;

                if (r->ghost != ghost || !lane_is_complete(r->lane)) continue;
                if (race_record(race->o.store, r->lane, r->source_hash, &note)) str_cut(race->note, sizeof(race->note), note.text);
        }
}

/* The learner's own, and those of the rivals. */
static bool stack_is_taken(const void *ctx, int number)
{
        const struct race *race = ctx;

        for (size_t i = 0; i < race->rivals; i++)
                if (race->rival[i].ghost && ghost_stack(race->rival[i].ghost) == number) return true;
        return number == race->o.stack;
}

static void note_add(struct race *race, const char *text)
{
        size_t used = strlen(race->note);

        (void)snprintf(race->note + used, sizeof(race->note) - used, "%s%s.", used ? " " : "", text);
}

static enum err rival_live(struct race *race, struct lane *lane, const struct buf *source, struct err_note *reterr)
{
        char folder[FILE_PATH_BYTES], file[FILE_PATH_BYTES], log[FILE_PATH_BYTES];
        struct ghost_options o = {.loop = race->o.loop,
                                  .file = file,
                                  .log = log,
                                  .stack = stack_pick(race->o.stack, race->o.stack_max, stack_is_taken, race, NULL),
                                  .seed = (uint64_t)race->you->seed,
                                  .fast = race->you->fast,
                                  .lane = lane,
                                  .on_end = ghost_ended,
                                  .ctx = race};
        struct rival *r = &race->rival[race->rivals];
        enum err e = path_format(folder, "%s/ghosts/%s", race->home, lane->policy);

        if (!e) e = path_format(file, "%s/%s.yaml", folder, race->you->scenario); /* a scenario's file has its name */
        if (!e) e = path_join(log, folder, "log");
        if (e) return err_note(reterr, e, "the path of --home is too long");
        if (!o.stack) return err_note(reterr, ERR_LIMIT, "there is no free stack number");
        e = dir_remove(folder, reterr);
        if (!e) e = dir_make(folder, 0700, reterr);
        if (!e) e = file_write_atomic(file, source->data, source->size_bytes, 0600, false, reterr);
        if (!e) e = ghost_new(&o, &r->ghost, reterr);
        return e;
}

/* One more lane beside the learner's: live if it may be, else recorded, else only a sentence why not. */
static void rival_add(struct race *race, const char *policy, bool live, const struct buf *source)
{
        struct rival *r = &race->rival[race->rivals];
        struct err_note note = {0};
        char text[160];

        if (race->rivals == RACE_RIVALS_MAX) return;
        *r = (struct rival){.source_hash = race->source_hash};
        if (live && !lane_new(LANE_LIVE, policy, &r->lane)) {
                if (!rival_live(race, r->lane, source, &note)) {
                        race->rivals++;
                        return;
                }
                lane_free(take(&r->lane));
                note_add(race, note.text);
        }
        if (recorded_find(race, policy, &r->lane, &note)) note_add(race, note.text);
        if (r->lane) {
                race->rivals++;
                return;
        }
        (void)snprintf(text, sizeof(text), "No run of '%s' through this incident is recorded yet", policy);
        note_add(race, text);
}

static int live_count(struct race *race, char reason[static ROOM_REASON_BYTES])
{
        struct room_now now;

        reason[0] = '\0';
        if (race->o.mode == RACE_ON) return RACE_LIVE;
        if (race->o.mode == RACE_OFF) {
                str_cut(reason, ROOM_REASON_BYTES, "this server runs no ghosts (--ghosts off)");
                return 0;
        }
        room_measure(&race->room, &now);
        return room_for(&now, RACE_LIVE, reason);
}

void race_begin(struct race *race, const char *source, size_t source_bytes, bool with_rivals)
{
        struct buf text = {.data = (char *)source, .size_bytes = source_bytes};
        char reason[ROOM_REASON_BYTES];
        int live;

        if (!race->you) return;
        race->source_hash = hash_fnv(HASH_FNV_START, source, source_bytes);
        race->is_race = with_rivals;
        if (!with_rivals) return;
        live = live_count(race, reason);
        if (reason[0]) note_add(race, reason);
        for (int i = 0; i < RACE_LIVE; i++) rival_add(race, live_policies[i], i < live, &text);
        tell(race);
}

struct json *race_room_json(struct race *race)
{
        struct json *j = json_object();
        char reason[ROOM_REASON_BYTES];
        struct room_now now;

        room_measure(&race->room, &now);
        json_set_str(j, "mode", race_mode_text(race->o.mode));
        json_set_num(j, "ghosts", live_count(race, reason));
        json_set_str(j, "reason", reason);
        json_set_num(j, "memory_available_bytes", (double)now.memory_bytes);
        json_set_num(j, "memory_needed_bytes", (double)(ROOM_RESERVE_BYTES + RACE_LIVE * ROOM_STACK_BYTES));
        json_set_num(j, "cores", now.cores);
        json_set(j, "cores_idle", now.idle_cores < 0 ? json_null() : json_number(now.idle_cores));
        json_set_num(j, "cores_needed", ROOM_RESERVE_CORES + RACE_LIVE * ROOM_STACK_CORES);
        return j;
}

enum err race_shipped_each(const struct race *race, const char *scenario, history_recording_fn fn, void *ctx)
{
        return shipped_each(race->shipped, scenario, fn, ctx);
}

/* Life */

enum err race_new(const struct race_options *options, struct race **ret, struct err_note *reterr)
{
        AUTO(race_free) struct race *race = mem_zalloc(1, sizeof(*race));
        enum err e;

        if (!race) return err_note(reterr, ERR_NOMEM, "out of memory");
        race->o = *options;
        e = str_copy(race->home, sizeof(race->home), options->home);
        if (e) return err_note(reterr, e, "the path of --home is too long");
        race->o.home = race->home;
        race->o.shipped = NULL; /* lent for this call */
        e = regret_new(&race->regret);
        if (!e) e = shipped_new(options->shipped, options->say, options->ctx, &race->shipped, reterr);
        if (!e) e = loop_timer_add(options->loop, RACE_LOOK_MS, RACE_LOOK_MS, look, race, &race->look);
        if (!e) e = loop_timer_add(options->loop, RACE_TELL_MS, RACE_TELL_MS, tick, race, &race->teller);
        if (e) return err_note(reterr, e, "the race cannot be prepared: %s", err_text(e));
        room_look(&race->room);
        *ret = take(&race);
        return ERR_OK;
}

void race_free(struct race *race)
{
        if (!race) return;
        loop_timer_remove(race->look);
        loop_timer_remove(race->teller);
        for (size_t i = 0; i < race->rivals; i++) {
                ghost_free(race->rival[i].ghost);
                lane_free(race->rival[i].lane);
        }
        lane_free(race->you);
        regret_free(race->regret);
        shipped_free(race->shipped);
        mem_free(race);
}
