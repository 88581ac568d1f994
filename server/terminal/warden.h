/* warden: the process between the server and a learner's shell, a fresh image of this program. It gives the shell its terminal, its user
 * and its limits, and ends everything the shell ever started when the shell ends or the server's end of the lifeline closes.
 *
 *     server ── lifeline ──> warden (subreaper) ──> shell ──> whatever it starts, also in the background
 *
 * Owner: a process of its own, one thread. Memory: none. Units: none. Limits: WARDEN_* below, for the shell and each of its children.
 * Fails: exit status 127 and a sentence on the terminal when the shell cannot be started. */
#ifndef SERVER_TERMINAL_WARDEN_H
#define SERVER_TERMINAL_WARDEN_H

#define WARDEN_WORD "terminal-shell" /* argv[1] that makes a program of ours a warden */

enum {
        WARDEN_LIFELINE_FD = 3, /* 0, 1 and 2 are the terminal */
        WARDEN_FILE_BYTES_MAX = 64 << 20,
        WARDEN_MEMORY_BYTES_MAX = 1 << 30,
        WARDEN_FILES_MAX = 256,
        WARDEN_CPU_SECONDS_MAX = 600,
        WARDEN_PROCESSES_MAX = 128 /* of the unprivileged user; without one of its own the limit of the server's user stays */
};

int warden_main(void);

#endif
