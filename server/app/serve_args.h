/* serve_args: what the command line of `firedrill serve` asks for, checked.
 *
 * Memory: the texts are those of argv; they live as long as it does. The token is a copy.
 * Fails:  says on stderr which option has which value and what was expected. */
#ifndef SERVER_APP_SERVE_ARGS_H
#define SERVER_APP_SERVE_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/app/options.h"
#include "server/guard/token.h"
#include "server/http/front.h"
#include "server/race/race.h"

struct serve_args {
        const char *home, *port, *listen, *stack, *token_file, *ghosts, *grafana_url;
        const char *scenarios[OPTIONS_MANY_MAX], *packs[OPTIONS_MANY_MAX], *hosts[OPTIONS_MANY_MAX];
        size_t scenario_count, pack_count, host_count;
        bool no_control, terminal;
        uint16_t port_number;
        int stack_number;
        enum race_mode race_mode;
        char token[TOKEN_TEXT_BYTES];
        char grafana_origin[FRONT_ORIGIN_BYTES]; /* "": none */
};

/* *ret_run says whether to go on; otherwise the result is the exit status: help was asked for, or something is wrong. */
int serve_args_read(struct serve_args *ret, int argc, char **argv, bool *ret_run);

#endif
