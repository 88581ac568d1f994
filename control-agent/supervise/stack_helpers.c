/* stack_helpers: programs beside the services, started by the keeper like them but not supervised: they end by
 * themselves, when they are told, or with the keeper. Also what the faults need to know of a stack. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/check.h"
#include "control-agent/supervise/stack_inside.h"

enum { HELPER_ARGS_MAX = 8 };

static struct stack_helper *helper_find(struct stack_run *r, uint64_t tag)
{
        for (size_t i = 0; i < STACK_RUN_HELPERS_MAX; i++)
                if (r->helpers[i].tag == tag) return &r->helpers[i];
        return NULL;
}

static void helper_drop(struct stack_helper *h)
{
        if (h->tag && h->pid_fd >= 0) close(h->pid_fd);
        *h = (struct stack_helper){.pid_fd = -1};
}

static void helper_kill(const struct stack_helper *h)
{
        (void)syscall(SYS_pidfd_send_signal, h->pid_fd, SIGKILL, NULL, 0);
}

enum err stack_run_helper(struct stack_run *r, const char *const *argv, uint64_t *ret_tag, struct err_note *reterr)
{
        const char *all[HELPER_ARGS_MAX + 2] = {"firedrill-control"}, *envp[] = {"LANG=C.UTF-8", NULL, NULL};
        struct stack_helper *h = helper_find(r, 0);
        char variable[FILE_PATH_BYTES + 32];
        struct keeper_start request = {
                .program = r->o.program, .directory = "/", .argv = all, .envp = envp, .ready_fd = -1};
        uint64_t tag = ++r->home.next_tag;
        enum err e;

        if (!r->home.keeper) return err_note(reterr, ERR_STATE, "stack %u is not up", r->o.number);
        if (!h)
                return err_note(reterr, ERR_LIMIT, "stack %u has %d helpers already", r->o.number,
                                STACK_RUN_HELPERS_MAX);
        for (size_t i = 0; argv[i]; i++) {
                CHECK(i < HELPER_ARGS_MAX);
                all[i + 1] = argv[i];
        }
        (void)snprintf(variable, sizeof(variable), "FIREDRILL_STACK_DIR=%s", r->place.dir);
        envp[1] = variable;
        request.output_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (request.output_fd < 0) return err_note(reterr, ERR_IO, "cannot open /dev/null: %s", strerror(errno));
        e = keeper_link_start(r->home.keeper, tag, &request, reterr);
        close(request.output_fd);
        if (e) return e;
        *h = (struct stack_helper){.tag = tag, .pid_fd = -1};
        *ret_tag = tag;
        return ERR_OK;
}

void stack_run_helper_end(struct stack_run *r, uint64_t tag)
{
        struct stack_helper *h = tag ? helper_find(r, tag) : NULL;

        if (!h) return;
        h->unwanted = true;
        if (h->pid_fd >= 0) helper_kill(h);
}

void stack_helper_started(struct stack_run *r, uint64_t tag, int pid_fd)
{
        struct stack_helper *h = helper_find(r, tag);

        if (!h) { /* what makes a kept service forget */
                close(pid_fd);
                return;
        }
        h->pid_fd = pid_fd;
        if (h->unwanted) helper_kill(h);
}

void stack_helper_exited(struct stack_run *r, uint64_t tag)
{
        struct stack_helper *h = helper_find(r, tag);

        if (h) helper_drop(h);
}

void stack_helpers_lost(struct stack_run *r)
{
        for (size_t i = 0; i < STACK_RUN_HELPERS_MAX; i++) helper_drop(&r->helpers[i]);
}

pid_t stack_run_pid(const struct stack_run *r, size_t service, bool *ret_paused)
{
        const struct service *s = &r->services[service];

        CHECK(service < r->services_count);
        *ret_paused = s->state == SVC_PAUSED;
        return service_is_alive(s) ? s->pid : 0;
}

bool stack_run_alive(const struct stack_run *r)
{
        return r->home.keeper && r->state != STACK_RUN_STOPPING && r->state != STACK_RUN_DOWN;
}

bool stack_run_built(const struct stack_run *r, size_t service)
{
        CHECK(service < r->services_count);
        return r->services[service].built;
}

enum err stack_run_page(const struct stack_run *r, size_t service, char *dst, size_t dst_bytes)
{
        int n = snprintf(dst, dst_bytes, "%s/s/%s.page", r->place.dir, r->services[service].spec->name);

        return n < 0 || (size_t)n >= dst_bytes ? ERR_LIMIT : ERR_OK;
}
