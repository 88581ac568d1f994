/* forward: copies of what was stored, sent on to receivers outside the stack, if any are set: Loki, an OTLP/HTTP collector, an Influx line-protocol
 * database (also VictoriaMetrics). Nothing here waits for a receiver or holds up the archive.
 *
 *   a body: WAITING -> SENT (2xx)
 *                   -> REFUSED (another 4xx: sending it again would not help)
 *                   -> tried again later, twice as late each time, while it fits into the queue; what comes when the queue is full is DROPPED
 *
 * Owner:  new, offer and free on the loop's thread; set and ok from any.
 * Memory: a body is encoded once and owned until it is done.
 * Units:  ms, bytes.                         Limits: queue_bytes a receiver, FORWARD_BODIES_MAX bodies, one request at a time.
 * Fails:  counted in logproc_forwarded_total and told in the log when a receiver stops or goes on answering. */
#ifndef SUT_LOGPROC_FORWARD_H
#define SUT_LOGPROC_FORWARD_H

#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "sut/logproc/record.h"

enum { FORWARD_BODIES_MAX = 256, FORWARD_URL_BYTES = 200, FORWARD_TURN_MS = 250, FORWARD_RETRY_MS = 500, FORWARD_RETRY_MS_MAX = 30000 };

#define FORWARD_LIST(X) X(LOKI, "loki") X(OTLP, "otlp") X(INFLUX, "influx")
enum forward_to {
#define X(name, text) FORWARD_##name,
        FORWARD_LIST(X)
#undef X
        FORWARD_COUNT
};

struct forward;

struct forward_policy {
        char urls[FORWARD_COUNT][FORWARD_URL_BYTES]; /* "http://host:port" with a path if need be; "" is off */
        int64_t queue_bytes;
        enum record_level level;
};

/* stack: a label of everything that is sent; lives on. */
MUST_USE enum err forward_new(struct loop *loop, struct metrics *metrics, const char *stack, struct forward **ret, struct err_note *reterr);
void forward_free(struct forward *f);
AUTO_DEFINE(struct forward, forward_free)
void forward_set(struct forward *f, const struct forward_policy *policy);
void forward_offer(struct forward *f, const struct record_batch *batch);
/* Whether the receiver took what was sent last; true while it is off. */
bool forward_ok(struct forward *f, enum forward_to to);
const char *forward_text(enum forward_to to);
/* "" or http://HOST[:PORT][/PATH] of plain letters, so that what is added to it is the end of the path. */
bool forward_url_good(const char *url);

#endif
