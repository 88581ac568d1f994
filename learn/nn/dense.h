/* dense: the matrix products and passes over weights of a fully connected network in single precision. dense_plain_* are the reference; the
 * dispatching ones are bit-identical to them: every output sums its terms in the same order.
 * Shapes: x (batch, in), w (in, out), bias (out), y (batch, out), row-major. out is a multiple of 16.
 * Owner: none.  Memory: the caller's.  Units: none.  Limits: none.  Fails: never. */
#ifndef LEARN_NN_DENSE_H
#define LEARN_NN_DENSE_H

struct dense_ops {
        /* y = x w + bias */
        void (*forward)(const float *x, int batch, int in, const float *w, const float *bias, float *y, int out);
        /* dw += x' dy, dbias += sum dy */
        void (*gradient)(const float *x, int batch, int in, const float *dy, int out, float *dw, float *dbias);
        void (*adam)(float *w, const float *g, float *m, float *v, int count, float rate, float beta1, float beta2, float scale1, float scale2);
        /* to += share * (from - to) */
        void (*follow)(float *to, const float *from, int count, float share);
        void (*relu)(float *y, int count);                     /* y = y > 0 ? y : 0 */
        void (*relu_back)(float *dy, const float *y, int count); /* dy = y > 0 ? dy : 0 */
        /* The sum of squares, within a rounding of 1e-3: in lanes, so not the same bits everywhere; for comparisons with room. */
        float (*norm2)(const float *x, int count);
};
extern const struct dense_ops dense_plain, dense_base, dense_avx2, dense_avx512;
const struct dense_ops *dense_best(void);

#endif
