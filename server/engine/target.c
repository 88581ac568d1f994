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

static enum err threshold_parse(const char *text, double *ret)
{
        static const struct {
                const char *suffix;
                double scale;
        } units[] = { { "ms", 0.001 }, { "s", 1 }, { "%", 0.01 }, { "m", 60 }, { "", 1 } };
        char number[64];
        size_t size;

        while (isspace((unsigned char)*text))
                text++;
        size = strlen(text);
        while (size && isspace((unsigned char)text[size - 1]))
                size--;
        if (size == 0 || size >= sizeof number) return ERR_PARSE;
        memcpy(number, text, size);
        number[size] = '\0';
        for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
                size_t cut = strlen(units[i].suffix);
                double value;

                if (!str_ends(number, units[i].suffix) || cut >= size) continue;
                number[size - cut] = '\0';
                for (size_t end = size - cut; end && isspace((unsigned char)number[end - 1]); end--)
                        number[end - 1] = '\0';
                if (str_parse_double(number, &value) != ERR_OK) return ERR_PARSE;
                *ret = value * units[i].scale;
                return ERR_OK;
        }
        return ERR_PARSE;
}

enum err target_parse(const char *text, enum scenario_op *ret_op, double *ret_threshold)
{
        enum scenario_op op;
        double threshold;
        size_t size;

        while (isspace((unsigned char)*text))
                text++;
        size = op_at(text, &op);
        if (!size || threshold_parse(text + size, &threshold) != ERR_OK) return ERR_PARSE;
        *ret_op = op;
        *ret_threshold = threshold;
        return ERR_OK;
}

enum err target_split(const char *text, size_t *ret_size, enum scenario_op *ret_op, double *ret_threshold)
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
        if (!last || last == text || target_parse(last, ret_op, ret_threshold) != ERR_OK) return ERR_PARSE;
        while (last > text && isspace((unsigned char)last[-1]))
                last--;
        if (last == text) return ERR_PARSE;
        *ret_size = (size_t)(last - text);
        return ERR_OK;
}
