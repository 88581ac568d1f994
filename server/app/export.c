/* firedrill export: what is kept of finished runs, as text for other tools. Reads the database of a home that no server holds. */
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/json.h"
#include "server/app/commands.h"
#include "server/app/options.h"
#include "server/app/site.h"
#include "server/episode/episode.h"
#include "server/race/race.h"
#include "server/store/history.h"

struct export {
        bool csv;
        struct json *columns; /* of the CSV header, once it is written */
        size_t count;
};

static enum err export_episode(void *ctx, const struct history_episode *x)
{
        struct export *out = ctx;
        struct json *columns = NULL;
        AUTO_BUF text = {0};
        enum err e = ERR_OK;

        out->count++;
        if (!out->csv) {
                (void)fputs(x->lines, stdout);
                return ERR_OK;
        }
        buf_init(&text, 4 * STORE_TEXT_BYTES_MAX);
        e = episode_csv(x->lines, out->columns, &text, out->columns ? NULL : &columns);
        if (columns) out->columns = columns;
        if (e) {
                fprintf(stderr, "firedrill export: the episode of run r%lld cannot be read and is left out\n", (long long)x->run_id);
                return ERR_OK;
        }
        (void)fwrite(text.data, 1, text.size_bytes, stdout);
        return ERR_OK;
}

/* One line is one file of models/recordings. */
static enum err export_recording(void *ctx, const struct history_recording *r)
{
        struct export *out = ctx;
        AUTO_BUF text = {0};
        enum err e;

        buf_init(&text, 4 * STORE_TEXT_BYTES_MAX);
        e = race_recording_export(r, &text);
        if (e) {
                fprintf(stderr, "firedrill export: the recording of '%s' through %s cannot be read and is left out\n", r->policy, r->scenario);
                return ERR_OK;
        }
        out->count++;
        (void)fwrite(text.data, 1, text.size_bytes, stdout);
        (void)fputc('\n', stdout);
        return ERR_OK;
}

static int export_run(const char *home, const char *scenario, const char *what, bool csv)
{
        AUTO(store_free) struct store *store = NULL;
        struct export out = {.csv = csv};
        char path[FILE_PATH_BYTES];
        struct err_note note = {0};
        bool episodes = str_eq(what, "episodes");
        enum err e = path_join(path, home, "firedrill.db");

        if (e || !file_exists(path)) {
                fprintf(stderr, "firedrill export: there is no database '%s/firedrill.db'; --home names the folder of a server\n", home);
                return SITE_EXIT_USE;
        }
        e = store_open(path, &store, &note);
        if (!e && episodes) e = history_episode_each(store, scenario, 0, HISTORY_EPISODES_MAX, export_episode, &out, &note);
        if (!e && !episodes) e = history_recording_each(store, scenario, HISTORY_RECORDINGS_MAX, export_recording, &out, &note);
        json_free(out.columns);
        if (!e && fflush(stdout)) e = err_note(&note, ERR_IO, "the output cannot be written");
        if (e) {
                fprintf(stderr, "firedrill export: %s%s\n", note.text,
                        e == ERR_STATE && episodes ? " (a running server gives its episodes at /api/v1/episodes)" : "");
                return SITE_EXIT_ENVIRONMENT;
        }
        if (!out.count) fprintf(stderr, "firedrill export: no %s is kept there yet\n", episodes ? "episode" : "recording");
        return SITE_EXIT_OK;
}

int command_export(int argc, char **argv)
{
        const char *home = ".firedrill", *format = "jsonl", *scenario = NULL;
        bool wants_help = false;
        const struct option_row rows[] = {
                {.name = "--format", .value = "FORMAT", .help = "jsonl (default: lines of JSON) or, of episodes, csv", .text = &format},
                {.name = "--scenario", .value = "ID", .help = "only those of this scenario", .text = &scenario},
                {.name = "--home", .value = "DIR", .help = "the folder whose database is read (default .firedrill)", .text = &home},
        };
        struct option_words what = {.count = 0};
        struct err_note note;

        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, &what, &wants_help, &note)) {
                fprintf(stderr, "firedrill export: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help("firedrill export episodes|recordings [OPTIONS]",
                             "Writes every kept run as state, action and outcome, or every recording of a driver's complete run as it may be set "
                             "beside a learner, to the standard output. No server may hold the home.",
                             rows,
                             ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (what.count != 1 || (!str_eq(what.item[0], "episodes") && !str_eq(what.item[0], "recordings"))) {
                fprintf(stderr, "firedrill export: expected what to export: episodes or recordings\n");
                return SITE_EXIT_USE;
        }
        if (!str_eq(format, "jsonl") && !str_eq(format, "csv")) {
                fprintf(stderr, "firedrill export: --format is '%s', expected jsonl or csv\n", format);
                return SITE_EXIT_USE;
        }
        if (str_eq(format, "csv") && !str_eq(what.item[0], "episodes")) {
                fprintf(stderr, "firedrill export: --format is 'csv', expected jsonl: a recording is no table\n");
                return SITE_EXIT_USE;
        }
        return export_run(home, scenario, what.item[0], str_eq(format, "csv"));
}
