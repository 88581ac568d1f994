/* firedrill-learn: simulate, train, evaluate, report. */
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"
#include "learn/tools/tool.h"

static const struct {
        const char *name, *what;
        int (*run)(int argc, char **argv);
} commands[] = {
        { "sim", "play one simulated incident and print its metrics and logs", cmd_sim },
        { "train", "learn a recovery policy and write it as a model file", cmd_train },
        { "eval", "compare a model with the baselines on test episodes", cmd_eval },
        { "oracle", "solve the failure kernel exactly", cmd_oracle },
        { "report", "train on several seeds, evaluate, and write an HTML report with its data", cmd_report },
        { "bench", "measure speed and latency", cmd_bench },
        { "check", "long checks: environment, determinism, statistics, learners against the optimum", cmd_check },
        { "calibrate", "fit a model to recordings of the real stack", cmd_calibrate },
        { "replay", "show a model's advice step by step on a simulated or recorded incident", cmd_replay },
};

static void usage(FILE *to)
{
        (void)fprintf(to, "usage: firedrill-learn COMMAND [OPTION]...\n\nThe learning side of Firedrill: a failure simulator, recovery policies, their exact\n"
                          "optimum, and honest evaluation. Needs no running server.\n\n");
        for (size_t i = 0; i < ARRAY_COUNT(commands); i++) (void)fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].what);
        (void)fprintf(to, "\n'firedrill-learn COMMAND --help' lists the options.\n"
                          "Exit codes: 0 done, 1 negative verdict, 2 wrong use, 3 the environment failed.\n");
}

int main(int argc, char **argv)
{
        const char *names[ARRAY_COUNT(commands)], *near;

        if (argc < 2) {
                usage(stderr);
                return EXIT_USAGE;
        }
        if (str_eq(argv[1], "--help") || str_eq(argv[1], "-h") || str_eq(argv[1], "help")) {
                usage(stdout);
                return EXIT_FINE;
        }
        if (str_eq(argv[1], "--version") || str_eq(argv[1], "version")) {
                (void)printf("firedrill-learn %s\n", FD_VERSION);
                return EXIT_FINE;
        }
        for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
                names[i] = commands[i].name;
                if (str_eq(argv[1], commands[i].name)) {
                        tool_interrupt_catch();
                        return commands[i].run(argc - 2, argv + 2);
                }
        }
        near = str_suggest(argv[1], names, ARRAY_COUNT(names));
        (void)fprintf(stderr, "firedrill-learn: no command '%s'%s%s%s\n", argv[1], near ? "; did you mean '" : "; see --help", near ? near : "", near ? "'?" : "");
        return EXIT_USAGE;
}
