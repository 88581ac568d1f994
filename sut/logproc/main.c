/* sut-logproc: logs and traces of the stack. See README.md. */
#include <assert.h>
#include <pthread.h>
#include <stddef.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/file.h"
#include "sut/kit/service.h"
#include "sut/logproc/logproc_knobs.h"
#include "sut/logproc/requests.h"

struct logproc {
        struct requests requests; /* first: the ctx of its handlers */
        struct kit_config *config;
        struct loop *loop; /* the intake's */
        pthread_t thread;
        bool has_thread;
};
static_assert(offsetof(struct logproc, requests) == 0, "handlers take the service's ctx as theirs");

static void logproc_changed(void *ctx)
{
        struct logproc *l = ctx;
        const struct archive_policy policy = {
                .age_max_ms = kit_config_int(l->config, LOGPROC_RETENTION_S) * 1000,
                .bytes_max = kit_config_int(l->config, LOGPROC_DISK_QUOTA_MB) * 1024 * 1024,
                .slow_us = kit_config_int(l->config, LOGPROC_SLOW_TRACE_MS) * 1000,
                .trace_keep_percent = (int)kit_config_int(l->config, LOGPROC_TRACE_KEEP_PERCENT)};

        intake_policy(l->requests.intake, &policy, kit_config_on(l->config, LOGPROC_TAIL_FILES));
}

static void logproc_health(void *ctx, struct kit_health *h)
{
        bool is_ok = intake_ok(((struct logproc *)ctx)->requests.intake);

        kit_health_check(h, "archive", is_ok, true, "%s", is_ok ? "stores" : "cannot store, see the log");
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
        e = logproc_archive(k, &l->requests.archive, reterr);
        if (!e) e = loop_new(&l->loop, reterr);
        if (!e) e = intake_new(l->loop, l->requests.archive, log_dir, kit_metrics(k), &l->requests.intake, reterr);
        if (e) return e;
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
        .start = logproc_start, .changed = logproc_changed, .health = logproc_health, .stopping = logproc_stopping, .stop = logproc_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
