/* An episode's JSON lines as rows of CSV (RFC 4180): the facts of the episode in each row, then the step, then the state. */
#include <string.h>

#include "common/base/str.h"
#include "common/text/json.h"
#include "server/episode/episode.h"

static const char *const facts[] = {"episode", "scenario", "seed", "fast", "driver", "advice", "assisted", "outcome"};
static const char *const step_facts[] = {"step", "at_ms", "action", "target", "reward", "done"};

/* A text with a comma, a quote or a line end is quoted, its quotes doubled. */
static void put_text(struct buf *out, const char *text)
{
        if (!strpbrk(text, ",\"\r\n")) {
                buf_str(out, text);
                return;
        }
        buf_char(out, '"');
        for (; *text; text++) {
                if (*text == '"') buf_char(out, '"');
                buf_char(out, *text);
        }
        buf_char(out, '"');
}

static void put_cell(struct buf *out, const struct json *value)
{
        if (json_text(value))
                put_text(out, json_text(value));
        else if (value && !json_is(value, JSON_NULL) && json_print(value, out) && !out->status)
                out->status = ERR_NOMEM;
}

static void put_head(struct buf *out, const struct json *columns)
{
        for (size_t i = 0; i < ARRAY_COUNT(facts); i++) buf_printf(out, "%s%s", i ? "," : "", facts[i]);
        for (size_t i = 0; i < ARRAY_COUNT(step_facts); i++) buf_printf(out, ",%s", step_facts[i]);
        JSON_EACH(column, columns)
        {
                buf_char(out, ',');
                put_cell(out, column);
        }
        buf_str(out, "\r\n");
}

/* The value of the column of that name: an episode of another version may have other columns, or another order. */
static const struct json *state_find(const struct json *own, const struct json *state, const char *name)
{
        const struct json *value = json_first(state);

        JSON_EACH(column, own)
        {
                if (str_eq(json_text(column), name)) return value;
                value = value ? json_next(value) : NULL;
        }
        return NULL;
}

static void put_row(struct buf *out, const struct json *head, const struct json *step, const struct json *columns)
{
        bool same = json_equal(columns, json_get(head, "columns"));
        const struct json *value = json_first(json_get(step, "state"));

        for (size_t i = 0; i < ARRAY_COUNT(facts); i++) {
                if (i) buf_char(out, ',');
                put_cell(out, json_get(head, facts[i]));
        }
        for (size_t i = 0; i < ARRAY_COUNT(step_facts); i++) {
                buf_char(out, ',');
                put_cell(out, json_get(step, step_facts[i]));
        }
        JSON_EACH(column, columns)
        {
                buf_char(out, ',');
                put_cell(out, same ? value : state_find(json_get(head, "columns"), json_get(step, "state"), json_text(column)));
                if (same && value) value = json_next(value);
        }
        buf_str(out, "\r\n");
}

enum err episode_csv(const char *lines, const struct json *columns, struct buf *out, struct json **ret_columns)
{
        AUTO(json_free) struct json *head = NULL;
        const struct json *used = columns;

        for (const char *at = lines; *at;) {
                AUTO(json_free) struct json *line = NULL;
                size_t size = strcspn(at, "\n");

                if (json_parse(at, size, &line, NULL)) return ERR_CORRUPT;
                at += size + (at[size] == '\n');
                if (head) {
                        put_row(out, head, line, used);
                        continue;
                }
                head = take(&line);
                if (!used) {
                        used = json_get(head, "columns");
                        put_head(out, used);
                }
        }
        if (!head) return ERR_CORRUPT;
        if (ret_columns) *ret_columns = json_clone(used);
        return buf_status(out);
}
