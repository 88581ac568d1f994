#include "server/race/divergence.h"

#include <stdlib.h>

#include "common/base/attr.h"
#include "common/base/str.h"

/* The next change that was made, from `item` on; what was refused, and what only took something back, is none. */
static const struct json *change_from(const struct json *item)
{
        while (item && (!str_eq(json_get_str(item, "state", ""), "applied") || str_eq(json_get_str(item, "kind", ""), "undo"))) item = json_next(item);
        return item;
}

static struct json *found(const char *kind, const struct json *you, const struct json *they)
{
        struct json *j = json_object();
        int64_t yours = json_get_int(you, "at_ms", INT64_MAX), theirs = json_get_int(they, "at_ms", INT64_MAX);

        json_set_num(j, "at_ms", (double)MIN(yours, theirs));
        json_set_str(j, "kind", kind);
        json_set(j, "you", you ? json_clone(you) : json_null());
        json_set(j, "they", they ? json_clone(they) : json_null());
        return j;
}

struct json *divergence_find(const struct json *you, const struct json *they)
{
        const struct json *a = change_from(json_first(you)), *b = change_from(json_first(they));

        for (; a || b; a = change_from(json_next(a)), b = change_from(json_next(b))) {
                if (!b) return found("only_you", a, NULL);
                if (!a) return found("only_they", NULL, b);
                if (!str_eq(json_get_str(a, "kind", ""), json_get_str(b, "kind", "")) ||
                    !str_eq(json_get_str(a, "on", ""), json_get_str(b, "on", "")) || !json_equal(json_get(a, "args"), json_get(b, "args")))
                        return found("different", a, b);
                if (llabs(json_get_int(a, "at_ms", 0) - json_get_int(b, "at_ms", 0)) > DIVERGENCE_APART_MS) return found("timing", a, b);
        }
        return NULL;
}
