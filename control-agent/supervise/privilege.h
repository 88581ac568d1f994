/* privilege: which user a stack runs as when the agent is root, because PostgreSQL refuses root.
 * Owner:  none. Memory: none. Units: none. Limits: none.
 * Fails:  -1 with errno, as the system calls below it. privilege_map and privilege_drop are called in a child process
 * before exec. */
#ifndef CONTROL_AGENT_SUPERVISE_PRIVILEGE_H
#define CONTROL_AGENT_SUPERVISE_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/* The user that stands in for root: "postgres", else "nobody"; both have an entry in the user database. */
uid_t privilege_user(gid_t *ret_gid);
/* Inside a fresh user namespace: the one user `inner` stands for the one outside. */
int privilege_map(uid_t inner_uid, gid_t inner_gid, uid_t outer_uid, gid_t outer_gid);
/* True if privilege_drop() will have to use setuid: root, on a machine that refuses user namespaces. Then files of the
 * dropped process must be given to privilege_user(). Finds out by trying in a child, once. */
bool privilege_by_setuid(void);
/* Root only: becomes another user, by a user namespace (files stay root's), else by setuid. */
int privilege_drop(void);

#endif
