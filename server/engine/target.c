#include "server/engine/target.h"

#include <ctype.h>
#include <string.h>

#include "common/base/str.h"

/* Length of the comparison operator at `at`, 0 if there is none. */
static size_t op_at(const char *at, enum scenario_op *ret)
{
        static const enum scenario_op longest_first[] = { SCENARIO_OP_GE, SCENARIO_OP_LE, SCENARIO_OP_EQ,
                                                          SCENARIO_OP_NE, SCENARIO_OP_GT, SCENARIO_OP_LT };

        for (size_t i = 0; i < ARRAY_COUNT(longest_first); i++) {
                const char *text = scenario_op_text(longest_first[i]);

                if (str_starts(at, text)) {
                        *ret = longest_first[i];
                        return strlen(text);
                }
        }
        return 0;
}

static size_t trimmed(const char *text, size_t size)
{
        while (size && isspace((unsigned char)text[size - 1]))
                size--;
        return size;
}

/* Cuts a word off the end, with the blanks before it; false if the text does not end with it. */
static bool cut_end(char *text, const char *word)
{
        size_t size = strlen(text), cut = strlen(word);

        if (!str_ends(text, word)) return false;
        text[trimmed(text, size - cut)] = '\0';
        return true;
}

static enum err number_parse(const char *number, double *ret)
{
        static const struct {
                const char *suffix;
                double scale;
        } units[] = { { "ms", 0.001 }, { "s", 1 }, { "%", 0.01 }, { "m", 60 }, { "", 1 } };
        char text[64];

        for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
                double value;

                str_cut(text, sizeof text, number);
                if (!cut_end(text, units[i].suffix)) continue;
                if (str_parse_double(text, &value) != ERR_OK) return ERR_PARSE;
                *ret = value * units[i].scale;
                return ERR_OK;
        }
        return ERR_PARSE;
}

/* "1.5 x baseline", "90 % of baseline": a factor, so no unit of time. */
static enum err factor_parse(char *number, double *ret)
{
        if (!cut_end(number, "x") && !cut_end(number, "of")) return ERR_PARSE;
        if (strpbrk(number, "ms") || number_parse(number, ret) != ERR_OK || *ret < 0) return ERR_PARSE;
        return ERR_OK;
}

static enum err threshold_parse(const char *text, struct target *ret)
{
        char number[64];
        size_t size;

        while (isspace((unsigned char)*text))
                text++;
        size = trimmed(text, strlen(text));
        if (size == 0 || size >= sizeof number) return ERR_PARSE;
        memcpy(number, text, size);
        number[size] = '\0';
        ret->of_baseline = cut_end(number, "baseline");
        return ret->of_baseline ? factor_parse(number, &ret->threshold) : number_parse(number, &ret->threshold);
}

enum err target_parse(const char *text, struct target *ret)
{
        struct target t;
        size_t size;

        while (isspace((unsigned char)*text))
                text++;
        size = op_at(text, &t.op);
        if (!size || threshold_parse(text + size, &t) != ERR_OK) return ERR_PARSE;
        *ret = t;
        return ERR_OK;
}

enum err target_split(const char *text, size_t *ret_size, struct target *ret)
{
        const char *last = NULL;
        int depth = 0;
        char quote = '\0';

        for (const char *at = text; *at; at++) {
                enum scenario_op op;

                if (quote) {
                        if (*at == '\\' && at[1] && quote != '`') at++;
                        else if (*at == quote) quote = '\0';
                        continue;
                }
                if (strchr("\"'`", *at)) quote = *at;
                if (strchr("([{", *at)) depth++;
                if (strchr(")]}", *at)) depth--;
                if (depth == 0 && op_at(at, &op)) {
                        last = at;
                        at += strlen(scenario_op_text(op)) - 1;
                }
        }
        if (!last || last == text || target_parse(last, ret) != ERR_OK) return ERR_PARSE;
        while (last > text && isspace((unsigned char)last[-1]))
                last--;
        if (last == text) return ERR_PARSE;
        *ret_size = (size_t)(last - text);
        return ERR_OK;
}
