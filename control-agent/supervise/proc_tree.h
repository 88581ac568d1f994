/* proc_tree: what lives below a process, by /proc/PID/task/TID/children, or by the parents in /proc/PID/stat where the
 * kernel has no such file: signals to a whole tree, and its end.
 * Owner:  none. Memory: on the stack. Units: pids as this process sees them.
 * Limits: PROC_TREE_MAX processes at once; more are met in the next round. Fails: a process that is gone is no failure.
 */
#ifndef CONTROL_AGENT_SUPERVISE_PROC_TREE_H
#define CONTROL_AGENT_SUPERVISE_PROC_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PROC_TREE_MAX = 1024 };

/* Descendants of pid, parents first, without pid itself. */
size_t proc_tree_list(pid_t pid, pid_t *ret_pids, size_t max);
/* The same by the slower way, for kernels built without the faster one. */
size_t proc_tree_list_by_parent(pid_t pid, pid_t *ret_pids, size_t max);
/* Sends a signal to pid and everything below it, parents first; for SIGSTOP it looks again until nothing new appears.
 */
void proc_tree_signal(pid_t pid, int signal_number);
/* Stops, then kills everything below pid; pid itself is left alone. Returns when a look finds nothing that is not dead
 * or a child of pid that waits to be reaped. Bounded by `rounds` looks; true when clean. */
bool proc_tree_kill_below(pid_t pid, unsigned rounds);
/* Kills every process of this user whose environment has the text "NAME=value"; returns how many. */
size_t proc_tree_sweep(const char *variable);

#endif
