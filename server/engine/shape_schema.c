/* The JSON Schema of the scenario format, from the same tables that check it. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/fault.h"
#include "server/engine/json_put.h"
#include "server/engine/scenario.h"
#include "server/engine/scenario_load.h"
#include "server/engine/shape.h"

#define SHAPE_DURATION_PATTERN "^(0|[0-9]+(\\\\.[0-9]+)?(ms|s|m|h)([0-9]+(ms|s|m|h))*)$"
#define SHAPE_TARGET_PATTERN "^ *(>=|<=|==|!=|>|<) *-?[0-9]"

static void put_choices(const char *choices, struct buf *out)
{
        put_key(out, "enum");
        buf_char(out, '[');
        for (const char *at = choices;;) {
                size_t size = strcspn(at, "|");

                put_item(out);
                buf_printf(out, "\"%.*s\"", (int)size, at);
                if (!at[size]) break;
                at += size + 1;
        }
        buf_char(out, ']');
}

static void put_kinds(struct buf *out, bool repair)
{
        put_key(out, "enum");
        buf_char(out, '[');
        for (size_t i = 0; i < fault_count(); i++) {
                if (!(repair ? fault_at(i)->repair : fault_at(i)->fault)) continue;
                put_item(out);
                json_quote(out, fault_at(i)->name);
        }
        buf_char(out, ']');
}

static void put_text_range(const struct shape_field *f, struct buf *out)
{
        if (f->min > 0) put_int(out, "minLength", (int64_t)f->min);
        put_int(out, "maxLength", (int64_t)f->max);
}

static void put_type(const struct shape_field *f, struct buf *out)
{
        switch (f->type) {
        case SHAPE_TEXT:
                put_str(out, "type", "string");
                put_text_range(f, out);
                break;
        case SHAPE_ID:
                put_raw(out, "type", "\"string\",\"pattern\":\"^[a-z][a-z0-9_-]*$\"");
                put_int(out, "maxLength", SCENARIO_ID_BYTES_MAX);
                break;
        case SHAPE_INTEGER:
        case SHAPE_NUMBER:
                put_str(out, "type", f->type == SHAPE_INTEGER ? "integer" : "number");
                put_num(out, "minimum", f->min);
                put_num(out, "maximum", f->max);
                break;
        case SHAPE_BOOL: put_str(out, "type", "boolean"); break;
        case SHAPE_KIND:
                put_str(out, "type", "string");
                put_kinds(out, false);
                break;
        case SHAPE_DURATION: put_raw(out, "type", "[\"string\",\"integer\"],\"pattern\":\"" SHAPE_DURATION_PATTERN "\""); break;
        case SHAPE_WORDS:
                put_raw(out, "type", "\"array\",\"items\":{\"type\":[\"string\",\"number\"]}");
                if (f->min > 0) put_int(out, "minItems", (int64_t)f->min);
                put_int(out, "maxItems", (int64_t)f->max);
                break;
        case SHAPE_CHOICE:
                put_str(out, "type", "string");
                put_choices(f->choices, out);
                break;
        case SHAPE_TARGET: put_raw(out, "type", "\"string\",\"pattern\":\"" SHAPE_TARGET_PATTERN "\""); break;
        case SHAPE_PROMQL: put_raw(out, "type", "\"string\",\"minLength\":1"); break;
        case SHAPE_ARGS: put_str(out, "type", "object"); break;
        case SHAPE_RECIPE: put_str(out, "$ref", "#/$defs/recipe"); break;
        case SHAPE_RECIPES:
                put_raw(out, "type", "\"array\",\"items\":{\"$ref\":\"#/$defs/recipe\"}");
                put_int(out, "maxItems", SCENARIO_SOLUTIONS_MAX);
                break;
        case SHAPE_SCORE: put_str(out, "$ref", "#/$defs/score"); break;
        case SHAPE_LIST:
                put_str(out, "type", "array");
                if (f->min > 0) put_int(out, "minItems", (int64_t)f->min);
                put_int(out, "maxItems", (int64_t)f->max);
                break;
        case SHAPE_MAP:
        case SHAPE_TYPE_COUNT: break;
        }
}

static void put_properties(const struct shape *shape, struct buf *out)
{
        put_key(out, "properties");
        buf_char(out, '{');
        for (const struct shape_field *f = shape->fields; f->key; f++) {
                put_key(out, f->key);
                if (f->type == SHAPE_MAP) {
                        shape_schema_write(f->sub, out);
                        continue;
                }
                buf_char(out, '{');
                put_str(out, "description", f->doc);
                put_type(f, out);
                if (f->type == SHAPE_LIST) {
                        put_key(out, "items");
                        shape_schema_write(f->sub, out);
                }
                buf_char(out, '}');
        }
        buf_char(out, '}');
}

void shape_schema_write(const struct shape *shape, struct buf *out)
{
        buf_char(out, '{');
        put_str(out, "description", shape->doc);
        put_str(out, "type", "object");
        put_bool(out, "additionalProperties", false);
        put_properties(shape, out);
        put_key(out, "required");
        buf_char(out, '[');
        for (const struct shape_field *f = shape->fields; f->key; f++) {
                if (!f->required) continue;
                put_item(out);
                json_quote(out, f->key);
        }
        buf_str(out, "]}");
}

/* One step is a mapping with one pair: the kind, and where and with what. */
static void put_recipe(struct buf *out)
{
        put_key(out, "recipe");
        buf_printf(out, "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%d,\"items\":{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":1,"
                        "\"additionalProperties\":false,\"properties\":{", SCENARIO_STEPS_MAX);
        for (size_t i = 0; i < fault_count(); i++) {
                const struct fault_kind *kind = fault_at(i);

                if (!kind->repair) continue;
                put_key(out, kind->name);
                buf_char(out, '{');
                put_str(out, "description", kind->doc);
                put_raw(out, "type", "\"object\",\"additionalProperties\":false");
                put_key(out, "properties");
                buf_str(out, "{\"on\":{\"type\":\"string\",\"maxLength\":80},\"for\":{\"type\":[\"string\",\"integer\"],\"pattern\":\"" SHAPE_DURATION_PATTERN
                             "\"},\"args\":");
                fault_schema_write(kind, out);
                buf_str(out, "}}");
        }
        buf_str(out, "}}}");
}

static void put_faults(struct buf *out)
{
        put_key(out, "faults");
        buf_str(out, "{\"description\":\"arguments of each kind of the fault library\",\"type\":\"object\",\"properties\":{");
        for (size_t i = 0; i < fault_count(); i++) {
                put_key(out, fault_at(i)->name);
                fault_schema_write(fault_at(i), out);
        }
        buf_str(out, "}}");
}

static void scenario_schema_text(struct buf *out)
{
        AUTO_BUF body;

        buf_init(&body, out->max_bytes);
        shape_schema_write(&shape_scenario, &body);
        buf_str(out, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"$id\":\"https://firedrill.local/scenario.schema.json\","
                     "\"title\":\"Firedrill scenario\",\"$defs\":{");
        put_recipe(out);
        put_key(out, "score");
        buf_str(out, "{\"anyOf\":[{\"const\":\"off\"},{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
        for (size_t i = 0; i < 4; i++) {
                static const char *const parts[] = { "outcome", "harm", "diagnosis", "hints" };

                put_raw(out, parts[i], "{\"type\":\"integer\",\"minimum\":0,\"maximum\":100}");
        }
        buf_str(out, "}}]}");
        put_faults(out);
        buf_str(out, "},");
        buf_str(out, body.data + 1);
}

enum err scenario_schema_write(struct buf *out)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF text;
        enum err e;

        buf_init(&text, 1 << 20);
        scenario_schema_text(&text);
        e = buf_status(&text);
        if (!e) e = json_parse(text.data, text.size_bytes, &j, NULL);
        if (!e) e = json_print_pretty(j, out);
        return e;
}
