/* options: the command line of a subcommand, by a table of its options.
 * Owner: caller. Memory: everything lent from argv. Units: none. Limits: OPTIONS_FILES_MAX words that are not options,
 * OPTIONS_MANY_MAX repeats. Fails: ERR_INVAL with a sentence that names the argument. */
#ifndef SERVER_APP_OPTIONS_H
#define SERVER_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum { OPTIONS_FILES_MAX = 256, OPTIONS_MANY_MAX = 16 };

struct option_row {
        const char *name;  /* "--port" */
        const char *value; /* what the help calls its value; NULL: a flag */
        const char *help;
        const char **text; /* value goes here (the last one wins) */
        bool *flag;        /* flag: set to true */
        const char **many; /* or here, one after the other, OPTIONS_MANY_MAX */
        size_t *many_count;
};

struct option_words {
        const char *item[OPTIONS_FILES_MAX];
        size_t count;
};

/* argv[0] is the subcommand. words NULL: none are allowed. *ret_help: --help was asked for, nothing else was checked.
 */
MUST_USE enum err options_parse(const struct option_row *rows, size_t count, int argc, char **argv,
                                struct option_words *words, bool *ret_help, struct err_note *reterr);
void options_help(const char *usage, const char *about, const struct option_row *rows, size_t count);

#endif
