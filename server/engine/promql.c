#include "server/engine/promql.h"

#include <ctype.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"

static const char *const functions[] = {
        "abs", "absent", "absent_over_time", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg",
        "avg_over_time", "bottomk", "ceil", "changes", "clamp", "clamp_max", "clamp_min", "cos", "cosh", "count",
        "count_over_time", "count_values", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "deg", "delta",
        "deriv", "exp", "floor", "group", "histogram_quantile", "holt_winters", "hour", "idelta", "increase", "irate",
        "label_join", "label_replace", "last_over_time", "ln", "log10", "log2", "max", "max_over_time", "min",
        "min_over_time", "minute", "month", "pi", "predict_linear", "present_over_time", "quantile",
        "quantile_over_time", "rad", "rate", "resets", "round", "scalar", "sgn", "sin", "sinh", "sort", "sort_desc",
        "sqrt", "stddev", "stddev_over_time", "stdvar", "stdvar_over_time", "sum", "sum_over_time", "tan", "tanh",
        "time", "timestamp", "topk", "vector", "year",
};
static const char *const label_words[] = { "by", "without", "on", "ignoring", "group_left", "group_right" };
static const char *const other_words[] = { "and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end" };

static bool word_in(const char *word, const char *const *list, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (strcasecmp(word, list[i]) == 0) return true;
        return false;
}

static bool name_start(char c)
{
        return isalpha((unsigned char)c) || c == '_' || c == ':';
}

static bool name_char(char c)
{
        return name_start(c) || isdigit((unsigned char)c);
}

/* After a quoted text that begins at `at`; NULL if it does not end. */
static const char *skip_quoted(const char *at)
{
        char quote = *at;

        for (at++; *at; at++) {
                if (*at == '\\' && at[1] && quote != '`') at++;
                else if (*at == quote) return at + 1;
        }
        return NULL;
}

/* After the bracket that closes the one at `at` (or the end of the text). */
static const char *skip_group(const char *at)
{
        int depth = 0;

        while (*at) {
                if (strchr("\"'`", *at)) {
                        const char *after = skip_quoted(at);

                        if (!after) return at + strlen(at);
                        at = after;
                        continue;
                }
                if (strchr("([{", *at)) depth++;
                if (strchr(")]}", *at) && --depth == 0) return at + 1;
                at++;
        }
        return at;
}

static const char *skip_space(const char *at)
{
        while (isspace((unsigned char)*at))
                at++;
        return at;
}

static enum err check_brackets(const char *text, struct err_note *reterr)
{
        char open[64];
        size_t depth = 0;

        for (const char *at = text; *at; at++) {
                if (strchr("\"'`", *at)) {
                        at = skip_quoted(at);
                        if (!at) return err_note(reterr, ERR_PARSE, "a quoted text does not end in '%.60s'", text);
                        at--;
                } else if (strchr("([{", *at)) {
                        if (depth == sizeof open) return err_note(reterr, ERR_LIMIT, "brackets are nested too deeply");
                        open[depth++] = *at == '(' ? ')' : *at == '[' ? ']' : '}';
                } else if (strchr(")]}", *at)) {
                        if (depth == 0 || open[--depth] != *at)
                                return err_note(reterr, ERR_PARSE, "'%c' closes nothing in '%.60s'", *at, text);
                }
        }
        if (depth) return err_note(reterr, ERR_PARSE, "'%c' is missing at the end of '%.60s'", open[depth - 1], text);
        return ERR_OK;
}

struct walk {
        promql_visit *metric, *function;
        void *ctx;
};

static const char *walk_name(const struct walk *w, const char *at)
{
        char name[PROMQL_NAME_BYTES_MAX];
        const char *end = at, *after;
        bool call;

        while (name_char(*end))
                end++;
        if ((size_t)(end - at) >= sizeof name) return end;
        memcpy(name, at, (size_t)(end - at));
        name[end - at] = '\0';
        after = skip_space(end);
        call = *after == '(';
        if (word_in(name, label_words, ARRAY_COUNT(label_words))) return call ? skip_group(after) : after;
        if (word_in(name, other_words, ARRAY_COUNT(other_words))) return end;
        if (call) {
                if (w->function) w->function(w->ctx, name);
                return end;
        }
        /* "sum by (x) (...)": an aggregation without its bracket yet */
        if ((str_starts(after, "by") || str_starts(after, "without")) && word_in(name, functions, ARRAY_COUNT(functions)))
                return end;
        if (w->metric) w->metric(w->ctx, name);
        return end;
}

static void walk(const struct walk *w, const char *text)
{
        const char *at = text;

        while (*at) {
                if (strchr("\"'`", *at)) {
                        const char *after = skip_quoted(at);

                        if (!after) return;
                        at = after;
                } else if (*at == '{' || *at == '[') {
                        at = skip_group(at);
                } else if (name_start(*at)) {
                        at = walk_name(w, at);
                } else if (isdigit((unsigned char)*at)) {
                        while (name_char(*at) || *at == '.')
                                at++;
                } else {
                        at++;
                }
        }
}

static void function_check(void *ctx, const char *name)
{
        char *unknown = ctx;

        if (!*unknown && !word_in(name, functions, ARRAY_COUNT(functions))) str_cut(unknown, PROMQL_NAME_BYTES_MAX, name);
}

enum err promql_check(const char *text, struct err_note *reterr)
{
        char unknown[PROMQL_NAME_BYTES_MAX] = ""; /* the first one */
        struct walk w = { .function = function_check, .ctx = unknown };
        enum err e = check_brackets(text, reterr);

        if (e) return e;
        if (!*skip_space(text)) return err_note(reterr, ERR_PARSE, "the expression is empty");
        walk(&w, text);
        if (unknown[0]) {
                const char *near = str_suggest(unknown, functions, ARRAY_COUNT(functions));

                return err_note(reterr, ERR_PARSE, "unknown function '%s'%s%s%s", unknown, near ? "; did you mean '" : "",
                                near ? near : "", near ? "'?" : "");
        }
        return ERR_OK;
}

void promql_metrics(const char *text, promql_visit *visit, void *ctx)
{
        walk(&(struct walk){ .metric = visit, .ctx = ctx }, text);
}

size_t promql_base_size(const char *name)
{
        static const char *const suffixes[] = { "_bucket", "_sum", "_count" };
        size_t size = strlen(name);

        for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++)
                if (str_ends(name, suffixes[i])) return size - strlen(suffixes[i]);
        return size;
}

struct uses {
        const char *metric;
        bool found;
};

static void uses_visit(void *ctx, const char *name)
{
        struct uses *u = ctx;
        size_t size = promql_base_size(u->metric);

        if (str_eq(name, u->metric) || (promql_base_size(name) == size && strncmp(name, u->metric, size) == 0))
                u->found = true;
}

bool promql_uses(const char *text, const char *metric)
{
        struct uses u = { .metric = metric };

        promql_metrics(text, uses_visit, &u);
        return u.found;
}
