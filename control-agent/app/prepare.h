/* prepare: programs of one act that the agent has run for it, because they may block: the data directory of a fresh
 * PostgreSQL, copied from a template that is made once (initdb, schema and seed by sut-db), and the removal of what a
 * wipe has renamed. Owner:  a process of their own. Memory: the process's. Units: none. Limits: PREPARE_STEP_MS for
 * each step. Fails:  exit status 1 and one sentence on stderr, which is the service's log. */
#ifndef CONTROL_AGENT_APP_PREPARE_H
#define CONTROL_AGENT_APP_PREPARE_H

enum { PREPARE_STEP_MS = 60000 };

/* Options: --data DIR --template DIR --share DIR --postgres FILE --listen HOST:PORT. Does nothing if the data are
 * there. */
int prepare_postgres(int argc, char **argv);
/* POST of an empty body to HOST:PORT; 0 if the answer is of 200 to 299. */
int prepare_http_post(const char *address, const char *path);
/* That many processes burn until this one is ended: this one and its children, each in a session of its own. */
int prepare_burn(const char *burners);
/* Removes each DIR/trash-*. */
int prepare_remove_trash(const char *directory);

#endif
