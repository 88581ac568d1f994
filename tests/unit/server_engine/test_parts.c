/* The small parts: targets, PromQL, the topology, the fault library, evidence, likeness. */
#include "fixture.h"

#include <math.h>

#include "common/text/json.h"
#include "common/text/schema.h"
#include "server/engine/fault.h"
#include "server/engine/promql.h"
#include "server/engine/run_internal.h"
#include "server/engine/target.h"

static struct fixture fixture;

static void test_targets(void **state)
{
        static const struct {
                const char *text;
                bool good;
                enum scenario_op op;
                double threshold;
        } rows[] = {
                { ">= 0.98", true, SCENARIO_OP_GE, 0.98 }, { "<400ms", true, SCENARIO_OP_LT, 0.4 }, { "< 1.5 s", true, SCENARIO_OP_LT, 1.5 },
                { ">= 98 %", true, SCENARIO_OP_GE, 0.98 }, { "  == 0", true, SCENARIO_OP_EQ, 0 }, { "!= -1", true, SCENARIO_OP_NE, -1 },
                { "<= 1e3", true, SCENARIO_OP_LE, 1000 }, { "> 2m", true, SCENARIO_OP_GT, 120 },
                { "0.98", false, 0, 0 }, { "=> 1", false, 0, 0 }, { "> ", false, 0, 0 }, { "> one", false, 0, 0 }, { "", false, 0, 0 }, { "> 1 2", false, 0, 0 },
                { "< 1.5 x baseline", true, SCENARIO_OP_LT, 1.5 }, { ">= 90 % of baseline", true, SCENARIO_OP_GE, 0.9 }, { "<2x baseline", true, SCENARIO_OP_LT, 2 },
                { "< baseline", false, 0, 0 }, { "< x baseline", false, 0, 0 }, { "< 400ms of baseline", false, 0, 0 }, { "< -1 x baseline", false, 0, 0 },
                { "> inf", false, 0, 0 }, { "> 5 minutes", false, 0, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct target t = { SCENARIO_OP_COUNT, 77, false };

                ROW(rows[i].text, (target_parse(rows[i].text, &t) == ERR_OK) == rows[i].good);
                ROW(rows[i].text, rows[i].good || (t.op == SCENARIO_OP_COUNT && t.threshold == 77));
                ROW(rows[i].text, !rows[i].good || (t.op == rows[i].op && fabs(t.threshold - rows[i].threshold) < 1e-9));
                ROW(rows[i].text, !rows[i].good || t.of_baseline == (strstr(rows[i].text, "baseline") != NULL));
        }
}

static void test_splits(void **state)
{
        static const struct {
                const char *text, *expr;
                double threshold;
        } rows[] = {
                { "fd:offered_rps < 36", "fd:offered_rps", 36 },
                { "sum(x > 3) by (a) >= 2", "sum(x > 3) by (a)", 2 },
                { "x{a=\"b<c\"} > 1", "x{a=\"b<c\"}", 1 },
                { "a > 1 > 2", "a > 1", 2 },
                { "x", NULL, 0 }, { "< 3", NULL, 0 }, { "sum(x < 3)", NULL, 0 }, { "x < y", NULL, 0 }, { "", NULL, 0 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct target t;
                size_t size;
                enum err e = target_split(rows[i].text, &size, &t);

                ROW(rows[i].text, (e == ERR_OK) == (rows[i].expr != NULL));
                if (e) continue;
                ROW(rows[i].text, size == strlen(rows[i].expr) && strncmp(rows[i].text, rows[i].expr, size) == 0);
                ROW(rows[i].text, t.threshold == rows[i].threshold);
        }
}

static void collect(void *ctx, const char *name)
{
        buf_printf(ctx, "%s ", name);
}

static void test_promql(void **state)
{
        static const struct {
                const char *text;
                bool good;
                const char *metrics;
        } rows[] = {
                { "up", true, "up " },
                { "sum by (service) (rate(http_requests_total{code=~\"5..\"}[10s]))", true, "http_requests_total " },
                { "sum(rate(a_total[5m])) by (x) / on (y) group_left (z) sum(b)", true, "a_total b " },
                { "fd:user_success:ratio10s offset 5m > bool 0.5", true, "fd:user_success:ratio10s " },
                { "histogram_quantile(0.95, sum by (le) (rate(h_bucket[10s])))", true, "h_bucket " },
                { "a and b or c unless d", true, "a b c d " },
                { "label_replace(up, \"a\", \"$1\", \"b\", \"(.*)\")", true, "up " },
                { "1e3 + 0x1F + Inf", true, "" },
                { "topk(3, sum without (a) (m))", true, "m " },
                { "up{job='x'", false, "" }, { "up)", false, "" }, { "summ(up)", false, "" }, { "\"open", false, "" }, { "   ", false, "" }, { "(up]", false, "" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct err_note note = { 0 };
                AUTO_BUF metrics;

                buf_init(&metrics, 4096);
                ROW(rows[i].text, (promql_check(rows[i].text, &note) == ERR_OK) == rows[i].good);
                ROW(rows[i].text, rows[i].good || note.text[0]);
                if (!rows[i].good) continue;
                promql_metrics(rows[i].text, collect, &metrics);
                if (strcmp(metrics.data, rows[i].metrics) != 0) fail_msg("%s: %s", rows[i].text, metrics.data);
        }
        assert_true(promql_uses("rate(job_age_seconds_bucket[10s])", "job_age_seconds"));
        assert_false(promql_uses("rate(job_age_seconds_total[10s])", "job_age_seconds"));
}

/* gateway - api - postgres (db is its adapter) - worker - payments; everybody calls config and logproc, which joins nobody. */
static void test_topology(void **state)
{
        static const struct {
                const char *a, *b;
                int distance;
        } rows[] = {
                { "api", "api", 0 }, { "gateway", "api", 1 }, { "api", "gateway", 1 }, { "db", "postgres", 0 }, { "api", "db", 1 }, { "gateway", "postgres", 2 },
                { "worker", "gateway", 3 }, { "api", "payments", 3 }, { "auth", "api", 2 }, { "config", "api", 1 }, { "payments", "config", 1 },
                { "api", "nowhere", -1 }, { "none", "api", -1 },
        };
        const struct scenario_world *w = &fixture.stack.world;

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
                if (world_distance(w, rows[i].a, rows[i].b) != rows[i].distance)
                        fail_msg("%s - %s: %d", rows[i].a, rows[i].b, world_distance(w, rows[i].a, rows[i].b));
        assert_true(world_same(w, "redis", "cache"));
        assert_false(world_same(w, "redis", "postgres"));
}

static void test_fault_bodies(void **state)
{
        static const struct {
                const char *kind, *args, *body;
        } rows[] = {
                { "config.set", "{\"a\":1,\"b\":\"x\"}", "{\"a\":1,\"b\":\"x\"}" },
                { "load.burst", "{\"rps\":200}", "{\"rps\":200}" },
                { "load.wave", "{\"rps\":30,\"amplitude\":10,\"period_s\":20}", "{\"profile\":\"wave\",\"rps\":30,\"wave_rps\":10,\"wave_s\":20}" },
                { "load.shed", "{\"admit_percent\":60}", "{\"admission_percent\":60}" },
                { "db.drop_index", "{\"index\":\"orders_index\"}", "{\"orders_index\":false}" },
                { "db.bad_plan", "{}", "{\"index_scans\":false}" },
                { "db.lock", "{\"table\":\"orders\"}", "{\"lock_table\":\"orders\"}" },
                { "jwt.ttl", "{\"seconds\":5}", "{\"jwt_ttl_s\":5}" },
                { "net.latency", "{\"ms\":50,\"direction\":\"up\"}", "{\"ms\":50,\"direction\":\"up\"}" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *args = NULL, *want = NULL, *body = NULL;

                assert_int_equal(json_parse(rows[i].args, strlen(rows[i].args), &args, NULL), ERR_OK);
                assert_int_equal(json_parse(rows[i].body, strlen(rows[i].body), &want, NULL), ERR_OK);
                body = fault_body(fault_find(rows[i].kind), args);
                ROW(rows[i].kind, json_equal(body, want));
        }
}

/* Every row of the library is whole: a schema of our subset, an undo that exists, a use. */
static void test_fault_table(void **state)
{
        (void)state;
        for (size_t i = 0; i < fault_count(); i++) {
                const struct fault_kind *kind = fault_at(i);
                AUTO(json_free) struct json *schema = NULL;
                AUTO_BUF text;

                buf_init(&text, 1 << 16);
                fault_schema_write(kind, &text);
                ROW(kind->name, json_parse(text.data, text.size_bytes, &schema, NULL) == ERR_OK);
                ROW(kind->name, schema_supported(schema, NULL) == ERR_OK);
                ROW(kind->name, fault_find(kind->name) == kind);
                ROW(kind->name, kind->fault || kind->repair || str_eq(kind->name, "load.profile"));
                ROW(kind->name, (kind->undo == FAULT_UNDO_INVERSE) == (kind->undo_kind != NULL));
                ROW(kind->name, !kind->undo_kind || fault_find(kind->undo_kind));
                ROW(kind->name, (kind->by == FAULT_BY_ADAPTER || kind->by == FAULT_BY_LOAD) == (kind->via != NULL));
                ROW(kind->name, !kind->via || world_service_find(&fixture.stack.world, kind->via));
                ROW(kind->name, kind->doc && kind->doc[0] && kind->expects && kind->expects[0]);
                ROW(kind->name, kind->severity >= 1 && kind->severity <= 5);
                ROW(kind->name, !kind->repair || kind->cost > 0);
        }
}

static void test_evidence(void **state)
{
        static const struct {
                const char *wanted, *seen;
                bool matches;
        } rows[] = {
                { "config:api.worker_threads", "config:api.worker_threads", true },
                { "config:api.worker_threads", "config:api", true },
                { "config:api", "config:api.worker_threads", true },
                { "config:api.worker_threads", "config:api.queue_max", false },
                { "config:api", "config:apix", false },
                { "panel:api.queue", "panel:api.latency", false },
                { "metric:fd:service_queue:depth", "metric:fd:service_queue:depth", true },
                { "metric:fd:service_queue:depth", "promql:max(fd:service_queue:depth) by (service)", true },
                { "metric:fd:service_queue:depth", "promql:fd:service_queue", false },
                { "metric:job_age_seconds", "promql:rate(job_age_seconds_bucket[10s])", true },
                { "event:deploy", "event:deploy", true },
                { "logs:api", "process:api", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
                ROW(rows[i].seen, run_evidence_matches(rows[i].wanted, rows[i].seen) == rows[i].matches);
}

#define LIKE(component, mechanism, key)                                                                                \
        "schema: 1\nid: t\ntitle: T\nlevel: 1\ntime_limit: 2m\nobjectives: [o]\nbrief: B\ndebrief: D\nload: {profile: steady, rps: 40}\n" \
        "timeline: [{at: 0s, fault: config.set, on: " component ", args: {" key ": 1}}]\n"                              \
        "truth: {component: " component ", mechanism: " mechanism ", object: {key: " key "}}\n"                          \
        "criteria: [{id: ok, title: S, promql: 'fd:user_success:ratio10s', target: '>= 0.98'}]\n"                        \
        "solutions: [[{config.set: {on: " component ", args: {" key ": 8}}}]]\n"

static void test_likeness(void **state)
{
        struct scenario *one = fixture_load(&fixture, LIKE("api", "concurrency_limit", "worker_threads"));
        struct scenario *two = fixture_load(&fixture, LIKE("api", "concurrency_limit", "worker_threads"));
        struct scenario *other = fixture_load(&fixture, LIKE("gateway", "config_error", "rate_limit_rps"));
        const struct scenario *list[] = { two, other };
        struct diag_list diags;

        (void)state;
        assert_true(scenario_likeness(one, two) == 1);
        assert_true(scenario_likeness(one, other) == 0);
        two->id = "another";
        diag_list_init(&diags, "f");
        scenario_warn_duplicates(one, list, 2, &diags);
        assert_int_equal(diags.count, 1);
        assert_int_equal(diags.error_count, 0);
        assert_non_null(strstr(diags.items[0].message, "nearly the same as 'another' (100 % alike)"));
        diag_list_done(&diags);
        scenario_free(one);
        scenario_free(two);
        scenario_free(other);
}

static int setup(void **state)
{
        (void)state;
        fixture_init(&fixture, false);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fixture_done(&fixture);
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_targets),   cmocka_unit_test(test_splits),      cmocka_unit_test(test_promql),
                cmocka_unit_test(test_topology),  cmocka_unit_test(test_fault_bodies), cmocka_unit_test(test_fault_table),
                cmocka_unit_test(test_evidence),  cmocka_unit_test(test_likeness),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
