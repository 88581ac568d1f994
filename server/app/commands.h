/* commands: the subcommands of firedrill; each gets its own argv (argv[0] is its name) and returns the exit status.
 * Owner: main. Memory: none kept. Units: none. Limits: as said in each --help. Fails: with a sentence on stderr. */
#ifndef SERVER_APP_COMMANDS_H
#define SERVER_APP_COMMANDS_H

#define COMMAND_LIST(X)                                                                                                \
        X(serve, "serve", "run the server: API, control panel, one stack (the default)")                               \
        X(lint, "lint", "check scenario files")                                                                        \
        X(play, "play", "play a scenario without a person")                                                            \
        X(advise, "advise", "tell what the recovery agent would have said in recorded plays")                          \
        X(verify, "verify", "prove a scenario on the real stack")                                                      \
        X(export, "export", "write finished runs as episodes, or recordings of drivers, for other tools")              \
        X(version, "version", "print the version")
#define X(name, text, help) int command_##name(int argc, char **argv);
COMMAND_LIST(X)
#undef X

#endif
