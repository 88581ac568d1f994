#include "learn/reco/fit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

enum { FIT_HEALTHY_MIN = 50, FIT_SEEN_MIN = 10 };
/* Samples further out than this many sigmas are left out of the noise once: a few moments of a busy machine. */
#define FIT_TRIM 4.0

static const char *const channels[SIM_CHANNELS] = { "error_rate", "latency_ms", "cpu_pct", "memory_pct" };

int fit_severity(const struct sim_kernel *k, double error)
{
        int best = 0;

        for (int sev = 1; sev < SIM_SEVS; sev++) {
                double here = (double)k->mean[0][(SIM_SEVS + sev) * SIM_PRESSURES + 1], was = (double)k->mean[0][(best ? SIM_SEVS + best : 0) * SIM_PRESSURES + 1];

                if (fabs(error - here) < fabs(error - was)) best = sev;
        }
        return best;
}

enum err fit_sample_add(struct fit_data *d, int mode, int sev, int pressure, const float obs[SIM_CHANNELS])
{
        struct fit_sample *s = &d->sample[d->samples];

        CHECK(mode >= 0 && mode < MODE_COUNT && sev >= 0 && sev < SIM_SEVS && (mode == MODE_NONE) == (sev == 0) && pressure >= 0 && pressure < SIM_PRESSURES);
        if (d->samples == FIT_SAMPLES_MAX) return ERR_LIMIT;
        s->mode = (uint8_t)mode, s->sev = (uint8_t)sev, s->pressure = (uint8_t)pressure;
        memcpy(s->obs, obs, sizeof s->obs);
        d->samples++;
        return ERR_OK;
}

enum err fit_cost_add(struct fit_data *d, const char *on, enum sim_action action, double lost)
{
        struct fit_cost *c = &d->cost[d->costs];

        CHECK(action < ACT_COUNT);
        if (d->costs == FIT_COSTS_MAX) return ERR_LIMIT;
        str_cut(c->on, sizeof c->on, on);
        c->action = (uint8_t)action;
        c->lost = lost;
        d->costs++;
        return ERR_OK;
}

static float predicted(const struct sim_kernel *k, const struct fit *f, const struct fit_sample *s, int ch)
{
        int cell = s->sev ? s->mode * SIM_SEVS + s->sev : 0;

        return ch == 0 ? k->mean[0][cell * SIM_PRESSURES + s->pressure] : f->base[s->pressure][ch] + f->signature[s->mode][ch] * (float)s->sev;
}

/* The middle is always seen; its neighbours move from it as the simulator's do where they are not. */
static void solve_base(const struct fit_data *d, const struct sim_kernel *k, struct fit *f)
{
        double sum[SIM_PRESSURES][SIM_CHANNELS] = { { 0 } }, n[SIM_PRESSURES] = { 0 };

        for (size_t i = 0; i < d->samples; i++) {
                const struct fit_sample *s = &d->sample[i];

                if (s->mode != MODE_NONE) continue;
                n[s->pressure] += 1;
                for (int ch = 0; ch < SIM_CHANNELS; ch++) sum[s->pressure][ch] += (double)s->obs[ch];
        }
        for (int p = 0; p < SIM_PRESSURES; p++)
                for (int ch = 0; ch < SIM_CHANNELS; ch++)
                        f->base[p][ch] = n[p] >= FIT_SEEN_MIN ? (float)(sum[p][ch] / n[p])
                                                              : (float)(sum[1][ch] / fmax(n[1], 1)) + k->mean[ch][p] - k->mean[ch][1];
}

/* Least squares through the base: what one level adds. */
static void solve_signatures(const struct fit_data *d, const struct sim_kernel *k, struct fit *f)
{
        for (int mode = 1; mode < MODE_COUNT; mode++) {
                double xx = 0, xy[SIM_CHANNELS] = { 0 };

                for (size_t i = 0; i < d->samples; i++) {
                        const struct fit_sample *s = &d->sample[i];

                        if (s->mode != mode) continue;
                        f->samples[mode]++;
                        xx += (double)s->sev * s->sev;
                        for (int ch = 1; ch < SIM_CHANNELS; ch++) xy[ch] += (double)s->sev * (double)(s->obs[ch] - f->base[s->pressure][ch]);
                }
                for (int ch = 1; ch < SIM_CHANNELS; ch++) {
                        int at = (mode * SIM_SEVS + 1) * SIM_PRESSURES + 1;

                        f->signature[mode][ch] = f->samples[mode] >= FIT_SEEN_MIN ? (float)(xy[ch] / xx) : k->mean[ch][at] - k->mean[ch][1];
                }
        }
}

/* One figure a channel, as the simulator has it: the mean over the kinds of failure, or the many healthy samples would drown the others. */
static void solve_noise(const struct fit_data *d, const struct sim_kernel *k, struct fit *f)
{
        for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                double limit[MODE_COUNT], variance = 0;
                int seen = 0;

                for (int m = 0; m < MODE_COUNT; m++) limit[m] = INFINITY;
                for (int round = 0; round < 2; round++) {
                        double ss[MODE_COUNT] = { 0 }, n[MODE_COUNT] = { 0 };

                        for (size_t i = 0; i < d->samples; i++) {
                                double off = (double)(d->sample[i].obs[ch] - predicted(k, f, &d->sample[i], ch));
                                int m = d->sample[i].mode;

                                if (fabs(off) > limit[m]) continue;
                                ss[m] += off * off;
                                n[m] += 1;
                        }
                        variance = 0, seen = 0;
                        for (int m = 0; m < MODE_COUNT; m++) {
                                if (n[m] < FIT_SEEN_MIN) continue;
                                limit[m] = FIT_TRIM * sqrt(ss[m] / n[m]);
                                variance += ss[m] / n[m];
                                seen++;
                        }
                }
                f->sigma[ch] = (float)fmax(sqrt(variance / fmax(seen, 1)), 1e-3);
        }
}

static void solve_costs(const struct fit_data *d, const struct sim_kernel *k, struct fit *f)
{
        double sum[ACT_COUNT] = { 0 };

        for (size_t i = 0; i < d->costs; i++) {
                sum[d->cost[i].action] += d->cost[i].lost;
                f->costs[d->cost[i].action]++;
        }
        f->shed = k->w.shed;
        for (int a = ACT_SOFT; a < ACT_COUNT; a++)
                if (f->costs[a]) f->lost[a] = (float)fmax(0, sum[a] / f->costs[a]);
        if (f->costs[ACT_REDUCE]) f->shed = (float)fmin(1, fmax(0, sum[ACT_REDUCE] / f->costs[ACT_REDUCE]));
}

enum err fit_solve(const struct fit_data *d, const struct sim_kernel *k, struct fit *ret, struct err_note *reterr)
{
        uint32_t healthy = 0;

        for (size_t i = 0; i < d->samples; i++) healthy += d->sample[i].mode == MODE_NONE && d->sample[i].pressure == 1;
        if (healthy < FIT_HEALTHY_MIN)
                return err_note(reterr, ERR_STATE, "only %u observations of healthy services at normal load, at least %d are needed", healthy, FIT_HEALTHY_MIN);
        memset(ret, 0, sizeof *ret);
        for (size_t i = 0; i < d->samples; i++) ret->samples[MODE_NONE] += d->sample[i].mode == MODE_NONE;
        solve_base(d, k, ret);
        solve_signatures(d, k, ret);
        solve_noise(d, k, ret);
        solve_costs(d, k, ret);
        return ERR_OK;
}

void fit_kernel(const struct fit *f, struct sim_kernel *k)
{
        for (int cell = 0; cell < SIM_CELLS; cell++) {
                int mode = cell / SIM_SEVS, sev = sim_cell_valid(cell) ? cell % SIM_SEVS : 0;

                for (int p = 0; p < SIM_PRESSURES; p++)
                        for (int ch = 1; ch < SIM_CHANNELS; ch++) {
                                float lo, hi, mean = f->base[p][ch] + f->signature[mode][ch] * (float)sev;

                                sim1_obs_bounds(ch, &lo, &hi);
                                k->mean[ch][cell * SIM_PRESSURES + p] = mean < lo ? lo : mean > hi ? hi : mean;
                        }
        }
        memcpy(k->sigma, f->sigma, sizeof k->sigma);
        for (int a = ACT_SOFT; a < ACT_COUNT; a++) k->w.cost[a] += k->w.disruption * f->lost[a];
        k->w.shed = f->shed;
}

static struct json *numbers(const float *values, int count)
{
        struct json *list = json_array();

        for (int i = 0; i < count; i++) json_push(list, json_number(round((double)values[i] * 1e4) / 1e4));
        return list;
}

static struct json *costs_by_service(const struct fit_data *d)
{
        struct json *list = json_array();

        for (size_t i = 0; i < d->costs; i++) {
                struct json *o;
                double sum = 0, n = 0, ss = 0;
                bool first = true;

                for (size_t j = 0; j < d->costs; j++) {
                        if (d->cost[j].action != d->cost[i].action || !str_eq(d->cost[j].on, d->cost[i].on)) continue;
                        first = first && j >= i;
                        sum += d->cost[j].lost, ss += d->cost[j].lost * d->cost[j].lost, n += 1;
                }
                if (!first) continue;
                o = json_object();
                json_set_str(o, "action", sim_action_name(d->cost[i].action));
                json_set_str(o, "on", d->cost[i].on);
                json_set_num(o, "lost", round(sum / n * 1e3) / 1e3);
                json_set_num(o, "spread", round(sqrt(fmax(0, ss / n - sum / n * (sum / n))) * 1e3) / 1e3);
                json_set_num(o, "times", n);
                json_push(list, o);
        }
        return list;
}

void fit_write(const struct fit *f, const struct fit_data *d, struct buf *out)
{
        AUTO(json_free) struct json *o = json_object();
        struct json *base = json_array(), *signature = json_object(), *lost = json_object(), *samples = json_object();

        for (int p = 0; p < SIM_PRESSURES; p++) json_push(base, numbers(f->base[p], SIM_CHANNELS));
        for (int m = 1; m < MODE_COUNT; m++) json_set(signature, sim_mode_name(m), numbers(f->signature[m], SIM_CHANNELS));
        for (int m = 0; m < MODE_COUNT; m++) json_set_num(samples, sim_mode_name(m), f->samples[m]);
        for (int a = ACT_SOFT; a < ACT_COUNT; a++) json_set_num(lost, sim_action_name(a), round((double)f->lost[a] * 1e4) / 1e4);
        json_set_num(o, "version", 1);
        json_set(o, "channels", json_array());
        for (int ch = 0; ch < SIM_CHANNELS; ch++) json_push(json_get_mut(o, "channels"), json_string(channels[ch]));
        json_set(o, "base", base);
        json_set(o, "signature", signature);
        json_set(o, "sigma", numbers(f->sigma, SIM_CHANNELS));
        json_set(o, "lost", lost);
        json_set_num(o, "shed", round((double)f->shed * 1e4) / 1e4);
        json_set_num(o, "known", round((double)f->known * 1e2) / 1e2);
        json_set(o, "observations", samples);
        json_set(o, "lost_by_service", costs_by_service(d));
        if (json_print_pretty(o, out) && !out->status) out->status = ERR_NOMEM;
}

static enum err read_numbers(const struct json *list, const char *field, float *ret, int count, struct err_note *reterr)
{
        int i = 0;

        if (json_count(list) != (size_t)count) return err_note(reterr, ERR_PARSE, "'%s' must be a list of %d numbers", field, count);
        JSON_EACH(item, list) {
                double value = json_value(item);

                if (!(fabs(value) < 1e6)) return err_note(reterr, ERR_PARSE, "'%s' must hold numbers below a million", field);
                ret[i++] = (float)value;
        }
        return ERR_OK;
}

enum err fit_read(const char *text, size_t bytes, struct fit *ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *o = NULL;
        struct fit f = { .shed = 0 };
        enum err e = json_parse(text, bytes, &o, reterr);
        const struct json *base;
        int p = 0;

        if (e) return e;
        if (json_get_int(o, "version", 0) != 1) return err_note(reterr, ERR_PARSE, "'version' must be 1");
        base = json_get(o, "base");
        if (json_count(base) != SIM_PRESSURES) return err_note(reterr, ERR_PARSE, "'base' must be a list of %d lists", SIM_PRESSURES);
        JSON_EACH(item, base)
                if (!e) e = read_numbers(item, "base", f.base[p++], SIM_CHANNELS, reterr);
        for (int m = 1; !e && m < MODE_COUNT; m++) e = read_numbers(json_get(json_get(o, "signature"), sim_mode_name(m)), "signature", f.signature[m], SIM_CHANNELS, reterr);
        if (!e) e = read_numbers(json_get(o, "sigma"), "sigma", f.sigma, SIM_CHANNELS, reterr);
        for (int ch = 0; !e && ch < SIM_CHANNELS; ch++)
                if (!(f.sigma[ch] > 0)) e = err_note(reterr, ERR_PARSE, "'sigma' must hold positive numbers");
        for (int a = ACT_SOFT; !e && a < ACT_COUNT; a++) {
                f.lost[a] = (float)json_get_num(json_get(o, "lost"), sim_action_name(a), NAN);
                if (!(f.lost[a] >= 0 && f.lost[a] < 1e6f)) e = err_note(reterr, ERR_PARSE, "'lost' needs '%s', at least 0", sim_action_name(a));
        }
        for (int m = 0; m < MODE_COUNT; m++) f.samples[m] = (uint32_t)fmin(fmax(json_get_num(json_get(o, "observations"), sim_mode_name(m), 0), 0), FIT_SAMPLES_MAX);
        f.shed = (float)json_get_num(o, "shed", NAN);
        f.known = (float)json_get_num(o, "known", 0);
        if (!e && !(f.known >= 0 && f.known < 1e6f)) e = err_note(reterr, ERR_PARSE, "'known' must be a surprise of at least 0");
        if (!e && !(f.shed >= 0 && f.shed <= 1)) e = err_note(reterr, ERR_PARSE, "'shed' must be a share from 0 to 1");
        if (!e) *ret = f;
        return e;
}
