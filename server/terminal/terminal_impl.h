/* terminal_impl: what the files of this room share. Private to server/terminal.
 * Owner:  newcomers under the lock; conns, arriving: the terminal thread.   Memory: terminal_new/free.
 * Units:  bytes.   Limits: those of terminal.h.   Fails: terminal_thread_start with a note. */
#ifndef SERVER_TERMINAL_TERMINAL_IMPL_H
#define SERVER_TERMINAL_TERMINAL_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

/* OpenSSL's headers, which come along, have a type of the name of one of our errors. */
#define ERR_STATE terminal_openssl_err_state
#include <libwebsockets.h>
#undef ERR_STATE

#include "common/base/buf.h"
#include "server/terminal/shell.h"
#include "server/terminal/terminal.h"

struct terminal_newcomer {
        struct terminal_newcomer *next;
        int fd;
        char *bytes; /* handshake and what came behind it */
        size_t size_bytes;
};

struct terminal_conn {
        struct terminal_conn *next;
        struct lws *wsi;     /* NULL until the handshake is answered */
        struct shell *shell; /* NULL: it could not be started, or has been ended */
        struct buf text;     /* a text message that is arriving */
        const char *reason;  /* why it ends; NULL: it lives */
        struct err_note note;
        bool rude, told;
};

struct terminal {
        const struct guard *guard;
        char *env[TERMINAL_ENV_MAX + 1];
        struct lws_context *context;
        pthread_t thread;
        pthread_mutex_t lock;
        struct terminal_newcomer *newcomers;
        struct terminal_conn *conns;
        struct terminal_conn *arriving; /* while its socket is being adopted */
        _Atomic int shells;             /* connections, also those that are arriving */
        const char *_Atomic close_reason;
        _Atomic bool is_stopping;
};

MUST_USE enum err terminal_thread_start(struct terminal *t, struct err_note *reterr);
void terminal_thread_stop(struct terminal *t);
void terminal_thread_wake(struct terminal *t); /* from any thread */
void terminal_newcomers_free(struct terminal_newcomer *n, bool close_them);

#endif
