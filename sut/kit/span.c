#include "sut/kit/span.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"

/* A ring: [first, first + count) are ended spans nobody has taken yet. */
static struct {
        pthread_mutex_t lock;
        struct kit_span ring[SPAN_QUEUE_MAX];
        int first, count;
        uint64_t dropped_count;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Wall-clock microseconds that never step within this process: spans of one trace keep their order. */
static int64_t wall_us(void)
{
        static _Atomic int64_t offset;

        if (!offset) offset = clock_wall_ms() * 1000 - clock_mono_us();
        return offset + clock_mono_us();
}

void kit_span_begin(struct kit_span *s, const struct trace *parent, enum kit_span_kind kind, const char *name)
{
        if (parent) trace_child(parent, &s->trace);
        s->kind = kind;
        str_cut(s->name, sizeof s->name, name);
        s->start_us = s->end_us = wall_us();
        s->failed = false;
        s->attr_count = 0;
}

void kit_span_attr(struct kit_span *s, const char *static_key, const char *value)
{
        if (s->attr_count == SPAN_ATTRS_MAX) return;
        s->attrs[s->attr_count].key = static_key;
        str_cut(s->attrs[s->attr_count++].value, SPAN_VALUE_BYTES, value);
}

void kit_span_attr_int(struct kit_span *s, const char *static_key, int64_t value)
{
        char text[24];

        snprintf(text, sizeof text, "%lld", (long long)value);
        kit_span_attr(s, static_key, text);
}

void kit_span_end(struct kit_span *s, bool failed)
{
        s->end_us = wall_us();
        s->failed = failed;
        if (!s->trace.sampled) return;
        pthread_mutex_lock(&queue.lock);
        if (queue.count == SPAN_QUEUE_MAX)
                queue.dropped_count++;
        else
                queue.ring[(queue.first + queue.count++) % SPAN_QUEUE_MAX] = *s;
        pthread_mutex_unlock(&queue.lock);
}

int kit_span_drain(struct kit_span *dst, int most)
{
        int taken;

        pthread_mutex_lock(&queue.lock);
        taken = MIN(most, queue.count);
        for (int i = 0; i < taken; i++) dst[i] = queue.ring[(queue.first + i) % SPAN_QUEUE_MAX];
        queue.first = (queue.first + taken) % SPAN_QUEUE_MAX;
        queue.count -= taken;
        pthread_mutex_unlock(&queue.lock);
        return taken;
}

void kit_span_lose(uint64_t count)
{
        pthread_mutex_lock(&queue.lock);
        queue.dropped_count += count;
        pthread_mutex_unlock(&queue.lock);
}

uint64_t kit_span_dropped_count(void)
{
        uint64_t count;

        pthread_mutex_lock(&queue.lock);
        count = queue.dropped_count;
        pthread_mutex_unlock(&queue.lock);
        return count;
}
