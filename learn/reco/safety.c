#include "learn/reco/safety.h"

#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"

const struct safety_config safety_config_default = {
        .cooldown_soft_ms = 30000, .cooldown_hard_ms = 120000, .budget_window_ms = 600000, .budget_service = 2, .budget_all = 3,
        .blast_max = .40f, .shed_max = .50f, .shed_step = .30f,
};

static const struct {
        const char *name, *text;
} codes[] = {
#define X(name, text) { #name, text },
        SAFETY_LIST(X)
#undef X
};

const char *safety_text(enum safety_code code)
{
        return code < SAFETY_COUNT ? codes[code].text : "unknown";
}

const char *safety_name(enum safety_code code)
{
        return code < SAFETY_COUNT ? codes[code].name : "unknown";
}

void safety_init(struct safety *s, const struct safety_config *config, int services)
{
        CHECK(services >= 1 && services <= SAFETY_SERVICES);
        memset(s, 0, sizeof *s);
        s->config = config ? *config : safety_config_default;
        s->services = services;
        for (int i = 0; i < services; i++) s->service[i] = (struct safety_service){ .targetable = true, .soft_at = SAFETY_NEVER, .hard_at = SAFETY_NEVER, .shed_until = SAFETY_NEVER };
}

static int restarts_since(const struct safety *s, int service, int64_t since)
{
        int count = 0;

        for (int i = 0; i < s->restarts; i++) count += s->restart[i].at > since && (service < 0 || s->restart[i].service == service);
        return count;
}

static enum safety_code check_restart(const struct safety *s, int service, int64_t now)
{
        const struct safety_service *one = &s->service[service];
        const struct safety_config *c = &s->config;
        float blast = one->dependants;

        if (now - one->soft_at < c->cooldown_soft_ms) return SAFETY_COOLDOWN_SOFT;
        if (now - one->hard_at < c->cooldown_hard_ms) return SAFETY_COOLDOWN_HARD;
        if (restarts_since(s, service, now - c->budget_window_ms) >= c->budget_service) return SAFETY_BUDGET_SERVICE;
        if (restarts_since(s, -1, now - c->budget_window_ms) >= c->budget_all) return SAFETY_BUDGET_ALL;
        /* Alone, even the front door may be restarted; it is the sum with others that are down already which is bounded. */
        bool others = false;

        for (int i = 0; i < s->services; i++) {
                if (i == service || !s->service[i].down) continue;
                blast += s->service[i].dependants;
                others = true;
        }
        return others && blast > c->blast_max ? SAFETY_BLAST_RADIUS : SAFETY_OK;
}

static enum safety_code check_shed(const struct safety *s, int service, int64_t now)
{
        float shed = s->config.shed_step;

        for (int i = 0; i < s->services; i++)
                if (i != service && s->service[i].shed_until > now) shed += s->config.shed_step;
        return shed > s->config.shed_max ? SAFETY_SHED_LIMIT : SAFETY_OK;
}

enum safety_code safety_check(struct safety *s, int service, enum sim_action action, int64_t now)
{
        enum safety_code code = SAFETY_OK;

        CHECK(service >= 0 && service < s->services && action < ACT_COUNT);
        if (action == ACT_IGNORE || action == ACT_DELAY) return SAFETY_OK;
        if (s->config.kill_switch) code = SAFETY_KILL_SWITCH;
        else if (!s->service[service].targetable) code = SAFETY_TARGET;
        else if (action == ACT_REDUCE) code = s->service[service].down ? SAFETY_DOWN : check_shed(s, service, now);
        else code = s->service[service].down && !s->service[service].hung ? SAFETY_DOWN : check_restart(s, service, now);
        if (code) s->refused[code]++;
        return code;
}

void safety_note(struct safety *s, int service, enum sim_action action, int64_t now)
{
        struct safety_service *one = &s->service[service];

        CHECK(service >= 0 && service < s->services && action < ACT_COUNT);
        if (action == ACT_REDUCE) one->shed_until = now + 30000;
        if (action != ACT_SOFT && action != ACT_HARD) return;
        if (action == ACT_SOFT) one->soft_at = now;
        else one->hard_at = now;
        if (s->restarts == SAFETY_LOG) {
                memmove(s->restart, s->restart + 1, sizeof s->restart - sizeof s->restart[0]);
                s->restarts--;
        }
        s->restart[s->restarts].at = now;
        s->restart[s->restarts++].service = service;
}

uint32_t safety_mask(struct safety *s, int service, int64_t now, enum safety_code ret_why[ACT_COUNT])
{
        uint32_t mask = 0;

        for (int a = 0; a < ACT_COUNT; a++) {
                enum safety_code code = safety_check(s, service, (enum sim_action)a, now);

                if (!code) mask |= 1u << a;
                if (ret_why) ret_why[a] = code;
        }
        return mask;
}
