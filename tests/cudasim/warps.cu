/* warps.cu - collectives, barriers, shared memory and matrix products of the emulator against plain loops. */
#include "kernels/cuda/simt.h"

#include "sim_test.h"

/* ---- shuffles, votes, sums ---- */

__global__ void shuffles(int *out, int width)
{
    int t = threadIdx.x, v = 100 + t;
    out[t] = __shfl_sync(K_FULL, v, t * 7 + 3, width);
    out[64 + t] = __shfl_up_sync(K_FULL, v, 3, width);
    out[128 + t] = __shfl_down_sync(K_FULL, v, 5, width);
    out[192 + t] = __shfl_xor_sync(K_FULL, v, 9, width);
}

static void test_shuffles(int width)
{
    int *d = device<int>(256), bad = 0;
    K_LAUNCH((shuffles), 1, 64, 0, nullptr, d, width);
    std::vector<int> got = fetch(d, 256);
    for (int t = 0; t < 64; t++) {
        int warp = t / 32 * 32, lane = t % 32, first = lane / width * width, last = first + width - 1;
        int from[4] = { first + (t * 7 + 3) % width, lane - 3 < first ? lane : lane - 3, lane + 5 > last ? lane : lane + 5,
                        (lane ^ 9) > last ? lane : lane ^ 9 };
        for (int i = 0; i < 4; i++)
            bad += got[static_cast<size_t>(i * 64 + t)] != 100 + warp + from[i];
    }
    ok(bad == 0, "shuffles of width %d", width);
}

__global__ void votes(unsigned *out)
{
    int t = threadIdx.x;
    out[t] = __ballot_sync(K_FULL, t % 3 == 0);
    out[64 + t] = static_cast<unsigned>(__any_sync(K_FULL, t == 40) * 2 + __all_sync(K_FULL, t < 32));
    if (t % 32 < 16)
        out[128 + t] = __ballot_sync(0xffffu, t % 2);
    else
        out[128 + t] = __ballot_sync(0xffff0000u, t % 2);
}

static void test_votes()
{
    unsigned *d = device<unsigned>(192), bad = 0;
    K_LAUNCH((votes), 1, 64, 0, nullptr, d);
    std::vector<unsigned> got = fetch(d, 192);
    for (size_t t = 0; t < 64; t++) {
        unsigned all = 0;
        for (unsigned l = 0; l < 32; l++)
            all |= (t / 32 * 32 + l) % 3 == 0 ? 1u << l : 0;
        bad += got[t] != all || got[64 + t] != (t < 32 ? 1u : 2u) || got[128 + t] != (t % 32 < 16 ? 0xaaaau : 0xaaaa0000u);
    }
    ok(bad == 0, "votes of whole and of half warps");
}

__global__ void reductions(const float *x, float *out)
{
    K_SHARED(float, part, 4);
    int t = threadIdx.x, warp = t / 32;
    float s = k_warp_sum(x[blockIdx.x * blockDim.x + t]), m = k_warp_max(x[blockIdx.x * blockDim.x + t]);
    if (t % 32 == 0)
        part[warp] = s;
    __syncthreads();
    if (t == 0)
        out[blockIdx.x * 2] = part[0] + part[1] + part[2] + part[3];
    if (t == 127)
        out[blockIdx.x * 2 + 1] = m;
}

static void test_reductions()
{
    enum { BLOCKS = 5, N = BLOCKS * 128 };
    std::vector<float> x(N);
    for (int i = 0; i < N; i++)
        x[static_cast<size_t>(i)] = static_cast<float>(i * 37 % 101) - 50;
    float *d = device<float>(N), *o = device<float>(BLOCKS * 2);
    store(d, x);
    K_LAUNCH((reductions), BLOCKS, 128, 0, nullptr, d, o);
    std::vector<float> got = fetch(o, BLOCKS * 2);
    int bad = 0;
    for (size_t b = 0; b < BLOCKS; b++) {
        float s = 0, m = -1e9f;
        for (size_t i = 0; i < 128; i++) {
            s += x[b * 128 + i];
            if (i >= 96)
                m = fmaxf(m, x[b * 128 + i]);
        }
        bad += got[b * 2] != s || got[b * 2 + 1] != m;
    }
    ok(bad == 0, "sums over a block by warps and shared memory");
}

/* ---- products ---- */

template <bool BF16> __global__ void product(const uint16_t *a, const uint16_t *b, float *d)
{
    const int lane = threadIdx.x, g = lane / 4, t = lane % 4;
    uint32_t ra[4], rb[2];
    float rd[4] = { 1, 2, 3, 4 };
    for (int i = 0; i < 4; i++)
        memcpy(&ra[i], a + (g + i % 2 * 8) * 16 + 2 * t + i / 2 * 8, 4);
    for (int i = 0; i < 2; i++)
        rb[i] = b[(2 * t + i * 8) * 8 + g] | static_cast<uint32_t>(b[(2 * t + i * 8 + 1) * 8 + g]) << 16;
    if (BF16)
        k_mma_bf16(rd, ra, rb);
    else
        k_mma_f16(rd, ra, rb);
    for (int i = 0; i < 4; i++)
        d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = rd[i];
}

template <bool BF16> static void test_product()
{
    std::vector<uint16_t> a(256), b(128);
    std::vector<float> fa(256), fb(128);
    for (size_t i = 0; i < 256; i++)
        fa[i] = static_cast<float>(static_cast<int>(i * 29 % 31) - 15) * 0.25f, a[i] = BF16 ? k_bf16_of(fa[i]) : k_f16_of(fa[i]);
    for (size_t i = 0; i < 128; i++)
        fb[i] = static_cast<float>(static_cast<int>(i * 23 % 17) - 8) * 0.5f, b[i] = BF16 ? k_bf16_of(fb[i]) : k_f16_of(fb[i]);
    uint16_t *da = device<uint16_t>(256), *db = device<uint16_t>(128);
    float *dd = device<float>(128);
    store(da, a), store(db, b);
    K_LAUNCH((product<BF16>), 1, 32, 0, nullptr, da, db, dd);
    std::vector<float> got = fetch(dd, 128);
    int bad = 0;
    for (size_t r = 0; r < 16; r++)
        for (size_t c = 0; c < 8; c++) {
            float s = static_cast<float>(1 + r / 8 * 2 + c % 2);
            for (size_t k = 0; k < 16; k++)
                s = fmaf(fa[r * 16 + k], fb[k * 8 + c], s);
            bad += got[r * 8 + c] != s;
        }
    ok(bad == 0, "a 16 x 8 x 16 product of %s", BF16 ? "bf16" : "f16");
}

/* ---- asynchronous copies ---- */

__global__ void ring(const float *x, float *out, int n)
{
    K_DYN_SHARED(float, s);
    const int t = threadIdx.x, step = blockDim.x * 4;
    float sum = 0;
    for (int i = 0; i < 2; i++) {
        k_cp_async16(s + i * step + t * 4, x + i * step + t * 4);
        k_cp_commit();
    }
    for (int i = 0; i < n; i++) {
        k_cp_wait<1>();
        __syncthreads();
        for (int j = 0; j < 4; j++)
            sum += s[i % 2 * step + (t * 4 + j + 4) % step];         /* a neighbour's */
        __syncthreads();
        if (i + 2 < n)
            k_cp_async16(s + i % 2 * step + t * 4, x + (i + 2) * step + t * 4);
        k_cp_commit();
    }
    k_cp_wait<0>();
    out[t] = sum;
}

static void test_ring()
{
    enum { THREADS = 96, STEPS = 7, STEP = THREADS * 4 };
    std::vector<float> x(STEP * STEPS);
    for (size_t i = 0; i < x.size(); i++)
        x[i] = static_cast<float>(i % 1013);
    float *d = device<float>(x.size()), *o = device<float>(THREADS);
    store(d, x);
    K_LAUNCH((ring), 1, THREADS, 2 * STEP * sizeof(float), nullptr, d, o, STEPS);
    std::vector<float> got = fetch(o, THREADS);
    int bad = 0;
    for (size_t t = 0; t < THREADS; t++) {
        float sum = 0;
        for (size_t i = 0; i < STEPS; i++)
            for (size_t j = 0; j < 4; j++)
                sum += x[i * STEP + (t * 4 + j + 4) % STEP];
        bad += got[t] != sum;
    }
    ok(bad == 0, "a ring of asynchronous copies");
}

/* ---- 16-bit numbers ---- */

static void test_halves()
{
    int bad = 0;
    for (unsigned b = 0; b < 65536; b++) {
        uint16_t h = static_cast<uint16_t>(b);
        float f = k_f32_of_f16(h), g = k_f32_of_bf16(h);
        bad += f != f ? k_f16_of(f) != 0x7fff : k_f16_of(f) != h;
        bad += g != g ? k_bf16_of(g) != 0x7fff : k_bf16_of(g) != h;
        if (f == f && b % 0x8000 < 0x7bff) {
            float next = k_f32_of_f16(static_cast<uint16_t>(b + 1)), middle = (f + next) / 2;
            bad += k_f16_of(middle) != (b % 2 ? b + 1 : b);          /* to even */
            bad += k_f16_of(nextafterf(middle, f)) != b || k_f16_of(nextafterf(middle, next)) != b + 1;
        }
    }
    ok(bad == 0, "f16 and bf16: all of them, and the middle between two goes to the even one");
    ok(k_f16_of(65519.9f) == 0x7bff && k_f16_of(65520) == 0x7c00 && k_f16_sat(1e9f) == 0x7bff && k_f16_sat(-1e9f) == 0xfbff &&
           k_f16_of(1e-9f) == 0 && k_f32_of_f16(1) == 0x1p-24f && k_f16_sat(NAN) == 0x7fff,
       "f16 at its ends");
}

int main()
{
    test_halves();
    for (int order = 0; order < 3; order++)
        for (int fill = 0; fill < 2; fill++)
            for (int eager = 0; eager < 2; eager++) {
                cudasim()->order = static_cast<enum cudasim_order>(order), cudasim()->fill = fill ? 0 : 0xff, cudasim()->eager = eager != 0;
                cudasim_reset();
                for (int width = 32; width > 1; width /= 4)
                    test_shuffles(width);
                test_votes();
                test_reductions();
                test_product<true>();
                test_product<false>();
                test_ring();
            }
    ok(cudasim_reports() == 0, "nothing was reported");
    return done_testing();
}
