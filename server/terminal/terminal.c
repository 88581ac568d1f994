/* What other threads call: newcomers in one locked, bounded list, the thread woken for each. */
#include "server/terminal/terminal.h"

#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/guard/handshake.h"
#include "server/terminal/terminal_impl.h"

static void newcomer_free(struct terminal_newcomer *n)
{
        if (!n) return;
        mem_free(n->bytes);
        mem_free(n);
}
AUTO_DEFINE(struct terminal_newcomer, newcomer_free)

void terminal_newcomers_free(struct terminal_newcomer *n, bool close_them)
{
        while (n) {
                struct terminal_newcomer *next = n->next;

                if (close_them) (void)close(n->fd);
                newcomer_free(n);
                n = next;
        }
}

static enum err newcomer_new(const struct terminal *t, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                             struct terminal_newcomer **ret, struct err_note *reterr)
{
        AUTO(newcomer_free) struct terminal_newcomer *n = NULL;
        AUTO_BUF bytes;
        enum err e = handshake_check(t->guard, head, reterr);

        buf_init(&bytes, HEAD_BYTES_MAX + HANDSHAKE_BYTES);
        if (e) return e;
        handshake_write(&bytes, head, extra, extra_bytes);
        e = buf_status(&bytes);
        if (e) return err_note(reterr, e, "no room for the handshake");
        n = mem_zalloc(1, sizeof(*n));
        if (!n) return err_note(reterr, ERR_NOMEM, "no memory for a connection");
        n->fd = fd;
        n->bytes = buf_take(&bytes, &n->size_bytes);
        if (!n->bytes) return err_note(reterr, ERR_NOMEM, "no memory for a connection");
        *ret = take(&n);
        return ERR_OK;
}

enum err terminal_adopt(struct terminal *t, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                        struct err_note *reterr)
{
        AUTO(newcomer_free) struct terminal_newcomer *n = NULL;
        enum err e = newcomer_new(t, fd, head, extra, extra_bytes, &n, reterr);

        if (e) return e;
        if (atomic_fetch_add(&t->shells, 1) >= TERMINAL_SHELLS_MAX) {
                atomic_fetch_sub(&t->shells, 1);
                return err_note(reterr, ERR_LIMIT, "%d terminals are open, no more are opened; close one", TERMINAL_SHELLS_MAX);
        }
        pthread_mutex_lock(&t->lock);
        n->next = t->newcomers;
        t->newcomers = take(&n);
        pthread_mutex_unlock(&t->lock);
        terminal_thread_wake(t);
        return ERR_OK;
}

void terminal_close_all(struct terminal *t, const char *reason)
{
        atomic_store(&t->close_reason, reason);
        terminal_thread_wake(t);
}

static enum err terminal_env_copy(struct terminal *t, const char *const *env, struct err_note *reterr)
{
        for (size_t i = 0; env[i]; i++) {
                CHECK(i < TERMINAL_ENV_MAX);
                t->env[i] = mem_strdup(env[i]);
                if (!t->env[i]) return err_note(reterr, ERR_NOMEM, "no memory for the terminal");
        }
        return ERR_OK;
}

static void terminal_memory_free(struct terminal *t)
{
        for (size_t i = 0; i < TERMINAL_ENV_MAX; i++) mem_free(t->env[i]);
        (void)pthread_mutex_destroy(&t->lock);
        mem_free(t);
}

enum err terminal_new(const struct terminal_opts *opts, struct terminal **ret, struct err_note *reterr)
{
        struct terminal *t = mem_zalloc(1, sizeof(*t));
        enum err e;

        CHECK(opts->guard && opts->env);
        if (!t) return err_note(reterr, ERR_NOMEM, "no memory for the terminal");
        t->guard = opts->guard;
        (void)pthread_mutex_init(&t->lock, NULL);
        e = terminal_env_copy(t, opts->env, reterr);
        if (!e) e = terminal_thread_start(t, reterr);
        if (e) {
                terminal_memory_free(t);
                return e;
        }
        *ret = t;
        return ERR_OK;
}

void terminal_free(struct terminal *t)
{
        if (!t) return;
        terminal_thread_stop(t);
        terminal_newcomers_free(take(&t->newcomers), true);
        terminal_memory_free(t);
}
