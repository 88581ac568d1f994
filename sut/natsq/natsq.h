/* natsq: the shop's work queue on NATS JetStream: one connection that keeps reconnecting, a stream of jobs with one pull consumer,
 * and a stream of dead letters. No other room opens libnats.
 *
 *   publish -> stream JOBS (jobs.settle) -> consumer settle --fetch--> ack: gone
 *                                                              nak: again, later
 *                                                              no answer within ack_wait: again
 *                                                              term: gone (the worker put it into DEAD before)
 *
 * Owner:  natsq is shared and thread-safe; a natsq_pull and its batch belong to one thread.
 * Memory: natsq_free ends the connection (after all pulls); messages live until the next fetch or natsq_pull_free.
 * Units:  ms, bytes.                        Limits: NATSQ_BATCH_MAX messages a fetch.
 * Fails:  ERR_UNAVAILABLE no server, ERR_TIMEOUT no answer in time, ERR_NOT_FOUND no such stream or consumer, ERR_LIMIT the
 *         stream is full, ERR_IO anything else; the note holds NATS' own words. */
#ifndef SUT_NATSQ_NATSQ_H
#define SUT_NATSQ_NATSQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { NATSQ_BATCH_MAX = 64 };

#define NATSQ_STREAM_LIST(X) X(JOBS, "JOBS", "jobs.>") X(DEAD, "DEAD", "dead.>")
enum natsq_stream {
#define X(name, stream, subjects) NATSQ_##name,
        NATSQ_STREAM_LIST(X)
#undef X
        NATSQ_STREAM_COUNT
};
#define NATSQ_SETTLE "jobs.settle"   /* subject of settlement jobs */
#define NATSQ_CONSUMER "settle"      /* the consumer of JOBS */
#define NATSQ_DEAD_SETTLE "dead.settle"

struct natsq;

/* Succeeds without a server too: the connection is made as soon as there is one. */
MUST_USE enum err natsq_open(const char *address, const char *name, struct natsq **ret, struct err_note *reterr);
void natsq_free(struct natsq *q);
AUTO_DEFINE(struct natsq, natsq_free)
bool natsq_connected(struct natsq *q);
/* Makes what is missing of the streams and the consumer, with the defaults; changes nothing that is there. */
MUST_USE enum err natsq_ensure(struct natsq *q, int64_t timeout_ms, struct err_note *reterr);

struct natsq_job {
        const char *subject;
        const void *body;
        size_t body_bytes;
        const char *id;          /* the server drops a second job of this id for two minutes; NULL: none */
        const char *traceparent; /* NULL: none */
};
/* Returns when the server has stored it. ret_duplicate may be NULL. */
MUST_USE enum err natsq_publish(struct natsq *q, const struct natsq_job *job, int64_t timeout_ms, bool *ret_duplicate, struct err_note *reterr);

struct natsq_pull;
struct natsq_message;

/* stream NATSQ_JOBS: the consumer NATSQ_CONSUMER; NATSQ_DEAD: its consumer "redrive", made when missing. */
MUST_USE enum err natsq_pull_new(struct natsq *q, enum natsq_stream stream, struct natsq_pull **ret, struct err_note *reterr);
void natsq_pull_free(struct natsq_pull *p);
AUTO_DEFINE(struct natsq_pull, natsq_pull_free)
/* Waits at most wait_ms for at least one message; *ret_count 0 is ERR_OK too. Ends the life of the earlier batch. */
MUST_USE enum err natsq_fetch(struct natsq_pull *p, int batch, int64_t wait_ms, int *ret_count, struct err_note *reterr);
struct natsq_message *natsq_at(struct natsq_pull *p, int index);

const char *natsq_message_body(const struct natsq_message *m, size_t *ret_bytes); /* not NUL-terminated */
const char *natsq_message_traceparent(const struct natsq_message *m);            /* NULL if none */
int64_t natsq_message_deliveries(const struct natsq_message *m);                 /* 1 the first time */
int64_t natsq_message_stored_ms(const struct natsq_message *m);                  /* wall clock */
/* Exactly one of these answers a message; without an answer it comes again after ack_wait. */
MUST_USE enum err natsq_ack(struct natsq_message *m, struct err_note *reterr);
MUST_USE enum err natsq_nak(struct natsq_message *m, int64_t delay_ms, struct err_note *reterr);
MUST_USE enum err natsq_term(struct natsq_message *m, struct err_note *reterr);

/* What an operator sees and sets (the adapter). -1: unlimited. */
struct natsq_stream_state {
        int64_t messages, bytes, last_sequence;
        int64_t messages_max, bytes_max, age_max_ms;
};
struct natsq_consumer_state {
        int64_t pending;     /* not delivered yet */
        int64_t ack_pending; /* delivered, not answered */
        int64_t redelivered, waiting, delivered_sequence;
        int64_t ack_wait_ms, deliver_max, ack_pending_max;
};
MUST_USE enum err natsq_stream_read(struct natsq *q, enum natsq_stream stream, int64_t timeout_ms, struct natsq_stream_state *ret, struct err_note *reterr);
/* Only the three limits of `want` are used. */
MUST_USE enum err natsq_stream_set(struct natsq *q, enum natsq_stream stream, const struct natsq_stream_state *want, int64_t timeout_ms,
                                   struct err_note *reterr);
MUST_USE enum err natsq_stream_purge(struct natsq *q, enum natsq_stream stream, int64_t timeout_ms, struct err_note *reterr);
MUST_USE enum err natsq_consumer_read(struct natsq *q, int64_t timeout_ms, struct natsq_consumer_state *ret, struct err_note *reterr);
/* Only ack_wait_ms, deliver_max and ack_pending_max of `want` are used. */
MUST_USE enum err natsq_consumer_set(struct natsq *q, const struct natsq_consumer_state *want, int64_t timeout_ms, struct err_note *reterr);

/* The defaults of natsq_ensure. */
enum { NATSQ_ACK_WAIT_MS = 10000, NATSQ_DELIVER_MAX = 20, NATSQ_ACK_PENDING_MAX = 256, NATSQ_DUPLICATES_MS = 120000 };

#endif
