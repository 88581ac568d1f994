#include "sut/kit/args.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/sock.h"

static int index_of(const char *const *names, const char *name)
{
        for (int i = 0; names && names[i]; i++)
                if (str_eq(names[i], name)) return i;
        return -1;
}

static enum err upstream_add(struct kit_args *args, const char *text, struct err_note *reterr)
{
        const char *equals = strchr(text, '=');
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;

        if (!equals || equals == text || (size_t)(equals - text) >= sizeof args->upstreams[0].name)
                return err_note(reterr, ERR_INVAL, "--upstream '%s': expected NAME=HOST:PORT", text);
        if (sock_split(equals + 1, host, &port))
                return err_note(reterr, ERR_INVAL, "--upstream '%s': '%s' is not HOST:PORT", text, equals + 1);
        if (args->upstream_count == KIT_UPSTREAMS_MAX)
                return err_note(reterr, ERR_INVAL, "--upstream: at most %d may be given", KIT_UPSTREAMS_MAX);
        str_cut(args->upstreams[args->upstream_count].name, (size_t)(equals - text) + 1, text);
        args->upstreams[args->upstream_count++].address = equals + 1;
        return ERR_OK;
}

static enum err value_set(const struct kit_spec *spec, struct kit_args *args, const char *key, const char *value,
                          struct err_note *reterr)
{
        static const char *const known[] = { "name", "instance", "listen", "dir", NULL };
        const char **places[] = { &args->name, &args->instance, &args->listen, &args->dir };
        int at = index_of(known, key);

        if (at >= 0)
                *places[at] = value;
        else if (str_eq(key, "upstream"))
                return upstream_add(args, value, reterr);
        else
                args->options[index_of(spec->options, key)] = value;
        return ERR_OK;
}

static bool takes_value(const struct kit_spec *spec, const char *key)
{
        static const char *const known[] = { "name", "instance", "listen", "dir", "upstream", NULL };

        return index_of(known, key) >= 0 || index_of(spec->options, key) >= 0;
}

enum err kit_args_parse(const struct kit_spec *spec, int argc, char **argv, struct kit_args *ret, struct err_note *reterr)
{
        struct kit_args args = { .name = spec->name };
        enum err e;

        for (int i = 1; i < argc; i++) {
                const char *key = argv[i] + 2;

                if (!str_starts(argv[i], "--"))
                        return err_note(reterr, ERR_INVAL, "unexpected argument '%s'; see --help", argv[i]);
                if (str_eq(key, "help")) {
                        args.help = true;
                } else if (str_eq(key, "describe")) {
                        args.describe = true;
                } else if (index_of(spec->flags, key) >= 0) {
                        args.flags[index_of(spec->flags, key)] = true;
                } else if (!takes_value(spec, key)) {
                        return err_note(reterr, ERR_INVAL, "unknown option '%s'; see --help", argv[i]);
                } else if (i + 1 == argc) {
                        return err_note(reterr, ERR_INVAL, "option '%s' needs a value", argv[i]);
                } else {
                        e = value_set(spec, &args, key, argv[++i], reterr);
                        if (e) return e;
                }
        }
        if (!args.instance) args.instance = args.name;
        *ret = args;
        return ERR_OK;
}

enum err kit_args_complete(const struct kit_spec *spec, const struct kit_args *args, struct err_note *reterr)
{
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;

        if (!args->listen) return err_note(reterr, ERR_INVAL, "--listen HOST:PORT is missing; see --help");
        if (sock_split(args->listen, host, &port))
                return err_note(reterr, ERR_INVAL, "--listen '%s' is not HOST:PORT", args->listen);
        if (!sock_is_loopback(host))
                return err_note(reterr, ERR_INVAL, "--listen '%s': a service of a stack listens on a loopback address only", args->listen);
        if (!args->dir) return err_note(reterr, ERR_INVAL, "--dir STACKDIR is missing; see --help");
        for (const char *const *name = spec->upstreams; name && *name; name++)
                if (!kit_args_upstream(args, *name))
                        return err_note(reterr, ERR_INVAL, "--upstream %s=HOST:PORT is missing; see --help", *name);
        return ERR_OK;
}

void kit_args_help(const struct kit_spec *spec)
{
        printf("sut-%s: %s\n\n"
               "  --name NAME            name of the service (default: %s)\n"
               "  --instance NAME        name of this process\n"
               "  --listen HOST:PORT     where to serve HTTP (loopback only)\n"
               "  --dir DIR              directory of the stack: config/, data/\n"
               "  --upstream NAME=ADDR   address of another service; may be repeated\n"
               "  --describe             print the configuration's JSON Schema and end\n",
               spec->name, spec->title, spec->name);
        for (const char *const *name = spec->upstreams; name && *name; name++) printf("                         needed: %s\n", *name);
        for (const char *const *name = spec->options; name && *name; name++) printf("  --%s VALUE\n", *name);
        for (const char *const *name = spec->flags; name && *name; name++) printf("  --%s\n", *name);
}

const char *kit_args_upstream(const struct kit_args *args, const char *name)
{
        for (int i = 0; i < args->upstream_count; i++)
                if (str_eq(args->upstreams[i].name, name)) return args->upstreams[i].address;
        return NULL;
}
