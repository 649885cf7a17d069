// Talks to a board top over its UART pins, one clock at a time, with the line's own bit timing.
//
// Usage: board CLOCKS_PER_BIT SCRIPT IN.bin OUT.bin STATUS
//        board CLOCKS_PER_BIT serve
//
// CLOCKS_PER_BIT is the host's bit time in clock cycles, any positive real number: the host's baud
// rate need not be the board's. SCRIPT holds one step per line:
//   send OFFSET COUNT   transmit bytes of IN.bin, one frame behind the other
//   wait TOTAL CLOCKS   until TOTAL bytes have come back; fails after CLOCKS cycles without a byte
//   idle CLOCKS         a silent line
//   broken BYTE         a frame whose stop bit is low
//   glitch CLOCKS       a low pulse of this many cycles
//   error LEVEL         fails unless the LED pin `led_error` has this level
//   total COUNT         fails unless exactly COUNT bytes have come back
//   mark                notes the cycle in STATUS
// Bytes received go to OUT.bin; STATUS gets "key value" lines. `serve` connects the line to stdin
// and stdout instead, until stdin ends. Exit code 0 unless a file cannot be used.

#include <poll.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "Vboard.h"
#include "verilated.h"

namespace {

[[noreturn]] void fail(const char* what, const char* file) {
    std::fprintf(stderr, "board: cannot %s %s\n", what, file);
    std::exit(1);
}

// The host's transmitter: frames of ten levels, each one bit time long.
class Transmitter {
public:
    explicit Transmitter(double bit) : bit_{bit} {}
    void byte(uint8_t value, bool stop = true) {
        waiting_.push_back(static_cast<uint16_t>((stop << 9) | (value << 1)));
    }
    bool busy() const { return sending_ || !waiting_.empty(); }
    bool level(double now) {
        if (sending_ && now >= start_ + 10 * bit_) sending_ = false, start_ += 10 * bit_;
        if (!sending_) {
            if (waiting_.empty()) return true;
            // Back to back if the last frame has just ended: no rounding up to a clock.
            if (now - start_ > 1) start_ = now;
            frame_ = waiting_.front();
            waiting_.pop_front();
            sending_ = true;
        }
        const int place = static_cast<int>((now - start_) / bit_);
        return place > 9 || ((frame_ >> place) & 1);
    }

private:
    double bit_, start_ = -1e9;
    bool sending_ = false;
    uint16_t frame_ = 0;
    std::deque<uint16_t> waiting_;
};

// The host's receiver: samples in the middle of each bit, counted from the falling edge.
class Receiver {
public:
    explicit Receiver(double bit) : bit_{bit} {}
    // Returns the byte that is complete with this sample, -1 otherwise.
    int level(bool line, double now) {
        if (place_ < 0) {
            if (line) return -1;
            place_ = 0;
            value_ = 0;
            start_ = now;
        }
        if (now < start_ + (place_ + 0.5) * bit_) return -1;
        if (place_ == 0 && line) ++bad_start;
        if (place_ >= 1 && place_ <= 8) value_ |= line << (place_ - 1);
        if (place_ == 9) {
            if (!line) ++bad_stop;
            place_ = -1;
            return value_;
        }
        ++place_;
        return -1;
    }
    uint64_t bad_start = 0, bad_stop = 0;

private:
    double bit_, start_ = 0;
    int place_ = -1, value_ = 0;
};

class Bench {
public:
    Bench(Vboard& model, double bit) : top_{model}, transmitter{bit}, receiver_{bit} {
        top_.clk = 0;
        top_.uart_rx = 1;
        top_.eval();
    }
    void clock() {
        const double now = static_cast<double>(cycle);
        top_.uart_rx = !low && transmitter.level(now);
        top_.clk = 0;
        top_.eval();
        const int byte = receiver_.level(top_.uart_tx, now);
        if (byte >= 0) {
            received.push_back(static_cast<uint8_t>(byte));
            last_byte = cycle;
        }
        top_.clk = 1;
        top_.eval();
        ++cycle;
    }
    void idle(uint64_t clocks) {
        for (uint64_t i = 0; i < clocks; ++i) clock();
    }
    void drain() {
        while (transmitter.busy()) clock();
    }
    bool error_led() const { return top_.led_error; }
    uint64_t framing() const { return receiver_.bad_start + receiver_.bad_stop; }

private:
    Vboard& top_;

public:
    Transmitter transmitter;
    std::vector<uint8_t> received;
    uint64_t cycle = 0, last_byte = 0;
    bool low = false;

private:
    Receiver receiver_;
};

std::vector<uint8_t> read_file(const char* path) {
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) fail("open", path);
    std::vector<uint8_t> bytes;
    for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<uint8_t>(c));
    std::fclose(file);
    return bytes;
}

struct Status {
    std::string verdict = "ok";
    uint64_t line = 0;
    std::vector<uint64_t> marks;
};

bool wait_for(Bench& bench, uint64_t total, uint64_t patience) {
    uint64_t since = bench.cycle;
    size_t seen = bench.received.size();
    while (bench.received.size() < total) {
        bench.clock();
        if (bench.received.size() != seen) seen = bench.received.size(), since = bench.cycle;
        if (bench.cycle - since > patience) return false;
    }
    return true;
}

// One step; returns what went wrong, or "".
std::string step(Bench& bench, const std::vector<uint8_t>& in, const char* text, Status& status) {
    char name[16];
    unsigned long long a = 0, b = 0;
    if (std::sscanf(text, "%15s %llu %llu", name, &a, &b) < 1) return "";
    const std::string word = name;
    if (word == "send") {
        if (a + b > in.size()) fail("send beyond the end of", "the input file");
        for (uint64_t i = 0; i < b; ++i) bench.transmitter.byte(in[a + i]);
        bench.drain();
    } else if (word == "wait") {
        if (!wait_for(bench, a, b)) return "missing";
    } else if (word == "idle") {
        bench.idle(a);
    } else if (word == "broken") {
        bench.transmitter.byte(static_cast<uint8_t>(a), false);
        bench.drain();
    } else if (word == "glitch") {
        bench.low = true;
        bench.idle(a);
        bench.low = false;
    } else if (word == "error") {
        if (bench.error_led() != (a != 0)) return "error";
    } else if (word == "total") {
        if (bench.received.size() != a) return "total";
    } else if (word == "mark") {
        status.marks.push_back(bench.cycle);
    } else {
        fail("understand", text);
    }
    return "";
}

void write_status(const char* path, const Bench& bench, const Status& status) {
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) fail("create", path);
    std::fprintf(file, "status %s\nline %llu\ncycles %llu\nlast_byte %llu\nbytes %zu\nframing %llu\n",
                 status.verdict.c_str(), static_cast<unsigned long long>(status.line),
                 static_cast<unsigned long long>(bench.cycle),
                 static_cast<unsigned long long>(bench.last_byte), bench.received.size(),
                 static_cast<unsigned long long>(bench.framing()));
    for (const uint64_t mark : status.marks)
        std::fprintf(file, "mark %llu\n", static_cast<unsigned long long>(mark));
    if (std::fclose(file) != 0) fail("write", path);
}

void play(Bench& bench, char** files) {
    const std::vector<uint8_t> in = read_file(files[1]);
    std::FILE* script = std::fopen(files[0], "r");
    if (script == nullptr) fail("open", files[0]);
    Status status;
    char text[128];
    while (status.verdict == "ok" && std::fgets(text, sizeof text, script) != nullptr) {
        ++status.line;
        const std::string wrong = step(bench, in, text, status);
        if (!wrong.empty()) status.verdict = wrong;
    }
    std::fclose(script);
    if (status.verdict == "ok" && bench.framing() != 0) status.verdict = "framing";
    std::FILE* out = std::fopen(files[2], "wb");
    if (out == nullptr) fail("create", files[2]);
    const size_t count = bench.received.size();
    if (std::fwrite(bench.received.data(), 1, count, out) != count) fail("write", files[2]);
    if (std::fclose(out) != 0) fail("write", files[2]);
    write_status(files[3], bench, status);
}

// Runs while there is something to do, and for a while after; then sleeps until stdin has more.
void serve(Bench& bench) {
    constexpr uint64_t kSlice = 256, kQuiet = uint64_t{1} << 20;
    uint64_t busy_until = 0;
    for (;;) {
        const bool quiet = bench.cycle > busy_until;
        pollfd input{STDIN_FILENO, POLLIN, 0};
        if (poll(&input, 1, quiet ? -1 : 0) > 0) {
            uint8_t bytes[4096];
            const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
            if (count <= 0) return;
            for (ssize_t i = 0; i < count; ++i) bench.transmitter.byte(bytes[i]);
        }
        if (bench.transmitter.busy()) busy_until = bench.cycle + kQuiet;
        bench.idle(kSlice);
        if (bench.received.empty()) continue;
        busy_until = bench.cycle + kQuiet;
        size_t done = 0;
        while (done < bench.received.size()) {
            const ssize_t count =
                write(STDOUT_FILENO, bench.received.data() + done, bench.received.size() - done);
            if (count <= 0) return;
            done += static_cast<size_t>(count);
        }
        bench.received.clear();
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool serving = argc == 3 && std::strcmp(argv[2], "serve") == 0;
    if (!serving && argc != 6) fail("understand", "the arguments");
    const double bit = std::strtod(argv[1], nullptr);
    if (!(bit > 1)) fail("use a bit time of", argv[1]);
    VerilatedContext context;
    // Registers wake up at random, always the same way: what reset forgets shows as a mismatch.
    context.randReset(2);
    context.randSeed(1);
    Vboard* top = new Vboard{&context};
    Bench bench{*top, bit};
    bench.idle(1000);  // longer than the reset that the board gives itself
    if (serving)
        serve(bench);
    else
        play(bench, argv + 2);
    top->final();
    delete top;
    return 0;
}
