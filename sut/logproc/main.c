/* sut-logproc: logs and traces of the stack. See README.md. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/file.h"
#include "sut/kit/service.h"
#include "sut/logproc/forward.h"
#include "sut/logproc/logproc_knobs.h"
#include "sut/logproc/requests.h"

struct logproc {
        struct requests requests; /* first: the ctx of its handlers */
        struct forward *forward;
        struct kit_config *config;
        struct loop *loop; /* the intake's */
        pthread_t thread;
        bool has_thread;
};
static_assert(offsetof(struct logproc, requests) == 0, "handlers take the service's ctx as theirs");

static const size_t forward_knobs[FORWARD_COUNT] = {
        [FORWARD_LOKI] = LOGPROC_FORWARD_LOKI_URL, [FORWARD_OTLP] = LOGPROC_FORWARD_OTLP_URL, [FORWARD_INFLUX] = LOGPROC_FORWARD_INFLUX_URL};

/* Where no address is configured the environment's holds: it outlives the resets between runs. */
static const char *const forward_variables[FORWARD_COUNT] = {
        [FORWARD_LOKI] = "FIREDRILL_FORWARD_LOKI_URL", [FORWARD_OTLP] = "FIREDRILL_FORWARD_OTLP_URL", [FORWARD_INFLUX] = "FIREDRILL_FORWARD_INFLUX_URL"};

static void forward_url(const struct logproc *l, int to, char url[static FORWARD_URL_BYTES])
{
        kit_config_text(l->config, forward_knobs[to], url, FORWARD_URL_BYTES);
        if (!url[0] && getenv(forward_variables[to])) (void)snprintf(url, FORWARD_URL_BYTES, "%s", getenv(forward_variables[to]));
}

static enum err forward_variables_check(struct err_note *reterr)
{
        for (int to = 0; to < FORWARD_COUNT; to++)
                if (getenv(forward_variables[to]) && !forward_url_good(getenv(forward_variables[to])))
                        return err_note(reterr, ERR_INVAL, "%s is '%.80s', expected http://HOST:PORT or http://HOST:PORT/PATH of plain letters, below %d bytes, or nothing",
                                        forward_variables[to], getenv(forward_variables[to]), FORWARD_URL_BYTES);
        return ERR_OK;
}

/* Addresses are checked before they become the configuration. */
static enum err logproc_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        (void)ctx;
        for (int to = 0; to < FORWARD_COUNT; to++) {
                const char *key = logproc_knobs[forward_knobs[to]].key, *url = json_get_str(changed, key, "");

                if (!forward_url_good(url))
                        return err_note(reterr, ERR_INVAL, "/%s is '%.80s', expected http://HOST:PORT or http://HOST:PORT/PATH of plain letters, below %d bytes, or nothing", key,
                                        url, FORWARD_URL_BYTES);
        }
        return ERR_OK;
}

static void forward_changed(struct logproc *l)
{
        struct forward_policy policy = {.queue_bytes = kit_config_int(l->config, LOGPROC_FORWARD_QUEUE_KB) * 1024};
        char level[16];

        for (int to = 0; to < FORWARD_COUNT; to++) forward_url(l, to, policy.urls[to]);
        kit_config_text(l->config, LOGPROC_FORWARD_LEVEL, level, sizeof level);
        policy.level = record_level_parse(level);
        forward_set(l->forward, &policy);
}

static void logproc_stored(void *ctx, const struct record_batch *batch)
{
        forward_offer(((struct logproc *)ctx)->forward, batch);
}

static void logproc_changed(void *ctx)
{
        struct logproc *l = ctx;
        const struct archive_policy policy = {
                .age_max_ms = kit_config_int(l->config, LOGPROC_RETENTION_S) * 1000,
                .bytes_max = kit_config_int(l->config, LOGPROC_DISK_QUOTA_MB) * 1024 * 1024,
                .slow_us = kit_config_int(l->config, LOGPROC_SLOW_TRACE_MS) * 1000,
                .trace_keep_percent = (int)kit_config_int(l->config, LOGPROC_TRACE_KEEP_PERCENT)};

        intake_policy(l->requests.intake, &policy, kit_config_on(l->config, LOGPROC_TAIL_FILES));
        forward_changed(l);
}

static void logproc_health(void *ctx, struct kit_health *h)
{
        struct logproc *l = ctx;
        bool is_ok = intake_ok(l->requests.intake);

        kit_health_check(h, "archive", is_ok, true, "%s", is_ok ? "stores" : "cannot store, see the log");
        for (int to = 0; to < FORWARD_COUNT; to++) {
                char url[FORWARD_URL_BYTES];

                forward_url(l, to, url);
                is_ok = forward_ok(l->forward, (enum forward_to)to);
                if (url[0]) kit_health_check(h, forward_text((enum forward_to)to), is_ok, false, "%s", is_ok ? "ok" : "does not take what is sent, see the log");
        }
}

static void logproc_stopping(void *ctx)
{
        intake_stop(((struct logproc *)ctx)->requests.intake);
}

static void logproc_stop(void *ctx)
{
        struct logproc *l = ctx;

        if (!l) return;
        if (l->has_thread) {
                loop_stop(l->loop);
                pthread_join(l->thread, NULL);
        }
        intake_free(l->requests.intake);
        forward_free(l->forward);
        archive_free(l->requests.archive);
        loop_free(l->loop);
        mem_free(l);
}

static void *logproc_thread(void *ctx)
{
        loop_run(((struct logproc *)ctx)->loop);
        return NULL;
}

/* An archive that is damaged beyond use (a machine that lost power) is thrown away: it holds nothing that must outlive the stack. */
static enum err logproc_archive(struct kit *k, struct archive **ret, struct err_note *reterr)
{
        static const char *const endings[] = {"", "-wal", "-shm"};
        char path[FILE_PATH_BYTES];
        enum err e = path_join(path, kit_data_dir(k), "archive.db");

        if (e) return err_note(reterr, e, "the path of the data folder is too long");
        e = archive_open(path, ret, reterr);
        if (e != ERR_CORRUPT) return e;
        for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
                char part[FILE_PATH_BYTES];

                e = path_format(part, "%s%s", path, endings[i]);
                if (!e) e = file_remove(part, reterr);
                if (e) return e;
        }
        return archive_open(path, ret, reterr);
}

static enum err logproc_parts(struct logproc *l, struct kit *k, struct err_note *reterr)
{
        char log_dir[FILE_PATH_BYTES];
        enum err e = path_format(log_dir, "%s/logs", kit_dir(k));

        if (e) return err_note(reterr, e, "the path of the stack directory is too long");
        e = forward_variables_check(reterr);
        if (e) return e;
        e = logproc_archive(k, &l->requests.archive, reterr);
        if (!e) e = loop_new(&l->loop, reterr);
        if (!e) e = intake_new(l->loop, l->requests.archive, log_dir, kit_metrics(k), &l->requests.intake, reterr);
        if (!e) e = forward_new(l->loop, kit_metrics(k), getenv("FIREDRILL_STACK") ? getenv("FIREDRILL_STACK") : "", &l->forward, reterr);
        if (e) return e;
        intake_listen(l->requests.intake, logproc_stored, l);
        logproc_changed(l);
        if (pthread_create(&l->thread, NULL, logproc_thread, l)) return err_note(reterr, ERR_IO, "cannot start the intake's thread");
        l->has_thread = true;
        return ERR_OK;
}

static enum err logproc_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct logproc *l = mem_zalloc(1, sizeof *l);
        enum err e;

        if (!l) return err_note(reterr, ERR_NOMEM, "no memory for the log processor");
        l->config = kit_config(k);
        e = logproc_parts(l, k, reterr);
        if (e) {
                logproc_stop(l);
                return e;
        }
        requests_routes(k);
        *ret_ctx = l;
        return ERR_OK;
}

static const struct kit_spec spec = {
        .name = "logproc", .title = "Logs and traces", .knobs = logproc_knobs, .knob_count = LOGPROC_KNOB_COUNT, .http_threads = 12,
        .start = logproc_start, .apply = logproc_apply, .changed = logproc_changed, .health = logproc_health, .stopping = logproc_stopping, .stop = logproc_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
