/* firedrill: one program, several subcommands. */
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"
#include "common/sys/log.h"
#include "server/app/commands.h"
#include "server/app/site.h"
#include "server/terminal/warden.h"

static const struct {
        const char *name, *help;
        int (*run)(int argc, char **argv);
} commands[] = {
#define X(name, text, help) {text, help, command_##name},
        COMMAND_LIST(X)
#undef X
};

int command_version(int argc, char **argv)
{
        (void)argc, (void)argv;
        printf("firedrill %s\n", FD_VERSION);
        return SITE_EXIT_OK;
}

static void help(void)
{
        printf("Usage: firedrill [COMMAND] [OPTIONS]\n\n");
        for (size_t i = 0; i < ARRAY_COUNT(commands); i++) printf("  %-10s %s\n", commands[i].name, commands[i].help);
        printf("\nfiredrill COMMAND --help tells its options. Exit status: 0 success, 1 a negative verdict, 2 wrong "
               "use, 3 the environment failed.\n");
}

int main(int argc, char **argv)
{
        const char *names[ARRAY_COUNT(commands)];
        const char *near;

        if (argc == 2 && str_eq(argv[1], WARDEN_WORD)) return warden_main(); /* not a command: this program started by itself */
        log_init("firedrill", "firedrill-1");
        log_version(FD_VERSION);
        if (argc > 1 && (str_eq(argv[1], "--help") || str_eq(argv[1], "-h"))) {
                help();
                return SITE_EXIT_OK;
        }
        if (argc > 1 && str_eq(argv[1], "--version")) return command_version(0, NULL);
        if (argc < 2 || argv[1][0] == '-') return command_serve(argc, argv);
        for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
                names[i] = commands[i].name;
                if (str_eq(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
        }
        near = str_suggest(argv[1], names, ARRAY_COUNT(names));
        fprintf(stderr, "firedrill: there is no command '%s'%s%s%s; --help lists them\n", argv[1],
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return SITE_EXIT_USE;
}
