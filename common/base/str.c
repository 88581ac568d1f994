#include "common/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool str_eq(const char *a, const char *b)
{
        if (!a || !b) return a == b;
        return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
        return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
        size_t n = strlen(text), m = strlen(suffix);

        return n >= m && memcmp(text + n - m, suffix, m) == 0;
}

enum err str_copy(char *dst, size_t dst_bytes, const char *src)
{
        size_t n = strlen(src);

        if (n >= dst_bytes) {
                if (dst_bytes) dst[0] = '\0';
                return ERR_LIMIT;
        }
        memcpy(dst, src, n + 1);
        return ERR_OK;
}

void str_cut(char *dst, size_t dst_bytes, const char *src)
{
        size_t n = strnlen(src, dst_bytes - 1);

        memcpy(dst, src, n);
        dst[n] = '\0';
}

enum err str_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret)
{
        char *end;
        long long value;

        if (!(isdigit((unsigned char)text[0]) || (text[0] == '-' && isdigit((unsigned char)text[1])))) return ERR_PARSE;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (*end) return ERR_PARSE;
        if (errno == ERANGE || value < min || value > max) return ERR_LIMIT;
        *ret = value;
        return ERR_OK;
}

enum err str_parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
        char *end;
        unsigned long long value;

        if (!isdigit((unsigned char)text[0])) return ERR_PARSE;
        errno = 0;
        value = strtoull(text, &end, 10);
        if (*end) return ERR_PARSE;
        if (errno == ERANGE || value > max) return ERR_LIMIT;
        *ret = value;
        return ERR_OK;
}

enum err str_parse_double(const char *text, double *ret)
{
        char *end;
        double value;

        if (!text[0] || isspace((unsigned char)text[0])) return ERR_PARSE;
        value = strtod(text, &end);
        if (*end || !isfinite(value)) return ERR_PARSE;
        *ret = value;
        return ERR_OK;
}

static const struct {
        const char *name;
        int64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 } };

enum err str_parse_duration_ms(const char *text, int64_t *ret_ms)
{
        char *end;
        double value;

        if (str_eq(text, "0")) {
                *ret_ms = 0;
                return ERR_OK;
        }
        if (!isdigit((unsigned char)text[0])) return ERR_PARSE;
        value = strtod(text, &end);
        for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
                if (!str_eq(end, units[i].name)) continue;
                value *= (double)units[i].ms;
                if (value > 1e15) return ERR_LIMIT;
                *ret_ms = (int64_t)llround(value);
                return ERR_OK;
        }
        return ERR_PARSE;
}

void str_duration(int64_t ms, char *dst, size_t dst_bytes)
{
        int64_t s = ms / 1000;

        if (ms == 0)
                snprintf(dst, dst_bytes, "0s");
        else if (ms % 1000)
                snprintf(dst, dst_bytes, "%" PRId64 "ms", ms);
        else if (s < 60)
                snprintf(dst, dst_bytes, "%" PRId64 "s", s);
        else if (s < 3600)
                snprintf(dst, dst_bytes, s % 60 ? "%" PRId64 "m%" PRId64 "s" : "%" PRId64 "m", s / 60, s % 60);
        else
                snprintf(dst, dst_bytes, s % 3600 / 60 ? "%" PRId64 "h%" PRId64 "m" : "%" PRId64 "h", s / 3600,
                         s % 3600 / 60);
}

bool str_is_id(const char *text, size_t max_bytes)
{
        size_t n = strlen(text);

        if (n == 0 || n > max_bytes || !(text[0] >= 'a' && text[0] <= 'z')) return false;
        for (size_t i = 0; i < n; i++)
                if (!((text[i] >= 'a' && text[i] <= 'z') || isdigit((unsigned char)text[i]) || text[i] == '-' ||
                      text[i] == '_'))
                        return false;
        return true;
}

static unsigned char min3(unsigned a, unsigned b, unsigned c)
{
        unsigned m = a < b ? a : b;

        return (unsigned char)(m < c ? m : c);
}

size_t str_distance(const char *a, const char *b)
{
        unsigned char d[STR_SUGGEST_BYTES + 1][STR_SUGGEST_BYTES + 1];
        size_t n = strlen(a), m = strlen(b);

        if (n > STR_SUGGEST_BYTES || m > STR_SUGGEST_BYTES) return STR_SUGGEST_BYTES;
        for (size_t i = 0; i <= n; i++) d[i][0] = (unsigned char)i;
        for (size_t j = 0; j <= m; j++) d[0][j] = (unsigned char)j;
        for (size_t i = 1; i <= n; i++) {
                for (size_t j = 1; j <= m; j++) {
                        unsigned cost = a[i - 1] != b[j - 1];

                        d[i][j] = min3(d[i - 1][j] + 1u, d[i][j - 1] + 1u, d[i - 1][j - 1] + cost);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                d[i][j] = min3(d[i][j], d[i - 2][j - 2] + 1u, d[i][j]);
                }
        }
        return d[n][m];
}

const char *str_suggest(const char *word, const char *const *words, size_t count)
{
        size_t best = 2 + strlen(word) / 4;
        const char *found = NULL;

        for (size_t i = 0; i < count; i++) {
                size_t distance = str_distance(word, words[i]);

                if (distance < best) {
                        best = distance;
                        found = words[i];
                }
        }
        return found;
}
