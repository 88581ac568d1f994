/* What sets players side by side: lanes, divergence, regret, room. Expected values by hand from the headers' sentences. */
#include "tests/unit/unit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/race/divergence.h"
#include "server/race/lane.h"
#include "server/race/regret.h"
#include "server/race/room.h"

static struct json *parsed(const char *text)
{
        struct json *j = NULL;

        if (json_parse(text, strlen(text), &j, NULL)) fail_msg("not JSON: %s", text);
        return j;
}

static void hear(struct lane *lane, const char *type, const char *text)
{
        AUTO(json_free) struct json *j = parsed(text);

        lane_hear(lane, type, j);
}

static struct lane *played(const char *policy)
{
        struct lane *lane = NULL;

        assert_int_equal(lane_new(LANE_LIVE, policy, &lane), ERR_OK);
        hear(lane, "run", "{\"id\":\"r1\",\"scenario\":\"pool\",\"state\":\"running\",\"seed\":7,\"fast\":true,\"onset_ms\":1000}");
        hear(lane, "recommendation", "{\"model\":\"default-1\"}");
        for (int at_ms = 0; at_ms <= 20000; at_ms += 1000) {
                char text[96];

                (void)snprintf(text, sizeof text, "{\"at_ms\":%d,\"utility\":%d}", at_ms, at_ms / 1000);
                hear(lane, "standing", text);
        }
        hear(lane, "action", "{\"id\":\"a1\",\"at_ms\":4000,\"by\":\"agent\",\"kind\":\"process.restart\",\"on\":\"api\",\"args\":{},\"state\":\"pending\"}");
        hear(lane, "action", "{\"id\":\"a2\",\"at_ms\":12000,\"by\":\"agent\",\"kind\":\"load.shed\",\"on\":\"gateway\",\"args\":{\"admit_percent\":70},\"state\":\"applied\"}");
        hear(lane, "action", "{\"id\":\"a1\",\"at_ms\":4000,\"by\":\"agent\",\"kind\":\"process.restart\",\"on\":\"api\",\"args\":{},\"state\":\"applied\"}");
        hear(lane, "action", "{\"id\":\"a3\",\"at_ms\":13000,\"by\":\"scenario\",\"kind\":\"config.patch\",\"on\":\"api\",\"state\":\"applied\"}");
        return lane;
}

static void test_lane_folds(void **state)
{
        AUTO(lane_free) struct lane *lane = played("agent");
        AUTO(json_free) struct json *j = NULL;

        (void)state;
        assert_false(lane_is_over(lane));
        j = lane_json(lane, INT64_MAX, true);
        assert_string_equal(json_get_str(j, "who", ""), "agent");
        assert_string_equal(json_get_str(j, "model", ""), "default-1");
        assert_string_equal(json_get_str(j, "source", ""), "live");
        assert_int_equal(json_get_int(json_get(j, "standing"), "at_ms", 0), 20000);
        assert_int_equal(json_count(json_get(j, "items")), 2); /* the scenario's own is no change of a player */
        assert_string_equal(json_get_str(json_path(j, "/items/0"), "state", ""), "applied");
        json_free(j);
        j = lane_json(lane, INT64_MAX, false);
        assert_true(json_is(json_get(j, "items"), JSON_NULL));
        assert_false(lane_is_complete(lane));
        hear(lane, "run", "{\"id\":\"r1\",\"scenario\":\"pool\",\"state\":\"ended\",\"outcome\":\"abandoned\"}");
        assert_true(lane_is_over(lane) && !lane_is_complete(lane));
        hear(lane, "run", "{\"id\":\"r1\",\"scenario\":\"pool\",\"state\":\"ended\",\"outcome\":\"time_up\"}");
        assert_true(lane_is_complete(lane));
}

static void test_recording_beside_a_clock(void **state)
{
        AUTO(lane_free) struct lane *lane = played("rule"), *again = NULL;
        AUTO(json_free) struct json *document = NULL, *early = NULL, *late = NULL;

        (void)state;
        hear(lane, "run", "{\"id\":\"r1\",\"scenario\":\"pool\",\"state\":\"debriefed\",\"outcome\":\"resolved\",\"seed\":7,\"fast\":true}");
        document = lane_recording_json(lane);
        json_set_num(document, "recorded_ms", 5e11);
        assert_int_equal(json_count(json_get(document, "track")), 5); /* 0, 5, 10, 15, 20 s */
        assert_int_equal(lane_read(document, &again), ERR_OK);
        early = lane_json(again, 11000, true);
        assert_string_equal(json_get_str(early, "source", ""), "recorded");
        assert_int_equal(json_get_int(early, "seed", 0), 7);
        assert_int_equal(json_get_int(json_get(early, "standing"), "at_ms", 0), 10000);
        assert_int_equal(json_count(json_get(early, "items")), 1); /* what it did at 12 s is still to come */
        assert_true(json_is(json_get(early, "outcome"), JSON_NULL));
        late = lane_json(again, 21000, true);
        assert_string_equal(json_get_str(late, "outcome", ""), "resolved");
        assert_int_equal(json_count(json_get(late, "items")), 2);
}

static void test_recording_that_is_none(void **state)
{
        static const char *const texts[] = { "{}", "[]", "{\"standing\":null,\"items\":[]}", "{\"standing\":{},\"items\":{}}" };
        struct lane *lane = NULL;

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
                AUTO(json_free) struct json *j = parsed(texts[i]);

                assert_int_equal(lane_read(j, &lane), ERR_PARSE);
                assert_null(lane);
        }
}

static void test_lane_limits(void **state)
{
        AUTO(lane_free) struct lane *lane = NULL;

        (void)state;
        assert_int_equal(lane_new(LANE_LIVE, "agent", &lane), ERR_OK);
        for (int i = 0; i < LANE_ITEMS_MAX + 9; i++) {
                char text[96];

                (void)snprintf(text, sizeof text, "{\"id\":\"a%d\",\"at_ms\":%d,\"by\":\"agent\",\"kind\":\"process.kill\",\"on\":\"api\"}", i, i);
                hear(lane, "action", text);
        }
        assert_int_equal(json_count(lane->items), LANE_ITEMS_MAX);
        for (int i = 0; i < LANE_TRACK_MAX + 9; i++) {
                char text[64];

                (void)snprintf(text, sizeof text, "{\"at_ms\":%d}", i * LANE_TRACK_MS);
                hear(lane, "standing", text);
        }
        assert_int_equal(json_count(lane->track), LANE_TRACK_MAX);
}

#define ITEM(at, kind, on) "{\"id\":\"a1\",\"at_ms\":" at ",\"kind\":\"" kind "\",\"on\":\"" on "\",\"args\":{},\"state\":\"applied\"}"

static void test_divergence(void **state)
{
        static const struct {
                const char *you, *they, *kind;
                int at_ms;
        } rows[] = {
                { "[]", "[]", NULL, 0 },
                { "[" ITEM("5000", "process.restart", "api") "]", "[" ITEM("9000", "process.restart", "api") "]", NULL, 0 },
                { "[" ITEM("5000", "process.restart", "api") "]", "[" ITEM("36000", "process.restart", "api") "]", "timing", 5000 },
                { "[]", "[" ITEM("9000", "process.restart", "api") "]", "only_they", 9000 },
                { "[" ITEM("7000", "load.shed", "") "]", "[]", "only_you", 7000 },
                { "[" ITEM("5000", "process.restart", "api") "," ITEM("7000", "process.kill", "api") "]",
                  "[" ITEM("5000", "process.restart", "api") "," ITEM("6000", "process.restart", "worker") "]", "different", 6000 },
                /* what was refused is no change */
                { "[{\"at_ms\":1,\"kind\":\"process.kill\",\"on\":\"api\",\"state\":\"failed\"}]", "[]", NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *you = parsed(rows[i].you), *they = parsed(rows[i].they), *found = divergence_find(you, they);

                if (!rows[i].kind) {
                        if (found) fail_msg("row %zu: a difference where there is none", i);
                        continue;
                }
                if (!found) fail_msg("row %zu: no difference", i);
                assert_string_equal(json_get_str(found, "kind", ""), rows[i].kind);
                assert_int_equal(json_get_int(found, "at_ms", 0), rows[i].at_ms);
        }
}

static void decide(struct regret *r, int at_ms, const char *target, double ignore, double delay, double soft, const char *blocked, bool unsure)
{
        char text[800];
        AUTO(json_free) struct json *j = NULL;

        (void)snprintf(text, sizeof text,
                       "{\"at_ms\":%d,\"target\":\"%s\",\"reason\":\"because\",\"out_of_calibration\":%s,\"q\":["
                       "{\"action\":\"ignore\",\"value\":%f},{\"action\":\"delay\",\"value\":%f},{\"action\":\"reduce-load\",\"value\":-9},"
                       "{\"action\":\"soft-restart\",\"value\":%f%s},{\"action\":\"hard-restart\",\"value\":-9}]}",
                       at_ms, target, unsure ? "true" : "false", ignore, delay, soft, blocked);
        j = parsed(text);
        regret_hear(r, j);
}

static void test_regret(void **state)
{
        AUTO(regret_free) struct regret *r = NULL;
        AUTO(json_free) struct json *items = parsed("[" ITEM("12000", "process.restart", "api") "," ITEM("13000", "config.patch", "api") "," ITEM("16000", "process.kill", "worker") "]"), *j = NULL;

        (void)state;
        assert_int_equal(regret_new(&r), ERR_OK);
        assert_null(regret_json(r, items, 50, 20000)); /* nothing was decided */
        decide(r, 0, "api", 1.0, 1.5, 3.5, "", false);                        /* waiting costs 2 */
        decide(r, 5000, "api", 1.0, 0.5, 2.0, "", true);                      /* waiting costs 1 */
        decide(r, 10000, "api", 2.0, 0.0, 1.4, "", false);                    /* the restart costs 0.6 */
        decide(r, 15000, "api", 1.0, 0.0, 9.0, ",\"blocked_by\":\"cooldown\"", false); /* what was not allowed is no better way */
        j = regret_json(r, items, 48, 20000);
        /* 48 users for 5 s are 4 user-minutes; 3.6 in all */
        assert_true(fabs(json_get_num(j, "unit_user_minutes", 0) - 4) < 1e-9);
        assert_true(fabs(json_get_num(j, "user_minutes", 0) - 14.4) < 1e-9);
        assert_int_equal(json_get_int(j, "steps", 0), 4);
        assert_int_equal(json_get_int(j, "steps_in_calibration", 0), 3);
        assert_int_equal(json_count(json_get(j, "items")), 3);
        /* the first step: delay was the better way to do nothing; the second: ignore was; so they are two stretches */
        assert_string_equal(json_get_str(json_path(j, "/items/0"), "did", ""), "delay");
        assert_string_equal(json_get_str(json_path(j, "/items/0"), "better", ""), "soft-restart");
        assert_true(fabs(json_get_num(json_path(j, "/items/0"), "user_minutes", 0) - 8) < 1e-9);
        assert_int_equal(json_get_int(json_path(j, "/items/0"), "to_ms", 0), 5000);
        assert_true(json_get_bool(json_path(j, "/items/1"), "out_of_calibration", false));
        assert_string_equal(json_get_str(json_path(j, "/items/2"), "did", ""), "soft-restart");
        assert_string_equal(json_get_str(json_path(j, "/items/2"), "better", ""), "ignore");
        assert_int_equal(json_count(json_get(j, "unjudged")), 2); /* the configuration, and the restart of another service */
}

static void test_regret_of_stretches(void **state)
{
        AUTO(regret_free) struct regret *r = NULL;
        AUTO(json_free) struct json *items = parsed("[]"), *j = NULL;

        (void)state;
        assert_int_equal(regret_new(&r), ERR_OK);
        for (int i = 0; i < REGRET_STEPS_MAX + 9; i++) decide(r, i * 5000, i < 6 ? "api" : "worker", 1, 0, i < 6 ? 1.5 : 1, "", false);
        j = regret_json(r, items, 60, REGRET_STEPS_MAX * 5000);
        assert_int_equal(json_get_int(j, "steps", 0), REGRET_STEPS_MAX);
        assert_int_equal(json_count(json_get(j, "items")), 1);
        assert_int_equal(json_get_int(json_path(j, "/items/0"), "steps", 0), 6);
        assert_int_equal(json_get_int(json_path(j, "/items/0"), "to_ms", 0), 30000);
        assert_true(fabs(json_get_num(j, "user_minutes", 0) - 15) < 1e-9); /* 6 x 0.5 x 5 user-minutes */
}

static void test_room(void **state)
{
        const uint64_t one = ROOM_RESERVE_BYTES + ROOM_STACK_BYTES, two = one + ROOM_STACK_BYTES;
        const struct {
                struct room_now now;
                int fits;
                const char *says;
        } rows[] = {
                { { .memory_bytes = two, .cores = 4, .idle_cores = 3 }, 2, "" },
                { { .memory_bytes = two - 1, .cores = 4, .idle_cores = 3 }, 1, "free memory" },
                { { .memory_bytes = one - 1, .cores = 4, .idle_cores = 3 }, 0, "free memory" },
                { { .memory_bytes = two, .cores = 2, .idle_cores = ROOM_RESERVE_CORES + ROOM_STACK_CORES }, 1, "idle cores" },
                { { .memory_bytes = two, .cores = 2, .idle_cores = 0.1 }, 0, "idle cores" },
                { { .memory_bytes = two, .cores = 2, .idle_cores = -1 }, 0, "not been measured" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                char reason[ROOM_REASON_BYTES] = "poison";

                assert_int_equal(room_for(&rows[i].now, 2, reason), rows[i].fits);
                if (!strstr(reason, rows[i].says) || (!*rows[i].says && *reason)) fail_msg("row %zu says '%s'", i, reason);
        }
}

static int teardown(void **state)
{
        (void)state;
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lane_folds),  cmocka_unit_test(test_recording_beside_a_clock), cmocka_unit_test(test_recording_that_is_none),
                cmocka_unit_test(test_lane_limits), cmocka_unit_test(test_divergence),               cmocka_unit_test(test_regret),
                cmocka_unit_test(test_room),        cmocka_unit_test(test_regret_of_stretches),
        };

        return cmocka_run_group_tests(tests, NULL, teardown);
}
