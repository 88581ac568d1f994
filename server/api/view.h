/* view: the stack as the control agent last told it: state and processes. Asked again whenever the agent comes back.
 * Owner:  the loop thread. Memory: view_free. Units: none. Limits: STACK_SERVICES_MAX. Fails: while the agent is away
 * the state is "down". */
#ifndef SERVER_API_VIEW_H
#define SERVER_API_VIEW_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/stack/stack.h"
#include "common/text/json.h"
#include "server/control/control.h"

struct view;

MUST_USE enum err view_new(struct control *control, const struct stack_spec *spec, int stack, struct view **ret);
void view_free(struct view *v); /* after the control client: its answers come here */
void view_process_seen(struct view *v, const struct json *service);
void view_control_seen(struct view *v, bool up);
void view_services_write(const struct view *v, struct buf *out); /* [SERVICE] */
struct json *view_stack(const struct view *v);                   /* the answer of GET /stack; NULL: out of memory */
const char *view_state(const struct view *v);

#endif
