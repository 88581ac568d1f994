/* cache_server: the adapter's work on the real Redis: settings, jobs, statistics, with one session that is opened anew when it
 * breaks. A turn every CACHE_TURN_MS does what the jobs owe and refreshes the metrics.
 * Owner:  the thread of `loop`.             Memory: freed by free.
 * Units:  as in the knobs.                  Limits: CACHE_CALL_MS a command.
 * Fails:  settings with Redis' words; jobs are tried again at the next turn; statistics: redis_up 0. */
#ifndef SUT_CACHE_CACHE_SERVER_H
#define SUT_CACHE_CACHE_SERVER_H

#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "common/text/json.h"
#include "sut/cache/cache_knobs.h"

enum { CACHE_TURN_MS = 250, CACHE_CALL_MS = 3000, CACHE_KEYS_MAX = 200 };

struct cache_server;

MUST_USE enum err cache_server_new(struct loop *loop, const char *address, struct metrics *metrics, struct cache_server **ret,
                                   struct err_note *reterr);
void cache_server_free(struct cache_server *c);
AUTO_DEFINE(struct cache_server, cache_server_free)

MUST_USE enum err cache_server_set(struct cache_server *c, enum cache_knob knob, const struct json *value, struct err_note *reterr);
/* Adds what is really set as values of the knobs; jobs are this object's own. */
MUST_USE enum err cache_server_read(struct cache_server *c, struct json *values, struct err_note *reterr);
MUST_USE enum err cache_server_flush(struct cache_server *c, int64_t *ret_keys, struct err_note *reterr);
/* [{"key","ttl_s":n|-1,"bytes"}], at most CACHE_KEYS_MAX of those that match. */
MUST_USE enum err cache_server_keys(struct cache_server *c, const char *pattern, struct json **ret, struct err_note *reterr);
/* Thread-safe: whether the last turn reached Redis. */
bool cache_server_up(const struct cache_server *c);

#endif
