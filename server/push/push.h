/* push: the WebSocket side of the server: one thread, many browsers, JSON messages out, two kinds of message in.
 * Protocol: docs/contracts.md, "WebSocket". Every message is {"seq","t","type","data"}; seq rises over all messages of this life.
 * Owner:  one thread inside owns all connections; push_adopt, push_publish, push_snapshot, push_stats: any thread, never block.
 * Memory: texts given are copied; an adopted descriptor belongs to push.   Units: bytes, ms.
 * Limits: below; connections_max of the options.
 * Fails:  ERR_LIMIT when an inbox is full, ERR_NOMEM. A lost message is made good: every browser gets a fresh snapshot. */
#ifndef SERVER_PUSH_PUSH_H
#define SERVER_PUSH_PUSH_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "server/guard/guard.h"

enum {
        PUSH_CONNECTIONS_MAX = 4000,
        PUSH_DATA_BYTES_MAX = 128 * 1024,      /* of one delta */
        PUSH_SNAPSHOT_BYTES_MAX = 2 * 1024 * 1024,
        PUSH_QUEUE_BYTES_MAX = 256 * 1024,     /* waiting for one browser */
        PUSH_QUEUE_MESSAGES_MAX = 4096,
        PUSH_INBOX_BYTES_MAX = 4 * 1024 * 1024, /* published, not yet taken by the thread */
        PUSH_INBOX_MESSAGES_MAX = 16384,
        PUSH_RING_BYTES_MAX = 1024 * 1024,     /* kept for resume */
        PUSH_RING_MESSAGES_MAX = 4096,
        PUSH_INPUT_BYTES_MAX = 4096,           /* of one message of a browser */
        PUSH_INPUT_PER_SECOND_MAX = 20,
        PUSH_EPOCH_BYTES = 17
};

/* name, whether it is a stream that can be switched off, whether it is on at first. The others always arrive. */
#define PUSH_TYPE_LIST(X)                                                                                              \
        X(SNAPSHOT, "snapshot", false, true)                                                                           \
        X(RUN, "run", false, true)                                                                                     \
        X(CRITERION, "criterion", false, true)                                                                         \
        X(GUARD, "guard", false, true)                                                                                 \
        X(HINT, "hint", false, true)                                                                                   \
        X(FEED, "feed", false, true)                                                                                   \
        X(FAULT, "fault", true, false) /* tells the truth: instructors subscribe */                                    \
        X(ACTION, "action", false, true)                                                                               \
        X(RECOMMENDATION, "recommendation", false, true)                                                               \
        X(COMPARISON, "comparison", false, true)                                                                       \
        X(PROCESS, "process", false, true)                                                                             \
        X(LOG, "log", true, false)                                                                                     \
        X(USER, "user", true, true)                                                                                    \
        X(SERIES, "series", true, true)                                                                                \
        X(MAPEK, "mapek", true, true)                                                                                  \
        X(HARM, "harm", false, true)                                                                                   \
        X(VERIFY, "verify", false, true)                                                                               \
        X(NOTICE, "notice", false, true)                                                                               \
        X(BEAT, "beat", false, true)

enum push_type {
#define X(name, text, is_stream, is_on) PUSH_##name,
        PUSH_TYPE_LIST(X)
#undef X
        PUSH_TYPE_COUNT
};

const char *push_type_name(enum push_type type);

struct push;

struct push_opts {
        const struct guard *guard;    /* outlives push */
        size_t connections_max;       /* at most PUSH_CONNECTIONS_MAX; 0: 1,000 */
        /* Somebody needs the present state: answer soon, from any thread, with push_snapshot. Called on push's thread, must
         * not block; asked again after two seconds without an answer. */
        void (*snapshot_wanted)(void *ctx);
        void *ctx;
};

struct push_stats {
        uint64_t connections, adopted, refused, published, lost, delivered, resyncs, snapshots;
};

MUST_USE enum err push_new(const struct push_opts *opts, struct push **ret, struct err_note *reterr);
void push_free(struct push *push); /* closes every connection (1001), then returns */
AUTO_DEFINE(struct push, push_free)

/* Takes a connection of which `head` (and `extra` bytes behind it) was read. ERR_OK: fd is push's. Otherwise fd stays the
 * caller's: ERR_DENIED (Host, Origin, token), ERR_INVAL (no valid handshake), ERR_UNSUPPORTED (version), ERR_LIMIT. */
MUST_USE enum err push_adopt(struct push *push, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                             struct err_note *reterr);
/* `data_json`: one JSON value. Messages of one thread arrive in its order. The result may be ignored: a loss leads to
 * fresh snapshots, a snapshot that fails is asked for again. */
enum err push_publish(struct push *push, enum push_type type, const char *data_json);
/* `data_json`: an object, the state after everything this thread has published; "epoch" is put in by push. */
enum err push_snapshot(struct push *push, const char *data_json);
void push_epoch(const struct push *push, char dst[static PUSH_EPOCH_BYTES]);
void push_stats_get(struct push *push, struct push_stats *ret);

#endif
