/* What an operator sees and sets: limits of streams and of the consumer. */
#include "sut/natsq/natsq_inside.h"

static int64_t limit_of(int64_t value)
{
        return value > 0 ? value : -1;
}

enum err natsq_stream_read(struct natsq *q, enum natsq_stream stream, int64_t timeout_ms, struct natsq_stream_state *ret, struct err_note *reterr)
{
        jsStreamInfo *info = NULL;
        jsOptions options;
        jsErrCode code = 0;
        natsStatus s;

        natsq_wait(&options, timeout_ms);
        s = js_GetStreamInfo(&info, q->js, natsq_stream_name(stream), &options, &code);
        if (s == NATS_OK)
                *ret = (struct natsq_stream_state){ .messages = (int64_t)info->State.Msgs, .bytes = (int64_t)info->State.Bytes,
                                                    .last_sequence = (int64_t)info->State.LastSeq, .messages_max = limit_of(info->Config->MaxMsgs),
                                                    .bytes_max = limit_of(info->Config->MaxBytes),
                                                    .age_max_ms = limit_of(info->Config->MaxAge / NATSQ_NS_PER_MS) };
        jsStreamInfo_Destroy(info);
        return natsq_told(s, code, "reading a stream", reterr);
}

enum err natsq_stream_set(struct natsq *q, enum natsq_stream stream, const struct natsq_stream_state *want, int64_t timeout_ms, struct err_note *reterr)
{
        jsStreamInfo *info = NULL;
        jsOptions options;
        jsErrCode code = 0;
        natsStatus s;

        natsq_wait(&options, timeout_ms);
        s = js_GetStreamInfo(&info, q->js, natsq_stream_name(stream), &options, &code);
        if (s == NATS_OK) {
                info->Config->MaxMsgs = want->messages_max;
                info->Config->MaxBytes = want->bytes_max;
                info->Config->MaxAge = want->age_max_ms > 0 ? want->age_max_ms * NATSQ_NS_PER_MS : 0;
                s = js_UpdateStream(NULL, q->js, info->Config, &options, &code);
        }
        jsStreamInfo_Destroy(info);
        return natsq_told(s, code, "changing a stream", reterr);
}

enum err natsq_stream_purge(struct natsq *q, enum natsq_stream stream, int64_t timeout_ms, struct err_note *reterr)
{
        jsOptions options;
        jsErrCode code = 0;

        natsq_wait(&options, timeout_ms);
        return natsq_told(js_PurgeStream(q->js, natsq_stream_name(stream), &options, &code), code, "emptying a stream", reterr);
}

enum err natsq_consumer_read(struct natsq *q, int64_t timeout_ms, struct natsq_consumer_state *ret, struct err_note *reterr)
{
        jsConsumerInfo *info = NULL;
        jsOptions options;
        jsErrCode code = 0;
        natsStatus s;

        natsq_wait(&options, timeout_ms);
        s = js_GetConsumerInfo(&info, q->js, natsq_stream_name(NATSQ_JOBS), NATSQ_CONSUMER, &options, &code);
        if (s == NATS_OK)
                *ret = (struct natsq_consumer_state){ .pending = (int64_t)info->NumPending, .ack_pending = info->NumAckPending,
                                                      .redelivered = info->NumRedelivered, .waiting = info->NumWaiting,
                                                      .delivered_sequence = (int64_t)info->Delivered.Consumer,
                                                      .ack_wait_ms = info->Config->AckWait / NATSQ_NS_PER_MS,
                                                      .deliver_max = limit_of(info->Config->MaxDeliver),
                                                      .ack_pending_max = limit_of(info->Config->MaxAckPending) };
        jsConsumerInfo_Destroy(info);
        return natsq_told(s, code, "reading the consumer", reterr);
}

enum err natsq_consumer_set(struct natsq *q, const struct natsq_consumer_state *want, int64_t timeout_ms, struct err_note *reterr)
{
        jsConsumerInfo *info = NULL;
        jsOptions options;
        jsErrCode code = 0;
        natsStatus s;

        natsq_wait(&options, timeout_ms);
        s = js_GetConsumerInfo(&info, q->js, natsq_stream_name(NATSQ_JOBS), NATSQ_CONSUMER, &options, &code);
        if (s == NATS_OK) {
                info->Config->AckWait = want->ack_wait_ms * NATSQ_NS_PER_MS;
                info->Config->MaxDeliver = want->deliver_max;
                info->Config->MaxAckPending = want->ack_pending_max;
                s = js_UpdateConsumer(NULL, q->js, natsq_stream_name(NATSQ_JOBS), info->Config, &options, &code);
        }
        jsConsumerInfo_Destroy(info);
        return natsq_told(s, code, "changing the consumer", reterr);
}
