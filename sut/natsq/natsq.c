#include <pthread.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/natsq/natsq_inside.h"

enum { RECONNECT_WAIT_MS = 250, CONNECT_TIMEOUT_MS = 1000, BUFFER_BYTES = 16384, PING_MS = 5000, PINGS_OUT_MAX = 2 };

static const struct {
        const char *name, *subjects;
} streams[NATSQ_STREAM_COUNT] = {
#define X(name_, stream, subjects_) [NATSQ_##name_] = { stream, subjects_ },
        NATSQ_STREAM_LIST(X)
#undef X
};

const char *natsq_stream_name(enum natsq_stream stream)
{
        return streams[stream].name;
}

enum err natsq_told(natsStatus status, jsErrCode code, const char *doing, struct err_note *reterr)
{
        const char *text = natsStatus_GetText(status);
        enum err e = ERR_IO;

        if (status == NATS_OK) return ERR_OK;
        if (status == NATS_TIMEOUT) e = ERR_TIMEOUT;
        if (status == NATS_NO_MEMORY) e = ERR_NOMEM;
        if (status == NATS_NOT_FOUND || code == JSStreamNotFoundErr || code == JSConsumerNotFoundErr) e = ERR_NOT_FOUND;
        if (status == NATS_CONNECTION_CLOSED || status == NATS_CONNECTION_DISCONNECTED || status == NATS_NO_SERVER || status == NATS_NO_RESPONDERS ||
            status == NATS_NOT_YET_CONNECTED || status == NATS_IO_ERROR || code == JSNotEnabledErr)
                e = ERR_UNAVAILABLE;
        if (code == JSStreamStoreFailedErr || code == JSStorageResourcesExceededErr || code == JSInsufficientResourcesErr) e = ERR_LIMIT;
        if (code) {
                const char *last = nats_GetLastError(NULL);

                return err_note(reterr, e, "the message queue refused %s: %s", doing, last && *last ? last : text);
        }
        return err_note(reterr, e, "%s failed at the message queue: %s", doing, text);
}

void natsq_wait(jsOptions *options, int64_t timeout_ms)
{
        jsOptions_Init(options);
        options->Wait = timeout_ms;
}

static void on_connected(natsConnection *connection, void *closure)
{
        (void)connection;
        (void)closure;
}

static natsStatus options_make(natsOptions **ret, const char *url, const char *name)
{
        natsOptions *o = NULL;
        natsStatus s = natsOptions_Create(&o);

        if (s == NATS_OK) s = natsOptions_SetURL(o, url);
        if (s == NATS_OK) s = natsOptions_SetName(o, name);
        if (s == NATS_OK) s = natsOptions_SetTimeout(o, CONNECT_TIMEOUT_MS);
        if (s == NATS_OK) s = natsOptions_SetAllowReconnect(o, true);
        if (s == NATS_OK) s = natsOptions_SetMaxReconnect(o, -1);
        if (s == NATS_OK) s = natsOptions_SetReconnectWait(o, RECONNECT_WAIT_MS);
        if (s == NATS_OK) s = natsOptions_SetReconnectJitter(o, RECONNECT_WAIT_MS, RECONNECT_WAIT_MS);
        if (s == NATS_OK) s = natsOptions_SetRetryOnFailedConnect(o, true, on_connected, NULL);
        if (s == NATS_OK) s = natsOptions_SetPingInterval(o, PING_MS);
        if (s == NATS_OK) s = natsOptions_SetMaxPingsOut(o, PINGS_OUT_MAX);
        if (s == NATS_OK) s = natsOptions_SetIOBufSize(o, BUFFER_BYTES);
        if (s == NATS_OK) s = natsOptions_SetReconnectBufSize(o, 0); /* a publish while away fails at once, and the caller knows */
        *ret = o;
        return s;
}

enum err natsq_open(const char *address, const char *name, struct natsq **ret, struct err_note *reterr)
{
        AUTO(natsq_free) struct natsq *q = mem_zalloc(1, sizeof *q);
        natsOptions *options = NULL;
        char url[96];
        natsStatus s;

        if (!q) return err_note(reterr, ERR_NOMEM, "out of memory");
        snprintf(url, sizeof url, "nats://%s", address);
        s = options_make(&options, url, name);
        if (s == NATS_OK) s = natsConnection_Connect(&q->connection, options);
        natsOptions_Destroy(options);
        if (s == NATS_NOT_YET_CONNECTED) s = NATS_OK;
        if (s == NATS_OK) s = natsConnection_JetStream(&q->js, q->connection, NULL);
        if (s != NATS_OK) return natsq_told(s, 0, "connecting", reterr);
        *ret = take(&q);
        return ERR_OK;
}

void natsq_free(struct natsq *q)
{
        if (!q) return;
        jsCtx_Destroy(q->js);
        natsConnection_Destroy(q->connection);
        mem_free(q);
}

bool natsq_connected(struct natsq *q)
{
        return natsConnection_Status(q->connection) == NATS_CONN_STATUS_CONNECTED;
}

static natsStatus stream_ensure(struct natsq *q, enum natsq_stream stream, jsOptions *options, jsErrCode *code)
{
        jsStreamInfo *info = NULL;
        natsStatus s = js_GetStreamInfo(&info, q->js, streams[stream].name, options, code);

        jsStreamInfo_Destroy(info);
        if (s == NATS_NOT_FOUND) {
                const char *subjects[] = { streams[stream].subjects };
                jsStreamConfig config;

                jsStreamConfig_Init(&config);
                config.Name = streams[stream].name;
                config.Subjects = subjects;
                config.SubjectsLen = 1;
                config.Retention = js_WorkQueuePolicy;
                config.Discard = js_DiscardNew;
                config.Storage = js_FileStorage;
                config.Duplicates = (int64_t)NATSQ_DUPLICATES_MS * NATSQ_NS_PER_MS;
                s = js_AddStream(NULL, q->js, &config, options, code);
        }
        return s;
}

static natsStatus consumer_ensure(struct natsq *q, enum natsq_stream stream, const char *name, jsOptions *options, jsErrCode *code)
{
        jsConsumerInfo *info = NULL;
        natsStatus s = js_GetConsumerInfo(&info, q->js, streams[stream].name, name, options, code);

        jsConsumerInfo_Destroy(info);
        if (s == NATS_NOT_FOUND) {
                jsConsumerConfig config;

                jsConsumerConfig_Init(&config);
                config.Durable = name;
                config.AckPolicy = js_AckExplicit;
                config.AckWait = (int64_t)NATSQ_ACK_WAIT_MS * NATSQ_NS_PER_MS;
                config.MaxDeliver = NATSQ_DELIVER_MAX;
                config.MaxAckPending = NATSQ_ACK_PENDING_MAX;
                s = js_AddConsumer(NULL, q->js, streams[stream].name, &config, options, code);
        }
        return s;
}

enum err natsq_ensure(struct natsq *q, int64_t timeout_ms, struct err_note *reterr)
{
        jsOptions options;
        jsErrCode code = 0;
        natsStatus s = NATS_OK;

        natsq_wait(&options, timeout_ms);
        for (int i = 0; i < NATSQ_STREAM_COUNT && s == NATS_OK; i++) s = stream_ensure(q, (enum natsq_stream)i, &options, &code);
        if (s == NATS_OK) s = consumer_ensure(q, NATSQ_JOBS, NATSQ_CONSUMER, &options, &code);
        return natsq_told(s, code, "making streams", reterr);
}

enum err natsq_publish(struct natsq *q, const struct natsq_job *job, int64_t timeout_ms, bool *ret_duplicate, struct err_note *reterr)
{
        natsMsg *message = NULL;
        jsPubAck *ack = NULL;
        jsPubOptions options;
        jsErrCode code = 0;
        natsStatus s;

        if (!natsq_connected(q)) return err_note(reterr, ERR_UNAVAILABLE, "the message queue is not connected");
        jsPubOptions_Init(&options);
        options.MaxWait = timeout_ms;
        options.MsgId = job->id;
        s = natsMsg_Create(&message, job->subject, NULL, job->body, (int)job->body_bytes);
        if (s == NATS_OK && job->traceparent) s = natsMsgHeader_Set(message, "traceparent", job->traceparent);
        if (s == NATS_OK) s = js_PublishMsg(&ack, q->js, message, &options, &code);
        if (s == NATS_OK && ret_duplicate) *ret_duplicate = ack->Duplicate;
        jsPubAck_Destroy(ack);
        natsMsg_Destroy(message);
        return natsq_told(s, code, "publishing", reterr);
}

struct natsq_pull {
        natsSubscription *subscription;
        natsMsgList list;
};

enum err natsq_pull_new(struct natsq *q, enum natsq_stream stream, struct natsq_pull **ret, struct err_note *reterr)
{
        AUTO(natsq_pull_free) struct natsq_pull *p = mem_zalloc(1, sizeof *p);
        const char *consumer = stream == NATSQ_JOBS ? NATSQ_CONSUMER : "redrive";
        jsSubOptions options;
        jsOptions wait;
        jsErrCode code = 0;
        natsStatus s;

        if (!p) return err_note(reterr, ERR_NOMEM, "out of memory");
        natsq_wait(&wait, CONNECT_TIMEOUT_MS);
        s = consumer_ensure(q, stream, consumer, &wait, &code);
        jsSubOptions_Init(&options);
        options.Stream = streams[stream].name;
        options.Consumer = consumer;
        if (s == NATS_OK) s = js_PullSubscribe(&p->subscription, q->js, NULL, NULL, &wait, &options, &code);
        if (s != NATS_OK) return natsq_told(s, code, "subscribing", reterr);
        *ret = take(&p);
        return ERR_OK;
}

void natsq_pull_free(struct natsq_pull *p)
{
        if (!p) return;
        natsMsgList_Destroy(&p->list);
        natsSubscription_Destroy(p->subscription);
        mem_free(p);
}

enum err natsq_fetch(struct natsq_pull *p, int batch, int64_t wait_ms, int *ret_count, struct err_note *reterr)
{
        jsErrCode code = 0;
        natsStatus s;

        CHECK(batch > 0 && batch <= NATSQ_BATCH_MAX);
        natsMsgList_Destroy(&p->list);
        p->list = (natsMsgList){ 0 };
        s = natsSubscription_Fetch(&p->list, p->subscription, batch, wait_ms, &code);
        if (s == NATS_TIMEOUT) {
                *ret_count = 0;
                return ERR_OK;
        }
        if (s != NATS_OK) return natsq_told(s, code, "fetching", reterr);
        *ret_count = p->list.Count;
        return ERR_OK;
}

struct natsq_message *natsq_at(struct natsq_pull *p, int index)
{
        CHECK(index >= 0 && index < p->list.Count);
        return (struct natsq_message *)p->list.Msgs[index];
}

/* natsMsg is behind natsq_message by name only, so that nobody else needs nats.h. The calls below do not change it. */
static natsMsg *raw(const struct natsq_message *m)
{
        union {
                const struct natsq_message *ours;
                natsMsg *theirs;
        } same = { .ours = m };

        return same.theirs;
}

const char *natsq_message_body(const struct natsq_message *m, size_t *ret_bytes)
{
        *ret_bytes = (size_t)natsMsg_GetDataLength(raw(m));
        return natsMsg_GetData(raw(m));
}

const char *natsq_message_traceparent(const struct natsq_message *m)
{
        const char *value = NULL;

        return natsMsgHeader_Get(raw(m), "traceparent", &value) == NATS_OK ? value : NULL;
}

int64_t natsq_message_deliveries(const struct natsq_message *m)
{
        jsMsgMetaData *meta = NULL;
        int64_t count = 1;

        if (natsMsg_GetMetaData(&meta, raw(m)) == NATS_OK) count = (int64_t)meta->NumDelivered;
        jsMsgMetaData_Destroy(meta);
        return count;
}

int64_t natsq_message_stored_ms(const struct natsq_message *m)
{
        jsMsgMetaData *meta = NULL;
        int64_t ms = 0;

        if (natsMsg_GetMetaData(&meta, raw(m)) == NATS_OK) ms = meta->Timestamp / NATSQ_NS_PER_MS;
        jsMsgMetaData_Destroy(meta);
        return ms;
}

enum err natsq_ack(struct natsq_message *m, struct err_note *reterr)
{
        return natsq_told(natsMsg_Ack(raw(m), NULL), 0, "acknowledging", reterr);
}

enum err natsq_nak(struct natsq_message *m, int64_t delay_ms, struct err_note *reterr)
{
        return natsq_told(natsMsg_NakWithDelay(raw(m), delay_ms, NULL), 0, "giving back", reterr);
}

enum err natsq_term(struct natsq_message *m, struct err_note *reterr)
{
        return natsq_told(natsMsg_Term(raw(m), NULL), 0, "ending a job", reterr);
}
