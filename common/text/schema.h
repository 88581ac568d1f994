/* schema: checks JSON values against the subset of JSON Schema 2020-12 that our own schemas use:
 * type (one or list), properties, required, additionalProperties (boolean or schema), items, enum, const, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, minLength, maxLength, minItems, maxItems, uniqueItems, minProperties, maxProperties,
 * pattern (POSIX extended), anyOf, oneOf, $ref ("#/..." only), and annotations, which are ignored. Any other keyword is an error of the schema.
 * Owner: caller. Memory: callbacks lend. Limits: SCHEMA_DEPTH_MAX. Fails: findings go to the callback. */
#ifndef COMMON_TEXT_SCHEMA_H
#define COMMON_TEXT_SCHEMA_H

#include <stddef.h>

#include "common/text/json.h"

enum { SCHEMA_DEPTH_MAX = 40 };

/* pointer: where in the value (RFC 6901, "" = whole); detail: a sentence that says what was expected. */
typedef void schema_report(void *ctx, const char *pointer, const char *detail);

/* Returns the number of findings; report may be NULL. */
size_t schema_check(const struct json *schema, const struct json *value, schema_report *report, void *ctx);

/* ERR_INVAL with a note if the schema itself uses something outside the subset. */
MUST_USE enum err schema_supported(const struct json *schema, struct err_note *reterr);

#endif
