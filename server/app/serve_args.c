#include "server/app/serve_args.h"

#include <stdio.h>

#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/app/site.h"

/* From the file; made anew where others can reach the server and no file was named: it is printed once, with the address. */
static enum err serve_token_get(struct serve_args *a, struct err_note *reterr)
{
        if (a->token_file) return token_read(a->token_file, a->token, reterr);
        if (!guard_address_is_loopback(a->listen)) token_make(a->token);
        return ERR_OK;
}

static enum err serve_args_check(struct serve_args *a, struct err_note *reterr)
{
        struct err_note note;
        int64_t number = 0;

        if (str_parse_i64(a->port, 0, 65535, &number))
                return err_note(reterr, ERR_INVAL, "--port is '%s', expected a number from 0 to 65535", a->port);
        a->port_number = (uint16_t)number;
        if (str_parse_i64(a->stack, 1, STACK_NUMBER_MAX, &number))
                return err_note(reterr, ERR_INVAL, "--stack is '%s', expected a number from 1 to %d", a->stack,
                                STACK_NUMBER_MAX);
        a->stack_number = (int)number;
        a->race_mode = race_mode_parse(a->ghosts);
        if (a->race_mode == RACE_MODE_COUNT)
                return err_note(reterr, ERR_INVAL, "--ghosts is '%s', expected auto, on or off", a->ghosts);
        for (size_t i = 0; i < a->scenario_count; i++)
                if (!file_is_dir(a->scenarios[i]))
                        return err_note(reterr, ERR_INVAL, "--scenarios '%s' is not a folder", a->scenarios[i]);
        for (size_t i = 0; i < a->pack_count; i++)
                if (!file_is_dir(a->packs[i])) return err_note(reterr, ERR_INVAL, "--packs '%s' is not a folder", a->packs[i]);
        if (a->terminal && !guard_address_is_loopback(a->listen))
                return err_note(reterr, ERR_INVAL,
                                "--terminal gives a shell to whoever reaches the server, so it goes with a loopback address only, not with "
                                "--listen '%s'",
                                a->listen);
        if (a->grafana_url && front_origin(a->grafana_url, a->grafana_origin, &note))
                return err_note(reterr, ERR_INVAL, "--grafana-url: %s", note.text);
        return serve_token_get(a, reterr);
}

int serve_args_read(struct serve_args *ret, int argc, char **argv, bool *ret_run)
{
        struct serve_args a = {.port = "8080", .listen = "127.0.0.1", .stack = "1", .home = ".firedrill", .ghosts = "auto"};
        bool wants_help = false;
        const struct option_row rows[] = {
                {.name = "--home",
                 .value = "DIR",
                 .help = "database, control socket, stacks (default .firedrill)",
                 .text = &a.home},
                {.name = "--port",
                 .value = "N",
                 .help = "public port (default 8080; 0: any free one)",
                 .text = &a.port},
                {.name = "--listen",
                 .value = "ADDR",
                 .help = "address to listen on (default 127.0.0.1; where others can reach it, a token is asked for)",
                 .text = &a.listen},
                {.name = "--stack",
                 .value = "N",
                 .help = "number of the stack: 127.77.N.1 (default 1)",
                 .text = &a.stack},
                {.name = "--scenarios",
                 .value = "DIR",
                 .help = "one more folder of scenarios; may be repeated",
                 .many = a.scenarios,
                 .many_count = &a.scenario_count},
                {.name = "--packs",
                 .value = "DIR",
                 .help = "scenario packs: a folder with a pack.yaml (a git checkout), or with such folders; may be repeated",
                 .many = a.packs,
                 .many_count = &a.pack_count},
                {.name = "--ghosts",
                 .value = "MODE",
                 .help = "the agent and the rule beside a learner, live: auto (when there is room, default), on or off",
                 .text = &a.ghosts},
                {.name = "--token-file",
                 .value = "FILE",
                 .help = "ask for the token in its first line (default: made anew where others can reach the server)",
                 .text = &a.token_file},
                {.name = "--allow-host",
                 .value = "NAME",
                 .help = "one more host name that is ours; may be repeated",
                 .many = a.hosts,
                 .many_count = &a.host_count},
                {.name = "--terminal",
                 .help = "give the page a shell beside the stack, as an unprivileged user (loopback only; see docs/security.md)",
                 .flag = &a.terminal},
                {.name = "--grafana-url",
                 .value = "URL",
                 .help = "show the dashboards of this Grafana in the Observability tab (deploy/grafana/README.md)",
                 .text = &a.grafana_url},
                {.name = "--no-control", .help = "neither start nor stop the control agent", .flag = &a.no_control},
        };
        struct err_note note;

        *ret_run = false;
        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, NULL, &wants_help, &note)) {
                fprintf(stderr, "firedrill serve: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help("firedrill [serve] [OPTIONS]",
                             "Runs the server with one stack; SIGTERM or Ctrl-C ends everything it started.", rows,
                             ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (serve_args_check(&a, &note)) {
                fprintf(stderr, "firedrill serve: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        *ret = a;
        *ret_run = true;
        return SITE_EXIT_OK;
}
