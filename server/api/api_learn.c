/* What was learned: the model that advises, and the figures of the last registered report (CSV files, as `firedrill-learn report` wrote them). */
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/advisor/model_info.h"
#include "server/api/api_call.h"

enum { LEARN_CSV_BYTES_MAX = 1 << 20, LEARN_ROWS_MAX = 5000, LEARN_COLUMNS_MAX = 12, LEARN_MODELS_MAX = 32 };

/* A cell is a number if all of it reads as one. */
static struct json *cell_json(const char *text)
{
        char *end;
        double value = strtod(text, &end);

        return text[0] && !*end ? json_number(value) : json_string(text);
}

static size_t csv_split(char *line, char *cells[LEARN_COLUMNS_MAX])
{
        size_t count = 0;

        for (char *at = line; at && count < LEARN_COLUMNS_MAX;) {
                char *comma = strchr(at, ',');

                if (comma) *comma++ = '\0';
                cells[count++] = at;
                at = comma;
        }
        return count;
}

/* Rows as objects, named by the first line; changes `text`. */
static struct json *csv_json(char *text)
{
        struct json *list = json_array();
        char *head[LEARN_COLUMNS_MAX], *cells[LEARN_COLUMNS_MAX], *rest = text;
        size_t columns = 0, rows = 0;

        for (char *line; (line = strsep(&rest, "\n")) != NULL && rows <= LEARN_ROWS_MAX;) {
                struct json *row;
                size_t count;

                line[strcspn(line, "\r")] = '\0';
                if (!*line) continue;
                if (!rows++) {
                        columns = csv_split(line, head);
                        continue;
                }
                count = csv_split(line, cells);
                row = json_object();
                for (size_t i = 0; i < count && i < columns; i++) json_set(row, head[i], cell_json(cells[i]));
                json_push(list, row);
        }
        return list;
}

/* The folder of the newest figures: the user's own, else those that come along. */
static bool learn_folder(const struct api_call *call, char dst[static FILE_PATH_BYTES])
{
        char share[FILE_PATH_BYTES];

        if (!path_join(dst, call->api->o.home, "learn-report") && file_is_dir(dst)) return true;
        return !path_share(share, NULL) && !path_join(dst, share, "docs/learning-report") && file_is_dir(dst);
}

void handle_learn_report(struct api_call *call)
{
        static const char *const names[] = {"curve", "policies", "stability"};
        char folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        bool there = learn_folder(call, folder);
        struct json *j = json_object();

        json_set_bool(j, "own", there && str_starts(folder, call->api->o.home));
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                AUTO_BUF text;

                buf_init(&text, LEARN_CSV_BYTES_MAX);
                if (!there || path_format(path, "%s/%s.csv", folder, names[i]) || file_read(path, &text, NULL) || !text.size_bytes)
                        json_set(j, names[i], json_array());
                else
                        json_set(j, names[i], csv_json(text.data));
        }
        call_json(call, 200, j);
}

static void models_add(const char *folder, const char *name, struct json *list)
{
        char path[FILE_PATH_BYTES];
        struct err_note note = {0};
        struct json *j;
        AUTO_BUF bytes;

        buf_init(&bytes, MODEL_INFO_BYTES_MAX);
        if (path_join(path, folder, name) || !file_exists(path)) return;
        j = json_object();
        json_set_str(j, "file", name);
        if (file_read(path, &bytes, &note) || model_info_put(bytes.data, bytes.size_bytes, j, &note)) json_set_str(j, "problem", note.text);
        json_push(list, j);
}

void handle_learn_models(struct api_call *call)
{
        char share[FILE_PATH_BYTES], folder[FILE_PATH_BYTES];
        struct json *j = json_object(), *list = json_array();

        if (!path_share(share, NULL) && !path_join(folder, share, "models")) models_add(folder, "default.fdlm", list);
        json_set(j, "models", list);
        call_json(call, 200, j);
}
