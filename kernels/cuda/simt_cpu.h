/* simt_cpu.h - what simt.h is made of when g++ compiles a kernel: declarations of the emulator in tests/cudasim, and in plain C what one
 * thread does alone. A thread of a kernel is a fiber there; it runs until it has to wait for others, and a launch is a closure that a
 * stream runs later. Functions that several threads do together take the file and line of their caller, for reports. */
#ifndef MTB_SIMT_CPU_H
#define MTB_SIMT_CPU_H

#include <cuda_runtime_api.h>
#include <vector_functions.h>

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <tuple>

/* As many bytes that do nothing lie before the kernel as a block of it may have threads: bounds.cpp counts them. The size of an array is a
 * number in a template, too, where gcc leaves other constants for later. */
#undef __launch_bounds__
#define __launch_bounds__(...) SIM_BOUNDS(__VA_ARGS__, 0)
#define SIM_BOUNDS(threads, ...) __attribute__((patchable_function_entry(sizeof(char[threads]), sizeof(char[threads]))))
#undef __forceinline__
#define __forceinline__ inline                   /* gcc warns where it cannot inline, and inlining never changes bits here */
#define SIM_SITE const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define SIM_UNSEEN __attribute__((no_sanitize("thread")))     /* the checker is told by sim_touch() instead */

extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;

/* ---- the emulator (tests/cudasim) ---- */

enum sim_access { SIM_READ, SIM_WRITE, SIM_ATOMIC };
enum sim_collective {
    SIM_SYNC, SIM_SHFL, SIM_SHFL_UP, SIM_SHFL_DOWN, SIM_SHFL_XOR, SIM_BALLOT, SIM_ANY, SIM_ALL, SIM_SUM, SIM_MAX, SIM_MMA_BF16, SIM_MMA_F16
};
enum { SIM_LANE_BYTES = 40 };                    /* the most that a lane gives to a collective */

extern "C" {
/* Meet the lanes of 'mask' at this collective: 'in' is what this lane gives, 'out' what it gets; 'arg' and 'width' as it needs. */
void sim_warp(enum sim_collective what, unsigned mask, const void *in, size_t n_in, void *out, size_t n_out, int arg, int width,
              const char *file, int line);
/* Meet the whole block; the number of threads that came with 'predicate' set. */
int sim_block_barrier(int predicate, const char *file, int line);
void *sim_shared(const char *site, const char *name, size_t bytes, size_t align);
void *sim_dyn_shared(void);
/* This thread is about to touch n bytes at p, which must be a multiple of 'align'; reported where it may not. */
void sim_touch(const void *p, size_t n, size_t align, enum sim_access how, const char *file, int line);
/* No thread of this launch wrote these bytes, not even this one: they are read past the caches that would know. */
void sim_constant(const void *p, size_t n, const char *file, int line);
void sim_cp_async(void *shared, const void *global, size_t n, const char *file, int line);
void sim_cp_commit(void);
void sim_cp_wait(int n);
[[noreturn]] void sim_trap(const char *file, int line);
}

/* A launch waiting for its turn: arguments by value, as a launch copies them. */
struct sim_call {
    const char *kernel;
    const void *function;
    dim3 grid, block;
    size_t dyn_shared;
    size_t bytes;                                /* of the whole object: a kernel may read its arguments */
    virtual void run() const = 0;
    virtual ~sim_call() {}
};
/* Takes the call over. What is wrong with it is what cudaGetLastError says. */
void sim_enqueue(sim_call *call, cudaStream_t stream);

template <class... P, class... A>
void sim_launch(const char *name, void (*kernel)(P...), dim3 grid, dim3 block, size_t dyn_shared, cudaStream_t stream, A... args)
{
    struct call : sim_call {
        void (*go)(P...);
        std::tuple<P...> with;
        call(void (*k)(P...), A... a) : go(k), with(a...) {}
        SIM_UNSEEN void run() const override { std::apply(go, with); }
    };
    call *c = new call(kernel, args...);
    c->kernel = name, c->function = reinterpret_cast<const void *>(kernel);
    c->grid = grid, c->block = block, c->dyn_shared = dyn_shared, c->bytes = sizeof *c;
    sim_enqueue(c, stream);
}

/* ---- what a thread does alone ---- */

template <class To, class From> static inline To sim_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits of one size");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}
static inline float __uint_as_float(unsigned u) { return sim_bits<float>(u); }
static inline unsigned __float_as_uint(float f) { return sim_bits<unsigned>(f); }
static inline float __int_as_float(int i) { return sim_bits<float>(i); }
static inline int __float_as_int(float f) { return sim_bits<int>(f); }
static inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32); }
static inline int __popc(unsigned v) { return __builtin_popcount(v); }
static inline int __popcll(unsigned long long v) { return __builtin_popcountll(v); }
static inline int __ffs(int v) { return __builtin_ffs(v); }
static inline int __clz(int v) { return v ? __builtin_clz(static_cast<unsigned>(v)) : 32; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return sqrtf(a); }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }
static inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
static inline unsigned max(unsigned a, unsigned b) { return a > b ? a : b; }

static inline float k_f32_of_bf16(uint16_t b) { return sim_bits<float>(static_cast<uint32_t>(b) << 16); }
static inline uint16_t k_bf16_of(float f)
{
    uint32_t u = sim_bits<uint32_t>(f);
    if (f != f)
        return 0x7fff;
    return static_cast<uint16_t>((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
static inline float k_f32_of_f16(uint16_t b)
{
    uint32_t sign = (b & 0x8000u) << 16, rest = b & 0x7fffu;
    if (rest >= 0x7c00)
        return sim_bits<float>(sign | 0x7f800000u | (rest & 0x3ff) << 13);
    /* The exponent's bias is too small by 112: exact, and right for subnormal numbers too. */
    return sim_bits<float>(sign | sim_bits<uint32_t>(sim_bits<float>(rest << 13) * 0x1p112f));
}
static inline uint16_t k_f16_of(float f)
{
    uint32_t u = sim_bits<uint32_t>(f), sign = u >> 16 & 0x8000, a = u & 0x7fffffff;
    if (a > 0x7f800000)
        return 0x7fff;
    if (a >= 0x477ff000)                         /* 65520: halfway to what would be the next number */
        return static_cast<uint16_t>(sign | 0x7c00);
    if (a < 0x38800000)                          /* below 2^-14: adding 0.5 makes the float's unit that of a subnormal f16 */
        return static_cast<uint16_t>(sign | (sim_bits<uint32_t>(sim_bits<float>(a) + 0.5f) - 0x3f000000u));
    return static_cast<uint16_t>(sign | (a - 0x38000000 + 0xfff + (a >> 13 & 1)) >> 13);
}

/* ---- memory ---- */

template <class T> SIM_UNSEEN static inline T __ldg(const T *p, SIM_SITE)
{
    sim_touch(p, sizeof(T), alignof(T), SIM_READ, file, line);
    return *p;
}
SIM_UNSEEN static inline uint4 k_read128(const void *p, SIM_SITE)
{
    uint4 v;
    sim_touch(p, 16, 16, SIM_READ, file, line);
    memcpy(&v, p, 16);
    return v;
}
SIM_UNSEEN static inline void k_write128(void *p, uint4 v, SIM_SITE)
{
    sim_touch(p, 16, 16, SIM_WRITE, file, line);
    memcpy(p, &v, 16);
}
static inline uint4 k_load128(const void *p, SIM_SITE)
{
    sim_constant(p, 16, file, line);
    return k_read128(p, file, line);
}
static inline void k_cp_async16(void *shared, const void *global, SIM_SITE) { sim_cp_async(shared, global, 16, file, line); }
static inline void k_cp_commit() { sim_cp_commit(); }
template <int N> static inline void k_cp_wait() { sim_cp_wait(N); }
static inline void __threadfence() {}            /* blocks run one after another */
static inline void __threadfence_block() {}
#define __trap() sim_trap(__FILE__, __LINE__)

template <class T> struct sim_same {             /* so that the type of *p alone decides, as in atomicAdd(&u, 1) */
    typedef T type;
};
#define SIM_ATOMIC_OP(name, becomes)                                                                                                     \
    template <class T> SIM_UNSEEN static inline T name(T *p, typename sim_same<T>::type v, SIM_SITE)                                    \
    {                                                                                                                                    \
        sim_touch(p, sizeof(T), alignof(T), SIM_ATOMIC, file, line);                                                                     \
        T old = *p;                                                                                                                      \
        *p = becomes;                                                                                                                    \
        return old;                                                                                                                      \
    }
SIM_ATOMIC_OP(atomicAdd, old + v)
SIM_ATOMIC_OP(atomicMax, old > v ? old : v)
SIM_ATOMIC_OP(atomicMin, old < v ? old : v)
SIM_ATOMIC_OP(atomicExch, v)
SIM_ATOMIC_OP(atomicOr, old | v)
SIM_ATOMIC_OP(atomicAnd, old & v)
#undef SIM_ATOMIC_OP
template <class T> SIM_UNSEEN static inline T atomicCAS(T *p, typename sim_same<T>::type expected, typename sim_same<T>::type v, SIM_SITE)
{
    sim_touch(p, sizeof(T), alignof(T), SIM_ATOMIC, file, line);
    T old = *p;
    if (old == expected)
        *p = v;
    return old;
}

/* ---- what threads do together ---- */

static inline void __syncthreads(SIM_SITE) { sim_block_barrier(0, file, line); }
static inline int __syncthreads_count(int p, SIM_SITE) { return sim_block_barrier(p != 0, file, line); }
static inline int __syncthreads_or(int p, SIM_SITE) { return sim_block_barrier(p != 0, file, line) != 0; }
static inline int __syncthreads_and(int p, SIM_SITE) { return sim_block_barrier(p == 0, file, line) == 0; }
static inline void __syncwarp(unsigned mask = 0xffffffffu, SIM_SITE)
{
    sim_warp(SIM_SYNC, mask, nullptr, 0, nullptr, 0, 0, 32, file, line);
}

#define SIM_SHUFFLE(name, what, second)                                                                                                  \
    template <class T> static inline T name(unsigned mask, T v, second, int width = 32, SIM_SITE)                                       \
    {                                                                                                                                    \
        static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle moves 4 or 8 bytes");                                                 \
        T r;                                                                                                                             \
        sim_warp(what, mask, &v, sizeof v, &r, sizeof r, static_cast<int>(other), width, file, line);                                    \
        return r;                                                                                                                        \
    }
SIM_SHUFFLE(__shfl_sync, SIM_SHFL, int other)
SIM_SHUFFLE(__shfl_up_sync, SIM_SHFL_UP, unsigned other)
SIM_SHUFFLE(__shfl_down_sync, SIM_SHFL_DOWN, unsigned other)
SIM_SHUFFLE(__shfl_xor_sync, SIM_SHFL_XOR, int other)
#undef SIM_SHUFFLE

static inline unsigned sim_vote(enum sim_collective what, unsigned mask, int p, const char *file, int line)
{
    unsigned r, yes = p != 0;
    sim_warp(what, mask, &yes, sizeof yes, &r, sizeof r, 0, 32, file, line);
    return r;
}
static inline unsigned __ballot_sync(unsigned mask, int p, SIM_SITE) { return sim_vote(SIM_BALLOT, mask, p, file, line); }
static inline int __any_sync(unsigned mask, int p, SIM_SITE) { return sim_vote(SIM_ANY, mask, p, file, line) != 0; }
static inline int __all_sync(unsigned mask, int p, SIM_SITE) { return sim_vote(SIM_ALL, mask, p, file, line) != 0; }

static inline float k_warp_sum(float v, SIM_SITE)
{
    sim_warp(SIM_SUM, 0xffffffffu, &v, sizeof v, &v, sizeof v, 0, 32, file, line);
    return v;
}
static inline float k_warp_max(float v, SIM_SITE)
{
    sim_warp(SIM_MAX, 0xffffffffu, &v, sizeof v, &v, sizeof v, 0, 32, file, line);
    return v;
}

struct sim_mma_lane {
    float d[4];
    uint32_t a[4], b[2];
};
static inline void sim_mma(enum sim_collective what, float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const char *file,
                           int line)
{
    sim_mma_lane in;
    static_assert(sizeof in <= SIM_LANE_BYTES, "a lane's share fits");
    memcpy(in.d, d, sizeof in.d);
    memcpy(in.a, a, sizeof in.a);
    memcpy(in.b, b, sizeof in.b);
    sim_warp(what, 0xffffffffu, &in, sizeof in, d, sizeof in.d, 0, 32, file, line);
}
static inline void k_mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], SIM_SITE)
{
    sim_mma(SIM_MMA_BF16, d, a, b, file, line);
}
static inline void k_mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], SIM_SITE)
{
    sim_mma(SIM_MMA_F16, d, a, b, file, line);
}

#endif
