/* faults: the faults that are in force, on edges and on processes, of all stacks. Each is in the journal of its stack
 * (stacks/N/faults.json) before it is applied, so that an agent that comes after a crash finds and undoes what outlived
 * it. A fault on a process holds for the service: a new process gets it again. Owner:  the agent's thread. Memory:
 * faults_free undoes nothing; the stacks end with the agent. Units:  ms. Limits: FAULTS_MAX. Fails: with a sentence;
 * nothing is in force then. */
#ifndef CONTROL_AGENT_APP_FAULTS_H
#define CONTROL_AGENT_APP_FAULTS_H

#include "control-agent/app/agent.h"

enum { FAULTS_MAX = 64 };

struct faults;

MUST_USE enum err faults_new(struct agent *a, struct faults **ret);
void faults_free(struct faults *f);

/* args: {"fault","on","args","for_ms"} of fault.apply. *ret_result: {"fault_id","undo"}. */
MUST_USE enum err faults_apply(struct faults *f, struct stack_run *r, const struct json *args, struct json **ret_result,
                               struct err_note *reterr);
MUST_USE enum err faults_undo(struct faults *f, struct stack_run *r, const char *id, struct err_note *reterr);
/* {"faults":[...]} */
struct json *faults_list(const struct faults *f, unsigned stack);

/* A service of the stack has a new process (fresh), or has become ready: some programs raise their own limits between.
 */
void faults_process(struct faults *f, struct stack_run *r, size_t service, bool fresh);
/* The stack starts anew or has ended: its faults are over. */
void faults_forget(struct faults *f, unsigned stack);
/* At the agent's start: undoes what the journals of this home still name. */
void faults_recover(struct agent *a);

#endif
