/* order: every kind is understood with its least arguments; what is wrong with others is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/schema.h"
#include "control-agent/inject/order.h"

static enum err parse(const char *fault, const char *args, struct order *ret, struct err_note *note)
{
        AUTO(json_free) struct json *j = NULL;

        if (args && json_parse(args, strlen(args), &j, note)) return ERR_CORRUPT;
        return order_parse(fault, j, ret, note);
}

static void test_good(void **state)
{
        struct order o;
        struct err_note note;

        (void)state;
        assert_int_equal(parse("net.latency",
                               "{\"ms\":80,\"jitter_ms\":20,\"direction\":\"down\",\"probability\":0.25}", &o, &note),
                         ERR_OK);
        assert_true(order_is_net(&o));
        assert_int_equal(o.net.kind, NET_LATENCY);
        assert_int_equal(o.net.ms, 80);
        assert_int_equal(o.net.jitter_ms, 20);
        assert_int_equal(o.net.ways, 1U << NET_DOWN_WAY);
        assert_true(o.net.probability == 0.25);
        assert_int_equal(parse("net.slice", "{\"bytes\":10,\"delay_ms\":3}", &o, &note), ERR_OK);
        assert_int_equal(o.net.ms, 3);
        assert_int_equal(o.net.bytes, 10);
        assert_int_equal(parse("net.reset", "{\"after_ms\":70}", &o, &note), ERR_OK);
        assert_int_equal(o.net.ms, 70);
        assert_int_equal(parse("net.down", NULL, &o, &note), ERR_OK);
        assert_int_equal(o.net.kind, NET_DOWN);
        assert_true(o.net.probability == 1);
        assert_int_equal(o.net.ways, NET_WAYS_BOTH);
        assert_int_equal(parse("clock.skew", "{\"ms\":-5000}", &o, &note), ERR_OK);
        assert_false(order_is_net(&o));
        assert_int_equal(o.kind, ORDER_SKEW);
        assert_int_equal(o.ms, -5000);
        assert_int_equal(parse("memory.leak", "{\"mb_per_s\":2}", &o, &note), ERR_OK);
        assert_int_equal(o.max_mb, 512);
}

static void test_bad(void **state)
{
        static const struct {
                const char *fault, *args;
                enum err e;
                const char *part;
        } rows[] = {
                {"net.latancy", "{}", ERR_NOT_FOUND, "unknown fault 'net.latancy'; did you mean 'net.latency'?"},
                {"net.latency", "{}", ERR_INVAL, "net.latency: "},
                {"net.latency", "{\"ms\":0}", ERR_INVAL, "net.latency: ms "},
                {"net.latency", "{\"ms\":5,\"jiter\":1}", ERR_INVAL, "jiter"},
                {"net.latency", "{\"ms\":5,\"probability\":0}", ERR_INVAL, "probability"},
                {"net.latency", "{\"ms\":5,\"direction\":\"left\"}", ERR_INVAL, "direction"},
                {"net.latency", "[]", ERR_INVAL, "net.latency: its arguments: "},
                {"process.slow", "{\"percent\":96}", ERR_INVAL, "percent"},
                {"fd.limit", "{\"count\":1.5}", ERR_INVAL, "count"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct order o;
                struct err_note note = {0};
                enum err e;

                memset(&o, 0x5a, sizeof(o));
                e = parse(rows[i].fault, rows[i].args, &o, &note);
                if (e != rows[i].e || !strstr(note.text, rows[i].part))
                        fail_msg("%s %s: %s, '%s'", rows[i].fault, rows[i].args, err_name(e), note.text);
                assert_int_equal(((unsigned char *)&o)[0], 0x5a);
        }
}

static void test_schemas(void **state)
{
        AUTO(json_free) struct json *list = order_kinds_json();
        struct err_note note;
        size_t count = 0;

        (void)state;
        JSON_EACH(kind, list)
        {
                assert_string_equal(json_get_str(kind, "fault", ""), order_kind_text((int)count));
                assert_string_equal(json_get_str(kind, "on", ""), count < NET_KIND_COUNT ? "edge" : "process");
                assert_int_equal(schema_supported(json_get(kind, "schema"), &note), ERR_OK);
                count++;
        }
        assert_int_equal(count, ORDER_KIND_COUNT);
        for (int i = 0; i < NET_KIND_COUNT; i++)
                assert_string_equal(order_kind_text(i), net_kind_text((enum net_kind)i));
}

static void test_nth_fault(void **state)
{
        AUTO(json_free) struct json *args = NULL;
        size_t live;

        (void)state;
        assert_int_equal(json_parse("{\"ms\":5}", 8, &args, NULL), ERR_OK);
        live = alloc_live_count();
        for (size_t nth = 1;; nth++) {
                struct order o;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = order_parse("net.latency", args, &o, NULL);
                fired = fault_disarm();
                assert_true(e == ERR_OK ? o.net.ms == 5 : fired); /* a place lost in a message is no failure */
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_schemas),
                cmocka_unit_test(test_nth_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
