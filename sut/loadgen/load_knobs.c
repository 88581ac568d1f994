#include "sut/loadgen/load_knobs.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "sut/kit/service.h"

static const char *const profile_names[] = {
#define X(name, text) text,
        LOAD_PROFILE_LIST(X)
#undef X
        NULL
};

static const char *const arrival_names[] = {
#define X(name, text) text,
        LOAD_ARRIVAL_LIST(X)
#undef X
        NULL
};

const struct knob load_knobs[LOAD_KNOB_COUNT] = {
        [LOAD_KNOB_RPS] = KNOB_NUM("rps", 40, 0, LOAD_RPS_MAX, "requests/s", "Load", "Requests a second",
                "What users ask for, whether or not the system keeps up. 0 sends everybody home."),
        [LOAD_KNOB_PROFILE] = KNOB_ONE_OF("profile", "steady", profile_names, "Load", "Profile",
                "How the rate changes over time; it begins when any setting of the load changes."),
        [LOAD_KNOB_ARRIVALS] = KNOB_ONE_OF("arrivals", "paced", arrival_names, "Load", "Arrivals",
                "paced: even, with jitter. poisson: as independent users come, in clusters."),
        [LOAD_KNOB_RAMP_RPS] = KNOB_NUM("ramp_rps", 80, 0, LOAD_RPS_MAX, "requests/s", "Ramp", "Rate at the end", ""),
        [LOAD_KNOB_RAMP_S] = KNOB_NUM("ramp_s", 60, 0, 3600, "s", "Ramp", "Duration", ""),
        [LOAD_KNOB_WAVE_RPS] = KNOB_NUM("wave_rps", 20, 0, LOAD_RPS_MAX, "requests/s", "Wave", "Height above and below", ""),
        [LOAD_KNOB_WAVE_S] = KNOB_NUM("wave_s", 60, 1, 3600, "s", "Wave", "Period", ""),
        [LOAD_KNOB_BURST_RPS] = KNOB_NUM("burst_rps", 200, 0, LOAD_RPS_MAX, "requests/s", "Burst", "Rate during a burst", ""),
        [LOAD_KNOB_BURST_S] = KNOB_NUM("burst_s", 10, 0, 3600, "s", "Burst", "Duration", ""),
        [LOAD_KNOB_BURST_EVERY_S] = KNOB_NUM("burst_every_s", 0, 0, 3600, "s", "Burst", "Repeated every", "0 is once."),
        [LOAD_KNOB_REPLAY_RPS] = KNOB_TEXT("replay_rps", "20,40,60,40", "Replay", "Rates, separated by commas",
                "Played one after the other, over and over."),
        [LOAD_KNOB_REPLAY_STEP_S] = KNOB_NUM("replay_step_s", 10, 1, 3600, "s", "Replay", "Duration of each", ""),
        [LOAD_KNOB_SEED] = KNOB_INT("seed", 1, 0, 2147483647, "", "Users", "Seed",
                "The same seed gives the same users, products and arrivals."),
        [LOAD_KNOB_USERS] = KNOB_INT("users", 50, 1, 500, "", "Users", "Users at once",
                "They take turns; more come when all of them wait for an answer."),
        [LOAD_KNOB_IN_FLIGHT_MAX] = KNOB_INT("in_flight_max", 400, 1, 500, "requests", "Users", "Most requests in flight",
                "Beyond it a request is dropped, which its user sees as a failure."),
        [LOAD_KNOB_TIMEOUT_MS] = KNOB_INT("timeout_ms", 5000, 100, 60000, "ms", "Users", "Patience",
                "A user gives up this long after the request was meant to start."),
        [LOAD_KNOB_LOGIN] = KNOB_SWITCH("login", 1, "Users", "Users sign in",
                "Before they ask for a price or place an order."),
        [LOAD_KNOB_WEIGHT_VISIT] = KNOB_INT("weight_visit", 30, 0, 1000, "", "Users", "Share who only look around", ""),
        [LOAD_KNOB_WEIGHT_COMPARE] = KNOB_INT("weight_compare", 20, 0, 1000, "", "Users", "Share who ask for a price", ""),
        [LOAD_KNOB_WEIGHT_BUY] = KNOB_INT("weight_buy", 50, 0, 1000, "", "Users", "Share who place an order", ""),
        [LOAD_KNOB_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};

enum err load_replay_parse(const char *text, struct load_profile *profile, struct err_note *reterr)
{
        size_t count = 0;

        while (*text) {
                char word[32];
                size_t size_bytes = strcspn(text, ",");
                size_t skip = strspn(text, " ");
                double value;

                if (count == LOAD_REPLAY_MAX) return err_note(reterr, ERR_INVAL, "replay_rps: at most %d rates", LOAD_REPLAY_MAX);
                if (skip > size_bytes) skip = size_bytes;
                snprintf(word, sizeof word, "%.*s", (int)MIN(size_bytes - skip, sizeof word - 1), text + skip);
                if (str_parse_double(word, &value) || value < 0 || value > LOAD_RPS_MAX)
                        return err_note(reterr, ERR_INVAL, "replay_rps: '%s' is not a rate between 0 and %d", word, LOAD_RPS_MAX);
                profile->replay_rps[count++] = value;
                text += size_bytes;
                if (*text == ',') text++;
        }
        profile->replay_count = count;
        return ERR_OK;
}

void load_profile_from(struct kit_config *config, struct load_profile *ret)
{
        char replay[KNOB_TEXT_BYTES];

        *ret = (struct load_profile){
                .kind = (enum load_profile_kind)kit_config_choice(config, LOAD_KNOB_PROFILE),
                .arrival = (enum load_arrival)kit_config_choice(config, LOAD_KNOB_ARRIVALS),
                .rps = kit_config_num(config, LOAD_KNOB_RPS),
                .ramp_rps = kit_config_num(config, LOAD_KNOB_RAMP_RPS), .ramp_s = kit_config_num(config, LOAD_KNOB_RAMP_S),
                .wave_rps = kit_config_num(config, LOAD_KNOB_WAVE_RPS), .wave_s = kit_config_num(config, LOAD_KNOB_WAVE_S),
                .burst_rps = kit_config_num(config, LOAD_KNOB_BURST_RPS), .burst_s = kit_config_num(config, LOAD_KNOB_BURST_S),
                .burst_every_s = kit_config_num(config, LOAD_KNOB_BURST_EVERY_S),
                .replay_step_s = kit_config_num(config, LOAD_KNOB_REPLAY_STEP_S)};
        kit_config_text(config, LOAD_KNOB_REPLAY_RPS, replay, sizeof replay);
        /* apply() lets only good lists in; one from a hand-edited file counts as empty, which is steady. */
        if (load_replay_parse(replay, ret, NULL)) ret->replay_count = 0;
}

void load_mix_from(struct kit_config *config, struct crowd_mix *ret)
{
        *ret = (struct crowd_mix){
                .seed = (uint64_t)kit_config_int(config, LOAD_KNOB_SEED),
                .weights = {[CROWD_JOURNEY_VISIT] = (int)kit_config_int(config, LOAD_KNOB_WEIGHT_VISIT),
                            [CROWD_JOURNEY_COMPARE] = (int)kit_config_int(config, LOAD_KNOB_WEIGHT_COMPARE),
                            [CROWD_JOURNEY_BUY] = (int)kit_config_int(config, LOAD_KNOB_WEIGHT_BUY)},
                .login = kit_config_on(config, LOAD_KNOB_LOGIN)};
}
