/* json: JSON values (RFC 8259) over cJSON; no other room opens cJSON.
 * Owner:  caller, not thread-safe. Memory: json_free frees a whole tree; json_set and json_push take ownership of
 *         what they are given, always, also on failure; json_get and json_at lend.
 * Units:  numbers are doubles (exact integers up to 2^53). Limits: JSON_DEPTH_MAX nesting, caller's bytes.
 * Fails:  builders are sticky: a builder that ran out of memory leaves the tree marked, json_print then tells
 *         ERR_NOMEM, so code can build freely and check once. Parsing tells line and column. */
#ifndef COMMON_TEXT_JSON_H
#define COMMON_TEXT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"

enum { JSON_DEPTH_MAX = 64 };

struct json;

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

MUST_USE enum err json_parse(const char *bytes, size_t size_bytes, struct json **ret, struct err_note *reterr);
void json_free(struct json *j);
AUTO_DEFINE(struct json, json_free)

/* Builders: NULL when out of memory; every function below accepts NULL values and remembers the failure. */
struct json *json_object(void);
struct json *json_array(void);
struct json *json_string(const char *text); /* NULL gives JSON null; bytes that are not UTF-8 are replaced by U+FFFD */
struct json *json_number(double value);     /* NaN and infinities give JSON null */
struct json *json_bool(bool value);
struct json *json_null(void);
struct json *json_clone(const struct json *j);

/* Object members; a member of that name is replaced. */
void json_set(struct json *object, const char *key, struct json *value);
void json_set_str(struct json *object, const char *key, const char *text);
void json_set_num(struct json *object, const char *key, double value);
void json_set_bool(struct json *object, const char *key, bool value);
void json_set_null(struct json *object, const char *key);
void json_remove(struct json *object, const char *key);
void json_push(struct json *array, struct json *value);

/* Reading. A NULL value behaves as absent everywhere. */
enum json_type json_type(const struct json *j); /* NULL: JSON_NULL */
const char *json_type_name(const struct json *j); /* "object", "integer", ... for messages */
bool json_is(const struct json *j, enum json_type type);
const struct json *json_get(const struct json *object, const char *key);     /* NULL if absent */
struct json *json_get_mut(struct json *object, const char *key);
const struct json *json_path(const struct json *j, const char *pointer);     /* RFC 6901 "/a/0/b"; NULL if absent */
size_t json_count(const struct json *j);                                     /* members or items; 0 otherwise */
const struct json *json_first(const struct json *j);                         /* first member or item */
const struct json *json_next(const struct json *j);                          /* its sibling */
const char *json_key(const struct json *member);                             /* NULL for items */
const char *json_text(const struct json *j);                                 /* NULL if not a string */
double json_value(const struct json *j);                                     /* NaN if not a number */
bool json_true(const struct json *j);
const char *json_get_str(const struct json *object, const char *key, const char *otherwise);
double json_get_num(const struct json *object, const char *key, double otherwise);
int64_t json_get_int(const struct json *object, const char *key, int64_t otherwise);
bool json_get_bool(const struct json *object, const char *key, bool otherwise);
bool json_equal(const struct json *a, const struct json *b); /* member order does not matter */

#define JSON_EACH(item, container)                                                                                     \
        for (const struct json *item = json_first(container); item; item = json_next(item))

/* Compact text, appended to b. ERR_NOMEM if any builder of this tree failed. NULL value: ERR_NOMEM. */
MUST_USE enum err json_print(const struct json *j, struct buf *b);
MUST_USE enum err json_print_pretty(const struct json *j, struct buf *b);
/* For hand-written JSON: a quoted, escaped string appended to b. */
void json_quote(struct buf *b, const char *text);

/* RFC 7396: changes *target in place (may replace it). */
MUST_USE enum err json_merge_patch(struct json **target, const struct json *patch);

#endif
