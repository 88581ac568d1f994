/* loop: one epoll loop, owned by the thread that runs it: descriptors, timers, signals, child exits (as pidfd
 * descriptors) and work posted from other threads.
 * Owner:  the thread that called loop_run (loop_is_mine); only loop_post and loop_stop may come from elsewhere.
 * Memory: the loop owns its handles; a handle is valid until its remove function, or until a one-shot timer fired.
 *         Removing any handle from inside any callback is allowed.
 * Units:  milliseconds of the monotonic clock. Limits: LOOP_POSTS_MAX posts waiting, LOOP_TIMERS_MAX, LOOP_FDS_MAX.
 * Fails:  ERR_LIMIT, ERR_NOMEM or ERR_IO, nothing changed. */
#ifndef COMMON_SYS_LOOP_H
#define COMMON_SYS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "common/base/err.h"

enum { LOOP_POSTS_MAX = 1024, LOOP_TIMERS_MAX = 4096, LOOP_FDS_MAX = 8192 };

struct loop;
struct loop_fd;
struct loop_timer;

typedef void loop_fd_fn(void *ctx, uint32_t epoll_events);
typedef void loop_fn(void *ctx);
typedef void loop_signal_fn(void *ctx, int signal_number);

MUST_USE enum err loop_new(struct loop **ret, struct err_note *reterr);
void loop_free(struct loop *loop);
AUTO_DEFINE(struct loop, loop_free)

void loop_run(struct loop *loop);             /* until loop_stop; may be called again afterwards */
bool loop_turn(struct loop *loop, int64_t wait_ms_max); /* one wait and its callbacks; false after loop_stop */
void loop_stop(struct loop *loop);            /* from any thread */
bool loop_is_mine(const struct loop *loop);   /* true also before the first run */

/* Descriptors stay the caller's: remove, then close. events: EPOLLIN, EPOLLOUT, ... level-triggered. */
MUST_USE enum err loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *ctx, struct loop_fd **ret);
void loop_fd_events(struct loop_fd *handle, uint32_t events);
void loop_fd_remove(struct loop_fd *handle); /* NULL is fine */

/* period_ms 0: once (the handle dies by itself after fn). Missed periods are not made up for. */
MUST_USE enum err loop_timer_add(struct loop *loop, int64_t after_ms, int64_t period_ms, loop_fn *fn, void *ctx,
                                 struct loop_timer **ret);
void loop_timer_remove(struct loop_timer *handle); /* NULL is fine */

/* Blocks the signal in this thread and delivers it to fn on the loop. Call before other threads are started. */
MUST_USE enum err loop_signal_add(struct loop *loop, int signal_number, loop_signal_fn *fn, void *ctx);

/* From any thread, also from a callback: fn runs later on the loop. ERR_LIMIT when LOOP_POSTS_MAX wait.
 * What is still posted when the loop is freed is not run. */
MUST_USE enum err loop_post(struct loop *loop, loop_fn *fn, void *ctx);

/* From another thread: runs fn on the loop and waits for it. ERR_LIMIT full, ERR_TIMEOUT: fn will not run any more
 * (or has begun: then it is waited for to its end), ERR_UNAVAILABLE: the loop has stopped. */
MUST_USE enum err loop_call(struct loop *loop, loop_fn *fn, void *ctx, int64_t timeout_ms);

#endif
