#include "learn/eval/svg.h"

#include <math.h>

#include "common/base/attr.h"
#include "common/base/check.h"

enum { WIDTH = 760, HEIGHT = 380, LEFT = 64, RIGHT = 16, TOP = 16, BOTTOM = 48, TICKS = 5 };

struct scale {
        double x0, x1, y0, y1;
};

static double px(const struct scale *s, double x)
{
        return LEFT + (x - s->x0) / (s->x1 - s->x0) * (WIDTH - LEFT - RIGHT);
}

static double py(const struct scale *s, double y)
{
        double at = HEIGHT - BOTTOM - (y - s->y0) / (s->y1 - s->y0) * (HEIGHT - TOP - BOTTOM);

        return at < TOP ? TOP : at > HEIGHT - BOTTOM ? HEIGHT - BOTTOM : at;
}

/* A round step that gives about TICKS ticks. */
static double tick_step(double range)
{
        double raw = range / TICKS, power = pow(10, floor(log10(raw))), lead = raw / power;

        return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

static void grow(double *lo, double *hi, double v)
{
        if (!isfinite(v)) return;
        if (v < *lo) *lo = v;
        if (v > *hi) *hi = v;
}

static void widen(double *lo, double *hi)
{
        double pad = (*hi - *lo) * 0.05;

        if (!(*hi > *lo)) pad = fabs(*hi) * 0.1 + 1;
        if (*lo < 0 || *lo - pad > 0) *lo -= pad;
        *hi += pad;
}

static void open_plot(const struct svg_plot *p, struct buf *to)
{
        buf_printf(to, "<figure id=\"%s\"><figcaption>%s</figcaption><svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">\n", p->id, p->title, WIDTH, HEIGHT,
                   p->alternative);
}

static void label(struct buf *to, double x, double y, const char *anchor, double value)
{
        buf_printf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%.6g</text>", x, y, anchor, fabs(value) < 1e-9 ? 0.0 : value);
}

static void y_axis(const struct svg_plot *p, const struct scale *s, struct buf *to)
{
        double step = tick_step(s->y1 - s->y0);

        for (double y = ceil(s->y0 / step) * step; y <= s->y1; y += step) {
                buf_printf(to, "<line class=\"grid%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", fabs(y) < step * 1e-6 ? " zero" : "", LEFT, WIDTH - RIGHT, py(s, y), py(s, y));
                label(to, LEFT - 8, py(s, y) + 4, "end", y);
        }
        buf_printf(to, "<text class=\"axis\" transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n", (HEIGHT - BOTTOM + TOP) / 2, p->y_label);
}

static void line_path(const struct svg_series *s, const struct scale *scale, int colour, struct buf *to)
{
        if (s->lo && s->hi) {
                buf_printf(to, "<path class=\"band\" style=\"fill:var(--c%d)\" d=\"", colour);
                for (int i = 0; i < s->count; i++) buf_printf(to, "%c%.1f %.1f", i ? 'L' : 'M', px(scale, s->x[i]), py(scale, s->hi[i]));
                for (int i = s->count - 1; i >= 0; i--) buf_printf(to, "L%.1f %.1f", px(scale, s->x[i]), py(scale, s->lo[i]));
                buf_str(to, "Z\"/>\n");
        }
        buf_printf(to, "<path class=\"line\" style=\"stroke:var(--c%d)\" d=\"", colour);
        for (int i = 0; i < s->count; i++) {
                if (i && s->steps) buf_printf(to, "H%.1f", px(scale, s->x[i]));
                buf_printf(to, "%c%.1f %.1f", i ? 'L' : 'M', px(scale, s->x[i]), py(scale, s->y[i]));
        }
        buf_str(to, "\"/>\n");
}

static void legend(const struct svg_series *series, int count, struct buf *to)
{
        buf_str(to, "<ul class=\"legend\">");
        for (int k = 0; k < count; k++) buf_printf(to, "<li><i style=\"background:var(--c%d)\"></i>%s</li>", k % 6 + 1, series[k].name);
        buf_str(to, "</ul>");
}

void svg_lines(const struct svg_plot *p, const struct svg_series *series, int count, struct buf *to)
{
        struct scale s = { INFINITY, -INFINITY, INFINITY, -INFINITY };
        double step;

        CHECK(count >= 1 && count <= SVG_SERIES_MAX);
        for (int k = 0; k < count; k++) {
                CHECK(series[k].count >= 1 && series[k].count <= SVG_POINTS_MAX);
                for (int i = 0; i < series[k].count; i++) {
                        grow(&s.x0, &s.x1, series[k].x[i]);
                        grow(&s.y0, &s.y1, series[k].lo ? series[k].lo[i] : series[k].y[i]);
                        grow(&s.y0, &s.y1, series[k].hi ? series[k].hi[i] : series[k].y[i]);
                }
        }
        widen(&s.y0, &s.y1);
        if (p->y_min < p->y_max) s.y0 = p->y_min, s.y1 = p->y_max;
        if (!(s.x1 > s.x0)) s.x1 = s.x0 + 1;
        open_plot(p, to);
        y_axis(p, &s, to);
        step = tick_step(s.x1 - s.x0);
        for (double x = ceil(s.x0 / step) * step; x <= s.x1 * (1 + 1e-9); x += step) label(to, px(&s, x), HEIGHT - BOTTOM + 18, "middle", x);
        buf_printf(to, "<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", (WIDTH + LEFT) / 2, HEIGHT - 8, p->x_label);
        for (int k = 0; k < count; k++) line_path(&series[k], &s, k % 6 + 1, to);
        buf_str(to, "</svg>");
        legend(series, count, to);
        buf_str(to, "</figure>\n");
}

void svg_bars(const struct svg_plot *p, const struct svg_bar *bars, int count, struct buf *to)
{
        struct scale s = { 0, count, 0, 0 };
        double width = (double)(WIDTH - LEFT - RIGHT) / count;

        CHECK(count >= 1 && count <= SVG_BARS_MAX);
        for (int i = 0; i < count; i++) grow(&s.y0, &s.y1, bars[i].lo), grow(&s.y0, &s.y1, bars[i].hi);
        widen(&s.y0, &s.y1);
        if (p->y_min < p->y_max) s.y0 = p->y_min, s.y1 = p->y_max;
        open_plot(p, to);
        y_axis(p, &s, to);
        for (int i = 0; i < count; i++) {
                double x = px(&s, i) + width * 0.15, w = width * 0.7, middle = x + w / 2, top = py(&s, MAX(bars[i].value, 0)), base = py(&s, MIN(bars[i].value, 0));

                buf_printf(to, "<g><title>%s: %.3g [%.3g, %.3g]</title><rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", bars[i].name, bars[i].value,
                           bars[i].lo, bars[i].hi, x, top, w, MAX(base - top, 1));
                if (bars[i].part > 0)
                        buf_printf(to, "<rect class=\"part\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>", x, py(&s, bars[i].part), w, py(&s, 0) - py(&s, bars[i].part));
                buf_printf(to, "<path class=\"whisker\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8\"/>", middle, py(&s, bars[i].lo), py(&s, bars[i].hi), middle - 4,
                           py(&s, bars[i].lo), middle - 4, py(&s, bars[i].hi));
                buf_printf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text></g>\n", middle, HEIGHT - BOTTOM + 18 + (i % 2) * 14, bars[i].name);
        }
        buf_str(to, "</svg></figure>\n");
}
