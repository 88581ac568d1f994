#include "sut/payments/charges.h"

#include "common/base/hash.h"
#include "common/base/mem.h"

enum { BUCKETS = 1 << 14, NONE = -1 };

/* A ring of charges (the oldest is written over) and a hash table of chains into it. Keys are kept as 64-bit hashes: among 16,384 of them
 * two that meet by chance are one in a hundred thousand million. */
struct charges {
        struct charge {
                uint64_t key_hash, number;
                int64_t amount_cents;
                int next, bucket;
                bool used;
        } ring[CHARGES_MAX];
        int buckets[BUCKETS];
        int at;
        uint64_t count;
};

enum err charges_new(struct charges **ret)
{
        struct charges *c = mem_zalloc(1, sizeof *c);

        if (!c) return ERR_NOMEM;
        for (int i = 0; i < BUCKETS; i++) c->buckets[i] = NONE;
        *ret = c;
        return ERR_OK;
}

void charges_free(struct charges *c)
{
        mem_free(c);
}

static void forget(struct charges *c, int index)
{
        int *at = &c->buckets[c->ring[index].bucket];

        while (*at != index) at = &c->ring[*at].next;
        *at = c->ring[index].next;
}

enum err charges_make(struct charges *c, const char *key, int64_t amount_cents, bool idempotent, uint64_t *ret_number, bool *ret_repeated,
                      struct err_note *reterr)
{
        uint64_t hash = hash_fnv_str(key);
        int bucket = (int)(hash % BUCKETS);
        bool seen = false;

        for (int i = c->buckets[bucket]; i != NONE; i = c->ring[i].next) {
                if (c->ring[i].key_hash != hash) continue;
                seen = true;
                if (!idempotent) break;
                if (c->ring[i].amount_cents != amount_cents)
                        return err_note(reterr, ERR_INVAL, "this Idempotency-Key was used for another amount (%lld cents)", (long long)c->ring[i].amount_cents);
                *ret_number = c->ring[i].number;
                *ret_repeated = true;
                return ERR_OK;
        }
        if (c->ring[c->at].used) forget(c, c->at);
        c->ring[c->at] = (struct charge){ .key_hash = hash, .number = ++c->count, .amount_cents = amount_cents, .next = c->buckets[bucket],
                                          .bucket = bucket, .used = true };
        c->buckets[bucket] = c->at;
        c->at = (c->at + 1) % CHARGES_MAX;
        *ret_number = c->count;
        *ret_repeated = seen;
        return ERR_OK;
}
