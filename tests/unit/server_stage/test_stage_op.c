/* What kinds of the fault library become on a stack, by the table of faults and the list of the real stack. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/stage/stage_op.h"

static struct stack_spec *spec;

static int setup(void **state)
{
        AUTO_BUF text;
        struct diag_list diags;

        (void)state;
        buf_init(&text, 1 << 20);
        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(file_read("sut/stack.yaml", &text, NULL), ERR_OK);
        assert_int_equal(stack_spec_parse(text.data, text.size_bytes, &diags, &spec), ERR_OK);
        diag_list_done(&diags);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        stack_spec_free(spec);
        return 0;
}

static void kinds_become_operations(void **state)
{
        static const struct {
                const char *kind, *on, *args;
                enum stage_op_kind op;
                const char *target, *verb, *body;
        } rows[] = {
                {"config.set", "api", "{\"worker_threads\":2}", STAGE_OP_PATCH, "api", "", "{\"worker_threads\":2}"},
                {"config.patch", "db", "{\"patch\":{\"held_sessions\":0}}", STAGE_OP_PATCH, "db", "",
                 "{\"held_sessions\":0}"},
                {"config.publish", "api", "{\"queue_max\":9}", STAGE_OP_PUBLISH, "api", "", "{\"queue_max\":9}"},
                {"config.poison", "auth", "{\"jwt_ttl_s\":2}", STAGE_OP_PUBLISH, "auth", "", "{\"jwt_ttl_s\":2}"},
                {"config.withdraw", "api", "{\"version\":3,\"patch\":{\"queue_max\":24}}", STAGE_OP_WITHDRAW, "api", "",
                 "{\"queue_max\":24}"},
                {"process.restart", "postgres", "{}", STAGE_OP_CONTROL, "postgres", "service.restart", NULL},
                {"process.stop", "gateway", "", STAGE_OP_CONTROL, "gateway", "service.stop", NULL},
                {"net.latency", "api->db", "{\"ms\":200}", STAGE_OP_INJECT, "api->db", "net.latency", "{\"ms\":200}"},
                {"memory.leak", "api", "{\"mb_per_s\":5}", STAGE_OP_INJECT, "api", "memory.leak", "{\"mb_per_s\":5}"},
                {"fault.undo", "api->db", "{\"fault\":\"net.latency\"}", STAGE_OP_HEAL, "api->db", "net.latency", NULL},
                {"db.drop_index", "", "{\"index\":\"orders_index\"}", STAGE_OP_PATCH, "db", "",
                 "{\"orders_index\":false}"},
                {"db.exhaust_connections", NULL, "{\"sessions\":30}", STAGE_OP_PATCH, "db", "",
                 "{\"held_sessions\":30}"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct stage_op op;
                struct err_note note = {0};
                AUTO(json_free) struct json *want = NULL;

                print_message("  %s\n", rows[i].kind);
                if (stage_op_read(spec, rows[i].kind, rows[i].on, rows[i].args, &op, &note)) fail_msg("%s", note.text);
                assert_int_equal(op.kind, rows[i].op);
                assert_string_equal(op.on, rows[i].target);
                assert_string_equal(op.verb, rows[i].verb);
                if (rows[i].body) {
                        assert_int_equal(json_parse(rows[i].body, strlen(rows[i].body), &want, NULL), ERR_OK);
                        assert_true(json_equal(op.body, want));
                }
                stage_op_done(&op);
        }
}

static void what_is_wrong_is_said(void **state)
{
        static const struct {
                const char *kind, *on, *args;
                enum err e;
                const char *says;
        } rows[] = {
                {"config.set", "apii", "{\"a\":1}", ERR_NOT_FOUND, "did you mean 'api'?"},
                {"config.patch", "postgres", "{\"patch\":{\"a\":1}}", ERR_INVAL, "configured through 'db'"},
                {"config.patch", "api", "{\"patch\":{}}", ERR_INVAL, "at least one key"},
                {"config.patch", "api", "{}", ERR_INVAL, "at least one key"},
                {"config.patch", "api", "[1]", ERR_INVAL, "not an object"},
                {"config.patch", "api", "{", ERR_INVAL, "not JSON"},
                {"proces.restart", "api", "{}", ERR_INVAL, "did you mean 'process.restart'?"},
                {"net.latency", "api->nobody", "{\"ms\":1}", ERR_NOT_FOUND, "no edge to 'nobody'"},
                {"net.latency", "api->db", "{}", ERR_INVAL, "needs the argument 'ms'"},
                {"net.latency", "api->db", "{\"ms\":1,\"sec\":2}", ERR_INVAL, "no argument 'sec'"},
                {"fault.undo", "api", "{}", ERR_INVAL, "\"fault\""},
                {"config.withdraw", "api", "{}", ERR_INVAL, "patch"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct stage_op op, poison;
                struct err_note note = {0};

                memset(&op, 0x5a, sizeof(op));
                memset(&poison, 0x5a, sizeof(poison));
                print_message("  %s %s\n", rows[i].kind, rows[i].args);
                assert_int_equal(stage_op_read(spec, rows[i].kind, rows[i].on, rows[i].args, &op, &note), rows[i].e);
                if (!strstr(note.text, rows[i].says)) fail_msg("%s", note.text);
                assert_memory_equal(&op, &poison, sizeof(op));
        }
}

static void what_is_written_can_be_read(void **state)
{
        AUTO_BUF text;
        AUTO(json_free) struct json *j = NULL;
        struct json *args = json_object(), *patch = json_object();
        struct stage_op op;
        AUTO_BUF inner;

        (void)state;
        buf_init(&text, 4096);
        buf_init(&inner, 4096);
        json_set_num(patch, "worker_threads", 16);
        json_set(args, "patch", patch);
        assert_int_equal(stage_op_write("config.patch", "api", args, &text), ERR_OK);
        assert_int_equal(json_parse(text.data, text.size_bytes, &j, NULL), ERR_OK);
        assert_int_equal(json_print(json_get(j, "args"), &inner), ERR_OK);
        assert_int_equal(
                stage_op_read(spec, json_get_str(j, "kind", ""), json_get_str(j, "on", ""), inner.data, &op, NULL),
                ERR_OK);
        assert_int_equal(json_get_int(op.body, "worker_threads", 0), 16);
        stage_op_done(&op);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_become_operations),
                cmocka_unit_test(what_is_wrong_is_said),
                cmocka_unit_test(what_is_written_can_be_read),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
