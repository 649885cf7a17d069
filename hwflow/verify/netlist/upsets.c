/* Upsets in a running circuit; appended to harness.c. Stream 0 is left alone: the others are held
   against it. The driver's side is hwflow/verify/netlist/upsets.py. */

#include <stdlib.h>

extern u64 *hw_faults(void);
extern u64 *hw_store(int number, long *size);

enum { FLIP = 0, PULSE = 1, WORD = 2, RESET = 3, MISSED = 4, ADDED = 5 };
enum { OFFER = 1, TAKE = 2 };

/* In streams `mask`, at `cycle`: state net `index` flipped, fault `index` on for the cycle, bit
   `word` of store `index` flipped, reset inverted for the cycle, no clock edge for the state of
   group `index`, or one more for it before the cycle's own. */
typedef struct {
  int64_t cycle, word;
  int32_t kind, index;
  u64 mask;
} upset;

typedef struct {
  const upset *upsets; /* by cycle */
  int64_t n_upsets;
  const uint8_t *gaps; /* for each cycle: OFFER, TAKE */
  const int32_t *group; /* of each net of the state */
  u64 *saved;           /* as many words */
  u64 *stores;          /* as many words as all stores have */
  int32_t n_state, n_stores;
  u64 off_time, bad_last;       /* streams */
  int64_t extra[STREAMS];       /* output beats above those wanted */
  int64_t last_beat[STREAMS];   /* cycle, the earliest over the outputs */
  int64_t last_begun[STREAMS];  /* cycle in which the last tensor's first beat was taken */
  int64_t last_differs[STREAMS]; /* cycle in which the state or the input's position differed */
} campaign;

static u64 from_first(u64 word) { return word ^ -(word & 1); }

static u64 differing(const campaign *c, const bench *t, const u64 *n) {
  u64 found = 0;
  for (int k = 0; k < c->n_state; k++) found |= from_first(n[k]);
  for (int k = 0; k < c->n_stores; k++) {
    long size;
    const u64 *store = hw_store(k, &size);
    for (long b = 0; b < size; b++) found |= from_first(store[b]);
  }
  for (int k = 0; k < t->n_inputs; k++)
    for (int s = 1; s < STREAMS; s++)
      found |= (u64)(t->inputs[k].position[s] != t->inputs[k].position[0]) << s;
  return found;
}

/* Give the state of each upset's group an edge in its streams, and nothing else: not the stores. */
static void add_edges(const campaign *c, const upset *u, const upset *end, u64 *n) {
  long size;
  u64 *kept = c->stores;
  for (int k = 0; k < c->n_stores; k++) {
    const u64 *store = hw_store(k, &size);
    memcpy(kept, store, (size_t)size * sizeof(u64));
    kept += size;
  }
  memcpy(c->saved, n, (size_t)c->n_state * sizeof(u64));
  hw_clock();
  for (int k = 0; k < c->n_state; k++) {
    u64 hit = 0;
    for (const upset *e = u; e < end; e++)
      if (e->kind == ADDED && c->group[k] == e->index) hit |= e->mask;
    n[k] = (n[k] & hit) | (c->saved[k] & ~hit);
  }
  kept = c->stores;
  for (int k = 0; k < c->n_stores; k++) {
    u64 *store = hw_store(k, &size);
    memcpy(store, kept, (size_t)size * sizeof(u64));
    kept += size;
  }
  hw_eval();
}

/* Outputs beyond the last one wanted, and TLAST, of each stream on its own. */
static void watch(campaign *c, const port *p, const u64 *n, u64 taken, int64_t *last, int64_t cycle) {
  c->off_time |= from_first(taken);
  for (int s = 0; s < STREAMS; s++) {
    if (!(taken >> s & 1)) continue;
    last[s] = cycle;
    if (finished(p, s)) c->extra[s]++;
    u64 expected = p->position[s] % p->beats == p->beats - 1;
    if (p->last >= 0 && (n[p->last] >> s & 1) != expected) c->bad_last |= 1ull << s;
  }
}

/* Loading weights takes thousands of cycles and is the same in every run: what it leaves is kept. */
static void begin(bench *t, const campaign *c) {
  static u64 *kept, *loaded;
  static int64_t clocks;
  size_t size = (size_t)hw_size() * sizeof(u64), pins = (size_t)t->n_load * sizeof(u64);
  if (clocks && clocks == t->n_load && !memcmp(loaded, t->load, pins) && !c->n_stores) {
    memcpy(hw_nets(), kept, size);
    return;
  }
  hw_begin(t);
  if (!t->n_load || c->n_stores) return;
  kept = realloc(kept, size), loaded = realloc(loaded, pins), clocks = t->n_load;
  memcpy(kept, hw_nets(), size);
  memcpy(loaded, t->load, pins);
}

/* From reset to the limit, whatever happens. At most 16 ports a side. */
void hw_campaign(bench *t, campaign *c) {
  u64 *n = hw_nets(), pending[16] = {0};
  int64_t last[16][STREAMS], next = 0;
  for (int k = 0; k < 16; k++)
    for (int s = 0; s < STREAMS; s++) last[k][s] = -1;
  for (int s = 0; s < STREAMS; s++) c->last_differs[s] = c->last_begun[s] = -1;
  begin(t, c);
  u64 resting = t->reset >= 0 ? n[t->reset] : 0;
  for (; t->cycle < t->limit; t->cycle++) {
    u64 reset = 0, missed = 0, added = 0;
    int64_t first = next;
    for (; next < c->n_upsets && c->upsets[next].cycle == t->cycle; next++) {
      const upset *u = &c->upsets[next];
      long size;
      if (u->kind == FLIP) n[u->index] ^= u->mask;
      if (u->kind == PULSE) hw_faults()[u->index] ^= u->mask;
      if (u->kind == WORD) hw_store(u->index, &size)[u->word] ^= u->mask;
      if (u->kind == RESET) reset ^= u->mask;
      if (u->kind == MISSED) missed |= u->mask;
      if (u->kind == ADDED) added |= u->mask;
    }
    u64 differs = differing(c, t, n);
    for (int s = 1; differs && s < STREAMS; s++)
      if (differs >> s & 1) c->last_differs[s] = t->cycle;
    int gaps = c->gaps[t->cycle];
    for (int k = 0; k < t->n_inputs; k++) {
      port *p = &t->inputs[k];
      drive(p, n);
      if (!(gaps & OFFER)) n[p->valid] &= pending[k];
      if (p->last >= 0) n[p->last] &= n[p->valid];
    }
    for (int k = 0; k < t->n_outputs; k++)
      if (t->outputs[k].ready >= 0) n[t->outputs[k].ready] = gaps & TAKE ? ~0ull : 0;
    if (t->reset >= 0) n[t->reset] = resting ^ reset;
    hw_eval();
    if (added) add_edges(c, c->upsets + first, c->upsets + next, n);
    for (int k = 0; k < t->n_inputs; k++) {
      port *p = &t->inputs[k];
      u64 taken = n[p->valid] & (p->ready >= 0 ? n[p->ready] : ~0ull);
      pending[k] = n[p->valid] & ~taken;
      for (int s = 0; s < STREAMS; s++)
        if (taken >> s & 1 && p->position[s] == (p->vectors - 1) * p->beats)
          c->last_begun[s] = t->cycle;
      accept(p, n, t->cycle);
    }
    for (int k = 0; k < t->n_outputs; k++) {
      port *p = &t->outputs[k];
      u64 taken = n[p->valid] & (p->ready >= 0 ? n[p->ready] : ~0ull);
      watch(c, p, n, taken, last[k], t->cycle);
      collect(p, n, taken, t->cycle);
    }
    if (missed) memcpy(c->saved, n, (size_t)c->n_state * sizeof(u64));
    hw_clock();
    for (int64_t e = first; e < next; e++) {
      const upset *u = &c->upsets[e];
      if (u->kind == PULSE) hw_faults()[u->index] = 0;
      if (u->kind != MISSED) continue;
      for (int k = 0; k < c->n_state; k++)
        if (c->group[k] == u->index) n[k] = (n[k] & ~u->mask) | (c->saved[k] & u->mask);
    }
  }
  for (int s = 0; s < STREAMS; s++) {
    c->last_beat[s] = last[0][s];
    for (int k = 1; k < t->n_outputs; k++)
      if (last[k][s] < c->last_beat[s]) c->last_beat[s] = last[k][s];
  }
}
