/* sut-mq: the adapter in front of NATS JetStream. See README.md. */
#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/log.h"
#include "sut/adapter/adapter.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"
#include "sut/mq/mq_server.h"

struct mq {
        struct adapter *adapter; /* its loop runs the server's turns */
        struct mq_server *server;
};

static enum err mq_set(void *ctx, size_t knob, const struct json *value, struct err_note *reterr)
{
        return mq_server_set(((struct mq *)ctx)->server, (enum mq_knob)knob, value, reterr);
}

static enum err mq_read(void *ctx, struct json *values, struct err_note *reterr)
{
        return mq_server_read(((struct mq *)ctx)->server, values, reterr);
}

static enum err mq_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        return adapter_apply(((struct mq *)ctx)->adapter, changed, reterr);
}

static void mq_refresh(void *ctx)
{
        adapter_refresh(((struct mq *)ctx)->adapter);
}

/* ---- requests ---- */

static void mq_get_streams(struct kit_request *r, void *ctx)
{
        struct mq *q = ctx;
        struct json *body = NULL;
        struct err_note note;
        enum err e = mq_server_state(q->server, &body, &note);

        if (e) kit_reply_err(r, e, &note);
        else kit_reply_json(r, 200, body);
}

/* Jobs are orders that somebody paid for, so the name of the stream has to be said twice. */
static void mq_post_purge(struct kit_request *r, void *ctx)
{
        struct mq *q = ctx;
        AUTO(json_free) struct json *body = NULL;
        const char *stream;
        struct json *reply;
        struct err_note note;
        int64_t count = 0;
        enum err e;

        if (!kit_request_json(r, &body)) return;
        stream = json_get_str(body, "stream", "");
        if (!str_eq(stream, json_get_str(body, "confirm", ""))) {
                kit_reply_problem(r, 422, "INVAL", "/confirm: emptying a stream throws orders away; repeat its name here (\"%s\") to do it", stream);
                return;
        }
        e = mq_server_purge(q->server, stream, &count, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        log_event(LOG_WARN, "mq.purged", "a stream was emptied on request", LOG_S("stream", stream), LOG_N("messages", count));
        reply = json_object();
        json_set_num(reply, "purged", (double)count);
        kit_reply_json(r, 200, reply);
}

static void mq_health(void *ctx, struct kit_health *h)
{
        bool is_up = mq_server_up(((struct mq *)ctx)->server);

        kit_health_check(h, "nats", is_up, true, "%s", is_up ? "answers" : "does not answer");
}

/* ---- life ---- */

static void mq_stop(void *ctx)
{
        struct mq *q = ctx;

        if (!q) return;
        adapter_stop(q->adapter);
        mq_server_free(q->server);
        adapter_free(q->adapter);
        mem_free(q);
}

static enum err mq_parts(struct mq *q, struct kit *k, struct err_note *reterr)
{
        const struct adapter_ops ops = {.author = "mq", .knobs = mq_knobs, .knob_count = MQ_KNOB_COUNT, .set = mq_set, .read = mq_read, .ctx = q};
        enum err e = adapter_new(kit_config(k), &ops, &q->adapter, reterr);

        if (!e) e = mq_server_new(adapter_loop(q->adapter), kit_upstream_address(k, "nats"), kit_metrics(k), &q->server, reterr);
        return e ? e : adapter_run(q->adapter, reterr);
}

static enum err mq_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct mq *q = mem_zalloc(1, sizeof *q);
        enum err e;

        if (!q) return err_note(reterr, ERR_NOMEM, "no memory for the queue adapter");
        e = mq_parts(q, k, reterr);
        if (e) {
                mq_stop(q);
                return e;
        }
        mq_refresh(q);
        kit_route(k, KIT_DIRECT, "GET", "/streams", mq_get_streams);
        kit_route(k, KIT_DIRECT, "POST", "/purge", mq_post_purge);
        *ret_ctx = q;
        return ERR_OK;
}

static const char *const upstreams[] = {"nats", NULL};

static const struct kit_spec spec = {
        .name = "mq", .title = "Message queue", .knobs = mq_knobs, .knob_count = MQ_KNOB_COUNT, .http_threads = 4,
        .upstreams = upstreams, .start = mq_start, .apply = mq_apply, .health = mq_health, .refresh = mq_refresh, .stop = mq_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
