/* rig_impl: what the files of the rig share: its life (rig.c) and its control agent (rig_agent.c). Private to server/app.
 * Owner: the loop thread. Memory: with the rig. Units: ms. Limits: as rig.h. Fails: as rig.h. */
#ifndef SERVER_APP_RIG_IMPL_H
#define SERVER_APP_RIG_IMPL_H

#include "common/sys/file.h"
#include "server/app/advice.h"
#include "server/app/keep.h"
#include "server/app/rig.h"
#include "server/control/agent.h"

enum { RIG_TURN_MS = 200 };

struct rig {
        struct rig_options o;
        struct loop *loop;
        struct http_async *http;
        struct store *store;
        struct agent *agent; /* NULL: found, or not ours */
        struct control *control;
        struct stage *stage;
        struct conductor *conductor;
        struct advice *advice; /* NULL: no model fits */
        struct keep *keep;
        char home[FILE_PATH_BYTES];
        bool is_temporary, control_up, agent_gone, idle, stopping;
        bool revives; /* an agent that dies is started again */
        int revived;  /* how often */
        struct loop_timer *revive_timer;
        int interrupts;
        enum err answer; /* of the operation that is waited for */
        bool answered;
        struct err_note note;
};

/* Tells whoever listens; level: progress, info, warning or error. */
void rig_notice(struct rig *rig, const char *level, const char *text);

/* Whoever answers on the socket is the agent of this home; otherwise one is started. Needs the home, makes rig->control. */
MUST_USE enum err rig_agent_find(struct rig *rig, struct err_note *reterr);
/* Ends it, with the stack, and waits until it has gone; one that may not be ended (no_control) is left alone. */
MUST_USE enum err rig_agent_stop(struct rig *rig, struct err_note *reterr);

#endif
