#include "sut/kit/service.h"

#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/entropy.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "sut/kit/inside.h"

const char *const kit_log_levels[] = { "debug", "info", "warn", "error", NULL };

const char *kit_name(const struct kit *k)
{
        return k->args.name;
}

const char *kit_instance(const struct kit *k)
{
        return k->args.instance;
}

const char *kit_dir(const struct kit *k)
{
        return k->args.dir;
}

const char *kit_data_dir(const struct kit *k)
{
        return k->data_dir;
}

const char *kit_upstream_address(const struct kit *k, const char *name)
{
        return kit_args_upstream(&k->args, name);
}

const char *kit_option(const struct kit *k, const char *name)
{
        for (int i = 0; k->spec->options && k->spec->options[i]; i++)
                if (str_eq(k->spec->options[i], name)) return k->args.options[i];
        CHECK(!"an option of this service");
        return NULL;
}

bool kit_flag(const struct kit *k, const char *name)
{
        for (int i = 0; k->spec->flags && k->spec->flags[i]; i++)
                if (str_eq(k->spec->flags[i], name)) return k->args.flags[i];
        CHECK(!"a flag of this service");
        return false;
}

struct kit_config *kit_config(struct kit *k)
{
        return k->config;
}

struct metrics *kit_metrics(struct kit *k)
{
        return k->metrics;
}

uint64_t kit_random(void)
{
        static _Thread_local uint64_t state;
        uint64_t z;

        if (!state) state = entropy_u64();
        z = state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

double kit_random_unit(void)
{
        return (double)(kit_random() >> 11) * 0x1p-53;
}

void kit_health_check(struct kit_health *h, const char *name, bool ok, bool needed, const char *format, ...)
{
        char text[256];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        json_set_str(h->checks, name, text);
        if (!ok && needed) h->serving = false;
        if (!ok) h->degraded = true;
}

static void on_collect(void *ctx)
{
        struct kit *k = ctx;

        metrics_set(k->series.revision, (double)kit_config_revision(k->config));
        metrics_set(k->series.spans_dropped, (double)kit_span_dropped_count());
        if (k->slots) {
                struct kit_slots_stat stat;

                kit_slots_stat(k->slots, &stat);
                metrics_set(k->series.threads, stat.slots_max);
                metrics_set(k->series.busy, stat.busy);
                metrics_set(k->series.queue_depth, stat.waiting);
                metrics_set(k->series.queue_max, stat.queue_max);
        }
        if (k->spec->collect && k->ctx) k->spec->collect(k->ctx);
}

static enum err metrics_make(struct kit *k)
{
        struct metrics *m = metrics_new();
        struct kit_series *s = &k->series;

        k->metrics = m;
        if (!m) return ERR_NOMEM;
        metrics_process(m);
        s->request_seconds = metrics_histogram(m, "http_server_request_duration_seconds", "Time to answer a request.",
                                               "http_request_method http_route http_response_status_code", NULL, 0);
        s->active = metrics_one(metrics_gauge(m, "http_server_active_requests", "Requests being served.", ""));
        s->revision = metrics_one(metrics_gauge(m, "config_revision", "Revision of the configuration.", ""));
        s->changes = metrics_one(metrics_counter(m, "config_changes_total", "Changes of the configuration.", ""));
        s->spans_dropped = metrics_one(metrics_counter(m, "kit_spans_dropped_total", "Spans lost because nobody took them in time.", ""));
        if (k->spec->workers) {
                s->threads = metrics_one(metrics_gauge(m, "worker_pool_threads", "Workers.", ""));
                s->busy = metrics_one(metrics_gauge(m, "worker_pool_busy", "Workers that hold a request.", ""));
                s->queue_depth = metrics_one(metrics_gauge(m, "worker_pool_queue_depth", "Requests that wait for a worker.", ""));
                s->queue_max = metrics_one(metrics_gauge(m, "worker_pool_queue_max", "Most requests that may wait.", ""));
                s->rejected = metrics_one(metrics_counter(m, "worker_pool_rejected_total", "Requests refused for want of a worker.", ""));
                s->queue_wait = metrics_one(metrics_histogram(m, "worker_pool_wait_seconds", "Time a request waited for a worker.", "", NULL, 0));
        }
        metrics_on_collect(m, on_collect, k);
        return ERR_OK;
}

/* Makes what the kit itself derives from configuration follow it. */
static void config_follow(struct kit *k)
{
        char version[32];

        kit_config_version(k->config, version, sizeof version);
        log_version(version);
        metrics_common_label(k->metrics, "version", version);
        log_level_set((enum log_level)kit_config_choice(k->config, k->level_knob));
        if (k->slots)
                kit_slots_resize(k->slots, (int)kit_config_int(k->config, k->spec->workers->threads),
                                 (int)kit_config_int(k->config, k->spec->workers->queue_max));
        if (k->ctx && k->spec->changed) k->spec->changed(k->ctx);
}

static void on_changed(void *ctx)
{
        struct kit *k = ctx;

        metrics_add(k->series.changes, 1);
        config_follow(k);
        log_event(LOG_INFO, "config.changed", "the configuration changed", LOG_N("revision", kit_config_revision(k->config)));
}

static enum err on_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        struct kit *k = ctx;

        if (!k->ctx || !k->spec->apply) return ERR_OK;
        return k->spec->apply(k->ctx, changed, reterr);
}

static enum err dirs_make(struct kit *k, struct err_note *reterr)
{
        char config_dir[FILE_PATH_BYTES];
        enum err e;

        if (path_format(config_dir, "%s/config", k->args.dir) || path_format(k->config_path, "%s/%s.json", config_dir, k->args.name) ||
            path_format(k->data_dir, "%s/data/%s", k->args.dir, k->args.name))
                return err_note(reterr, ERR_LIMIT, "the path --dir '%s' is too long", k->args.dir);
        e = dir_make(config_dir, 0755, reterr);
        if (e) return e;
        return dir_make(k->data_dir, 0755, reterr);
}

static enum err parts_make(struct kit *k, struct err_note *reterr)
{
        const struct kit_spec *spec = k->spec;
        struct kit_config_hooks hooks = { .ctx = k, .apply = on_apply, .changed = on_changed };
        const struct knob *level = knob_find(spec->knobs, spec->knob_count, "log_level");
        enum err e;

        CHECK(level);
        k->level_knob = (size_t)(level - spec->knobs);
        k->started_ms = clock_mono_ms();
        pthread_mutex_init(&k->lock, NULL);
        pthread_cond_init(&k->idle, NULL);
        k->published_ok = true;
        e = loop_new(&k->loop, reterr);
        if (e) return e;
        e = kit_config_new(spec->title, spec->knobs, spec->knob_count, k->config_path, &hooks, &k->config);
        if (!e) e = metrics_make(k);
        if (e) return err_note(reterr, e, "out of memory");
        if (spec->workers) {
                e = kit_slots_new((int)kit_config_int(k->config, spec->workers->threads),
                                  (int)kit_config_int(k->config, spec->workers->queue_max), &k->slots);
                if (e) return err_note(reterr, e, "out of memory");
        }
        return kit_config_load(k->config, reterr);
}

static void on_stop_signal(void *ctx, int signal_number)
{
        struct kit *k = ctx;

        log_event(LOG_INFO, "service.stopping", "asked to stop", LOG_N("signal", signal_number));
        loop_stop(k->loop);
}

static void on_reload_signal(void *ctx, int signal_number)
{
        struct kit *k = ctx;
        struct err_note note;
        enum err e = kit_config_load(k->config, &note);

        (void)signal_number;
        if (e) log_text(LOG_ERROR, "config.reload_failed", "%s", note.text);
        kit_published_apply(k);
        config_follow(k);
        log_event(LOG_INFO, "config.reloaded", "configuration read again", LOG_N("revision", kit_config_revision(k->config)));
}

static void on_tick(void *ctx)
{
        struct kit *k = ctx;

        k->spec->tick(k->ctx, clock_mono_ms());
}

static enum err signals_set(struct kit *k, struct err_note *reterr)
{
        enum err e;

        signal(SIGPIPE, SIG_IGN);
        e = loop_signal_add(k->loop, SIGTERM, on_stop_signal, k);
        if (!e) e = loop_signal_add(k->loop, SIGINT, on_stop_signal, k);
        if (!e) e = loop_signal_add(k->loop, SIGHUP, on_reload_signal, k);
        if (e) return err_note(reterr, e, "cannot watch for signals");
        return ERR_OK;
}

static void ready_tell(void)
{
        const char *text = getenv("FIREDRILL_READY_FD");
        int64_t fd;

        if (!text || str_parse_i64(text, 3, 1 << 20, &fd)) return;
        if (write((int)fd, "R", 1) != 1) log_text(LOG_WARN, "service.ready_unheard", "cannot tell that the service is ready");
        close((int)fd);
}

static enum err serve_start(struct kit *k, struct err_note *reterr)
{
        struct http_server_options options = { .address = k->args.listen, .threads = (size_t)k->spec->http_threads, .queue = 128,
                                               .body_bytes_max = KIT_BODY_BYTES_MAX, .keep_alive = !k->spec->close_connections, .handler = kit_serve, .ctx = k };
        struct loop_timer *timer;
        enum err e;

        kit_builtin_routes(k);
        if (k->spec->start) e = k->spec->start(k, &k->ctx, reterr);
        else e = ERR_OK;
        if (e) return e;
        kit_published_apply(k);
        config_follow(k);
        if (k->spec->tick) {
                e = loop_timer_add(k->loop, k->spec->tick_ms, k->spec->tick_ms, on_tick, k, &timer);
                if (e) return err_note(reterr, e, "cannot start the timer");
        }
        return http_server_new(&options, &k->server, reterr);
}

/* Waits until no request is inside a handler, at most KIT_STOP_MS. */
static bool drain(struct kit *k)
{
        struct timespec until;
        bool drained;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += KIT_STOP_MS / 1000;
        pthread_mutex_lock(&k->lock);
        k->stopping = true;
        pthread_mutex_unlock(&k->lock);
        if (k->spec->stopping) k->spec->stopping(k->ctx);
        pthread_mutex_lock(&k->lock);
        while (k->active > 0 && pthread_cond_timedwait(&k->idle, &k->lock, &until) == 0) {}
        drained = k->active == 0;
        pthread_mutex_unlock(&k->lock);
        return drained;
}

static int run(struct kit *k)
{
        struct kit_export *export = NULL;
        struct err_note note = { 0 };
        enum err e;

        e = dirs_make(k, &note);
        if (!e) e = parts_make(k, &note);
        if (!e) e = signals_set(k, &note);
        if (!e) e = serve_start(k, &note);
        if (!e) e = kit_export_new(k, &export);
        if (e) {
                log_text(LOG_ERROR, "service.start_failed", "%s", note.text[0] ? note.text : err_text(e));
                return 1;
        }
        log_event(LOG_INFO, "service.started", "serving", LOG_S("address", k->args.listen));
        ready_tell();
        loop_run(k->loop);
        if (!drain(k)) log_text(LOG_WARN, "service.cut_off", "some requests were still running after %d ms", KIT_STOP_MS);
        if (k->spec->stop && k->active == 0) k->spec->stop(k->ctx);
        kit_export_free(export);
        log_text(LOG_INFO, "service.stopped", "stopped");
        return 0;
}

static int describe(const struct kit_spec *spec)
{
        AUTO(json_free) struct json *schema = knob_schema(spec->title, spec->knobs, spec->knob_count);
        AUTO_BUF text;

        buf_init(&text, CONFIG_FILE_BYTES_MAX);
        if (json_print_pretty(schema, &text)) return 1;
        puts(text.data);
        return 0;
}

int kit_main(const struct kit_spec *spec, int argc, char **argv)
{
        static struct kit k; /* lives as long as the process: connection threads may look at it until the very end */
        struct err_note note;
        int status = -1;

        mallopt(M_ARENA_MAX, 2); /* an arena for every request thread would cost more memory than the service */
        k.spec = spec;
        if (kit_args_parse(spec, argc, argv, &k.args, &note)) {
                fprintf(stderr, "sut-%s: %s\n", spec->name, note.text);
                return 2;
        }
        if (k.args.help) {
                kit_args_help(spec);
                return 0;
        }
        if (k.args.describe) return describe(spec);
        log_init(k.args.name, k.args.instance);
        if (spec->command) status = spec->command(&k);
        if (status >= 0) return status;
        if (kit_args_complete(spec, &k.args, &note)) {
                fprintf(stderr, "sut-%s: %s\n", spec->name, note.text);
                return 2;
        }
        status = run(&k);
        /* Not return: kept-alive connections would hold up CivetWeb's end for two seconds, and nobody needs it. */
        fflush(NULL);
        _exit(status);
}
