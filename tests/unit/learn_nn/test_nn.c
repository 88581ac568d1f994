/* The network against an independent double-precision forward pass, and fast products against the plain ones. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/nn/dqn.h"
#include "learn/sim/sim1.h"

static float net[DQN_FLOATS], gradient[DQN_FLOATS];
static struct dqn_batch batch;

static int setup(void **state)
{
        struct xoshiro rng;

        (void)state;
        xoshiro_seed(&rng, 12);
        for (int i = 0; i < DQN_FLOATS; i++) net[i] = 0.15f * xoshiro_normal(&rng);
        for (int b = 0; b < DQN_BATCH; b++) {
                for (int i = 0; i < DQN_IN; i++) batch.x[b][i] = xoshiro_normal(&rng);
                batch.action[b] = b % ACT_COUNT;
                batch.heads[b] = (uint8_t)(b * 7 % 32);
                for (int h = 0; h < DQN_HEADS; h++) batch.target[b][h] = 2 * xoshiro_normal(&rng);
        }
        return 0;
}

static double reference_loss(const double *w)
{
        const double *w1 = w, *b1 = w1 + DQN_IN * DQN_HIDDEN, *w2 = b1 + DQN_HIDDEN, *b2 = w2 + DQN_HIDDEN * DQN_HIDDEN, *w3 = b2 + DQN_HIDDEN,
                     *b3 = w3 + DQN_HIDDEN * DQN_OUT;
        double loss = 0;

        for (int b = 0; b < DQN_BATCH; b++) {
                double h1[DQN_HIDDEN], h2[DQN_HIDDEN], out[DQN_OUT];

                for (int o = 0; o < DQN_HIDDEN; o++) {
                        h1[o] = b1[o];
                        for (int i = 0; i < DQN_IN; i++) h1[o] += (double)batch.x[b][i] * w1[i * DQN_HIDDEN + o];
                        h1[o] = fmax(h1[o], 0);
                }
                for (int o = 0; o < DQN_HIDDEN; o++) {
                        h2[o] = b2[o];
                        for (int i = 0; i < DQN_HIDDEN; i++) h2[o] += h1[i] * w2[i * DQN_HIDDEN + o];
                        h2[o] = fmax(h2[o], 0);
                }
                for (int o = 0; o < DQN_OUT; o++) {
                        out[o] = b3[o];
                        for (int i = 0; i < DQN_HIDDEN; i++) out[o] += h2[i] * w3[i * DQN_OUT + o];
                }
                for (int h = 0; h < DQN_HEADS; h++) {
                        const double *head = out + h * 6;
                        double q, error;

                        if (!(batch.heads[b] >> h & 1)) continue;
                        q = head[0] + head[1 + batch.action[b]] - (head[1] + head[2] + head[3] + head[4] + head[5]) / 5;
                        error = fabs(q - (double)batch.target[b][h]);
                        loss += error > 1 ? error - .5 : .5 * error * error;
                }
        }
        return loss / (DQN_BATCH * DQN_HEADS);
}

static void gradient_matches_finite_differences(void **state)
{
        static double w[DQN_FLOATS];
        int checked = 0;

        (void)state;
        float loss = dqn_loss(net, &batch, gradient, dense_best());

        for (int i = 0; i < DQN_FLOATS; i++) w[i] = (double)net[i];
        assert_true(fabs((double)loss - reference_loss(w)) < 1e-5);
        for (int i = 0; i < DQN_FLOATS; i += i < 300 ? 7 : 211) {
                const double step = 1e-5;
                double up, down, was = w[i];

                w[i] = was + step, up = reference_loss(w);
                w[i] = was - step, down = reference_loss(w);
                w[i] = was;
                double want = (up - down) / (2 * step);

                if (fabs((double)gradient[i] - want) > 1e-4 + 1e-2 * fabs(want)) fail_msg("weight %d: gradient %g, by differences %g", i, (double)gradient[i], want);
                checked++;
        }
        assert_true(checked > 60);
}

static void fast_products_equal_the_plain_ones(void **state)
{
        static const struct {
                const struct dense_ops *ops;
                int isa;
        } rows[] = { { &dense_base, ISA_SCALAR }, { &dense_avx2, ISA_AVX2 }, { &dense_avx512, ISA_AVX512 } };
        static float want[DQN_FLOATS], m[3][64], v[3][64], w[64];

        (void)state;
        float loss = dqn_loss(net, &batch, want, &dense_plain);

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                if (!sim1_isa_usable((enum sim1_isa)rows[i].isa)) continue;
                assert_true(dqn_loss(net, &batch, gradient, rows[i].ops) == loss);
                assert_memory_equal(gradient, want, sizeof want);
        }
        memcpy(w, net, sizeof w);
        dense_plain.adam(w, want, m[0], v[0], 64, .01f, .9f, .999f, 10, 1000);
        float other[64];

        memcpy(other, net, sizeof other);
        dense_best()->adam(other, want, m[1], v[1], 64, .01f, .9f, .999f, 10, 1000);
        assert_memory_equal(w, other, sizeof w);
}

static void dueling_means_cancel(void **state)
{
        float q[1][DQN_HEADS][ACT_COUNT], mean[ACT_COUNT], sum = 0;

        (void)state;
        dqn_heads(net, batch.x[0], 1, q, dense_best());
        dqn_values(net, batch.x[0], mean);
        for (int h = 0; h < DQN_HEADS; h++) sum += q[0][h][2];
        assert_true(fabsf(mean[2] - sum / DQN_HEADS) < 1e-5f);
        assert_true(dqn_spread(net, batch.x[0]) > 0);
}

static void learns_a_little_and_repeats_itself(void **state)
{
        static struct sim_kernel kernel;
        static struct feat_params fp;
        struct dqn_opts opts = dqn_defaults;
        float first = 0;

        (void)state;
        kernel_init(&kernel, NULL);
        belief_params_true(&kernel, &fp.belief);
        opts.kernel = &kernel, opts.feat = &fp, opts.seed = seed_train_at(3), opts.updates = 200;
        for (int pass = 0; pass < 2; pass++) {
                struct dqn *d = NULL;

                assert_int_equal(dqn_new(&opts, &d), ERR_OK);
                dqn_run(d, 40);
                assert_int_equal(dqn_updates(d), 40);
                if (pass == 0) first = dqn_net(d)[100];
                else assert_true(first == dqn_net(d)[100]);
                dqn_free(d);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(gradient_matches_finite_differences), cmocka_unit_test(fast_products_equal_the_plain_ones),
                cmocka_unit_test(dueling_means_cancel),                cmocka_unit_test(learns_a_little_and_repeats_itself),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
