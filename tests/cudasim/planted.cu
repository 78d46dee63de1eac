/* planted.cu - bugs planted in kernels: each is reported, in every order of threads, with the right words; and its right twin is not.
 * A kernel does the wrong thing where 'bug' is set. */
#include "kernels/cuda/simt.h"

#include "sim_test.h"

#include <string>
#include <sys/wait.h>
#include <unistd.h>

enum { T = 64, CHECK = 1, ANY = 3, ALL = 7 };    /* threads; what finds it: the checker alone, the plain emulator too, ASan too */

/* ---- races and barriers ---- */

__global__ void no_barrier(float *o, int bug)
{
    K_SHARED(float, s, T);
    s[threadIdx.x] = threadIdx.x;
    if (!bug)
        __syncthreads();
    o[threadIdx.x] = s[(threadIdx.x + 33) % T];
}
__global__ void early_reuse(float *o, int bug)
{
    K_SHARED(float, s, T);
    float sum = 0;
    for (int i = 0; i < 3; i++) {
        s[threadIdx.x] = i;
        __syncthreads();
        sum += s[T - 1 - threadIdx.x];
        if (!bug)
            __syncthreads();
    }
    o[threadIdx.x] = sum;
}
__global__ void no_syncwarp(float *o, int bug)
{
    K_SHARED(float, s, T);
    s[threadIdx.x] = threadIdx.x;
    if (!bug)
        __syncwarp();
    o[threadIdx.x] = s[threadIdx.x ^ 1];
}
__global__ void shuffle_as_fence(float *o, int bug)
{
    K_SHARED(float, s, T);
    s[threadIdx.x] = threadIdx.x;
    float v = __shfl_xor_sync(K_FULL, 1.0f, 1);
    if (!bug)
        __syncwarp();
    o[threadIdx.x] = v + s[threadIdx.x ^ 1];
}
__global__ void warp_for_block(float *o, int bug)
{
    K_SHARED(float, s, T);
    s[threadIdx.x] = threadIdx.x;
    if (bug)
        __syncwarp();                            /* the value comes from the other warp */
    else
        __syncthreads();
    o[threadIdx.x] = s[threadIdx.x ^ 32];
}
__global__ void all_write_one(float *o, int bug)
{
    if (!bug) {
        o[threadIdx.x] = 1;
        return;
    }
    o[threadIdx.x / 2] = threadIdx.x;
}
__global__ void sum_across_blocks(float *o, int bug)
{
    if (threadIdx.x)
        return;
    if (bug)
        o[0] += 1;
    else
        atomicAdd(&o[0], 1);
}
__global__ void others_result(float *o, int bug)
{
    unsigned from = bug ? 1 - blockIdx.x : blockIdx.x;
    o[blockIdx.x * T + threadIdx.x] = 1;
    o[2 * T + blockIdx.x * T + threadIdx.x] = o[from * T + threadIdx.x];
}
__global__ void stale_flag(float *o, int bug)
{
    int *flag = reinterpret_cast<int *>(o + T);
    if (blockIdx.x == 0 && threadIdx.x == 0)
        atomicExch(flag, 1);
    if (bug && blockIdx.x == 1 && threadIdx.x == 0 && *static_cast<volatile int *>(flag))
        o[0] = 1;
}
/* Block 0 waits for block 1, and neither has a right to expect that the other runs. */
__global__ void spin_on_flag(float *o, int bug)
{
    volatile int *flag = reinterpret_cast<volatile int *>(o + T);
    if (threadIdx.x == 0 && blockIdx.x != 1)
        while (bug && *flag == 0)
            ;
    if (threadIdx.x == 0 && blockIdx.x == 1)
        *flag = 1;
}
__global__ void read_then_other_block_writes(float *o, int bug)
{
    float v = o[T];
    if (blockIdx.x == gridDim.x / 2 && threadIdx.x == 0 && bug)
        o[T] = 2;
    if (v > 1e9f)
        o[threadIdx.x] = v;
}

/* ---- divergence and masks ---- */

__global__ void barrier_in_both_arms(float *o, int bug)
{
    o[threadIdx.x] = 1;
    if (threadIdx.x < 32 || !bug)
        __syncthreads();
    else
        __syncthreads();
}
__global__ void barrier_of_some(float *o, int bug)
{
    o[threadIdx.x] = 1;
    if (threadIdx.x < 40 || !bug)
        __syncthreads();
}
__global__ void early_return(float *o, int bug)
{
    if (bug && threadIdx.x == 7)
        return;
    __syncthreads();
    o[threadIdx.x] = 1;
}
__global__ void shuffle_of_some(float *o, int bug)
{
    float v = threadIdx.x;
    if (threadIdx.x % 2 == 0 || !bug)
        v += __shfl_xor_sync(K_FULL, v, 2);
    __syncthreads();
    o[threadIdx.x] = v;
}
__global__ void mask_without_me(float *o, int bug)
{
    o[threadIdx.x] = __shfl_xor_sync(bug ? 0xffffu : K_FULL, 1.0f, 1);
}
__global__ void mask_with_the_dead(float *o, int bug)
{
    if (threadIdx.x == 33 && bug)
        return;
    o[threadIdx.x] = k_warp_sum(1);
}
__global__ void two_collectives(float *o, int bug)
{
    float v = 1;
    if (threadIdx.x % 32 < 16 || !bug)
        v = __shfl_xor_sync(K_FULL, v, 1);
    else
        v = __shfl_down_sync(K_FULL, v, 1);
    o[threadIdx.x] = v;
}
__global__ void source_outside(float *o, int bug)
{
    if (threadIdx.x % 32 < 16)
        o[threadIdx.x] = __shfl_sync(0xffffu, 1.0f, bug ? 20 : 3);
}
__global__ void product_of_some(float *o, int bug)
{
    float d[4] = {};
    uint32_t a[4] = {}, b[2] = {};
    if (threadIdx.x != 5 || !bug)
        k_mma_f16(d, a, b);
    o[threadIdx.x] = d[0];
}

/* ---- memory ---- */

__global__ void shared_past_end(float *o, int bug)
{
    K_SHARED(float, s, T);
    K_SHARED(float, behind, T);
    s[threadIdx.x + bug] = 1;
    behind[threadIdx.x] = 2;
    __syncthreads();
    o[threadIdx.x] = s[threadIdx.x] + behind[threadIdx.x];
}
__global__ void dynamic_past_end(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    s[threadIdx.x + (bug ? T : 0)] = 1;          /* the launch brings T */
    o[threadIdx.x] = s[threadIdx.x + (bug ? T : 0)];
}
__global__ void global_past_end(float *o, int bug) { o[4 * T - 1 - threadIdx.x + (bug ? 1 : 0)] = 1; }
__global__ void global_far_off(float *o, int bug) { o[threadIdx.x + (bug ? 1 << 20 : 0)] = 1; }
__global__ void shared_unset(float *o, int bug)
{
    K_SHARED(float, s, T);
    if (threadIdx.x != 9 || !bug)
        s[threadIdx.x] = 1;
    __syncthreads();
    o[threadIdx.x] = s[threadIdx.x];
}
__global__ void global_unset(float *o, int bug)
{
    float *unset = o + 2 * T;
    if (!bug)
        unset[threadIdx.x] = 1;
    o[threadIdx.x] = unset[threadIdx.x];
}
__global__ void misaligned_load(float *o, int bug)
{
    o[2 * T + threadIdx.x] = __uint_as_float(k_load128(o + (bug ? 1 : 4)).x);
}
__global__ void misaligned_read(float *o, int bug)
{
    o[2 * T + threadIdx.x] = __uint_as_float(k_read128(o + (bug ? 2 : 4)).x);
}
__global__ void misaligned_write(float *o, int bug) { k_write128(o + threadIdx.x * 4 - bug * 2, uint4{ 1, 2, 3, 4 }); }
/* What a thread has written itself is not seen by the path that reads constants. */
__global__ void load_of_own(float *o, int bug)
{
    k_write128(o + threadIdx.x * 4, uint4{ 1, 2, 3, 4 });
    const uint4 v = bug ? k_load128(o + threadIdx.x * 4) : k_read128(o + threadIdx.x * 4);
    if (v.x != 1)
        k_write128(o + threadIdx.x * 4, v);
}
__global__ void misaligned_vector(float *o, int bug)
{
    *reinterpret_cast<float4 *>(o + threadIdx.x * 4 - bug * 4 + bug * 6) = float4{ 1, 2, 3, 4 };
}
__global__ void unaligned_copy(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    if (threadIdx.x == 0)
        k_cp_async16(s + bug, o);
    k_cp_commit();
    k_cp_wait<0>();
}
__global__ void local_of_another(float *o, int bug)
{
    K_SHARED(float *, where, 1);
    float mine = threadIdx.x;
    if (threadIdx.x == 0)
        where[0] = bug ? &mine : o;
    __syncthreads();
    o[T + threadIdx.x] = *where[0];
    __syncthreads();
    asm volatile("" ::"r"(&mine) : "memory");
}
__global__ void host_pointer(float *o, const float *from, int bug) { o[threadIdx.x] = bug ? from[threadIdx.x] : 1; }

/* ---- asynchronous copies ---- */

__global__ void copy_not_awaited(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    if (threadIdx.x < T / 4)
        k_cp_async16(s + threadIdx.x * 4, o + threadIdx.x * 4);
    k_cp_commit();
    if (!bug)
        k_cp_wait<0>();
    __syncthreads();
    float v = s[threadIdx.x];
    k_cp_wait<0>();
    o[2 * T + threadIdx.x] = v;
}
__global__ void copy_without_barrier(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    if (threadIdx.x < T / 4)
        k_cp_async16(s + threadIdx.x * 4, o + threadIdx.x * 4);
    k_cp_commit();
    k_cp_wait<0>();
    if (!bug)
        __syncthreads();
    o[2 * T + threadIdx.x] = s[threadIdx.x];
}
/* Two stages of T/2 floats; what was committed last is still on its way where only the groups before it are waited for. */
__global__ void wrong_phase(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    for (int i = 0; i < 2; i++) {
        if (threadIdx.x < T / 8)
            k_cp_async16(s + i * T / 2 + threadIdx.x * 4, o + i * T / 2 + threadIdx.x * 4);
        k_cp_commit();
    }
    if (bug)
        k_cp_wait<1>();
    else
        k_cp_wait<0>();
    __syncthreads();
    float v = s[threadIdx.x];
    k_cp_wait<0>();
    o[2 * T + threadIdx.x] = v;
}
__global__ void never_committed(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    if (threadIdx.x == 0)
        k_cp_async16(s, o);
    if (!bug)
        k_cp_commit();
    k_cp_wait<0>();
}
/* A ring of one stage: the next copy begins while others still read the stage. */
__global__ void ring_too_early(float *o, int bug)
{
    K_DYN_SHARED(float, s);
    float sum = 0;
    for (int i = 0; i < 2; i++) {
        if (threadIdx.x < T / 4)
            k_cp_async16(s + threadIdx.x * 4, o + threadIdx.x * 4);
        k_cp_commit();
        k_cp_wait<0>();
        __syncthreads();
        sum += s[threadIdx.x];
        if (!bug)
            __syncthreads();
    }
    o[2 * T + threadIdx.x] = sum;
}
__global__ void traps(float *o, int bug)
{
    if (bug && threadIdx.x == 3)
        __trap();
    o[threadIdx.x] = 1;
}

/* ---- the table ---- */

static float *data;                              /* 4 T floats on the device, of which the first 2 T are set */
#define KERNEL(name, blocks) [](int bug) { K_LAUNCH((name), blocks, T, T * sizeof(float), nullptr, data, bug); }

static const struct {
    const char *name;
    void (*run)(int bug);
    const char *says;                            /* in the report */
    int found_by;
} bugs[] = {
    { "missing __syncthreads", KERNEL(no_barrier, 1), "", CHECK },
    { "shared memory used again too early", KERNEL(early_reuse, 1), "race", CHECK },
    { "missing __syncwarp", KERNEL(no_syncwarp, 1), "", CHECK },
    { "a shuffle taken for a fence", KERNEL(shuffle_as_fence, 1), "race", CHECK },
    { "__syncwarp where __syncthreads is needed", KERNEL(warp_for_block, 1), "", CHECK },
    { "two threads write one element", KERNEL(all_write_one, 1), "race", CHECK },
    { "a sum over blocks that is not atomic", KERNEL(sum_across_blocks, 3), "another block", CHECK },
    { "another block's result", KERNEL(others_result, 2), "another block", CHECK },
    { "a flag of another block", KERNEL(stale_flag, 2), "another block", CHECK },
    { "a wait for another block", KERNEL(spin_on_flag, 2), "", CHECK },
    { "a block writes what others read", KERNEL(read_then_other_block_writes, 3), "another block", CHECK },
    { "__syncthreads in both arms", KERNEL(barrier_in_both_arms, 1), "divergent", ANY },
    { "__syncthreads of some threads", KERNEL(barrier_of_some, 1), "never come", ANY },
    { "__syncthreads after a return", KERNEL(early_return, 1), "never come", ANY },
    { "a shuffle of some lanes", KERNEL(shuffle_of_some, 1), "never come", ANY },
    { "a mask without the lane itself", KERNEL(mask_without_me, 1), "does not name the lane", ANY },
    { "a mask with a lane that has ended", KERNEL(mask_with_the_dead, 1), "", ANY },
    { "two collectives at once", KERNEL(two_collectives, 1), "divergent", ANY },
    { "a source lane outside of the mask", KERNEL(source_outside, 1), "not in the mask", ANY },
    { "a matrix product of some lanes", KERNEL(product_of_some, 1), "", ANY },
    { "shared memory past an array's end", KERNEL(shared_past_end, 1), "s (256 bytes)", ALL },
    { "dynamic shared memory that the launch did not bring", KERNEL(dynamic_past_end, 1), "dynamic shared memory", ALL },
    { "one element past an allocation", KERNEL(global_past_end, 1), "allocation of 1024 bytes", ALL },
    { "far past an allocation", KERNEL(global_far_off, 1), "", ANY },
    { "shared memory that nobody wrote", KERNEL(shared_unset, 1), "nobody wrote", CHECK },
    { "device memory that nobody wrote", KERNEL(global_unset, 1), "nobody wrote", CHECK },
    { "a misaligned load of 16 bytes", KERNEL(misaligned_load, 1), "multiple of 16", ANY },
    { "a misaligned read of 16 bytes", KERNEL(misaligned_read, 1), "multiple of 16", ANY },
    { "a misaligned write of 16 bytes", KERNEL(misaligned_write, 1), "multiple of 16", ANY },
    { "a constant that the launch writes", KERNEL(load_of_own, 1), "which this launch wrote", CHECK },
    { "a misaligned float4", KERNEL(misaligned_vector, 1), "misaligned", CHECK },
    { "a misaligned asynchronous copy", KERNEL(unaligned_copy, 1), "multiple of 16", ANY },
    { "another thread's local variable", KERNEL(local_of_another, 1), "another thread", CHECK },
    { "a copy that is not awaited", KERNEL(copy_not_awaited, 1), "has not landed", CHECK },
    { "a copy read without a barrier", KERNEL(copy_without_barrier, 1), "", CHECK },
    { "a copy of the wrong phase", KERNEL(wrong_phase, 1), "has not landed", CHECK },
    { "a copy that is never committed", KERNEL(never_committed, 1), "on their way", ANY },
    { "a ring whose stage is filled too early", KERNEL(ring_too_early, 1), "", CHECK },
    { "__trap()", KERNEL(traps, 1), "__trap()", ANY },
    { "a host pointer", [](int bug) {
         static float host[T];
         K_LAUNCH((host_pointer), 1, T, 0, nullptr, data, host, bug);
     }, "host memory", CHECK },
    { "a warp cut short by the block's size", [](int bug) {
         K_LAUNCH((mask_with_the_dead), 1, bug ? 48 : 64, 0, nullptr, data, 0);
     }, "this block of 48 threads lacks", ANY },
};

static cudaError_t run(void (*kernel)(int), int bug)
{
    cudasim_reset();
    data = device<float>(4 * T);
    store(data, std::vector<float>(2 * T, 0));
    kernel(bug);
    cudaError_t e = cudaGetLastError();
    return e ? e : cudaDeviceSynchronize();
}

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer ends the program at the first bug, so each gets a process of its own; where it does not, the emulator has seen it. */
static bool dies(void (*kernel)(int))
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(0);
        run(kernel, 1);
        _exit(cudasim_reports() > 0);
    }
    int status;
    waitpid(child, &status, 0);
    return status != 0;
}
static const int how = 4;
#else
static bool dies(void (*)(int)) { return false; }
static const int how = 0;
#endif

/* The bug in the order that is set: reported with a block and the right words. */
static bool found(void (*kernel)(int), const char *says)
{
    cudaError_t e = run(kernel, 1);
    return e != cudaSuccess && cudasim_reports() > 0 && strstr(cudasim_last(), says) && strstr(cudasim_last(), "block (");
}

int main()
{
    const int by = how ? how : cudasim_checks() ? static_cast<int>(CHECK) : 2;
    cudasim()->quiet = true, cudasim()->patience = 10000;
    for (auto &b : bugs) {
        int right = 0, reported = 0, n = 0;
        std::string last;
        for (int order = 0; order < 3; order++)
            for (uint32_t seed = 1; seed < (order == 2 ? 6u : 2u); seed++, n++) {
                cudasim()->order = static_cast<enum cudasim_order>(order), cudasim()->seed = seed;
                right += run(b.run, 0) == cudaSuccess && cudasim_reports() == 0;
                if (cudasim_reports())
                    last = cudasim_last();
                if (!(b.found_by & by))
                    continue;
                bool seen = how ? dies(b.run) : found(b.run, b.says);
                reported += seen;
                if (!seen || !n)
                    last = how ? "ends the program" : cudasim_last();
            }
        ok(right == n, "the right twin of %s is not reported", b.name);
        if (b.found_by & by)
            ok(reported == n, "%s: %s", b.name, last.c_str());
    }
    return done_testing();
}
