/* str: small helpers for C strings: bounded copies, strict number parsing, durations, "did you mean".
 * Owner: none. Memory: none allocated. Units: in the names. Limits: STR_SUGGEST_BYTES per compared word.
 * Fails: ERR_PARSE for text that is not wholly a value, ERR_LIMIT out of range or too long; results untouched. */
#ifndef COMMON_BASE_STR_H
#define COMMON_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { STR_SUGGEST_BYTES = 64 };

bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
/* Copies with NUL; ERR_LIMIT (and an empty dst) if it does not fit. */
MUST_USE enum err str_copy(char *dst, size_t dst_bytes, const char *src);
/* Copies what fits, for text where a cut is acceptable. */
void str_cut(char *dst, size_t dst_bytes, const char *src);

MUST_USE enum err str_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret);
MUST_USE enum err str_parse_u64(const char *text, uint64_t max, uint64_t *ret);
MUST_USE enum err str_parse_double(const char *text, double *ret); /* finite only */
/* "250ms", "45s", "20m", "1h", "1.5s", "0"; a bare number other than 0 is ERR_PARSE. */
MUST_USE enum err str_parse_duration_ms(const char *text, int64_t *ret_ms);
/* "1h2m", "45s", "250ms": the shortest exact form. */
void str_duration(int64_t ms, char *dst, size_t dst_bytes);

/* kebab-case or snake_case identifier: [a-z][a-z0-9_-]*, at most max_bytes. */
bool str_is_id(const char *text, size_t max_bytes);

/* Optimal string alignment distance (Damerau-Levenshtein without repeated edits), capped at STR_SUGGEST_BYTES. */
size_t str_distance(const char *a, const char *b);
/* The nearest of `words` (count entries) if it is near enough to be meant (distance <= 1 + length/4), else NULL. */
const char *str_suggest(const char *word, const char *const *words, size_t count);

#endif
