#include "sut/loadgen/load_crowd.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "sut/loadgen/load_chance.h"

struct crowd {
        struct crowd_mix mix;
        int users, in_flight_max, in_flight;
        uint64_t journey_count;
        /* idle users in order of their turn: a ring of indices */
        int ring[CROWD_USERS_MAX], ring_head, ring_count;
        int spare[CROWD_USERS_MAX], spare_count; /* not part of the crowd at the moment */
        struct crowd_user all[CROWD_USERS_MAX];
};

static const enum crowd_step journey_steps[CROWD_JOURNEY_COUNT][CROWD_STEPS_MAX + 1] = {
        [CROWD_JOURNEY_VISIT] = {CROWD_BROWSE, CROWD_PRODUCT, CROWD_STEP_COUNT},
        [CROWD_JOURNEY_COMPARE] = {CROWD_BROWSE, CROWD_PRODUCT, CROWD_LOGIN, CROWD_QUOTE, CROWD_STEP_COUNT},
        [CROWD_JOURNEY_BUY] = {CROWD_BROWSE, CROWD_PRODUCT, CROWD_LOGIN, CROWD_QUOTE, CROWD_ORDER, CROWD_STEP_COUNT},
};

static enum crowd_journey mix_pick(const struct crowd_mix *mix, uint64_t n)
{
        int total = 0, ticket;

        for (int i = 0; i < CROWD_JOURNEY_COUNT; i++) total += mix->weights[i];
        if (total == 0) return (enum crowd_journey)load_chance_below(mix->seed, LOAD_STREAM_JOURNEY, n, CROWD_JOURNEY_COUNT);
        ticket = (int)load_chance_below(mix->seed, LOAD_STREAM_JOURNEY, n, (uint32_t)total);
        for (int i = 0; i < CROWD_JOURNEY_COUNT; i++) {
                ticket -= mix->weights[i];
                if (ticket < 0) return (enum crowd_journey)i;
        }
        CHECK(false);
        return CROWD_JOURNEY_VISIT;
}

/* Popular products are asked for much more often than the rest: the square of a uniform number. */
static int product_pick(uint64_t seed, uint64_t n)
{
        double unit = load_chance_unit(seed, LOAD_STREAM_PRODUCT, n);

        return 1 + (int)(unit * unit * CROWD_PRODUCTS);
}

static void user_begin(struct crowd *c, struct crowd_user *user)
{
        uint64_t n = c->journey_count++, seed = c->mix.seed;

        user->journey_number = n;
        user->journey = mix_pick(&c->mix, n);
        user->step_count = user->step_index = 0;
        for (int i = 0; journey_steps[user->journey][i] != CROWD_STEP_COUNT; i++)
                if (journey_steps[user->journey][i] != CROWD_LOGIN || c->mix.login)
                        user->steps[user->step_count++] = journey_steps[user->journey][i];
        user->fresh = true;
        user->customer = 1 + (int)load_chance_below(seed, LOAD_STREAM_USER, n, CROWD_CUSTOMERS);
        user->product = product_pick(seed, n);
        user->quantity = 1 + (int)load_chance_below(seed, LOAD_STREAM_QUANTITY, n, 3);
        user->value_cents = 0;
        user->token[0] = '\0';
}

static void ring_push(struct crowd *c, int index)
{
        CHECK(c->ring_count < CROWD_USERS_MAX);
        c->ring[(c->ring_head + c->ring_count++) % CROWD_USERS_MAX] = index;
}

/* Brings a spare user into the turn; false if all exist already. */
static bool crowd_grow(struct crowd *c)
{
        int index;

        if (c->spare_count == 0) return false;
        index = c->spare[--c->spare_count];
        user_begin(c, &c->all[index]);
        ring_push(c, index);
        return true;
}

static int crowd_size(const struct crowd *c)
{
        return c->ring_count + c->in_flight;
}

enum err crowd_new(const struct crowd_mix *mix, int users, struct crowd **ret)
{
        struct crowd *c = mem_zalloc(1, sizeof *c);

        if (!c) return ERR_NOMEM;
        for (int i = 0; i < CROWD_USERS_MAX; i++) c->spare[i] = CROWD_USERS_MAX - 1 - i;
        c->spare_count = CROWD_USERS_MAX;
        crowd_change(c, mix, users, CROWD_USERS_MAX);
        *ret = c;
        return ERR_OK;
}

void crowd_free(struct crowd *c)
{
        mem_free(c);
}

void crowd_change(struct crowd *c, const struct crowd_mix *mix, int users, int in_flight_max)
{
        CHECK(users > 0 && users <= CROWD_USERS_MAX && in_flight_max > 0 && in_flight_max <= CROWD_USERS_MAX);
        c->mix = *mix;
        c->users = users;
        c->in_flight_max = in_flight_max;
        while (crowd_size(c) < users && crowd_grow(c)) { }
}

int crowd_in_flight(const struct crowd *c)
{
        return c->in_flight;
}

struct crowd_user *crowd_take(struct crowd *c, bool *ret_begins)
{
        struct crowd_user *user;

        if (c->in_flight >= c->in_flight_max) return NULL;
        if (c->ring_count == 0 && !crowd_grow(c)) return NULL;
        user = &c->all[c->ring[c->ring_head]];
        c->ring_head = (c->ring_head + 1) % CROWD_USERS_MAX;
        c->ring_count--;
        c->in_flight++;
        *ret_begins = user->fresh;
        user->fresh = false;
        user->in_flight = true;
        return user;
}

void crowd_drop(struct crowd *c, struct crowd_user *ret_user)
{
        user_begin(c, ret_user);
}

enum crowd_step crowd_user_step(const struct crowd_user *user)
{
        return user->steps[user->step_index];
}

bool crowd_user_last(const struct crowd_user *user, bool ok)
{
        return !ok || user->step_index + 1 == user->step_count;
}

void crowd_give(struct crowd *c, struct crowd_user *user, bool ok)
{
        bool is_over = crowd_user_last(user, ok);
        int index = (int)(user - c->all);

        CHECK(index >= 0 && index < CROWD_USERS_MAX && user->in_flight);
        user->in_flight = false;
        c->in_flight--;
        if (is_over && crowd_size(c) >= c->users) {
                c->spare[c->spare_count++] = index;
                return;
        }
        if (is_over) user_begin(c, user);
        else user->step_index++;
        ring_push(c, index);
}

const char *crowd_step_text(enum crowd_step step)
{
        static const char *const texts[] = {
#define X(name, text) text,
                CROWD_STEP_LIST(X)
#undef X
        };
        return texts[step];
}

const char *crowd_journey_text(enum crowd_journey journey)
{
        static const char *const texts[] = {
#define X(name, text) text,
                CROWD_JOURNEY_LIST(X)
#undef X
        };
        return texts[journey];
}
