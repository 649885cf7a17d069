/* Waveforms of a gate-level netlist within each clock cycle, 64 independent streams at a time.

   Every net holds a 64-bit word, one bit a stream. In a cycle the sources (registers, inputs) change
   once; gates are taken in topological order, and each turns the waveforms of its inputs into that
   of its output with the delay of the pin that changed and of the direction (rise, fall). A change
   that is taken back before its delay has passed never shows (inertial delay); its partial swing
   is not counted. With all delays zero this is the zero-delay simulation. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;

enum { MOST_PINS = 6, STREAMS = 64 };

typedef struct {
  int32_t nets, gates, sources, flops;
  const int32_t *out, *first, *ins;          /* gate: output net; its pins are ins[first[g]..first[g+1]) */
  const u64 *table;                          /* gate: output by state, pin 0 in the low bit */
  const int32_t *rise, *fall;                /* pin: delay of the output it causes */
  const int32_t *source_net, *source_rise, *source_fall;
  const int32_t *flop_first, *flop_pins;     /* flop: nets that its clock energy depends on, the
                                                last is what lets the clock through */
  const int64_t *dwell_at, *cause_at, *flop_at; /* where a gate's, a flop's counters begin */
  u64 *toggles, *dwell, *cause, *idle, *edges;
  u64 *held;                                 /* flop pin: changes while the clock is held */
  int64_t late;                              /* changes after `period` */
  int32_t period;
} netlist;

typedef struct { int32_t time; int32_t pin, state; u64 lanes; } pending;

static int32_t *times;
static u64 *words;
static int64_t room, used;
static int64_t *begin, *end;
static u64 *value;

static int put(int32_t time, u64 word) {
  if (used == room) {
    int64_t more = room ? 2 * room : 1 << 16;
    int32_t *t = realloc(times, more * sizeof *times);
    if (t) times = t;
    u64 *w = realloc(words, more * sizeof *words);
    if (w) words = w;
    if (!t || !w) return 0;
    room = more;
  }
  times[used] = time;
  words[used++] = word;
  return 1;
}

static u64 evaluate(u64 table, int pins, const u64 *in) {
  u64 level[1 << MOST_PINS];
  int states = 1 << pins;
  for (int s = 0; s < states; s++) level[s] = (table >> s & 1) ? ~(u64)0 : 0;
  for (int p = 0; p < pins; p++) {
    states >>= 1;
    for (int s = 0; s < states; s++) level[s] = level[2 * s] ^ (in[p] & (level[2 * s] ^ level[2 * s + 1]));
  }
  return level[0];
}

/* Streams in each state of the pins. */
static void minterms(int pins, const u64 *in, u64 *term) {
  term[0] = ~(u64)0;
  for (int p = 0; p < pins; p++)
    for (int s = (1 << p) - 1; s >= 0; s--) {
      term[s | 1 << p] = term[s] & in[p];
      term[s] &= ~in[p];
    }
}

typedef struct { pending list[STREAMS]; int count; u64 actual; } queue;

/* Let out what has waited its delay by `now`. */
static int mature(netlist *n, queue *q, int g, int pins, int32_t now, int counting) {
  int done = 0;
  while (done < q->count && q->list[done].time <= now) {
    int32_t time = q->list[done].time;
    u64 moved = 0;
    for (; done < q->count && q->list[done].time == time; done++) {
      pending *p = &q->list[done];
      moved |= p->lanes;
      if (counting) n->cause[n->cause_at[g] + ((int64_t)p->pin << pins) + p->state] += __builtin_popcountll(p->lanes);
    }
    q->actual ^= moved;
    if (!put(time, q->actual)) return 0;
  }
  memmove(q->list, q->list + done, (q->count - done) * sizeof *q->list);
  q->count -= done;
  return 1;
}

static void wait_for(queue *q, int32_t time, int pin, int state, u64 lanes) {
  int at = q->count++;
  for (; at > 0 && q->list[at - 1].time > time; at--) q->list[at] = q->list[at - 1];
  q->list[at] = (pending){time, pin, state, lanes};
}

static u64 cancel(queue *q, u64 lanes) {
  u64 gone = 0;
  int kept = 0;
  for (int i = 0; i < q->count; i++) {
    gone |= q->list[i].lanes & lanes;
    q->list[i].lanes &= ~lanes;
    if (q->list[i].lanes) q->list[kept++] = q->list[i];
  }
  q->count = kept;
  return gone;
}

static int gate(netlist *n, int g, int counting) {
  const int32_t first = n->first[g], pins = n->first[g + 1] - first;
  const int32_t *in = n->ins + first;
  const u64 table = n->table[g];
  u64 now[MOST_PINS], old[MOST_PINS], term[1 << MOST_PINS];
  int64_t at[MOST_PINS];
  queue q = {.count = 0, .actual = value[n->out[g]]};
  u64 target = q.actual;
  begin[n->out[g]] = used;
  for (int p = 0; p < pins; p++) { now[p] = value[in[p]]; at[p] = begin[in[p]]; }
  for (;;) {
    int32_t t = INT32_MAX;
    for (int p = 0; p < pins; p++)
      if (at[p] < end[in[p]] && times[at[p]] < t) t = times[at[p]];
    if (t == INT32_MAX) break;
    if (!mature(n, &q, g, pins, t, counting)) return 0;
    u64 changed[MOST_PINS];
    for (int p = 0; p < pins; p++) {
      old[p] = now[p];
      if (at[p] < end[in[p]] && times[at[p]] == t) now[p] = words[at[p]++];
      changed[p] = old[p] ^ now[p];
    }
    u64 flip = evaluate(table, pins, now) ^ target;
    target ^= flip;
    u64 fresh = flip & ~cancel(&q, flip);
    minterms(pins, old, term);
    for (int pass = 0; pass < 2 && fresh; pass++)
      for (int p = 0; p < pins && fresh; p++) {
        u64 mine = fresh & changed[p];
        if (!mine) continue;
        for (int s = 0; s < 1 << pins; s++) {
          u64 lanes = mine & term[s];
          /* First those that this pin alone would flip, then whatever is left. */
          if (!lanes || (pass == 0 && !((table >> s ^ table >> (s ^ 1 << p)) & 1))) continue;
          int32_t delay = (table >> s & 1) ? n->fall[first + p] : n->rise[first + p];
          wait_for(&q, t + delay, p, s, lanes);
          fresh &= ~lanes;
        }
      }
    if (counting)
      for (int p = 0; p < pins; p++) {
        u64 still = changed[p] & ~flip;
        if (!still) continue;
        for (int s = 0; s < 1 << pins; s++)
          n->idle[n->cause_at[g] + ((int64_t)p << pins) + s] += __builtin_popcountll(still & term[s]);
      }
  }
  if (!mature(n, &q, g, pins, INT32_MAX, counting)) return 0;
  end[n->out[g]] = used;
  return 1;
}

static int source(netlist *n, int k, u64 word) {
  int net = n->source_net[k];
  u64 old = value[net], up = word & ~old, down = old & ~word;
  int32_t rise = n->source_rise[k], fall = n->source_fall[k];
  begin[net] = used;
  if (rise == fall) { if (up | down) { if (!put(rise, word)) return 0; } }
  else {
    int32_t a = rise < fall ? rise : fall, b = rise < fall ? fall : rise;
    u64 first = rise < fall ? up : down;
    if (first && !put(a, old ^ first)) return 0;
    if (word != (old ^ first) && !put(b, word)) return 0;
  }
  end[net] = used;
  return 1;
}

static void settle(netlist *n) {
  u64 in[MOST_PINS];
  for (int g = 0; g < n->gates; g++) {
    int first = n->first[g], pins = n->first[g + 1] - first;
    for (int p = 0; p < pins; p++) in[p] = value[n->ins[first + p]];
    value[n->out[g]] = evaluate(n->table[g], pins, in);
  }
}

/* Changes of a flop's pins in the streams that its last edge was kept from. */
static void hold(netlist *n, int f) {
  const int32_t first = n->flop_first[f], last = n->flop_first[f + 1] - 1;
  const u64 closed = ~value[n->flop_pins[last]];
  for (int p = first; closed && p < last; p++) {
    int net = n->flop_pins[p];
    u64 before = value[net];
    for (int64_t e = begin[net]; e < end[net]; e++) {
      n->held[p] += __builtin_popcountll((words[e] ^ before) & closed);
      before = words[e];
    }
  }
}

static void count(netlist *n) {
  u64 in[MOST_PINS], term[1 << MOST_PINS];
  for (int f = 0; f < n->flops; f++) hold(n, f);
  for (int net = 0; net < n->nets; net++) {
    u64 before = value[net];
    for (int64_t e = begin[net]; e < end[net]; e++) {
      int ones = __builtin_popcountll(words[e] ^ before);
      n->toggles[net] += ones;
      if (times[e] > n->period) n->late += ones;
      before = words[e];
    }
  }
  for (int net = 0; net < n->nets; net++)
    if (end[net] > begin[net]) value[net] = words[end[net] - 1];
  for (int g = 0; g < n->gates; g++) {
    int first = n->first[g], pins = n->first[g + 1] - first;
    for (int p = 0; p < pins; p++) in[p] = value[n->ins[first + p]];
    minterms(pins, in, term);
    for (int s = 0; s < 1 << pins; s++) n->dwell[n->dwell_at[g] + s] += __builtin_popcountll(term[s]);
  }
  for (int f = 0; f < n->flops; f++) {
    int first = n->flop_first[f], pins = n->flop_first[f + 1] - first;
    for (int p = 0; p < pins; p++) in[p] = value[n->flop_pins[first + p]];
    minterms(pins, in, term);
    for (int s = 0; s < 1 << pins; s++) n->edges[n->flop_at[f] + s] += __builtin_popcountll(term[s]);
  }
}

/* Run `cycles` rows of source words; the first `ahead` only set the state. 1 on success. */
int hw_waves(netlist *n, const u64 *rows, int64_t cycles, int64_t ahead) {
  int good = 0;
  room = used = 0;
  times = 0;
  words = 0;
  value = calloc(n->nets, sizeof *value);
  begin = calloc(n->nets, sizeof *begin);
  end = calloc(n->nets, sizeof *end);
  if (!value || !begin || !end) goto out;
  value[1] = ~(u64)0;
  for (int k = 0; k < n->sources; k++) value[n->source_net[k]] = rows[k];
  settle(n);
  for (int64_t c = 1; c < cycles; c++) {
    used = 0;
    memset(begin, 0, n->nets * sizeof *begin);
    memset(end, 0, n->nets * sizeof *end);
    for (int k = 0; k < n->sources; k++)
      if (!source(n, k, rows[c * n->sources + k])) goto out;
    for (int g = 0; g < n->gates; g++)
      if (!gate(n, g, c >= ahead)) goto out;
    if (c >= ahead) count(n);
    else
      for (int net = 0; net < n->nets; net++)
        if (end[net] > begin[net]) value[net] = words[end[net] - 1];
  }
  good = 1;
out:
  free(times); free(words); free(value); free(begin); free(end);
  return good;
}
