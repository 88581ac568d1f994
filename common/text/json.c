#include "common/text/json.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

/* struct json is cJSON under another name. A value that could not be added leaves this bit on its container:
 * cJSON itself uses the bits 8 (IsReference) and 9 (StringIsConst). */
enum { JSON_BROKEN = 1 << 12 };

static cJSON *raw(const struct json *j)
{
        return (cJSON *)(void *)(uintptr_t)j;
}

static struct json *wrapped(cJSON *c)
{
        return (struct json *)c;
}

static void hooks_install(void)
{
        cJSON_InitHooks(&(cJSON_Hooks){ .malloc_fn = mem_alloc, .free_fn = mem_free });
}

static void hooks(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, hooks_install);
}

static void position(const char *bytes, const char *at, size_t *line, size_t *column)
{
        *line = 1;
        *column = 1;
        for (const char *p = bytes; p < at; p++) {
                (*column)++;
                if (*p != '\n') continue;
                (*line)++;
                *column = 1;
        }
}

/* cJSON allows deeper nesting than we want; count before parsing so that no recursion of ours can overflow. */
static bool too_deep(const char *bytes, size_t size_bytes)
{
        size_t depth = 0;
        bool quoted = false;

        for (size_t i = 0; i < size_bytes; i++) {
                char c = bytes[i];

                if (quoted) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                quoted = false;
                } else if (c == '"') {
                        quoted = true;
                } else if (c == '[' || c == '{') {
                        if (++depth > JSON_DEPTH_MAX) return true;
                } else if ((c == ']' || c == '}') && depth) {
                        depth--;
                }
        }
        return false;
}

enum err json_parse(const char *bytes, size_t size_bytes, struct json **ret, struct err_note *reterr)
{
        const char *end = NULL;
        cJSON *c;
        size_t line, column;

        hooks();
        if (too_deep(bytes, size_bytes))
                return err_note(reterr, ERR_LIMIT, "JSON is nested deeper than %d levels", JSON_DEPTH_MAX);
        c = cJSON_ParseWithLengthOpts(bytes, size_bytes, &end, false);
        if (c) {
                while (end < bytes + size_bytes && (*end == ' ' || *end == '\n' || *end == '\r' || *end == '\t')) end++;
                if (end == bytes + size_bytes || *end == '\0') {
                        *ret = wrapped(c);
                        return ERR_OK;
                }
                cJSON_Delete(c);
        }
        if (!end) end = bytes;
        position(bytes, end < bytes + size_bytes ? end : bytes + size_bytes, &line, &column);
        return err_note(reterr, ERR_PARSE, "not valid JSON at line %zu, column %zu", line, column);
}

void json_free(struct json *j)
{
        hooks();
        cJSON_Delete(raw(j));
}

struct json *json_object(void)
{
        hooks();
        return wrapped(cJSON_CreateObject());
}

struct json *json_array(void)
{
        hooks();
        return wrapped(cJSON_CreateArray());
}

/* Length of the valid UTF-8 sequence at p (1..4), or 0. Overlong forms, surrogates and > U+10FFFF are not valid. */
static size_t utf8_length(const unsigned char *p)
{
        if (p[0] < 0x80) return 1;
        if (p[0] >= 0xc2 && p[0] <= 0xdf) return (p[1] & 0xc0) == 0x80 ? 2 : 0;
        if (p[0] >= 0xe0 && p[0] <= 0xef) {
                if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
                if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
                return 3;
        }
        if (p[0] >= 0xf0 && p[0] <= 0xf4) {
                if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80) return 0;
                if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
                return 4;
        }
        return 0;
}

static bool utf8_valid(const char *text)
{
        for (const unsigned char *p = (const unsigned char *)text; *p;) {
                size_t n = utf8_length(p);

                if (!n) return false;
                p += n;
        }
        return true;
}

static char *utf8_repaired(const char *text)
{
        char *fixed = mem_alloc(strlen(text) * 3 + 1), *out = fixed;

        if (!fixed) return NULL;
        for (const unsigned char *p = (const unsigned char *)text; *p;) {
                size_t n = utf8_length(p);

                memcpy(out, n ? (const char *)p : "\xef\xbf\xbd", n ? n : 3);
                out += n ? n : 3;
                p += n ? n : 1;
        }
        *out = '\0';
        return fixed;
}

struct json *json_string(const char *text)
{
        AUTO(mem_free) char *fixed = NULL;

        hooks();
        if (!text) return json_null();
        if (utf8_valid(text)) return wrapped(cJSON_CreateString(text));
        fixed = utf8_repaired(text);
        return fixed ? wrapped(cJSON_CreateString(fixed)) : NULL;
}

struct json *json_number(double value)
{
        hooks();
        return wrapped(isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

struct json *json_bool(bool value)
{
        hooks();
        return wrapped(cJSON_CreateBool(value));
}

struct json *json_null(void)
{
        hooks();
        return wrapped(cJSON_CreateNull());
}

struct json *json_clone(const struct json *j)
{
        hooks();
        return j ? wrapped(cJSON_Duplicate(raw(j), true)) : NULL;
}

void json_set(struct json *object, const char *key, struct json *value)
{
        cJSON *o = raw(object);

        if (o && value) {
                CHECK(cJSON_IsObject(o));
                if (raw(value)->type & JSON_BROKEN) o->type |= JSON_BROKEN;
                cJSON_DeleteItemFromObjectCaseSensitive(o, key);
                if (cJSON_AddItemToObject(o, key, raw(value))) return;
        }
        json_free(value);
        if (o) o->type |= JSON_BROKEN;
}

void json_set_str(struct json *object, const char *key, const char *text)
{
        json_set(object, key, json_string(text));
}

void json_set_num(struct json *object, const char *key, double value)
{
        json_set(object, key, json_number(value));
}

void json_set_bool(struct json *object, const char *key, bool value)
{
        json_set(object, key, json_bool(value));
}

void json_set_null(struct json *object, const char *key)
{
        json_set(object, key, json_null());
}

void json_remove(struct json *object, const char *key)
{
        if (object) cJSON_DeleteItemFromObjectCaseSensitive(raw(object), key);
}

void json_push(struct json *array, struct json *value)
{
        cJSON *a = raw(array);

        if (a && value) {
                CHECK(cJSON_IsArray(a));
                if (raw(value)->type & JSON_BROKEN) a->type |= JSON_BROKEN;
                if (cJSON_AddItemToArray(a, raw(value))) return;
        }
        json_free(value);
        if (a) a->type |= JSON_BROKEN;
}

enum json_type json_type(const struct json *j)
{
        if (!j) return JSON_NULL;
        switch (raw(j)->type & 0xff) {
        case cJSON_True:
        case cJSON_False: return JSON_BOOL;
        case cJSON_Number: return JSON_NUMBER;
        case cJSON_String: return JSON_STRING;
        case cJSON_Array: return JSON_ARRAY;
        case cJSON_Object: return JSON_OBJECT;
        default: return JSON_NULL;
        }
}

const char *json_type_name(const struct json *j)
{
        switch (json_type(j)) {
        case JSON_BOOL: return "boolean";
        case JSON_NUMBER: return floor(raw(j)->valuedouble) == raw(j)->valuedouble ? "integer" : "number";
        case JSON_STRING: return "string";
        case JSON_ARRAY: return "array";
        case JSON_OBJECT: return "object";
        case JSON_NULL: break;
        }
        return "null";
}

bool json_is(const struct json *j, enum json_type type)
{
        return j && json_type(j) == type;
}

const struct json *json_get(const struct json *object, const char *key)
{
        return wrapped(object ? cJSON_GetObjectItemCaseSensitive(raw(object), key) : NULL);
}

struct json *json_get_mut(struct json *object, const char *key)
{
        return wrapped(object ? cJSON_GetObjectItemCaseSensitive(raw(object), key) : NULL);
}

static const struct json *path_step(const struct json *j, const char *token)
{
        int64_t index;

        if (json_is(j, JSON_OBJECT)) return json_get(j, token);
        if (!json_is(j, JSON_ARRAY) || str_parse_i64(token, 0, 1 << 20, &index)) return NULL;
        return wrapped(cJSON_GetArrayItem(raw(j), (int)index));
}

const struct json *json_path(const struct json *j, const char *pointer)
{
        char token[128];

        while (j && *pointer == '/') {
                size_t n = 0;

                for (pointer++; *pointer && *pointer != '/'; pointer++) {
                        char c = *pointer;

                        if (c == '~' && (pointer[1] == '0' || pointer[1] == '1')) c = *++pointer == '0' ? '~' : '/';
                        if (n + 1 >= sizeof token) return NULL;
                        token[n++] = c;
                }
                token[n] = '\0';
                j = path_step(j, token);
        }
        return *pointer ? NULL : j;
}

size_t json_count(const struct json *j)
{
        return j ? (size_t)cJSON_GetArraySize(raw(j)) : 0;
}

const struct json *json_first(const struct json *j)
{
        return wrapped(j ? raw(j)->child : NULL);
}

const struct json *json_next(const struct json *j)
{
        return wrapped(raw(j)->next);
}

const char *json_key(const struct json *member)
{
        return member ? raw(member)->string : NULL;
}

const char *json_text(const struct json *j)
{
        return json_is(j, JSON_STRING) ? raw(j)->valuestring : NULL;
}

double json_value(const struct json *j)
{
        return json_is(j, JSON_NUMBER) ? raw(j)->valuedouble : NAN;
}

bool json_true(const struct json *j)
{
        return j && cJSON_IsTrue(raw(j));
}

const char *json_get_str(const struct json *object, const char *key, const char *otherwise)
{
        const char *text = json_text(json_get(object, key));

        return text ? text : otherwise;
}

double json_get_num(const struct json *object, const char *key, double otherwise)
{
        const struct json *j = json_get(object, key);

        return json_is(j, JSON_NUMBER) ? raw(j)->valuedouble : otherwise;
}

int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise)
{
        double value = json_get_num(object, key, NAN);

        if (isnan(value) || fabs(value) > 9007199254740992.0) return otherwise;
        return (int64_t)value;
}

bool json_get_bool(const struct json *object, const char *key, bool otherwise)
{
        const struct json *j = json_get(object, key);

        return json_is(j, JSON_BOOL) ? json_true(j) : otherwise;
}

bool json_equal(const struct json *a, const struct json *b)
{
        if (!a || !b) return a == b;
        return cJSON_Compare(raw(a), raw(b), true);
}

static bool broken(const cJSON *c)
{
        if (c->type & JSON_BROKEN) return true;
        for (const cJSON *child = c->child; child; child = child->next)
                if (broken(child)) return true;
        return false;
}

static enum err print(const struct json *j, struct buf *b, bool pretty)
{
        char *text;

        hooks();
        if (!j || broken(raw(j))) return ERR_NOMEM;
        text = pretty ? cJSON_Print(raw(j)) : cJSON_PrintUnformatted(raw(j));
        if (!text) return ERR_NOMEM;
        buf_str(b, text);
        cJSON_free(text);
        return buf_status(b);
}

enum err json_print(const struct json *j, struct buf *b)
{
        return print(j, b, false);
}

enum err json_print_pretty(const struct json *j, struct buf *b)
{
        return print(j, b, true);
}

void json_quote(struct buf *b, const char *text)
{
        AUTO(json_free) struct json *j = json_string(text);

        if (json_print(j, b) && !b->status) b->status = ERR_NOMEM;
}

enum err json_merge_patch(struct json **target, const struct json *patch)
{
        struct json *into = *target;

        if (!json_is(patch, JSON_OBJECT)) {
                struct json *copy = json_clone(patch);

                if (!copy) return ERR_NOMEM;
                json_free(into);
                *target = copy;
                return ERR_OK;
        }
        if (!json_is(into, JSON_OBJECT)) {
                into = json_object();
                if (!into) return ERR_NOMEM;
                json_free(*target);
                *target = into;
        }
        JSON_EACH(member, patch) {
                struct json *value;
                enum err e;

                if (json_is(member, JSON_NULL)) {
                        json_remove(into, json_key(member));
                        continue;
                }
                value = json_clone(json_get(into, json_key(member)));
                if (!value) value = json_null();
                e = json_merge_patch(&value, member);
                if (e) {
                        json_free(value);
                        return e;
                }
                json_set(into, json_key(member), value);
        }
        return raw(into)->type & JSON_BROKEN ? ERR_NOMEM : ERR_OK;
}
