/* Recordings that come with the installation: read as if anybody had written them, found only for exactly that incident, and never before the home's own. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/sys/loop.h"
#include "server/race/race.h"
#include "server/race/recording.h"
#include "server/race/shipped.h"
#include "server/race/track.h"

#define YAML "scenario: as written"
#define STANDING(at, lost)                                                                                                                 \
        "{\"id\":\"r1\",\"state\":\"running\",\"at_ms\":" at ",\"met\":0,\"criteria\":2,\"users\":50,\"user_minutes_lost\":" lost               \
        ",\"requests_lost\":1,\"requests_offered\":60,\"orders_lost\":0,\"revenue_lost_cents\":0,\"unmet_ms\":0,\"utility\":-1.5,\"changes\":0," \
        "\"restarts\":0,\"unnecessary_restarts\":0,\"clocks\":{\"alert_fired\":3996},\"score\":{\"total\":25.1,\"of\":{\"harm\":20}}}"

static char folder[64];
static char said[2048];

static void say(void *ctx, const char *text)
{
        (void)ctx;
        (void)snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", text);
}

static void put(const char *name, const char *text)
{
        char path[FILE_PATH_BYTES];

        assert_int_equal(path_join(path, folder, name), ERR_OK);
        assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, false, NULL), ERR_OK);
}

/* A file as the product ships them. */
static void recording(char *dst, size_t dst_bytes, const char *policy, const char *model, int seed, const char *fast)
{
        char source[RECORDING_SOURCE_BYTES];

        recording_source(hash_fnv_str(YAML), source);
        (void)snprintf(dst, dst_bytes,
                       "{\"recording\":1,\"source\":\"%s\",\"lane\":{\"who\":\"%s\",\"policy\":\"%s\",\"model\":\"%s\",\"source\":\"live\",\"recorded_ms\":1795900000000,"
                       "\"scenario\":\"pool\",\"seed\":%d,\"fast\":%s,\"assisted\":false,\"state\":\"debriefed\",\"outcome\":\"time_up\",\"reason\":\"late\",\"stopped\":\"\","
                       "\"standing\":" STANDING("10000", "9") ",\"items\":[{\"id\":\"a1\",\"at_ms\":7000,\"by\":\"agent\",\"kind\":\"load.shed\",\"on\":\"gateway\","
                       "\"args\":{\"admit_percent\":70},\"changed\":{},\"state\":\"applied\"}],"
                       "\"track\":[" STANDING("1000", "0.5") ",{\"at_ms\":6000,\"user_minutes_lost\":4}]}}",
                       source, policy, policy, model, seed, fast);
}

static int setup(void **state)
{
        (void)state;
        said[0] = '\0';
        (void)snprintf(folder, sizeof(folder), "/tmp/fd-shipped-XXXXXX");
        return mkdtemp(folder) ? 0 : 1;
}

static int teardown(void **state)
{
        (void)state;
        return dir_remove(folder, NULL) || alloc_live_count();
}

static struct lane *like(int64_t seed, bool fast)
{
        struct lane *lane = NULL;

        assert_int_equal(lane_new(LANE_YOU, "learner", &lane), ERR_OK);
        str_cut(lane->scenario, sizeof(lane->scenario), "pool");
        lane->seed = seed;
        lane->fast = fast;
        return lane;
}

static bool is_found(const struct shipped *s, const char *yaml, const char *policy, int64_t seed, bool fast)
{
        AUTO(lane_free) struct lane *you = like(seed, fast), *found = NULL;
        char source[RECORDING_SOURCE_BYTES];

        recording_source(hash_fnv_str(yaml), source);
        assert_int_equal(shipped_find(s, you, source, policy, &found, NULL), ERR_OK);
        if (found) assert_true(found->is_shipped && found->source == LANE_RECORDED && found->recorded_ms == 1795900000000);
        return found != NULL;
}

static void test_only_the_same_incident(void **state)
{
        AUTO(shipped_free) struct shipped *s = NULL;
        char text[4096];

        (void)state;
        recording(text, sizeof(text), "agent", "live-1", 7, "false");
        put("pool-agent.json", text);
        put("README.md", "no recording, and not looked at");
        assert_int_equal(shipped_new(folder, say, NULL, &s, NULL), ERR_OK);
        assert_string_equal(said, "");
        assert_true(is_found(s, YAML, "agent", 7, false));
        assert_false(is_found(s, YAML " otherwise", "agent", 7, false)); /* the scenario was edited */
        assert_false(is_found(s, YAML, "agent", 8, false));
        assert_false(is_found(s, YAML, "agent", 7, true));
        assert_false(is_found(s, YAML, "rule", 7, false));
        shipped_free(take(&s));
        assert_int_equal(shipped_new("/tmp/fd-there-is-no-such-folder", say, NULL, &s, NULL), ERR_OK);
        assert_false(is_found(s, YAML, "agent", 7, false));
        assert_string_equal(said, "");
}

/* Each row takes the good text and spoils one thing. */
static void test_what_is_no_recording(void **state)
{
        static const struct {
                const char *name, *from, *to, *says;
        } rows[] = {
                { "not JSON", "{\"recording\"", "[{\"recording\"", "" },
                { "version", "\"recording\":1", "\"recording\":2", "'/recording'" },
                { "fingerprint", "\"source\":\"", "\"source\":\"X", "'/source'" },
                { "policy", "\"policy\":\"agent\"", "\"policy\":\"wizard\"", "'/lane/policy' must be one of: agent, rule" },
                { "seed", "\"seed\":7", "\"seed\":-7", "'/lane/seed' must be at least 0" },
                { "pace", "\"fast\":false", "\"fast\":\"no\"", "'/lane/fast'" },
                { "day", "\"recorded_ms\":1795900000000", "\"recorded_ms\":1e300", "'/lane/recorded_ms'" },
                { "outcome", "\"outcome\":\"time_up\"", "\"outcome\":\"abandoned\"", "'/lane/outcome'" },
                { "standing", "\"requests_lost\":1", "\"requests_lost\":\"<b>\"", "'/lane/standing/requests_lost'" },
                { "standing not whole", "\"restarts\":0,", "", "'restarts' is missing" },
                { "item", "\"on\":\"gateway\"", "\"on\":{}", "'/lane/items/0/on'" },
                { "who did it", "\"by\":\"agent\"", "\"by\":\"scenario\"", "'/lane/items/0/by'" },
                { "track", "{\"at_ms\":6000,", "{\"at_ms\":null,", "'/lane/track/1/at_ms'" },
                { "member nobody knows", "\"seed\":7", "\"seed\":7,\"truth\":{}", "'/lane/truth'" },
        };
        char good[4096], bad[4200];

        (void)state;
        recording(good, sizeof(good), "agent", "live-1", 7, "false");
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(lane_free) struct lane *lane = NULL;
                char source[RECORDING_SOURCE_BYTES];
                const char *at = strstr(good, rows[i].from);
                struct err_note note = {0};

                if (!at) fail_msg("row '%s': its text is not there", rows[i].name);
                (void)snprintf(bad, sizeof(bad), "%.*s%s%s", (int)(at - good), good, rows[i].to, at + strlen(rows[i].from));
                if (!recording_read(bad, strlen(bad), source, &lane, &note)) fail_msg("row '%s' was taken", rows[i].name);
                if (!strstr(note.text, rows[i].says)) fail_msg("row '%s' says: %s", rows[i].name, note.text);
                assert_null(lane);
        }
}

static void test_bad_files_are_named(void **state)
{
        AUTO(shipped_free) struct shipped *s = NULL;
        static char large[RECORDING_BYTES_MAX + 2];
        char text[4096];

        (void)state;
        memset(large, ' ', sizeof(large) - 1);
        put("1-large.json", large);
        put("2-empty.json", "");
        put("3-deep.json", "{\"recording\":1,\"source\":\"0000000000000000\",\"lane\":[]}");
        recording(text, sizeof(text), "rule", "live-1", 7, "false");
        put("4-good.json", text);
        assert_int_equal(shipped_new(folder, say, NULL, &s, NULL), ERR_OK);
        assert_true(is_found(s, YAML, "rule", 7, false)); /* the others stopped nothing */
        assert_non_null(strstr(said, "1-large.json"));
        assert_non_null(strstr(said, "2-empty.json"));
        assert_non_null(strstr(said, "3-deep.json' is no recording: '/lane' must be"));
        assert_null(strstr(said, "4-good.json"));
        put("4-good.json", "{}"); /* spoilt while the server runs */
        {
                AUTO(lane_free) struct lane *you = like(7, false), *found = NULL;
                char source[RECORDING_SOURCE_BYTES];
                struct err_note note = {0};

                recording_source(hash_fnv_str(YAML), source);
                assert_int_equal(shipped_find(s, you, source, "rule", &found, &note), ERR_PARSE);
                assert_null(found);
                assert_non_null(strstr(note.text, "4-good.json"));
        }
}

static void test_track_loses_nothing(void **state)
{
        static const char whole[] = "[" STANDING("1000", "0.5") "," STANDING("6000", "0.5") ",{\"at_ms\":9000,\"score\":null},{\"at_ms\":9500,\"score\":{\"of\":{}}},7]";
        AUTO(json_free) struct json *track = NULL, *thin = NULL, *again = NULL;

        (void)state;
        assert_int_equal(json_parse(whole, strlen(whole), &track, NULL), ERR_OK);
        thin = track_thin(track);
        assert_int_equal(json_count(json_path(thin, "/1")), 1); /* only the time has changed */
        again = track_whole(thin);
        assert_true(json_equal(json_path(again, "/0"), json_path(track, "/0")));
        assert_true(json_equal(json_path(again, "/1"), json_path(track, "/1")));
        assert_true(json_is(json_path(again, "/2/score"), JSON_NULL));
        assert_true(json_is(json_path(again, "/2/clocks"), JSON_NULL)); /* gone */
        assert_true(json_is(json_path(again, "/3/score/of"), JSON_OBJECT));
        assert_int_equal(json_count(again), 5);
}

static char told[65536];

static void tell(void *ctx, const char *json)
{
        (void)ctx;
        str_cut(told, sizeof(told), json);
}

/* A server without ghosts, on which live-2 advises and which came with one recording. The caller frees all three. */
static void race_make(const char *shipped, struct loop **ret_loop, struct store **ret_store, struct race **ret)
{
        char path[FILE_PATH_BYTES];

        put("pool-agent.json", shipped);
        assert_int_equal(path_join(path, folder, "firedrill.db"), ERR_OK);
        assert_int_equal(loop_new(ret_loop, NULL), ERR_OK);
        assert_int_equal(store_open(path, ret_store, NULL), ERR_OK);
        assert_int_equal(race_new(&(struct race_options){ .loop = *ret_loop, .store = *ret_store, .home = folder, .stack = 1, .stack_max = 2, .mode = RACE_OFF,
                                                          .shipped = folder, .model = "live-2", .tell = tell, .say = say },
                                  ret, NULL),
                         ERR_OK);
}

/* A learner's race without room: the lane that stands in for the agent, or NULL; lent by *ret_told. */
static const struct json *stand_in(struct race *race, int run, int seed, struct json **ret_told)
{
        char text[200];

        (void)snprintf(text, sizeof(text), "{\"id\":\"r%d\",\"scenario\":\"pool\",\"state\":\"preparing\",\"seed\":%d,\"fast\":false}", run, seed);
        race_hear(race, "run", text);
        race_begin(race, YAML, strlen(YAML), true);
        assert_int_equal(json_parse(told, strlen(told), ret_told, NULL), ERR_OK);
        JSON_EACH(lane, json_get(*ret_told, "lanes"))
                if (str_eq(json_get_str(lane, "policy", ""), "agent")) return lane;
        return NULL;
}

static void test_in_a_race_without_room(void **state)
{
        AUTO(loop_free) struct loop *loop = NULL;
        AUTO(store_free) struct store *store = NULL;
        AUTO(race_free) struct race *race = NULL;
        AUTO(json_free) struct json *first = NULL, *other = NULL, *own = NULL;
        AUTO(lane_free) struct lane *mine = NULL;
        const struct json *lane;
        char text[4096], source[RECORDING_SOURCE_BYTES];

        (void)state;
        recording(text, sizeof(text), "agent", "live-1", 7, "false");
        race_make(text, &loop, &store, &race);
        lane = stand_in(race, 1, 7, &first);
        assert_non_null(lane);
        assert_string_equal(json_get_str(lane, "source", ""), "recorded");
        assert_string_equal(json_get_str(lane, "model", ""), "live-1");
        assert_true(json_get_bool(lane, "shipped", false));
        assert_true(json_get_bool(lane, "other_model", false)); /* live-2 advises here */
        assert_null(stand_in(race, 2, 8, &other));
        assert_non_null(strstr(json_get_str(other, "note", ""), "No run of 'agent' through this incident is recorded yet"));

        /* one of the home's own goes before */
        assert_int_equal(recording_read(text, strlen(text), source, &mine, NULL), ERR_OK);
        str_cut(mine->model, sizeof(mine->model), "live-2");
        assert_int_equal(race_record(store, mine, hash_fnv_str(YAML), NULL), ERR_OK);
        lane = stand_in(race, 3, 7, &own);
        assert_non_null(lane);
        assert_false(json_get_bool(lane, "shipped", true));
        assert_false(json_get_bool(lane, "other_model", true));
        assert_string_equal(json_get_str(lane, "model", ""), "live-2");
        assert_string_equal(said, "");
}

/* Who left has no place among those who went to the end, however little had been lost by then. */
static void test_place_of_the_learner(void **state)
{
        static const struct {
                const char *outcome;
                int utility, place; /* the recording's is -1.5; place 0: none */
        } rows[] = { { "resolved", 1, 1 }, { "time_up", -9, 2 }, { "abandoned", 0, 0 }, { "failed", 0, 0 } };
        AUTO(loop_free) struct loop *loop = NULL;
        AUTO(store_free) struct store *store = NULL;
        AUTO(race_free) struct race *race = NULL;
        char text[4096];

        (void)state;
        recording(text, sizeof(text), "agent", "live-1", 7, "false");
        race_make(text, &loop, &store, &race);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *begun = NULL;
                AUTO(json_free) struct json *end = NULL;
                AUTO_BUF out = { 0 };
                char run[200], id[8];

                (void)snprintf(id, sizeof(id), "r%zu", i + 1);
                assert_non_null(stand_in(race, (int)i + 1, 7, &begun));
                (void)snprintf(run, sizeof(run), "{\"id\":\"%s\",\"state\":\"running\",\"at_ms\":9000,\"utility\":%d}", id, rows[i].utility);
                race_hear(race, "standing", run);
                (void)snprintf(run, sizeof(run), "{\"id\":\"%s\",\"scenario\":\"pool\",\"state\":\"ended\",\"outcome\":\"%s\",\"seed\":7,\"fast\":false}", id, rows[i].outcome);
                race_hear(race, "run", run);
                buf_init(&out, RACE_BYTES_MAX);
                assert_true(race_comparison(race, id, &out));
                assert_int_equal(json_parse(out.data, out.size_bytes, &end, NULL), ERR_OK);
                ROW(rows[i].outcome, json_get_int(json_get(end, "place"), "place", 0) == rows[i].place);
        }
}

/* What the store kept before tracks were thin is written as they are now, and read again. */
static enum err export_one(void *ctx, const struct history_recording *r)
{
        struct buf *out = ctx;

        return race_recording_export(r, out);
}

static void test_export_is_a_shipped_file(void **state)
{
        AUTO(store_free) struct store *store = NULL;
        AUTO(lane_free) struct lane *lane = NULL;
        AUTO_BUF out;
        char source[RECORDING_SOURCE_BYTES], path[FILE_PATH_BYTES];
        static const char document[] = "{\"policy\":\"rule\",\"model\":\"live-1\",\"source\":\"live\",\"scenario\":\"pool\",\"seed\":7,\"fast\":false,\"assisted\":false,"
                                       "\"state\":\"debriefed\",\"outcome\":\"time_up\",\"reason\":\"late\",\"recorded_ms\":5,\"standing\":" STANDING("9000", "4") ",\"items\":[],\"track\":["
                                       STANDING("1000", "1") "," STANDING("6000", "2") "]}";

        (void)state;
        buf_init(&out, RECORDING_BYTES_MAX);
        assert_int_equal(path_join(path, folder, "firedrill.db"), ERR_OK);
        assert_int_equal(store_open(path, &store, NULL), ERR_OK);
        assert_int_equal(history_recording_put(store,
                                               &(struct history_recording){ .scenario = "pool", .source = "0123456789abcdef", .policy = "rule", .model = "live-1",
                                                                            .outcome = "time_up", .document = document, .seed = 7, .recorded_ms = 5 },
                                               NULL),
                         ERR_OK);
        assert_int_equal(history_recording_each(store, "pool", 9, export_one, &out, NULL), ERR_OK);
        assert_null(strstr(out.data, "\n"));
        assert_int_equal(recording_read(out.data, out.size_bytes, source, &lane, NULL), ERR_OK);
        assert_string_equal(source, "0123456789abcdef");
        assert_int_equal(lane->recorded_ms, 5);
        assert_int_equal(json_count(lane->track), 2);
        assert_int_equal(json_get_int(json_path(lane->track, "/1"), "criteria", 0), 2); /* as in the first */
        assert_int_equal(json_get_int(json_path(lane->track, "/1"), "user_minutes_lost", 0), 2);
}

static enum err count_one(void *ctx, const struct history_recording *r)
{
        (*(size_t *)ctx)++;
        assert_true(r->recorded_ms > 0 && r->model[0] && !r->fast);
        return ERR_OK;
}

/* The files of this repository, by the server's own reader. */
static void test_those_that_ship(void **state)
{
        AUTO(shipped_free) struct shipped *s = NULL;
        char share[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        size_t count = 0;

        (void)state;
        assert_int_equal(path_share(share, NULL), ERR_OK);
        assert_int_equal(path_join(path, share, "models/recordings"), ERR_OK);
        assert_int_equal(shipped_new(path, say, NULL, &s, NULL), ERR_OK);
        assert_string_equal(said, "");
        assert_int_equal(shipped_each(s, "worker-pool-saturation", count_one, &count), ERR_OK);
        assert_int_equal(count, 2); /* agent and rule */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_only_the_same_incident, setup, teardown),
                cmocka_unit_test_setup_teardown(test_what_is_no_recording, setup, teardown),
                cmocka_unit_test_setup_teardown(test_bad_files_are_named, setup, teardown),
                cmocka_unit_test_setup_teardown(test_track_loses_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(test_in_a_race_without_room, setup, teardown),
                cmocka_unit_test_setup_teardown(test_place_of_the_learner, setup, teardown),
                cmocka_unit_test_setup_teardown(test_export_is_a_shipped_file, setup, teardown),
                cmocka_unit_test_setup_teardown(test_those_that_ship, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
