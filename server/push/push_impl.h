/* push_impl: what the files of this room share: the room itself, and its library's side. Private to server/push.
 * Owner:  inbox under its lock; conns, stream, asked_ms, tick: the push thread.   Memory: push_new/push_free.
 * Units:  bytes, ms.   Limits: those of push.h.   Fails: push_thread_start with a note. */
#ifndef SERVER_PUSH_PUSH_IMPL_H
#define SERVER_PUSH_PUSH_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

/* OpenSSL's headers, which come along, have a type of the name of one of our errors. */
#define ERR_STATE push_openssl_err_state
#include <libwebsockets.h>
#undef ERR_STATE

#include "server/push/push_conn.h"
#include "server/push/push_guest.h"

struct push_inbox {
        pthread_mutex_t lock;
        struct push_msg *first, *last;
        size_t count, size_bytes;
        struct push_guest *guests; /* adopted, newest first */
        uint64_t seq;              /* of the last message numbered */
        bool is_lossy;             /* something did not fit: everybody resyncs */
        bool is_woken;             /* the thread has been told that there is something */
};

struct push {
        struct push_opts opts;
        struct lws_context *context;
        pthread_t thread;
        struct push_inbox inbox;
        struct push_stream stream;
        struct push_conn *conns;
        struct push_conn *arriving; /* while its socket is being adopted */
        int64_t asked_ms; /* 0: no snapshot is awaited */
        lws_sorted_usec_list_t tick;
        _Atomic uint64_t connections, adopted, refused, published, lost, delivered, resyncs, snapshots;
        _Atomic bool is_stopping;
};

/* Makes the library's context and the thread; push_thread_stop ends both and closes every connection. */
MUST_USE enum err push_thread_start(struct push *push, struct err_note *reterr);
void push_thread_stop(struct push *push);
/* From any thread: there is something in the inbox. */
void push_thread_wake(struct push *push);

#endif
