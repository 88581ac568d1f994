#include "learn/sim/sim12.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

static const struct {
        const char *name;
        float weight;
        int target;
} services[] = {
#define X(name, text, weight, target) { text, weight, target },
        SIM12_SERVICE_LIST(X)
#undef X
};

static const struct {
        uint8_t caller, callee;
} edges[] = {
        { SVC_LOADGEN, SVC_GATEWAY }, { SVC_GATEWAY, SVC_AUTH }, { SVC_GATEWAY, SVC_API },   { SVC_GATEWAY, SVC_CONFIG },
        { SVC_AUTH, SVC_DB },         { SVC_API, SVC_DB },       { SVC_API, SVC_CACHE },     { SVC_API, SVC_MQ },
        { SVC_API, SVC_CONFIG },      { SVC_WORKER, SVC_MQ },    { SVC_WORKER, SVC_DB },     { SVC_WORKER, SVC_PAYMENTS },
};

enum { STRESSES = SIM_PRESSURES };

const char *sim12_service_name(int service)
{
        return service >= 0 && service < SIM12_SERVICES ? services[service].name : NULL;
}

bool sim12_targetable(int service)
{
        return services[service].target;
}

float sim12_weight(int service)
{
        return services[service].weight;
}

bool sim12_calls(int caller, int callee)
{
        for (size_t i = 0; i < ARRAY_COUNT(edges); i++)
                if (edges[i].caller == caller && edges[i].callee == callee) return true;
        return false;
}

bool sim12_depends(int caller, int callee)
{
        for (size_t i = 0; i < ARRAY_COUNT(edges); i++)
                if (edges[i].caller == caller && (edges[i].callee == callee || sim12_depends(edges[i].callee, callee))) return true;
        return false;
}

static void row_set(struct sim_kernel *k, int row, double down, double up, uint32_t down_code, uint32_t up_code, uint32_t stay)
{
        double sum[3] = { down, down + up, down + up };

        for (int j = 0; j < 3; j++) {
                double u = sum[j] * 4294967296.0 + 0.5;

                k->threshold[row][j] = (int32_t)((u >= 4294967295.0 ? UINT32_MAX : (uint32_t)u) ^ UINT32_C(0x80000000));
        }
        k->outcome[row] = down_code | up_code << 8 | stay << 24;
}

void sim12_kernel_init(struct sim_kernel *k)
{
        static const double catch[STRESSES] = { 0, .06, .30 };
        static const double heal[STRESSES] = { .50, .12, .02 }, heal_shed[STRESSES] = { .50, .20, .08 };
        static const double worse[STRESSES] = { 0, .06, .25 }, worse_shed[STRESSES] = { 0, .02, .08 };
        static const int onset_modes[SIM_ONSETS] = { 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4 };
        const uint32_t cascading = MODE_CASCADING * SIM_SEVS;

        kernel_init(k, NULL);
        for (int i = 0; i < SIM_ONSETS; i++) k->onset_cell[i] = onset_modes[i] * SIM_SEVS + SIM_ONSET_SEV;
        for (int kind = 0; kind < KIND_COUNT; kind++) {
                for (int stress = 0; stress < STRESSES; stress++) {
                        row_set(k, sim_row(0, kind, stress), kind == KIND_DOWN ? 0 : .004, kind == KIND_DOWN ? 0 : catch[stress],
                                OUT_ONSET, cascading + (stress == 2 ? 2 : 1), 0);
                        for (uint32_t sev = 1; sev < SIM_SEVS; sev++) {
                                uint32_t less = sev == 1 ? 0 : cascading + sev - 1, more = cascading + MIN(sev + 1, SIM_SEVS - 1);
                                bool restart = kind == ACT_SOFT || kind == ACT_HARD, shed = kind == ACT_REDUCE;

                                row_set(k, sim_row((int)(cascading + sev), kind, stress),
                                        restart ? 0 : shed ? heal_shed[stress] : heal[stress],
                                        restart ? 1 : shed ? worse_shed[stress] : worse[stress], less, more, cascading + sev);
                        }
                }
        }
}

enum err sim12_new(const struct sim_kernel *k, uint32_t n, enum sim1_isa isa, struct sim12 **ret)
{
        AUTO(sim12_free) struct sim12 *s = mem_zalloc(1, sizeof *s);
        size_t padded = (n + SIM1_LANES - 1) / SIM1_LANES * SIM1_LANES, at;
        enum err e;

        if (!s) return ERR_NOMEM;
        s->n = n;
        s->padded = (uint32_t)padded;
        s->block = mem_aligned(64, padded * (SIM12_SERVICES * (sizeof *s->stress + sizeof *s->act) + sizeof *s->reward +
                                             sizeof *s->columns + sizeof *s->terminated));
        if (!s->block) return ERR_NOMEM;
        s->stress = s->block;
        s->reward = (float *)(s->stress + SIM12_SERVICES * padded);
        s->columns = (float (*)[REW_COUNT])(s->reward + padded);
        s->act = (uint8_t *)(s->columns + padded);
        s->terminated = s->act + SIM12_SERVICES * padded;
        for (at = 0; at < SIM12_SERVICES; at++) {
                e = at ? sim1_new_beside(s->service[0], n, isa, &s->service[at]) : sim1_new(k, n, isa, &s->service[0]);
                if (e) return e;
                s->service[at]->service = (uint32_t)at;
                s->service[at]->stress = s->stress + at * padded;
        }
        *ret = take(&s);
        return ERR_OK;
}

void sim12_free(struct sim12 *s)
{
        if (!s) return;
        for (int i = SIM12_SERVICES; i-- > 0;) sim1_free(s->service[i]);
        mem_free(s->block);
        mem_free(s);
}

static void masks_write(const struct sim12 *s, uint32_t from, uint32_t to, const struct sim12_out *out)
{
        for (uint32_t i = from; i < to; i++) out->mask_target[i] = 0, out->mask[i] = 0;
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                const int32_t *restrict down = s->service[svc]->down;
                uint32_t bit = services[svc].target ? 1u << svc : 0;
                uint32_t *restrict mask = out->mask, *restrict mask_target = out->mask_target;

                for (uint32_t i = from; i < to; i++) {
                        mask_target[i] |= down[i] > 0 ? 0 : bit;
                        mask[i] += down[i] > 0; /* counts the services that are down */
                }
        }
        for (uint32_t i = from; i < to; i++)
                out->mask[i] = out->mask[i] >= SIM12_RESTARTS_MAX ? (1u << ACT_SOFT) - 1 : (1u << ACT_COUNT) - 1;
}

void sim12_start(struct sim12 *s, uint32_t i, uint64_t seed, uint32_t episode, const struct sim12_out *out)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                s->service[svc]->seed = seed;
                sim1_start(s->service[svc], i, episode, out->obs + (size_t)i * SIM12_OBS + (size_t)svc * OBS_COUNT);
        }
        masks_write(s, i, i + 1, out);
}

/* How sick each service's callees are, from the state at the start of the step. */
static void stress_write(struct sim12 *s, uint32_t from, uint32_t to)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++)
                memset(s->stress + (size_t)svc * s->padded + from, 0, (to - from) * sizeof *s->stress);
        for (size_t edge = 0; edge < ARRAY_COUNT(edges); edge++) {
                const int32_t *restrict cell = s->service[edges[edge].callee]->cell, *restrict down = s->service[edges[edge].callee]->down;
                int32_t *restrict stress = s->stress + (size_t)edges[edge].caller * s->padded;

                for (uint32_t i = from; i < to; i++) {
                        int32_t sev = cell[i] & (SIM_SEVS - 1), sick = (sev >= 2) + (sev >= 5);

                        sick = down[i] > 0 ? 2 : sick;
                        stress[i] = stress[i] > sick ? stress[i] : sick;
                }
        }
}

static void acts_write(struct sim12 *s, uint32_t from, uint32_t to, const uint8_t *act, const uint16_t *target, const uint32_t *mask)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++) memset(s->act + (size_t)svc * s->padded + from, ACT_IGNORE, to - from);
        for (uint32_t i = from; i < to; i++) {
                bool legal = target[i] < SIM12_SERVICES && services[target[i]].target && act[i] < ACT_COUNT && (mask[i] >> act[i] & 1);

                if (legal) s->act[(size_t)target[i] * s->padded + i] = act[i];
        }
}

void sim12_step(struct sim12 *s, uint32_t from, uint32_t to, const uint8_t *act, const uint16_t *target,
                const struct sim12_out *out)
{
        CHECK(from <= to && to <= s->n);
        stress_write(s, from, to);
        acts_write(s, from, to, act, target, out->mask);
        for (uint32_t i = from; i < to; i++) {
                out->reward[i] = 0;
                out->terminated[i] = 0;
                for (int c = 0; c < REW_COUNT; c++) out->columns[i][c] = 0;
        }
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                const struct sim1_out one = { out->obs + (size_t)svc * OBS_COUNT, SIM12_OBS, s->reward, s->columns, s->terminated };
                const float weight = services[svc].weight;
                float *restrict sum = &out->columns[0][0];
                const float *restrict add = &s->columns[0][0];

                sim1_step(s->service[svc], from, to, s->act + (size_t)svc * s->padded, &one);
                for (size_t j = (size_t)from * REW_COUNT; j < (size_t)to * REW_COUNT; j++) sum[j] += weight * add[j];
                for (uint32_t i = from; i < to; i++) out->terminated[i] |= s->terminated[i];
                for (uint32_t i = from; i < to && out->by_service; i++) out->by_service[(size_t)i * SIM12_SERVICES + (size_t)svc] = weight * s->reward[i];
        }
        for (uint32_t i = from; i < to; i++)
                out->reward[i] = ((out->columns[i][0] + out->columns[i][1]) + out->columns[i][2]) + out->columns[i][3];
        masks_write(s, from, to, out);
}
