#include "server/app/options.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

static const struct option_row *option_find(const struct option_row *rows, size_t count, const char *arg,
                                            const char **value)
{
        for (size_t i = 0; i < count; i++) {
                size_t size = strlen(rows[i].name);

                if (strncmp(arg, rows[i].name, size) != 0 || (arg[size] && arg[size] != '=')) continue;
                *value = arg[size] == '=' ? arg + size + 1 : NULL;
                return &rows[i];
        }
        return NULL;
}

static enum err option_unknown(const struct option_row *rows, size_t count, const char *arg, struct err_note *reterr)
{
        const char *names[32];
        const char *near;

        for (size_t i = 0; i < count; i++) names[i] = rows[i].name;
        near = str_suggest(arg, names, count);
        return err_note(reterr, ERR_INVAL, "unknown option '%s'%s%s%s; --help lists them", arg,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static enum err option_store(const struct option_row *row, const char *value, struct err_note *reterr)
{
        if (row->many) {
                if (*row->many_count == OPTIONS_MANY_MAX)
                        return err_note(reterr, ERR_INVAL, "%s may be given %d times at most", row->name,
                                        OPTIONS_MANY_MAX);
                row->many[(*row->many_count)++] = value;
        } else {
                *row->text = value;
        }
        return ERR_OK;
}

enum err options_parse(const struct option_row *rows, size_t count, int argc, char **argv, struct option_words *words,
                       bool *ret_help, struct err_note *reterr)
{
        for (int i = 1; i < argc; i++) {
                const struct option_row *row;
                const char *value = NULL;
                enum err e;

                if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h")) {
                        *ret_help = true;
                        return ERR_OK;
                }
                if (argv[i][0] != '-' || !argv[i][1]) {
                        if (!words) return err_note(reterr, ERR_INVAL, "'%s' is not expected here", argv[i]);
                        if (words->count == OPTIONS_FILES_MAX)
                                return err_note(reterr, ERR_INVAL, "at most %d files at once", OPTIONS_FILES_MAX);
                        words->item[words->count++] = argv[i];
                        continue;
                }
                row = option_find(rows, count, argv[i], &value);
                if (!row) return option_unknown(rows, count, argv[i], reterr);
                if (!row->value) {
                        if (value) return err_note(reterr, ERR_INVAL, "%s takes no value", row->name);
                        *row->flag = true;
                        continue;
                }
                if (!value && ++i < argc) value = argv[i];
                if (!value) return err_note(reterr, ERR_INVAL, "%s needs a value: %s", row->name, row->value);
                e = option_store(row, value, reterr);
                if (e) return e;
        }
        return ERR_OK;
}

void options_help(const char *usage, const char *about, const struct option_row *rows, size_t count)
{
        printf("Usage: %s\n\n%s\n\n", usage, about);
        for (size_t i = 0; i < count; i++) {
                char left[64];

                (void)snprintf(left, sizeof(left), "%s%s%s", rows[i].name, rows[i].value ? " " : "",
                               rows[i].value ? rows[i].value : "");
                printf("  %-24s %s\n", left, rows[i].help);
        }
        printf("\nExit status: 0 success, 1 a negative verdict, 2 wrong use, 3 the environment failed.\n");
}
