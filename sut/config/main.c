/* sut-config: the configuration service. It holds published versions; services read theirs when they start and at SIGHUP.
 *   POST /publish/SERVICE {key: value...}     a new version (headers X-Author, X-Reason)
 *   GET /published, /published/SERVICE, /published/SERVICE/history
 *   POST /published/SERVICE/rollback {"version": n}, DELETE /published/SERVICE (withdraw) */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/log.h"
#include "sut/config/published_store.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"

enum { KNOB_LOG_LEVEL, KNOB_VERSIONS_MAX, KNOB_READ_ONLY, KNOB_TOTAL };

static const struct knob config_knobs[KNOB_TOTAL] = {
        [KNOB_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [KNOB_VERSIONS_MAX] = KNOB_INT("versions_max", 50, 2, 200, "", "Publishing", "Versions kept",
                                       "How many versions of each service are kept. Older ones go, and cannot be rolled back to."),
        [KNOB_READ_ONLY] = KNOB_SWITCH("read_only", 0, "Publishing", "Read only",
                                       "A freeze: publishing, rollback and withdrawal are refused with 409."),
};

struct config_service {
        struct kit *kit;
        struct published_store *store;
        struct metrics_family *reads, *publications;
};

static void config_stop(void *ctx)
{
        struct config_service *s = ctx;

        published_store_free(s->store);
        mem_free(s);
}

/* The parameter as a service name; false: answered. */
static bool service_name(struct kit_request *r, char dst[32])
{
        if (str_is_id(kit_request_param(r), 31)) {
                str_cut(dst, 32, kit_request_param(r));
                return true;
        }
        kit_reply_problem(r, 404, "NOT_FOUND", "'%s' is not a name of a service", kit_request_param(r));
        return false;
}

static struct published_by by_whom(struct kit_request *r)
{
        const char *author = kit_request_header(r, "X-Author"), *reason = kit_request_header(r, "X-Reason");

        return (struct published_by){ author ? author : "unknown", reason ? reason : "", clock_wall_ms() };
}

static bool may_change(struct kit_request *r, struct config_service *s)
{
        if (!kit_config_on(kit_config(s->kit), KNOB_READ_ONLY)) return true;
        kit_reply_problem(r, 409, "READ_ONLY", "publishing is frozen: set read_only of the config service to false first");
        return false;
}

static void reply_version(struct kit_request *r, struct config_service *s, const char *what, const char *service, enum err e, int64_t version,
                          const struct err_note *note)
{
        struct json *body;

        if (e) {
                kit_reply_err(r, e, note);
                return;
        }
        metrics_add(metrics_at(s->publications, service, what), 1);
        log_event(LOG_INFO, "config.published", what, KIT_TRACE_FIELDS(kit_request_trace(r)), LOG_S("target", service), LOG_N("version_number", version));
        body = json_object();
        json_set_str(body, "service", service);
        json_set_num(body, "version", (double)version);
        kit_reply_json(r, 200, body);
}

static size_t versions_max(struct config_service *s)
{
        return (size_t)kit_config_int(kit_config(s->kit), KNOB_VERSIONS_MAX);
}

static void post_publish(struct kit_request *r, void *ctx)
{
        struct config_service *s = ctx;
        AUTO(json_free) struct json *values = NULL;
        struct published_by by = by_whom(r);
        struct err_note note = { 0 };
        int64_t version = 0;
        char service[32];
        enum err e;

        if (!service_name(r, service) || !kit_request_json(r, &values) || !may_change(r, s)) return;
        e = published_store_put(s->store, service, values, &by, versions_max(s), &version, &note);
        reply_version(r, s, "publish", service, e, version, &note);
}

static void post_rollback(struct kit_request *r, void *ctx)
{
        struct config_service *s = ctx;
        AUTO(json_free) struct json *body = NULL;
        struct published_by by = by_whom(r);
        struct err_note note = { 0 };
        int64_t version = 0;
        char service[32];
        enum err e;

        if (!service_name(r, service) || !kit_request_json(r, &body) || !may_change(r, s)) return;
        version = json_get_int(body, "version", 0);
        if (version < 1) {
                kit_reply_problem(r, 422, "INVAL", "/version must be the number of a published version");
                return;
        }
        e = published_store_rollback(s->store, service, version, &by, versions_max(s), &version, &note);
        reply_version(r, s, "rollback", service, e, version, &note);
}

static void delete_published(struct kit_request *r, void *ctx)
{
        struct config_service *s = ctx;
        struct published_by by = by_whom(r);
        struct err_note note = { 0 };
        int64_t version = 0;
        char service[32];
        enum err e;

        if (!service_name(r, service) || !may_change(r, s)) return;
        e = published_store_put(s->store, service, NULL, &by, versions_max(s), &version, &note);
        reply_version(r, s, "withdraw", service, e, version, &note);
}

static void get_published(struct kit_request *r, void *ctx)
{
        struct config_service *s = ctx;
        struct json *body = NULL;
        char service[32];
        enum err e;

        if (!service_name(r, service)) return;
        e = published_store_get(s->store, service, &body);
        metrics_add(metrics_at(s->reads, service), 1);
        if (e == ERR_NOT_FOUND)
                kit_reply_problem(r, 404, "NOT_FOUND", "nothing is published for '%s'", service);
        else if (e)
                kit_reply_err(r, e, &(struct err_note){ .text = "out of memory" });
        else
                kit_reply_json(r, 200, body);
}

static void get_versions(struct kit_request *r, void *ctx)
{
        char service[32];

        if (service_name(r, service)) kit_reply_json(r, 200, published_store_history(((struct config_service *)ctx)->store, service));
}

static void get_list(struct kit_request *r, void *ctx)
{
        kit_reply_json(r, 200, published_store_list(((struct config_service *)ctx)->store));
}

static enum err config_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct config_service *s = mem_zalloc(1, sizeof *s);
        char path[FILE_PATH_BYTES];
        enum err e = s ? ERR_OK : err_note(reterr, ERR_NOMEM, "out of memory");

        if (!e) e = path_join(path, kit_data_dir(k), "published.json");
        if (!e) e = published_store_new(path, &s->store, reterr);
        if (e) {
                mem_free(s);
                return e;
        }
        s->kit = k;
        s->reads = metrics_counter(kit_metrics(k), "config_reads_total", "Reads of published versions.", "target");
        s->publications = metrics_counter(kit_metrics(k), "config_publications_total", "Publications, rollbacks, withdrawals.", "target kind");
        kit_route(k, KIT_DIRECT, "POST", "/publish/{service}", post_publish);
        kit_route(k, KIT_DIRECT, "GET", "/published", get_list);
        kit_route(k, KIT_DIRECT, "GET", "/published/{service}", get_published);
        kit_route(k, KIT_DIRECT, "DELETE", "/published/{service}", delete_published);
        kit_route(k, KIT_DIRECT, "GET", "/published/{service}/history", get_versions);
        kit_route(k, KIT_DIRECT, "POST", "/published/{service}/rollback", post_rollback);
        *ret_ctx = s;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const struct kit_spec spec = {
                .name = "config", .title = "Configuration service", .knobs = config_knobs, .knob_count = KNOB_TOTAL,
                .http_threads = 24, .start = config_start, .stop = config_stop,
        };

        return kit_main(&spec, argc, argv);
}
