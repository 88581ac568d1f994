#include "server/app/shell_env.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

FMT_PRINTF(2, 3) static void add(struct shell_env *env, const char *format, ...)
{
        va_list args;
        int n;

        if (env->count == SHELL_ENV_MAX) {
                env->count++;
                return;
        }
        va_start(args, format);
        n = vsnprintf(env->text[env->count], SHELL_ENV_TEXT_BYTES, format, args);
        va_end(args);
        env->list[env->count] = env->text[env->count];
        env->count = n < SHELL_ENV_TEXT_BYTES ? env->count + 1 : SHELL_ENV_MAX + 1;
}

/* GATEWAY=http://127.77.1.1:8000 for what speaks HTTP, host and port for what does not. */
static void add_service(struct shell_env *env, const struct stack_service *s, const char *address)
{
        char name[STACK_NAME_BYTES + 1];
        size_t i;

        for (i = 0; s->name[i] && i < STACK_NAME_BYTES; i++) name[i] = isalnum((unsigned char)s->name[i]) ? (char)toupper((unsigned char)s->name[i]) : '_';
        name[i] = '\0';
        if (s->kind != STACK_COMPONENT || s->ready == STACK_READY_HTTP)
                add(env, "%s=http://%s:%u", name, address, s->kind == STACK_COMPONENT && s->ready_port ? s->ready_port : s->port);
        if (str_eq(s->name, "postgres")) {
                add(env, "PGHOST=%s", address);
                add(env, "PGPORT=%u", s->port);
        } else if (str_eq(s->name, "redis")) {
                add(env, "REDIS_HOST=%s", address);
                add(env, "REDIS_PORT=%u", s->port);
        }
}

enum err shell_env_make(struct shell_env *env, const struct stack_spec *spec, int stack, struct err_note *reterr)
{
        char address[32];

        memset(env, 0, sizeof(*env));
        (void)snprintf(address, sizeof(address), "127.77.%d.1", stack);
        add(env, "PATH=/usr/local/bin:/usr/bin:/bin");
        add(env, "HOME=/nonexistent"); /* nothing of anybody's is read, nothing is kept */
        add(env, "LANG=C.UTF-8");
        add(env, "TZ=UTC");
        add(env, "TERM=xterm-256color");
        add(env, "PS1=\\[\\e[36m\\]stack %d\\[\\e[0m\\] \\w \\$ ", stack);
        add(env, "HISTFILE=/dev/null");
        add(env, "FIREDRILL_STACK=%d", stack);
        add(env, "STACK=%s", address);
        for (size_t i = 0; i < spec->services_count; i++) add_service(env, &spec->services[i], address);
        add(env, "PGDATABASE=shop");
        add(env, "PGUSER=reporting");
        add(env, "PGPASSWORD=reporting");
        add(env, "PSQL_HISTORY=/dev/null");
        add(env, "PSQLRC=/dev/null");
        add(env, "PAGER=cat");
        add(env, "REDISCLI_HISTFILE=/dev/null");
        add(env, "REDISCLI_RCFILE=/dev/null");
        /* redis-cli takes its server from no variable; a function of bash may come from one. */
        add(env, "BASH_FUNC_redis-cli%%%%=() { command redis-cli -h \"$REDIS_HOST\" -p \"$REDIS_PORT\" \"$@\"; }");
        return env->count > SHELL_ENV_MAX ? err_note(reterr, ERR_LIMIT, "the environment of the terminal is too long") : ERR_OK;
}
