#include "sut/kit/knob.h"

#include "common/base/check.h"
#include "common/base/str.h"

struct json *knob_default(const struct knob *knob)
{
        switch (knob->type) {
        case KNOB_INTEGER:
        case KNOB_NUMBER:
                return json_number(knob->preset);
        case KNOB_BOOL:
                return json_bool(knob->preset != 0);
        case KNOB_CHOICE:
        case KNOB_STRING:
                return json_string(knob->text_preset);
        case KNOB_LIST:
                break;
        }
        return json_array();
}

struct json *knob_defaults(const struct knob *knobs, size_t count)
{
        struct json *all = json_object();

        for (size_t i = 0; i < count; i++) json_set(all, knobs[i].key, knob_default(&knobs[i]));
        return all;
}

static void schema_of_type(struct json *property, const struct knob *knob)
{
        static const char *const names[] = { [KNOB_INTEGER] = "integer", [KNOB_NUMBER] = "number",
                                             [KNOB_BOOL] = "boolean",    [KNOB_CHOICE] = "string",
                                             [KNOB_STRING] = "string",   [KNOB_LIST] = "array" };

        json_set_str(property, "type", names[knob->type]);
        if (knob->type == KNOB_INTEGER || knob->type == KNOB_NUMBER) {
                json_set_num(property, "minimum", knob->min);
                json_set_num(property, "maximum", knob->max);
        }
        if (knob->type == KNOB_STRING) json_set_num(property, "maxLength", KNOB_TEXT_BYTES - 1);
        if (knob->type == KNOB_CHOICE) {
                struct json *choices = json_array();

                for (const char *const *c = knob->choices; *c; c++) json_push(choices, json_string(*c));
                json_set(property, "enum", choices);
        }
        if (knob->type == KNOB_LIST) {
                struct json *item = json_object();

                json_set_str(item, "type", "string");
                json_set_num(item, "maxLength", KNOB_TEXT_BYTES - 1);
                json_set(property, "items", item);
                json_set_num(property, "maxItems", KNOB_LIST_MAX);
        }
}

struct json *knob_schema(const char *title, const struct knob *knobs, size_t count)
{
        struct json *schema = json_object(), *properties = json_object();

        for (size_t i = 0; i < count; i++) {
                struct json *property = json_object();

                schema_of_type(property, &knobs[i]);
                json_set_str(property, "title", knobs[i].title);
                json_set_str(property, "description", knobs[i].description);
                json_set(property, "default", knob_default(&knobs[i]));
                json_set_str(property, "x-unit", knobs[i].unit);
                json_set_str(property, "x-group", knobs[i].group);
                if (knobs[i].deploy) json_set_bool(property, "x-deploy", true);
                json_set(properties, knobs[i].key, property);
        }
        json_set_str(schema, "$schema", "https://json-schema.org/draft/2020-12/schema");
        json_set_str(schema, "title", title);
        json_set_str(schema, "type", "object");
        json_set(schema, "properties", properties);
        json_set_bool(schema, "additionalProperties", false);
        return schema;
}

const struct knob *knob_find(const struct knob *knobs, size_t count, const char *key)
{
        for (size_t i = 0; i < count; i++)
                if (str_eq(knobs[i].key, key)) return &knobs[i];
        return NULL;
}

void knob_table_check(const struct knob *knobs, size_t count)
{
        CHECK(count <= KNOB_COUNT_MAX);
        for (size_t i = 0; i < count; i++) {
                const struct knob *k = &knobs[i];

                CHECK(k->key && k->unit && k->group && k->title && k->description);
                CHECK(knob_find(knobs, count, k->key) == k);
                if (k->type == KNOB_INTEGER || k->type == KNOB_NUMBER) CHECK(k->min <= k->preset && k->preset <= k->max);
                if (k->type == KNOB_CHOICE) {
                        bool known = false;

                        for (const char *const *c = k->choices; *c; c++) known = known || str_eq(*c, k->text_preset);
                        CHECK(known);
                }
        }
}
