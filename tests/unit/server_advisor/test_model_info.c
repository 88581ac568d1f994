/* What the shipped model files say of themselves. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/stack/stack.h"
#include "common/sys/file.h"
#include "server/advisor/advisor.h"
#include "server/advisor/model_info.h"

static struct buf shipped[2], calibration, yaml;

static int load(void **state)
{
        (void)state;
        for (int i = 0; i < 2; i++) buf_init(&shipped[i], MODEL_INFO_BYTES_MAX);
        buf_init(&calibration, 1 << 20);
        buf_init(&yaml, 1 << 20);
        return file_read("models/default.fdlm", &shipped[0], NULL) || file_read("models/live.fdlm", &shipped[1], NULL) ||
               file_read("models/calibration.json", &calibration, NULL) || file_read("sut/stack.yaml", &yaml, NULL);
}

static int unload(void **state)
{
        (void)state;
        for (int i = 0; i < 2; i++) buf_done(&shipped[i]);
        buf_done(&calibration);
        buf_done(&yaml);
        return 0;
}

static struct json *info(const struct buf *model, const struct buf *measured)
{
        struct json *j = json_object();
        struct err_note note = { .text = "" };

        if (model_info_put(&(struct model_file){ model->data, model->size_bytes }, &(struct model_file){ measured->data, measured->size_bytes }, j, &note)) fail_msg("%s", note.text);
        return j;
}

/* models/README.md: both were trained with seed 1, the default on the simulator, live on what was measured. */
static void what_each_is_for(void **state)
{
        static const struct {
                const char *environment;
                bool fits;
        } rows[] = { { "sim1", false }, { "sim1-fitted", true } };

        (void)state;
        for (int i = 0; i < 2; i++) {
                AUTO(json_free) struct json *j = info(&shipped[i], &calibration);

                assert_string_equal(json_get_str(j, "environment", ""), rows[i].environment);
                assert_int_equal(json_get_bool(j, "fits", !rows[i].fits), rows[i].fits);
                assert_true(json_get_num(j, "training_seed", -1) == 1);
                assert_true(json_get_num(j, "seed", -1) == 16);
                assert_true(strlen(json_get_str(j, "purpose", "")) > 20);
                assert_int_equal(json_count(json_get(j, "calibration")), 32);
        }
}

/* Without the measurement, or with another one, nothing says that it is for this stack. */
static void another_stack(void **state)
{
        AUTO_BUF other = { 0 };
        struct buf none = { 0 };
        AUTO(json_free) struct json *without = info(&shipped[1], &none);
        AUTO(json_free) struct json *measured = NULL;
        char *digit;

        (void)state;
        assert_string_equal(json_get_str(without, "environment", ""), "other");
        assert_false(json_get_bool(without, "fits", true));
        buf_init(&other, 1 << 20);
        buf_str(&other, calibration.data);
        digit = strstr(other.data, "\"sigma\":");
        assert_non_null(digit);
        digit += strcspn(digit, "123456789");
        *digit = *digit == '9' ? '8' : (char)(*digit + 1);
        measured = info(&shipped[1], &other);
        assert_string_equal(json_get_str(measured, "environment", ""), "other");
        buf_clear(&other);
        buf_str(&other, "{");
        json_free(without);
        without = info(&shipped[1], &other);
        assert_false(json_get_bool(without, "fits", true));
}

/* The id is the one that recommendations carry. */
static void the_id_is_that_of_advice(void **state)
{
        AUTO(stack_spec_free) struct stack_spec *spec = NULL;
        struct advisor_options o = { .model = shipped[1].data, .model_bytes = shipped[1].size_bytes };
        AUTO(advisor_free) struct advisor *a = NULL;
        AUTO(json_free) struct json *j = info(&shipped[1], &calibration);
        struct diag_list diags;

        (void)state;
        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(stack_spec_parse(yaml.data, yaml.size_bytes, &diags, &spec), ERR_OK);
        o.spec = spec;
        assert_int_equal(advisor_new(&o, &a, NULL), ERR_OK);
        assert_string_equal(advisor_model(a), json_get_str(j, "id", ""));
        assert_true(str_starts(advisor_model(a), "live-"));
}

static void no_model(void **state)
{
        AUTO(json_free) struct json *j = json_object();
        struct err_note note = { .text = "" };

        (void)state;
        assert_int_equal(model_info_put(&(struct model_file){ "FDLMxxxx", 8 }, &(struct model_file){ 0 }, j, &note), ERR_PARSE);
        assert_true(note.text[0] != '\0');
        assert_int_equal(json_count(j), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_each_is_for),
                cmocka_unit_test(another_stack),
                cmocka_unit_test(the_id_is_that_of_advice),
                cmocka_unit_test(no_model),
        };

        return cmocka_run_group_tests(tests, load, unload);
}
