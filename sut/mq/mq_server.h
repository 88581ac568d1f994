/* mq_server: the adapter's work on the real JetStream: settings, jobs, statistics. A turn every MQ_TURN_MS makes streams that are missing,
 * publishes what the jobs owe and refreshes the metrics.
 * Owner:  turns on the thread of `loop`; set, read, purge and state by any thread (natsq is thread-safe, the jobs' rates are atomic).
 * Memory: freed by free.                     Units: as in the knobs.
 * Limits: MQ_CALL_MS a request to the server. Fails: with NATS' words; statistics: nats_up 0. */
#ifndef SUT_MQ_MQ_SERVER_H
#define SUT_MQ_MQ_SERVER_H

#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "common/text/json.h"
#include "sut/mq/mq_knobs.h"

enum { MQ_TURN_MS = 200, MQ_CALL_MS = 1500 };

struct mq_server;

MUST_USE enum err mq_server_new(struct loop *loop, const char *address, struct metrics *metrics, struct mq_server **ret, struct err_note *reterr);
void mq_server_free(struct mq_server *m);
AUTO_DEFINE(struct mq_server, mq_server_free)

MUST_USE enum err mq_server_set(struct mq_server *m, enum mq_knob knob, const struct json *value, struct err_note *reterr);
/* Adds what is really set as values of the knobs. */
MUST_USE enum err mq_server_read(struct mq_server *m, struct json *values, struct err_note *reterr);
/* {"streams":[{"name","messages","bytes","last_sequence"}],"consumer":{...}} */
MUST_USE enum err mq_server_state(struct mq_server *m, struct json **ret, struct err_note *reterr);
/* stream: "JOBS" or "DEAD", else ERR_NOT_FOUND. */
MUST_USE enum err mq_server_purge(struct mq_server *m, const char *stream, int64_t *ret_count, struct err_note *reterr);
bool mq_server_up(const struct mq_server *m);

#endif
