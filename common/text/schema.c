#include "common/text/schema.h"

#include <math.h>
#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

struct check {
        const struct json *root;
        schema_report *report;
        void *ctx;
        size_t count;
        struct buf pointer;
        size_t depth;
};

static void check_value(struct check *c, const struct json *schema, const struct json *value);

static void FMT_PRINTF(2, 3) found(struct check *c, const char *format, ...)
{
        char detail[ERR_NOTE_BYTES];
        va_list args;

        c->count++;
        if (!c->report) return;
        va_start(args, format);
        vsnprintf(detail, sizeof detail, format, args);
        va_end(args);
        c->report(c->ctx, c->pointer.data, detail);
}

static size_t enter(struct check *c, const char *token)
{
        size_t before = c->pointer.size_bytes;

        buf_char(&c->pointer, '/');
        for (; *token; token++) {
                if (*token == '~')
                        buf_str(&c->pointer, "~0");
                else if (*token == '/')
                        buf_str(&c->pointer, "~1");
                else
                        buf_char(&c->pointer, *token);
        }
        return before;
}

static void leave(struct check *c, size_t before)
{
        c->pointer.size_bytes = before;
        if (c->pointer.capacity_bytes) c->pointer.data[before] = '\0';
}

static bool type_matches(const char *type, const struct json *value)
{
        const char *actual = json_type_name(value);

        return str_eq(type, actual) || (str_eq(type, "number") && str_eq(actual, "integer"));
}

static bool check_type(struct check *c, const struct json *type, const struct json *value)
{
        char wanted[128] = "";

        if (!type) return true;
        if (json_is(type, JSON_STRING)) {
                if (type_matches(json_text(type), value)) return true;
                str_cut(wanted, sizeof wanted, json_text(type));
        }
        JSON_EACH(t, json_is(type, JSON_ARRAY) ? type : NULL) {
                size_t used = strlen(wanted);

                if (json_text(t) && type_matches(json_text(t), value)) return true;
                snprintf(wanted + used, sizeof wanted - used, "%s%s", used ? " or " : "", json_text(t) ? json_text(t) : "?");
        }
        found(c, "must be %s%s, is %s", strchr("aeiou", wanted[0]) ? "an " : "a ", wanted, json_type_name(value));
        return false;
}

static void check_enum(struct check *c, const struct json *words, const struct json *value)
{
        AUTO_BUF list;
        const char *names[64], *near = NULL;
        size_t count = 0;

        buf_init(&list, 400);
        JSON_EACH(w, words) {
                if (json_equal(w, value)) return;
                if (list.size_bytes) buf_str(&list, ", ");
                if (json_text(w))
                        buf_str(&list, json_text(w));
                else if (json_print(w, &list))
                        break;
                if (json_text(w) && count < ARRAY_COUNT(names)) names[count++] = json_text(w);
        }
        if (json_text(value)) near = str_suggest(json_text(value), names, count);
        found(c, "must be one of: %s%s%s%s", list.data, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

static void check_number(struct check *c, const struct json *schema, const struct json *value)
{
        double v = json_value(value), limit;

        limit = json_get_num(schema, "minimum", NAN);
        if (v < limit) found(c, "must be at least %.15g, is %.15g", limit, v);
        limit = json_get_num(schema, "maximum", NAN);
        if (v > limit) found(c, "must be at most %.15g, is %.15g", limit, v);
        limit = json_get_num(schema, "exclusiveMinimum", NAN);
        if (v <= limit) found(c, "must be more than %.15g, is %.15g", limit, v);
        limit = json_get_num(schema, "exclusiveMaximum", NAN);
        if (v >= limit) found(c, "must be less than %.15g, is %.15g", limit, v);
}

static void check_string(struct check *c, const struct json *schema, const struct json *value)
{
        const char *text = json_text(value), *pattern = json_get_str(schema, "pattern", NULL);
        size_t length = 0;
        regex_t re;

        for (const char *p = text; *p; p++) length += ((unsigned char)*p & 0xc0) != 0x80;
        if ((double)length < json_get_num(schema, "minLength", 0))
                found(c, "must have at least %.0f characters", json_get_num(schema, "minLength", 0));
        if ((double)length > json_get_num(schema, "maxLength", INFINITY))
                found(c, "must have at most %.0f characters, has %zu", json_get_num(schema, "maxLength", 0), length);
        if (!pattern || regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB)) return;
        if (regexec(&re, text, 0, NULL, 0)) found(c, "must match %s", pattern);
        regfree(&re);
}

static void check_array(struct check *c, const struct json *schema, const struct json *value)
{
        const struct json *items = json_get(schema, "items");
        size_t count = json_count(value), index = 0;

        if ((double)count < json_get_num(schema, "minItems", 0))
                found(c, "must have at least %.0f entries, has %zu", json_get_num(schema, "minItems", 0), count);
        if ((double)count > json_get_num(schema, "maxItems", INFINITY))
                found(c, "must have at most %.0f entries, has %zu", json_get_num(schema, "maxItems", 0), count);
        JSON_EACH(item, value) {
                char token[24];
                size_t before;

                snprintf(token, sizeof token, "%zu", index++);
                before = enter(c, token);
                if (items) check_value(c, items, item);
                if (json_get_bool(schema, "uniqueItems", false))
                        for (const struct json *later = json_next(item); later; later = json_next(later))
                                if (json_equal(item, later)) found(c, "appears twice in the list");
                leave(c, before);
        }
}

static void unknown_key(struct check *c, const struct json *properties, const char *key)
{
        const char *names[128], *near;
        size_t count = 0;

        JSON_EACH(p, properties)
                if (count < ARRAY_COUNT(names)) names[count++] = json_key(p);
        near = str_suggest(key, names, count);
        if (near)
                found(c, "unknown key '%s', did you mean '%s'?", key, near);
        else
                found(c, "unknown key '%s'", key);
}

static void check_object(struct check *c, const struct json *schema, const struct json *value)
{
        const struct json *properties = json_get(schema, "properties"), *more = json_get(schema, "additionalProperties");
        size_t count = json_count(value);

        if ((double)count < json_get_num(schema, "minProperties", 0))
                found(c, "must have at least %.0f keys", json_get_num(schema, "minProperties", 0));
        if ((double)count > json_get_num(schema, "maxProperties", INFINITY))
                found(c, "must have at most %.0f keys", json_get_num(schema, "maxProperties", 0));
        JSON_EACH(name, json_get(schema, "required"))
                if (json_text(name) && !json_get(value, json_text(name))) found(c, "key '%s' is missing", json_text(name));
        JSON_EACH(member, value) {
                const struct json *known = json_get(properties, json_key(member));
                size_t before = enter(c, json_key(member));

                if (known)
                        check_value(c, known, member);
                else if (json_is(more, JSON_OBJECT))
                        check_value(c, more, member);
                else if (json_is(more, JSON_BOOL) && !json_true(more))
                        unknown_key(c, properties, json_key(member));
                leave(c, before);
        }
}

static size_t quiet_count(struct check *c, const struct json *schema, const struct json *value)
{
        struct check quiet = { .root = c->root, .depth = c->depth };
        size_t count;

        buf_init(&quiet.pointer, 4096);
        check_value(&quiet, schema, value);
        count = quiet.count;
        buf_done(&quiet.pointer);
        return count;
}

/* anyOf/oneOf: when no branch fits, the findings of the branch with fewest are the helpful ones. */
static void check_branches(struct check *c, const struct json *branches, const struct json *value, bool one)
{
        const struct json *best = NULL;
        size_t fits = 0, fewest = SIZE_MAX;

        JSON_EACH(branch, branches) {
                size_t count = quiet_count(c, branch, value);

                if (count == 0) fits++;
                if (count < fewest) {
                        fewest = count;
                        best = branch;
                }
        }
        if (fits == 0 && best) check_value(c, best, value);
        if (one && fits > 1) found(c, "fits %zu alternatives, must fit exactly one", fits);
}

static void check_value(struct check *c, const struct json *schema, const struct json *value)
{
        const char *ref;

        if (json_is(schema, JSON_BOOL)) {
                if (!json_true(schema)) found(c, "is not allowed here");
                return;
        }
        if (c->depth >= SCHEMA_DEPTH_MAX) {
                found(c, "is nested too deeply");
                return;
        }
        c->depth++;
        ref = json_get_str(schema, "$ref", NULL);
        if (ref) {
                const struct json *target = ref[0] == '#' ? json_path(c->root, ref + 1) : NULL;

                if (target)
                        check_value(c, target, value);
                else
                        found(c, "the schema refers to '%s', which is not there", ref);
        }
        if (check_type(c, json_get(schema, "type"), value)) {
                if (json_get(schema, "enum")) check_enum(c, json_get(schema, "enum"), value);
                if (json_get(schema, "const") && !json_equal(json_get(schema, "const"), value))
                        found(c, "must be the value that the schema fixes");
                if (json_is(value, JSON_NUMBER)) check_number(c, schema, value);
                if (json_is(value, JSON_STRING)) check_string(c, schema, value);
                if (json_is(value, JSON_ARRAY)) check_array(c, schema, value);
                if (json_is(value, JSON_OBJECT)) check_object(c, schema, value);
                if (json_get(schema, "anyOf")) check_branches(c, json_get(schema, "anyOf"), value, false);
                if (json_get(schema, "oneOf")) check_branches(c, json_get(schema, "oneOf"), value, true);
        }
        c->depth--;
}

size_t schema_check(const struct json *schema, const struct json *value, schema_report *report, void *ctx)
{
        struct check c = { .root = schema, .report = report, .ctx = ctx };

        buf_init(&c.pointer, 4096);
        check_value(&c, schema, value);
        buf_done(&c.pointer);
        return c.count;
}

static const char *const keywords[] = {
        "type", "properties", "required", "additionalProperties", "items", "enum", "const", "minimum", "maximum",
        "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems",
        "minProperties", "maxProperties", "pattern", "anyOf", "oneOf", "$ref", "$defs", "$schema", "$id", "$comment",
        "title", "description", "default", "examples", "markdownDescription", "deprecated",
};

static enum err supported(const struct json *schema, size_t depth, struct err_note *reterr);

static enum err supported_children(const struct json *container, size_t depth, struct err_note *reterr)
{
        JSON_EACH(child, container) {
                enum err e = supported(child, depth, reterr);

                if (e) return e;
        }
        return ERR_OK;
}

static enum err supported(const struct json *schema, size_t depth, struct err_note *reterr)
{
        if (depth > SCHEMA_DEPTH_MAX) return err_note(reterr, ERR_LIMIT, "the schema is nested too deeply");
        if (json_is(schema, JSON_BOOL)) return ERR_OK;
        if (!json_is(schema, JSON_OBJECT)) return err_note(reterr, ERR_INVAL, "a schema must be an object or true or false");
        JSON_EACH(member, schema) {
                const char *key = json_key(member);
                bool known = str_starts(key, "x-");
                enum err e = ERR_OK;

                for (size_t i = 0; i < ARRAY_COUNT(keywords); i++) known = known || str_eq(key, keywords[i]);
                if (!known) return err_note(reterr, ERR_INVAL, "schema keyword '%s' is outside our subset", key);
                if (str_eq(key, "properties") || str_eq(key, "$defs") || str_eq(key, "anyOf") || str_eq(key, "oneOf"))
                        e = supported_children(member, depth + 1, reterr);
                else if (str_eq(key, "items") || str_eq(key, "additionalProperties"))
                        e = supported(member, depth + 1, reterr);
                if (e) return e;
        }
        return ERR_OK;
}

enum err schema_supported(const struct json *schema, struct err_note *reterr)
{
        return supported(schema, 0, reterr);
}
