#include "control-agent/app/bite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/fault_page.h"
#include "common/sys/file.h"
#include "control-agent/supervise/proc_tree.h"

enum { SLOW_PERIOD_MS = 100, LEAK_PERIOD_MS = 250, MB = 1 << 20 };

enum err bite_init(struct bite *b, struct loop *loop, struct stack_run *stack, const struct stack_service *spec,
                   size_t service, const struct order *order, struct err_note *reterr)
{
        *b = (struct bite){.loop = loop, .stack = stack, .service = service, .order = *order};
        if (spec->kind == STACK_COMPONENT && (order->kind == ORDER_LEAK || order->kind == ORDER_SKEW))
                return err_note(reterr, ERR_UNSUPPORTED, "%s needs a service or adapter; %s is a server of others",
                                order_kind_text(order->kind), spec->name);
        return ERR_OK;
}

static pid_t process(const struct bite *b, bool *ret_paused)
{
        return stack_run_pid(b->stack, b->service, ret_paused);
}

/* One field of the shared page. A page that is not there belongs to a service that never started: nothing to do. */
static enum err page_set(const struct bite *b, enum order_kind kind, int64_t value, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        struct fault_page *page;
        int fd;

        if (stack_run_page(b->stack, b->service, path, sizeof(path)))
                return err_note(reterr, ERR_LIMIT, "the path of the fault page is too long");
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0) return err_note(reterr, ERR_STATE, "cannot open '%s': %s", path, strerror(errno));
        page = mmap(NULL, FAULT_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (page == MAP_FAILED) return err_note(reterr, ERR_IO, "cannot map '%s': %s", path, strerror(errno));
        atomic_store(kind == ORDER_SKEW ? &page->skew_ms : &page->leak_bytes, value);
        (void)munmap(page, FAULT_PAGE_BYTES);
        return ERR_OK;
}

static void go_on(struct bite *b)
{
        bool paused;
        pid_t pid = process(b, &paused);

        if (b->stopped && pid > 0 && !paused) proc_tree_signal(pid, SIGCONT);
        b->stopped = false;
}

static void on_pulse_end(void *ctx)
{
        struct bite *b = ctx;

        b->pulse = NULL;
        go_on(b);
}

static void on_slow_period(void *ctx)
{
        struct bite *b = ctx;
        bool paused;
        pid_t pid = process(b, &paused);

        if (pid <= 0 || paused || b->pulse) return; /* paused by a person: that is stronger */
        if (loop_timer_add(b->loop, SLOW_PERIOD_MS * b->order.percent / 100, 0, on_pulse_end, b, &b->pulse)) {
                b->pulse = NULL;
                return;
        }
        b->stopped = true;
        proc_tree_signal(pid, SIGSTOP);
}

static void on_leak_period(void *ctx)
{
        struct bite *b = ctx;

        b->leaked_mb_ms = MIN(b->leaked_mb_ms + b->order.mb_per_s * LEAK_PERIOD_MS, b->order.max_mb * 1000);
        (void)!page_set(b, ORDER_LEAK, b->leaked_mb_ms * MB / 1000,
                        NULL); /* gone with its stack, which ends this too */
}

struct limit {
        __rlimit_resource_t resource;
        rlim_t soft;
};

static struct limit limit_of(const struct order *order)
{
        switch (order->kind) {
        case ORDER_MEMORY:
                return (struct limit){RLIMIT_AS, (rlim_t)order->mb * MB};
        case ORDER_FILES:
                return (struct limit){RLIMIT_NOFILE, (rlim_t)order->count};
        default:
                CHECK(order->kind == ORDER_DISK);
                return (struct limit){RLIMIT_FSIZE, (rlim_t)order->mb * MB};
        }
}

/* The soft limit of the whole tree; the hard one stays, because nobody could raise it again. */
static int set_soft(pid_t pid, __rlimit_resource_t resource, rlim_t soft)
{
        pid_t below[PROC_TREE_MAX];
        size_t count = proc_tree_list(pid, below, PROC_TREE_MAX);
        struct rlimit now;
        int result = -1;

        for (size_t i = 0; i <= count; i++) {
                pid_t one = i == 0 ? pid : below[i - 1];

                if (prlimit(one, resource, NULL, &now) < 0) continue;
                now.rlim_cur = MIN(soft, now.rlim_max);
                if (prlimit(one, resource, &now, NULL) == 0 && i == 0) result = 0;
        }
        return result;
}

static enum err limit(struct bite *b, struct err_note *reterr)
{
        struct limit wanted = limit_of(&b->order);
        struct rlimit before;
        bool paused;
        pid_t pid = process(b, &paused);

        if (pid <= 0) return ERR_OK;
        if (prlimit(pid, wanted.resource, NULL, &before) < 0 ||
            (!b->limited && wanted.soft >= before.rlim_cur && before.rlim_cur != RLIM_INFINITY))
                return err_note(reterr, ERR_INVAL, "%s: the process is at or below that already",
                                order_kind_text(b->order.kind));
        if (!b->limited) b->soft_before = before.rlim_cur;
        b->limited = true;
        if (set_soft(pid, wanted.resource, wanted.soft) == 0) return ERR_OK;
        return err_note(reterr, ERR_DENIED, "%s: cannot set the limit: %s", order_kind_text(b->order.kind),
                        strerror(errno));
}

static enum err burn(struct bite *b, struct err_note *reterr)
{
        char threads[16];
        const char *argv[] = {"burn", threads, NULL};

        (void)snprintf(threads, sizeof(threads), "%d", (int)b->order.threads);
        return stack_run_helper(b->stack, argv, &b->helper, reterr);
}

static enum err every(struct bite *b, int64_t period_ms, loop_fn *fn, struct err_note *reterr)
{
        enum err e = loop_timer_add(b->loop, 0, period_ms, fn, b, &b->period);

        if (!e) return ERR_OK;
        b->period = NULL;
        return err_note(reterr, e, "no timer is left for this fault");
}

enum err bite_begin(struct bite *b, struct err_note *reterr)
{
        switch (b->order.kind) {
        case ORDER_SLOW:
                return every(b, SLOW_PERIOD_MS, on_slow_period, reterr);
        case ORDER_BURN:
                return burn(b, reterr);
        case ORDER_LEAK:
                return every(b, LEAK_PERIOD_MS, on_leak_period, reterr);
        case ORDER_SKEW:
                return page_set(b, ORDER_SKEW, b->order.ms, reterr);
        default:
                return limit(b, reterr);
        }
}

void bite_again(struct bite *b, bool fresh)
{
        if (fresh) {
                b->stopped = false;  /* of the old process */
                b->leaked_mb_ms = 0; /* a new process begins with nothing leaked */
                if (b->order.kind == ORDER_LEAK) (void)!page_set(b, ORDER_LEAK, 0, NULL);
        }
        if (b->order.kind == ORDER_MEMORY || b->order.kind == ORDER_FILES || b->order.kind == ORDER_DISK)
                (void)!limit(b, NULL); /* the service may have died again already */
}

void bite_end(struct bite *b)
{
        bool paused;
        pid_t pid = process(b, &paused);

        bite_done(b);
        go_on(b);
        if (b->order.kind == ORDER_LEAK || b->order.kind == ORDER_SKEW)
                (void)!page_set(b, (enum order_kind)b->order.kind, 0, NULL); /* no page, no fault */
        if (b->limited && pid > 0) (void)set_soft(pid, limit_of(&b->order).resource, b->soft_before);
        if (b->helper) stack_run_helper_end(b->stack, take(&b->helper));
}

void bite_done(struct bite *b)
{
        loop_timer_remove(take(&b->period));
        loop_timer_remove(take(&b->pulse));
}
