/* Memories of a generated circuit: 64 streams, in lockstep or each at an address of its own.
   Included in the circuit's source, behind its nets `n` and its next state `next`. */
#pragma GCC push_options
#pragma GCC optimize("O2")

typedef struct {
  int bits, width;    /* of an address, of a word */
  u64 *store;         /* a word per bit, or 0: only read */
  const u64 *init;    /* rows of bits in whole words, or 0: all zero */
  const int *read;    /* nets of the read address, or 0: no such port */
  int out, enable;    /* first net of the word read, its enable */
  const int *write, *data, *enables;
} memory;

/* The row that all streams address, or -1 when they differ. */
static long shared_row(const int *address, int bits) {
  long row = 0;
  for (int k = 0; k < bits; k++) {
    u64 word = n[address[k]];
    if (word + 1 > 1) return -1;
    row |= (long)(word & 1) << k;
  }
  return row;
}

static long row_of(const int *address, int bits, int stream) {
  long row = 0;
  for (int k = 0; k < bits; k++) row |= (long)(n[address[k]] >> stream & 1) << k;
  return row;
}

static u64 hw_peek(const u64 *bit, int width, const int *address, int bits) {
  long row = shared_row(address, bits);
  if (row >= 0) return bit[row * width];
  u64 out = 0;
  for (int s = 0; s < 64; s++) out |= bit[row_of(address, bits, s) * width] & 1ull << s;
  return out;
}

static u64 rom_bit(const memory *m, long row, int b) {
  return -(m->init[row * ((m->width + 63) / 64) + b / 64] >> b % 64 & 1);
}

static void hw_read(const memory *m) {
  u64 *to = next + m->out, enable = n[m->enable];
  size_t bytes = m->width * sizeof(u64);
  if (~enable) memcpy(to, n + m->out, bytes);
  if (!enable) return;
  long row = shared_row(m->read, m->bits);
  if (row >= 0 && m->store && !~enable) {
    memcpy(to, m->store + row * m->width, bytes);
    return;
  }
  for (int s = 0; s < (row < 0 ? 64 : 1); s++) {
    long from = row < 0 ? row_of(m->read, m->bits, s) : row;
    u64 mask = row < 0 ? enable & 1ull << s : enable;
    for (int b = 0; mask && b < m->width; b++) {
      u64 word = m->store ? m->store[from * m->width + b] : rom_bit(m, from, b);
      to[b] ^= mask & (to[b] ^ word);
    }
  }
}

static void hw_write(const memory *m) {
  u64 any = 0;
  for (int b = 0; b < m->width; b++) any |= n[m->enables[b]];
  if (!any) return;
  long row = shared_row(m->write, m->bits);
  for (int s = 0; s < (row < 0 ? 64 : 1); s++) {
    long to = row < 0 ? row_of(m->write, m->bits, s) : row;
    u64 mask = row < 0 ? 1ull << s : ~0ull, *words = m->store + to * m->width;
    for (int b = 0; b < m->width; b++)
      words[b] ^= mask & n[m->enables[b]] & (words[b] ^ n[m->data[b]]);
  }
}

static void hw_memories(const memory *all, int count) {
  for (int k = 0; k < count; k++) {
    if (all[k].read) hw_read(&all[k]);
    if (all[k].write) hw_write(&all[k]);
  }
}

static void hw_fill(const memory *all, int count) {
  for (const memory *m = all; m < all + count; m++)
    for (long row = 0; m->store && row < 1l << m->bits; row++)
      for (int b = 0; b < m->width; b++)
        m->store[row * m->width + b] = m->init ? rom_bit(m, row, b) : 0;
}

#pragma GCC pop_options
