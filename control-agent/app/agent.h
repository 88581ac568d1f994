/* agent: the control agent: its stacks, its socket, its clients. One loop thread owns everything here.
 * Owner:  main's thread. Memory: agent_free ends all. Units: ms.
 * Limits: AGENT_CLIENTS_MAX connections, STACK_NUMBER_MAX stacks. Fails: agent_new with a note that names the path. */
#ifndef CONTROL_AGENT_APP_AGENT_H
#define CONTROL_AGENT_APP_AGENT_H

#include "common/stack/stack.h"
#include "common/sys/file.h"
#include "common/sys/loop.h"
#include "common/text/json.h"
#include "control-agent/inject/edges.h"
#include "control-agent/supervise/stack_run.h"

enum { AGENT_CLIENTS_MAX = 32, AGENT_LINE_BYTES_MAX = 256 * 1024, AGENT_QUEUE_BYTES_MAX = 4 << 20 };

struct client;

struct agent {
        struct loop *loop;
        struct stack_spec *spec;
        struct edges *edges;
        struct faults *faults;
        enum keeper_mode mode;
        char home[FILE_PATH_BYTES], share[FILE_PATH_BYTES], bin[FILE_PATH_BYTES], program[FILE_PATH_BYTES];
        struct stack_run *stacks[STACK_NUMBER_MAX + 1]; /* by number; made when first asked for */
        struct client *clients[AGENT_CLIENTS_MAX];
        uint64_t clients_made;
        int lock_fd, listen_fd;
        struct loop_fd *listen_handle;
        bool ending;
        struct loop_timer *end_timer;
};

struct agent_options {
        const char *home, *share; /* share NULL: found by itself */
        enum keeper_wish wish;
};

MUST_USE enum err agent_new(struct loop *loop, const struct agent_options *options, struct agent **ret,
                            struct err_note *reterr);
void agent_free(struct agent *a);
AUTO_DEFINE(struct agent, agent_free)

/* The stack of that number, made if need be. */
MUST_USE enum err agent_stack(struct agent *a, int64_t number, struct stack_run **ret, struct err_note *reterr);
/* To every client that watches. Takes the event. */
void agent_tell(struct agent *a, struct json *event);
/* Ends all stacks, in order; then the loop stops. Asked again: at once. */
void agent_end(struct agent *a);

/* clients.c: the socket. */
MUST_USE enum err clients_listen(struct agent *a, struct err_note *reterr);
void clients_free(struct agent *a);

/* verbs.c: one request line of a client. Answers through client_answer, now or later. */
struct request;
void verbs_request(struct agent *a, struct request *request, const struct json *body);

/* clients.c: a request under way; survives its client. Each of the two answers ends and frees it. */
void request_done(struct request *request, struct json *result); /* takes result */
void request_fail(struct request *request, enum err e, const char *detail);
void request_progress(const struct request *request, const char *text);
void request_watch(const struct request *request); /* events go to this client from now on */

#endif
