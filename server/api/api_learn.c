/* What was learned: the models that come along, and the figures of the last registered report (CSV files, as `firedrill-learn report` wrote them). */
#include <stdlib.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/advisor/model_info.h"
#include "server/api/api_call.h"

enum { LEARN_CSV_BYTES_MAX = 1 << 20, LEARN_ROWS_MAX = 5000, LEARN_COLUMNS_MAX = 12, LEARN_MODELS_MAX = 32, LEARN_NAMES_MAX = 256 };

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

struct models_walk {
        const struct api_call *call;
        const char *folder;
        struct model_file calibration;
        struct json *list;
};

static void models_add(void *ctx, const char *name)
{
        struct models_walk *walk = ctx;
        char path[FILE_PATH_BYTES];
        struct err_note note = {0};
        struct json *j;
        AUTO_BUF bytes;

        buf_init(&bytes, MODEL_INFO_BYTES_MAX);
        if (!str_ends(name, ".fdlm") || json_count(walk->list) >= LEARN_MODELS_MAX || path_join(path, walk->folder, name)) return;
        j = json_object();
        json_set_str(j, "file", name);
        if (file_read(path, &bytes, &note) || model_info_put(&(struct model_file){bytes.data, bytes.size_bytes}, &walk->calibration, j, &note))
                json_set_str(j, "problem", note.text);
        json_set_bool(j, "in_use", walk->call->api->o.agent && str_eq(json_get_str(j, "id", ""), walk->call->api->o.agent));
        json_push(walk->list, j);
}

void handle_learn_models(struct api_call *call)
{
        char share[FILE_PATH_BYTES], folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        struct json *j = json_object();
        struct models_walk walk = {.call = call, .folder = folder, .list = json_array()};
        AUTO_BUF calibration;

        buf_init(&calibration, MODEL_INFO_BYTES_MAX);
        if (!path_share(share, NULL) && !path_join(folder, share, "models")) {
                if (!path_join(path, folder, "calibration.json") && file_exists(path) && !file_read(path, &calibration, NULL))
                        walk.calibration = (struct model_file){calibration.data, calibration.size_bytes};
                if (dir_each(folder, LEARN_NAMES_MAX, models_add, &walk, NULL)) json_set_str(j, "problem", "the folder of the models cannot be listed whole");
        }
        json_set(j, "models", walk.list);
        call_json(call, 200, j);
}
