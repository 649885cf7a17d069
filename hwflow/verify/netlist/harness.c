/* Feeds streams into a generated circuit: 64 streams in lockstep, one bit of each word per stream.
   The driver's side (struct and calls) is hwflow/verify/netlist/library.py. */
#include <stdint.h>
#include <string.h>

typedef unsigned long long u64;

extern u64 *hw_nets(void);
extern int hw_size(void);
extern void hw_start(void);
extern void hw_eval(void);
extern void hw_clock(void);

enum { STREAMS = 64 };
enum status { RUNNING = 0, DONE = 1, SPLIT = 2 };

/* One stream of beats. Words of nets are slots of hw_nets(); -1 where there is no such port. */
typedef struct {
  uint8_t *rows;       /* bytes of all beats */
  int64_t vectors;     /* per stream */
  int64_t vector_step; /* vectors between one stream's consecutive vectors */
  int64_t stream_step; /* vectors between neighbouring streams */
  int32_t beats, bytes, bits, valid, ready, last;
  const int32_t *data; /* slot of each data bit */
  int64_t position[STREAMS];
  int64_t *first_beat; /* cycle of each tensor's first beat, stream 0 */
  int64_t late_last;   /* beats whose `last` was wrong */
} port;

typedef struct {
  port *inputs, *outputs;
  int32_t n_inputs, n_outputs, reset, reset_level, reset_cycles, strict;
  int64_t cycle, limit;
  const int32_t *watched;
  int32_t n_watched;
  u64 *trace;
  u64 *toggles, *before;
  int32_t split_output, split_port;
  const u64 *load; /* pins of the weight loader, clock by clock after reset, the same in all streams */
  int64_t n_load;
  const int32_t *load_slots; /* slot of each bit */
  int32_t n_load_slots;
  int64_t spacing; /* cycles between tensors where no ready holds them back, else 1 */
} bench;

static void transpose(u64 a[STREAMS]) {
  u64 mask = 0x00000000FFFFFFFFull;
  for (int step = 32; step; step >>= 1, mask ^= mask << step) {
    for (int k = 0; k < STREAMS; k = (k + step + 1) & ~step) {
      u64 swap = ((a[k] >> step) ^ a[k + step]) & mask;
      a[k] ^= swap << step;
      a[k + step] ^= swap;
    }
  }
}

static int finished(const port *p, int stream) {
  return p->position[stream] >= p->vectors * p->beats;
}

/* Where the stream's beat lies; a finished stream repeats its last one (not valid any more). */
static uint8_t *row(const port *p, int stream) {
  int64_t position = p->position[stream] - finished(p, stream);
  int64_t vector = position / p->beats, beat = position % p->beats;
  int64_t index = vector * p->vector_step + stream * p->stream_step;
  return p->rows + (index * p->beats + beat) * p->bytes;
}

static void drive(const port *p, u64 *n) {
  u64 valid = 0;
  for (int s = 0; s < STREAMS; s++) valid |= (u64)!finished(p, s) << s;
  n[p->valid] = valid;
  if (p->last >= 0) {
    u64 last = 0;
    for (int s = 0; s < STREAMS; s++)
      last |= (u64)(p->position[s] % p->beats == p->beats - 1) << s;
    n[p->last] = last & valid;
  }
  for (int base = 0; base < p->bits; base += 64) {
    u64 block[STREAMS];
    int bytes = p->bytes - base / 8 < 8 ? p->bytes - base / 8 : 8;
    for (int s = 0; s < STREAMS; s++) {
      block[s] = 0;
      memcpy(&block[s], row(p, s) + base / 8, (size_t)bytes);
    }
    transpose(block);
    for (int b = 0; b < 64 && base + b < p->bits; b++) n[p->data[base + b]] = block[b];
  }
}

static void collect(port *p, const u64 *n, u64 taken, int64_t cycle) {
  for (int s = 0; s < STREAMS; s++)
    if (finished(p, s)) taken &= ~(1ull << s);
  if (!taken) return;
  if ((taken & 1) && p->position[0] % p->beats == 0)
    p->first_beat[p->position[0] / p->beats] = cycle;
  for (int base = 0; base < p->bits; base += 64) {
    u64 block[STREAMS];
    int bytes = p->bytes - base / 8 < 8 ? p->bytes - base / 8 : 8;
    for (int b = 0; b < 64; b++) block[b] = base + b < p->bits ? n[p->data[base + b]] : 0;
    transpose(block);
    for (int s = 0; s < STREAMS; s++)
      if (taken >> s & 1) memcpy(row(p, s) + base / 8, &block[s], (size_t)bytes);
  }
  for (int s = 0; s < STREAMS; s++) {
    if (!(taken >> s & 1)) continue;
    u64 expected = p->position[s] % p->beats == p->beats - 1;
    if (p->last >= 0 && (n[p->last] >> s & 1) != expected) p->late_last++;
    p->position[s]++;
  }
}

static void accept(port *p, const u64 *n, int64_t cycle) {
  u64 taken = n[p->valid] & (p->ready >= 0 ? n[p->ready] : ~0ull);
  if ((taken & 1) && p->position[0] % p->beats == 0)
    p->first_beat[p->position[0] / p->beats] = cycle;
  for (int s = 0; s < STREAMS; s++) p->position[s] += taken >> s & 1;
}

static int uniform(u64 word) { return word == 0 || word == ~0ull; }

static int split(bench *t, const u64 *n) {
  for (int k = 0; k < t->n_inputs; k++)
    if (t->inputs[k].ready >= 0 && !uniform(n[t->inputs[k].ready])) {
      t->split_output = 0, t->split_port = k;
      return 1;
    }
  for (int k = 0; k < t->n_outputs; k++)
    if (!uniform(n[t->outputs[k].valid])) {
      t->split_output = 1, t->split_port = k;
      return 1;
    }
  return 0;
}

static void count_toggles(bench *t, const u64 *n) {
  for (int k = 0, size = hw_size(); k < size; k++) {
    t->toggles[k] += (u64)__builtin_popcountll(n[k] ^ t->before[k]);
    t->before[k] = n[k];
  }
}

static void reset(bench *t, u64 *n, int level) {
  if (t->reset >= 0) n[t->reset] = level ? ~0ull : 0;
  for (int k = 0; k < t->n_outputs; k++)
    if (t->outputs[k].ready >= 0) n[t->outputs[k].ready] = ~0ull;
}

static void load(const bench *t, u64 *n, u64 pins) {
  for (int b = 0; b < t->n_load_slots; b++) n[t->load_slots[b]] = -(pins >> b & 1);
}

void hw_begin(bench *t) {
  u64 *n = hw_nets();
  hw_start();
  reset(t, n, t->reset_level);
  for (int k = 0; k < t->reset_cycles; k++) hw_eval(), hw_clock();
  reset(t, n, !t->reset_level);
  for (int64_t k = 0; k < t->n_load; k++) load(t, n, t->load[k]), hw_eval(), hw_clock();
  load(t, n, 0);
  hw_eval();
  if (t->before) memcpy(t->before, n, (size_t)hw_size() * sizeof(u64));
}

/* At most `steps` cycles. */
int hw_step(bench *t, int64_t steps) {
  u64 *n = hw_nets();
  for (; steps > 0 && t->cycle < t->limit; steps--, t->cycle++) {
    for (int k = 0; k < t->n_inputs; k++) {
      const port *p = &t->inputs[k];
      drive(p, n);
      if (t->cycle % t->spacing && p->position[0] % p->beats == 0) n[p->valid] = 0;
    }
    hw_eval();
    for (int k = 0; k < t->n_watched; k++)
      t->trace[t->cycle * t->n_watched + k] = n[t->watched[k]];
    if (t->before) count_toggles(t, n);
    if (t->strict && split(t, n)) return SPLIT;
    for (int k = 0; k < t->n_inputs; k++) accept(&t->inputs[k], n, t->cycle);
    int done = 1;
    for (int k = 0; k < t->n_outputs; k++) {
      collect(&t->outputs[k], n, n[t->outputs[k].valid], t->cycle);
      for (int s = 0; s < STREAMS; s++) done &= finished(&t->outputs[k], s);
    }
    hw_clock();
    if (done) {
      t->cycle++;
      return DONE;
    }
  }
  return RUNNING;
}
