/* command: the command line, environment and generated files of one start of a service.
 * Owner:  caller. Memory: command_free frees all texts. Units: none.
 * Limits: COMMAND_TEXTS_MAX arguments and as many variables. Fails: with a note that names service and text. */
#ifndef CONTROL_AGENT_SUPERVISE_COMMAND_H
#define CONTROL_AGENT_SUPERVISE_COMMAND_H

#include "control-agent/supervise/place.h"

enum { COMMAND_TEXTS_MAX = 64 };

struct command {
        char program[FILE_PATH_BYTES];
        char *argv[COMMAND_TEXTS_MAX + 1], *envp[COMMAND_TEXTS_MAX + 1];
        size_t argv_count, env_count;
};

/* The service itself, the program before each of its starts, or the one that makes it forget in a reset. */
enum command_purpose { COMMAND_RUN, COMMAND_PREPARE, COMMAND_FORGET, COMMAND_PURPOSE_COUNT };

struct command_options {
        enum command_purpose purpose;
        int ready_fd;            /* number in the new process, -1 none */
        const char *notify_name; /* abstract socket, NULL none */
        uint64_t seed;
};

MUST_USE enum err command_new(const struct place *p, size_t service, const struct command_options *options,
                              struct command **ret, struct err_note *reterr);
void command_free(struct command *c);
AUTO_DEFINE(struct command, command_free)
/* Writes the service's `files` from their templates, and makes its data directory. */
MUST_USE enum err command_files(const struct place *p, size_t service, struct err_note *reterr);

#endif
