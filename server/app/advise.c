/* firedrill advise: feeds recordings of firedrill play --record to the advisor, as the live server would, and tells what it would have
 * said: advice, root cause and calibration can be judged again without a stack. What a policy does is not carried out here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/text/json.h"
#include "server/advisor/advisor.h"
#include "server/app/commands.h"
#include "server/app/models.h"
#include "server/app/options.h"
#include "server/app/record.h"
#include "server/app/site.h"

enum { ADVISE_TICKS_MAX = 16384 };

struct advise {
        struct advisor *advisor;
        int64_t tick_us[ADVISE_TICKS_MAX];
        size_t ticks, decisions, uncalibrated, acts;
        bool quiet, told;
};

static void advise_tell(void *ctx, const char *json, bool shown)
{
        struct advise *a = ctx;
        AUTO(json_free) struct json *j = NULL;

        (void)shown;
        a->told = true;
        a->decisions++;
        if (json_parse(json, strlen(json), &j, NULL)) return;
        a->uncalibrated += json_get_bool(j, "out_of_calibration", false);
        a->acts += json_is(json_get(j, "action"), JSON_OBJECT);
        if (!a->quiet) printf("%s\n", json);
}

/* {"type":"...","data":{...}} as record.c writes it; the data is passed on as the text it is. */
static enum err advise_line(struct advise *a, char *line, struct err_note *reterr)
{
        char *type = line + strlen("{\"type\":\""), *end = strchr(line, '\0'), *stop, *data;
        int64_t began;

        if (!str_starts(line, "{\"type\":\"") || !(stop = strchr(type, '"')) || !str_starts(stop, "\",\"data\":") || end[-1] != '}')
                return err_note(reterr, ERR_PARSE, "expected a line {\"type\":...,\"data\":{...}} as firedrill play --record writes it");
        *stop = '\0';
        end[-1] = '\0';
        data = stop + strlen("\",\"data\":");
        a->told = false;
        began = clock_mono_us();
        advisor_hear(a->advisor, type, data);
        if (a->told && a->ticks < ADVISE_TICKS_MAX) a->tick_us[a->ticks++] = clock_mono_us() - began;
        return ERR_OK;
}

static enum err advise_file(struct advise *a, const char *path, struct err_note *reterr)
{
        AUTO_BUF text = {0};
        size_t number = 0;
        enum err e;

        buf_init(&text, RECORD_BYTES_MAX + 1);
        e = file_read(path, &text, reterr);
        for (char *line = text.data, *next; !e && line && *line; line = next) {
                char *stop = strchr(line, '\n');

                next = stop ? stop + 1 : strchr(line, '\0');
                if (stop) *stop = '\0';
                number++;
                e = advise_line(a, line, reterr);
                if (e) err_note_prefix(reterr, "%s:%zu", path, number);
        }
        return e;
}

static int by_i64(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

static void advise_sum(struct advise *a, const char *path)
{
        size_t n = a->ticks;

        qsort(a->tick_us, n, sizeof(a->tick_us[0]), by_i64);
        printf("{\"type\":\"summary\",\"recording\":\"%s\",\"decisions\":%zu,\"out_of_calibration\":%zu,\"acts\":%zu,\"tick_us\":{\"p50\":%lld,\"p99\":%lld}}\n",
               path, a->decisions, a->uncalibrated, a->acts, n ? (long long)a->tick_us[n / 2] : 0LL,
               n ? (long long)a->tick_us[n - 1 - n / 100] : 0LL);
        a->ticks = a->decisions = a->uncalibrated = a->acts = 0;
}

static int advise_all(const struct option_words *files, const char *driver, const char *model, bool quiet)
{
        AUTO(site_free) struct site *site = NULL;
        AUTO(advisor_free) struct advisor *advisor = NULL;
        AUTO(mem_free) struct advise *a = mem_zalloc(1, sizeof(*a));
        struct advisor_options options = {.policy = advisor_policy_parse(driver), .tell = advise_tell, .ctx = a};
        struct models models;
        struct err_note note = {0};
        enum err e = a ? ERR_OK : ERR_NOMEM;

        if (options.policy == ADVISOR_POLICY_COUNT) {
                fprintf(stderr, "firedrill advise: --driver is '%s', expected agent, rule, tuned or ignore\n", driver);
                return SITE_EXIT_USE;
        }
        models_init(&models);
        if (!e) e = site_new(&site, &note);
        if (!e) e = models_read(&models, model, &note);
        if (!e) {
                options.spec = site_spec(site);
                models_give(&models, &options);
                e = advisor_new(&options, &advisor, &note);
        }
        if (!e) {
                a->advisor = advisor;
                a->quiet = quiet;
        }
        for (size_t i = 0; !e && i < files->count; i++) {
                e = advise_file(a, files->item[i], &note);
                if (!e) advise_sum(a, files->item[i]);
        }
        models_done(&models);
        if (!e) return SITE_EXIT_OK;
        fprintf(stderr, "firedrill advise: %s\n", note.text[0] ? note.text : err_text(e));
        return SITE_EXIT_ENVIRONMENT;
}

int command_advise(int argc, char **argv)
{
        const char *driver = "agent", *model = NULL;
        bool wants_help = false, quiet = false;
        const struct option_row rows[] = {
                {.name = "--driver", .value = "WHO", .help = "agent (default), rule, tuned or ignore", .text = &driver},
                {.name = "--model", .value = "FILE", .help = "instead of the model the server takes", .text = &model},
                {.name = "--quiet", .help = "only the summary of each recording", .flag = &quiet},
        };
        struct option_words files = {.count = 0};
        struct err_note note;

        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, &files, &wants_help, &note)) {
                fprintf(stderr, "firedrill advise: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help("firedrill advise RECORDING... [OPTIONS]",
                             "Feeds what firedrill play --record kept to the recovery agent and prints each of its recommendations as a line of "
                             "JSON, then a summary.",
                             rows, ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (files.count == 0) {
                fprintf(stderr, "firedrill advise: expected a RECORDING of firedrill play --record\n");
                return SITE_EXIT_USE;
        }
        return advise_all(&files, driver, model, quiet);
}
