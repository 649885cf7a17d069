// Replays vectors through a wrapped design at full rate: sources always valid, sinks always ready.
//
// Usage: replay VECTORS IDLE_LIMIT DRAIN IN.bin... OUT.bin... STATUS LOAD.bin [WAVE.vcd]
//
// LOAD.bin holds the pins of the weight loader, 64 bits for each clock after reset; it may be empty.
// Compiled once per design; `constants.h` holds what depends on it. All files are raw beats. The
// verdict goes to STATUS as "key value" lines; the exit code is 0 unless a file cannot be used.
// A cycle is numbered by its rising edge, counted from the first one after reset.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "Vhwflow_replay.h"
#include "constants.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr uint64_t kNever = ~uint64_t{0};
constexpr size_t kFlushBytes = size_t{1} << 22;

struct Port {
    EData* data;
    CData* valid;
    CData* ready;
    CData* last;
    size_t bytes;     // per beat in the vector file
    uint64_t beats;   // per tensor
    uint64_t done;    // beats that crossed the port
    uint64_t place;   // beat within the tensor
    uint64_t tensors; // tensors whose first beat crossed the port
    uint64_t opens;   // first cycle in which the next tensor may start
};

struct Verdict {
    const char* status = "ok";
    size_t port = 0;
    uint64_t cycle = 0;
};

[[noreturn]] void fail(const char* what, const char* file) {
    std::fprintf(stderr, "replay: cannot %s %s\n", what, file);
    std::exit(1);
}

std::vector<uint64_t> read_words(const char* path) {
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) fail("open", path);
    std::vector<uint64_t> words;
    for (uint64_t word; std::fread(&word, sizeof word, 1, file) == 1;) words.push_back(word);
    std::fclose(file);
    return words;
}

const uint8_t* map_file(const char* path, size_t bytes) {
    const int file = open(path, O_RDONLY);
    struct stat info {};
    if (file < 0 || fstat(file, &info) != 0) fail("open", path);
    if (static_cast<size_t>(info.st_size) != bytes) fail("use (wrong size)", path);
    void* memory = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file, 0);
    if (memory == MAP_FAILED) fail("map", path);
    close(file);
    return static_cast<const uint8_t*>(memory);
}

class Writer {
public:
    explicit Writer(const char* path) : path_{path}, file_{std::fopen(path, "wb")} {
        if (file_ == nullptr) fail("create", path);
        buffer_.reserve(kFlushBytes + 4096);
    }
    void add(const void* bytes, size_t count) {
        const auto* first = static_cast<const uint8_t*>(bytes);
        buffer_.insert(buffer_.end(), first, first + count);
        if (buffer_.size() >= kFlushBytes) flush();
    }
    void finish() {
        flush();
        if (std::fclose(file_) != 0) fail("write", path_);
    }

private:
    void flush() {
        if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) {
            std::perror(path_);
            std::exit(1);
        }
        buffer_.clear();
    }
    const char* path_;
    std::FILE* file_;
    std::vector<uint8_t> buffer_;
};

#define HWFLOW_IN(n, size, count)                                                             \
    Port{top.in##n##_data.data(), &top.in##n##_valid, &top.in##n##_ready, &top.in##n##_last,  \
         size, count, 0, 0, 0, 0},
#define HWFLOW_OUT(n, size, count)                                                                \
    Port{top.out##n##_data.data(), &top.out##n##_valid, &top.out##n##_ready, &top.out##n##_last,  \
         size, count, 0, 0, 0, 0},

class Replay {
public:
    Replay(Vhwflow_replay& model, uint64_t vectors, char** files)
        : top{model}, inputs{HWFLOW_INPUTS(HWFLOW_IN)}, outputs{HWFLOW_OUTPUTS(HWFLOW_OUT)},
          vectors_{vectors} {
        for (const Port& port : inputs)
            sources_.push_back(map_file(*files++, port.bytes * port.beats * vectors));
        for (size_t i = 0; i < outputs.size(); ++i) sinks_.emplace_back(*files++);
    }

    void reset(const std::vector<uint64_t>& load) {
        top.clk = 0;
        top.load = 0;
        top.rst = 1;
        for (Port& port : inputs) *port.valid = 0;
        for (Port& port : outputs) *port.ready = 1;
        for (int i = 0; i < HWFLOW_RESET_CYCLES; ++i) {
            step(0);
            step(1);
        }
        top.rst = 0;
        for (const uint64_t pins : load) {
            top.load = pins;
            step(0, false);
            step(1, false);
        }
        top.load = 0;
    }

    Verdict run(uint64_t idle_limit, uint64_t drain) {
        Verdict verdict;
        uint64_t idle = 0;
        while (std::strcmp(verdict.status, "ok") == 0) {
            if (!complete() && idle > idle_limit) return {"deadlock", slowest(), cycle};
            if (complete() && idle > drain) break;
            // The wrapper takes over what is driven here at the edge that begins this cycle.
            drive();
            step(0);
            step(1);
            const bool moved = accept() | deliver(verdict);
            idle = moved ? 0 : idle + 1;
            ++cycle;
        }
        return verdict;
    }

    void finish() {
        for (Writer& sink : sinks_) sink.finish();
    }

    Vhwflow_replay& top;
    std::vector<Port> inputs, outputs;
    uint64_t cycle = 0, first_in = kNever, first_out = kNever, middle_out = 0, last_out = 0;
#if VM_TRACE
    VerilatedVcdC* wave = nullptr;
#endif

private:
    // Loading is not part of a waveform.
    void step(int level, [[maybe_unused]] bool shown = true) {
        top.clk = static_cast<CData>(level);
        top.eval();
#if VM_TRACE
        if (wave != nullptr && shown) wave->dump(time_++);
#endif
    }

    bool complete() const {
        return std::all_of(outputs.begin(), outputs.end(),
                           [&](const Port& p) { return p.done == p.beats * vectors_; });
    }

    size_t slowest() const {
        const auto behind = [](const Port& a, const Port& b) {
            return a.done * b.beats < b.done * a.beats;
        };
        return static_cast<size_t>(
            std::min_element(outputs.begin(), outputs.end(), behind) - outputs.begin());
    }

    void drive() {
        for (size_t i = 0; i < inputs.size(); ++i) {
            Port& port = inputs[i];
            const bool more = port.done < port.beats * vectors_;
            const bool open = port.place != 0 || cycle >= port.opens;
            *port.valid = more && open;
            // After the last beat the data stays: a waveform of one vector then settles.
            if (!(more && open)) continue;
            std::memcpy(port.data, sources_[i] + port.done * port.bytes, port.bytes);
            *port.last = port.place + 1 == port.beats;
        }
    }

    bool accept() {
        bool moved = false;
        for (Port& port : inputs) {
            if (!(*port.valid && *port.ready)) continue;
            moved = true;
            if (first_in == kNever) first_in = cycle;
            if (port.place == 0) port.opens = cycle + HWFLOW_SPACING;
            advance(port);
        }
        return moved;
    }

    bool deliver(Verdict& verdict) {
        bool moved = false;
        for (size_t o = 0; o < outputs.size(); ++o) {
            Port& port = outputs[o];
            if (!*port.valid) continue;
            moved = true;
            if (first_out == kNever) first_out = cycle;
            if (port.place == 0) {
                for (const Port& input : inputs)
                    if (input.tensors <= port.tensors)
                        verdict = {port.done == port.beats * vectors_ ? "extra" : "early", o, cycle};
                if (o == 0 && port.tensors == (vectors_ - 1) / 2) middle_out = cycle;
                if (o == 0 && port.tensors + 1 == vectors_) last_out = cycle;
            }
            const bool end = port.place + 1 == port.beats;
            if (HWFLOW_CHECK_LAST && (*port.last != 0) != end) verdict = {"last", o, cycle};
            sinks_[o].add(port.data, port.bytes);
            advance(port);
        }
        return moved;
    }

    static void advance(Port& port) {
        if (port.place == 0) ++port.tensors;
        port.place = port.place + 1 == port.beats ? 0 : port.place + 1;
        ++port.done;
    }

    uint64_t vectors_;
    std::vector<const uint8_t*> sources_;
    std::vector<Writer> sinks_;
#if VM_TRACE
    uint64_t time_ = 0;
#endif
};

void write_status(const char* path, const Verdict& verdict, const Replay& replay) {
    std::FILE* file = std::fopen(path, "w");
    if (file == nullptr) fail("create", path);
    const auto number = [&](const char* key, uint64_t value) {
        std::fprintf(file, "%s %lld\n", key, static_cast<long long>(value));
    };
    std::fprintf(file, "status %s\n", verdict.status);
    number("port", verdict.port);
    number("cycle", verdict.cycle);
    number("cycles", replay.cycle);
    number("first_in", replay.first_in);
    number("first_out", replay.first_out);
    number("middle_out", replay.middle_out);
    number("last_out", replay.last_out);
    number("beats", replay.outputs[verdict.port].done);
    if (std::fclose(file) != 0) fail("write", path);
}

}  // namespace

int main(int argc, char** argv) {
    constexpr int kFiles = HWFLOW_INPUT_COUNT + HWFLOW_OUTPUT_COUNT;
    if (argc != kFiles + 6 && argc != kFiles + 7) fail("understand", "the arguments");
    VerilatedContext context;
    // Registers wake up at random, always the same way: what reset forgets shows as a mismatch.
    context.randReset(2);
    context.randSeed(1);
    Vhwflow_replay* top = nullptr;
#if VM_TRACE
    context.traceEverOn(true);
#endif
    top = new Vhwflow_replay{&context};
    Replay replay{*top, std::strtoull(argv[1], nullptr, 10), argv + 4};
#if VM_TRACE
    VerilatedVcdC wave;
    if (argc == kFiles + 7) {
        top->trace(&wave, 99);
        wave.open(argv[kFiles + 6]);
        replay.wave = &wave;
    }
#endif
    replay.reset(read_words(argv[kFiles + 5]));
    const Verdict verdict =
        replay.run(std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10));
    replay.finish();
#if VM_TRACE
    wave.close();
#endif
    write_status(argv[kFiles + 4], verdict, replay);
    top->final();
    delete top;
    return 0;
}
