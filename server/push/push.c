/* What other threads call, and the inbox through which they do: one lock, bounded, the thread woken once a batch. */
#include "server/push/push.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/entropy.h"
#include "server/push/push_impl.h"

/* Called with the lock held. */
static bool push_inbox_must_wake(struct push_inbox *inbox)
{
        bool must = !inbox->is_woken;

        inbox->is_woken = true;
        return must;
}

static enum err push_submit(struct push *push, struct push_msg *msg, bool is_snapshot)
{
        struct push_inbox *inbox = &push->inbox;
        bool fits, wake;

        pthread_mutex_lock(&inbox->lock);
        fits = msg && inbox->count < PUSH_INBOX_MESSAGES_MAX &&
               inbox->size_bytes + msg->size_bytes <= PUSH_INBOX_BYTES_MAX;
        if (!is_snapshot) inbox->seq++; /* a lost message leaves its number behind, so that resume cannot skip it unseen */
        if (fits) {
                push_msg_number(msg, inbox->seq);
                if (inbox->last) inbox->last->next = msg;
                else inbox->first = msg;
                inbox->last = msg;
                inbox->count++;
                inbox->size_bytes += msg->size_bytes;
        } else if (!is_snapshot) {
                inbox->is_lossy = true;
        }
        wake = push_inbox_must_wake(inbox);
        pthread_mutex_unlock(&inbox->lock);
        if (wake) push_thread_wake(push);
        if (fits) return ERR_OK;
        if (!is_snapshot) atomic_fetch_add(&push->lost, 1);
        if (!msg) return ERR_NOMEM;
        push_msg_unref(msg);
        return ERR_LIMIT;
}

enum err push_publish(struct push *push, enum push_type type, const char *data_json)
{
        struct push_msg *msg = NULL;
        bool fits = strlen(data_json) <= PUSH_DATA_BYTES_MAX;
        enum err e;

        CHECK(type != PUSH_SNAPSHOT && type != PUSH_BEAT);
        if (fits) msg = push_msg_new(type, clock_wall_ms(), NULL, data_json);
        e = push_submit(push, msg, false);
        if (!e) atomic_fetch_add(&push->published, 1);
        return fits ? e : ERR_LIMIT;
}

enum err push_snapshot(struct push *push, const char *data_json)
{
        char epoch[PUSH_EPOCH_BYTES + 16];

        if (strlen(data_json) > PUSH_SNAPSHOT_BYTES_MAX) return ERR_LIMIT;
        snprintf(epoch, sizeof epoch, "\"epoch\":\"%s\"", push->stream.epoch);
        return push_submit(push, push_msg_new(PUSH_SNAPSHOT, clock_wall_ms(), epoch, data_json), true);
}

enum err push_adopt(struct push *push, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                    struct err_note *reterr)
{
        struct push_guest *guest = NULL;
        size_t taken;
        bool wake;
        enum err e = push_guest_new(push->opts.guard, fd, head, extra, extra_bytes, &guest, reterr);

        if (!e) {
                taken = atomic_fetch_add(&push->connections, 1);
                if (taken >= push->opts.connections_max) {
                        atomic_fetch_sub(&push->connections, 1);
                        push_guest_free(guest);
                        e = err_note(reterr, ERR_LIMIT, "%zu browsers are connected, no more are taken",
                                     push->opts.connections_max);
                }
        }
        if (e) {
                atomic_fetch_add(&push->refused, 1);
                return e;
        }
        pthread_mutex_lock(&push->inbox.lock);
        guest->next = push->inbox.guests;
        push->inbox.guests = guest;
        wake = push_inbox_must_wake(&push->inbox);
        pthread_mutex_unlock(&push->inbox.lock);
        if (wake) push_thread_wake(push);
        return ERR_OK;
}

enum err push_new(const struct push_opts *opts, struct push **ret, struct err_note *reterr)
{
        struct push *push;
        enum err e;

        CHECK(opts->guard && opts->snapshot_wanted && opts->connections_max <= PUSH_CONNECTIONS_MAX);
        push = mem_zalloc(1, sizeof *push);
        if (!push) return err_note(reterr, ERR_NOMEM, "no memory for the push room");
        push->opts = *opts;
        if (!push->opts.connections_max) push->opts.connections_max = 1000;
        entropy_hex(push->stream.epoch, (PUSH_EPOCH_BYTES - 1) / 2);
        pthread_mutex_init(&push->inbox.lock, NULL);
        e = fault_point() ? err_note(reterr, ERR_IO, "a test wants no push") : push_thread_start(push, reterr);
        if (e) {
                pthread_mutex_destroy(&push->inbox.lock);
                mem_free(push);
                return e;
        }
        *ret = push;
        return ERR_OK;
}

void push_free(struct push *push)
{
        struct push_inbox *inbox;

        if (!push) return;
        inbox = &push->inbox;
        push_thread_stop(push);
        while (inbox->first) {
                struct push_msg *msg = inbox->first;

                inbox->first = msg->next;
                push_msg_unref(msg);
        }
        while (inbox->guests) {
                struct push_guest *guest = inbox->guests;

                inbox->guests = guest->next;
                close(guest->fd);
                push_guest_free(guest);
        }
        push_ring_done(&push->stream.ring);
        pthread_mutex_destroy(&inbox->lock);
        mem_free(push);
}

void push_epoch(const struct push *push, char dst[static PUSH_EPOCH_BYTES])
{
        memcpy(dst, push->stream.epoch, PUSH_EPOCH_BYTES);
}

void push_stats_get(struct push *push, struct push_stats *ret)
{
        *ret = (struct push_stats){
                .connections = atomic_load(&push->connections),
                .adopted = atomic_load(&push->adopted),
                .refused = atomic_load(&push->refused),
                .published = atomic_load(&push->published),
                .lost = atomic_load(&push->lost),
                .delivered = atomic_load(&push->delivered),
                .resyncs = atomic_load(&push->resyncs),
                .snapshots = atomic_load(&push->snapshots),
        };
}
