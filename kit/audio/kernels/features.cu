// Features of many clips in one pass: frame, window, real FFT, power, filter bank, logarithm, DCT.
//
// in:  clips  SAMPLE[clips][samples], int16 or float32, rows without gaps
// out: out    float[clips][frames][COEFFS]
// A team of LANES lanes takes a frame, then the next one that no other team has. Per clip the
// kernel reads 2 (int16) or 4 (float32) bytes a sample and writes 4 bytes a coefficient; all that
// lies between stays in registers and in shared memory.
// launch: any number of blocks of TEAMS * LANES threads; LANES is 16, so a warp holds two teams.
//
// Set by the compiler's options, see _options in kit/audio/gpu.py: SAMPLE, SAMPLE2, PAIRED, WINDOW,
// HOP, LEAD, FFT, RADICES, REFLECT, REMOVE_DC, EMPHASIS, EMPHASIS_ON, MAGNITUDE, MELS, COEFFS,
// USE_DCT, FLOOR, LOG_SCALE, TEAMS; and for the second pass COEFFS_OUT, DCT_OUT, CLIP_RANGE.

#define LANES 16
#define HALF (FFT / 2)
#define SLOT(i) ((i) + ((i) >> 4))  // a gap after 16 points: no two lanes meet in one bank

struct Complex {
    float re, im;
};

__device__ inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
__device__ inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
__device__ inline Complex operator*(Complex a, Complex b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
__device__ inline Complex scaled(Complex a, float f) { return {a.re * f, a.im * f}; }
__device__ inline Complex turned(Complex a) { return {a.im, -a.re}; }  // times -i

// the DFT of R values in registers, natural order in and out
template <int R>
struct Dft;

template <>
struct Dft<2> {
    static __device__ void run(Complex *v) {
        Complex a = v[0];
        v[0] = a + v[1];
        v[1] = a - v[1];
    }
};

template <>
struct Dft<3> {
    static __device__ void run(Complex *v) {
        Complex sum = v[1] + v[2], gap = turned(scaled(v[1] - v[2], 0.866025404f));
        Complex mean = v[0] - scaled(sum, 0.5f);
        v[0] = v[0] + sum;
        v[1] = mean + gap;
        v[2] = mean - gap;
    }
};

template <>
struct Dft<4> {
    static __device__ void run(Complex *v) {
        Complex a = v[0] + v[2], b = v[0] - v[2], c = v[1] + v[3], d = turned(v[1] - v[3]);
        v[0] = a + c;
        v[1] = b + d;
        v[2] = a - c;
        v[3] = b - d;
    }
};

template <>
struct Dft<5> {
    static __device__ void run(Complex *v) {
        const float c1 = 0.309016994f, c2 = -0.809016994f, s1 = 0.951056516f, s2 = 0.587785252f;
        Complex p = v[1] + v[4], q = turned(v[1] - v[4]), u = v[2] + v[3], w = turned(v[2] - v[3]);
        Complex x = v[0] + scaled(p, c1) + scaled(u, c2), y = v[0] + scaled(p, c2) + scaled(u, c1);
        Complex z = scaled(q, s1) + scaled(w, s2), t = scaled(q, s2) - scaled(w, s1);
        v[0] = v[0] + p + u;
        v[1] = x + z;
        v[2] = y + t;
        v[3] = y - t;
        v[4] = x - z;
    }
};

template <>
struct Dft<8> {
    static __device__ void run(Complex *v) {
        const float h = 0.707106781f;
        Complex even[4] = {v[0], v[2], v[4], v[6]}, odd[4] = {v[1], v[3], v[5], v[7]};
        Dft<4>::run(even);
        Dft<4>::run(odd);
        odd[1] = odd[1] * Complex{h, -h};
        odd[2] = turned(odd[2]);
        odd[3] = odd[3] * Complex{-h, -h};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            v[i] = even[i] + odd[i];
            v[i + 4] = even[i] - odd[i];
        }
    }
};

template <>
struct Dft<16> {
    static __device__ void run(Complex *v) {
        const float h = 0.707106781f, c = 0.923879533f, s = 0.382683432f;
        const Complex turn[10] = {{1, 0}, {c, -s}, {h, -h}, {s, -c}, {0, -1},
                                  {-s, -c}, {-h, -h}, {-c, -s}, {-1, 0}, {-c, s}};
        Complex row[4][4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
#pragma unroll
            for (int j = 0; j < 4; j++) row[i][j] = v[i + 4 * j];
            Dft<4>::run(row[i]);
#pragma unroll
            for (int j = 1; j < 4; j++)
                if (i) row[i][j] = row[i][j] * turn[i * j];
        }
#pragma unroll
        for (int j = 0; j < 4; j++) {
            Complex column[4] = {row[0][j], row[1][j], row[2][j], row[3][j]};
            Dft<4>::run(column);
#pragma unroll
            for (int i = 0; i < 4; i++) v[j + 4 * i] = column[i];
        }
    }
};

// one sample of a frame: the padding that the spec asks for
__device__ inline float sample_at(const SAMPLE *clip, int i, int samples) {
#if REFLECT
    int last = samples - 1, j = i < 0 ? -i : i;
    i = j > last ? 2 * last - j : j;
#endif
    return i >= 0 && i < samples ? float(clip[i]) : 0.0f;
}

// what the stages of a frame share
struct Frame {
    const SAMPLE *clip;
    const float *window;
    int begin, samples, lane;
    float mean;

    __device__ bool inside() const { return begin >= 0 && begin + WINDOW <= samples; }

    __device__ float raw(int n) const { return sample_at(clip, begin + n, samples); }

    __device__ float shaped(int n) const {
        if (n >= WINDOW) return 0.0f;
        float x = raw(n) - mean;
#if EMPHASIS_ON
        x -= EMPHASIS * (raw(n > 0 ? n - 1 : 0) - mean);
#endif
        return x * window[n];
    }

    // samples 2n and 2n + 1, shaped: a point of the complex FFT
    __device__ Complex pair(int n) const {
#if PAIRED
        if (2 * n + 1 < WINDOW && inside()) {
            SAMPLE2 two = *reinterpret_cast<const SAMPLE2 *>(clip + begin + 2 * n);
            return {two.x * window[2 * n], two.y * window[2 * n + 1]};
        }
#endif
        return {shaped(2 * n), shaped(2 * n + 1)};
    }

    __device__ void find_mean() {
        mean = 0.0f;
#if REMOVE_DC
        float sum = 0.0f;
        for (int n = lane; n < WINDOW; n += LANES) sum += raw(n);
        for (int far = LANES / 2; far; far /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, far);
        mean = sum * (1.0f / WINDOW);
#endif
    }
};

// one stage of the in-place FFT; twiddles lie output by output, so that lanes read neighbours
template <int BLOCK, int R, bool FIRST, bool LAST>
__device__ void stage(Complex *z, const Complex *twiddles, const Frame &frame) {
    constexpr int STEP = BLOCK / R;
    for (int b = frame.lane; b < HALF / R; b += LANES) {
        const int j = b % STEP, at = b / STEP * BLOCK + j;
        Complex v[R];
#pragma unroll
        for (int i = 0; i < R; i++) v[i] = FIRST ? frame.pair(at + i * STEP) : z[SLOT(at + i * STEP)];
        Dft<R>::run(v);
#pragma unroll
        for (int i = 0; i < R; i++)
            z[SLOT(at + i * STEP)] = i && !LAST ? v[i] * twiddles[(i - 1) * STEP + j] : v[i];
    }
    __syncwarp();
}

template <int BLOCK, bool FIRST, int R, int... REST>
struct Stages {
    static constexpr int STEP = BLOCK / R;
    static constexpr bool LAST = sizeof...(REST) == 0;

    static __device__ void run(Complex *z, const Complex *twiddles, const Frame &frame) {
        stage<BLOCK, R, FIRST, LAST>(z, twiddles, frame);
        if constexpr (!LAST) Stages<STEP, false, REST...>::run(z, twiddles + STEP * (R - 1), frame);
    }

    // where the transform leaves X[k]
    static __device__ int place(int k) {
        if constexpr (LAST)
            return k;
        else
            return k % R * STEP + Stages<STEP, false, REST...>::place(k / R);
    }
};

using Fft = Stages<HALF, true, RADICES>;

__device__ inline float strength(Complex a) {
    float p = a.re * a.re + a.im * a.im;
#if MAGNITUDE
    p = sqrtf(p);
#endif
    return p;
}

// from the complex FFT of pairs to the power of the real FFT. Sums and differences are taken of
// amplitudes: a weak bin beside a strong one would drown in the rounding of powers
__device__ void real_power(const Complex *z, float *power, const Complex *turn, int lane) {
    for (int k = lane; k <= HALF / 2; k += LANES) {
        if (k == 0) {
            Complex a = z[0];
            power[0] = strength({2 * (a.re + a.im), 0});
            power[HALF] = strength({2 * (a.re - a.im), 0});
        } else {
            Complex a = z[SLOT(Fft::place(k))], b = z[SLOT(Fft::place(HALF - k))];
            Complex even = {a.re + b.re, a.im - b.im}, odd = {a.im + b.im, b.re - a.re};
            odd = odd * turn[k];
            power[k] = strength(even + odd);
            power[HALF - k] = strength(even - odd);
        }
    }
    __syncwarp();
}

// the larger one; unlike fmaxf it lets NaN through, for a broken clip must not look like silence
__device__ inline float raised(float x, float least) { return x < least ? least : x; }

__device__ void log_mel(const float *power, float *bands, const int *edges, const float *weights,
                        int lane) {
    for (int m = lane; m < MELS; m += LANES) {
        const int first = edges[m], last = edges[MELS + m];
        const float *weight = weights + edges[2 * MELS + m];
        float sum = 0.0f;
        for (int k = first; k < last; k++) sum += power[k] * weight[k - first];
        bands[m] = LOG_SCALE * logf(raised(sum, FLOOR));
    }
    __syncwarp();
}

extern "C" __global__ void __launch_bounds__(TEAMS *LANES)
features(const SAMPLE *clips, float *out, const float *window, const Complex *twiddles,
         const Complex *turn, const int *edges, const float *weights, const float *dct,
         int samples, unsigned frames, unsigned total) {
    __shared__ Complex points[TEAMS][SLOT(HALF) + 1];
    __shared__ float powers[TEAMS][HALF + 1];
    __shared__ float logs[TEAMS][MELS];

    const int team = threadIdx.x / LANES, lane = threadIdx.x % LANES;
    Complex *z = points[team];
    float *power = powers[team], *bands = logs[team];

    // both teams of a warp go round equally often: they wait for each other
    for (unsigned long long f = blockIdx.x * TEAMS; f < total;
         f += (unsigned long long)gridDim.x * TEAMS) {
        const bool mine = f + team < total;
        const unsigned here = mine ? unsigned(f) + team : total - 1;
        Frame frame = {clips + (long long)(here / frames) * samples, window,
                       int(here % frames) * HOP - LEAD, samples, lane, 0.0f};
        frame.find_mean();
        Fft::run(z, twiddles, frame);
        real_power(z, power, turn, lane);
        log_mel(power, bands, edges, weights, lane);
        float *row = out + (long long)here * COEFFS;
        for (int c = lane; c < COEFFS && mine; c += LANES) {
#if USE_DCT
            float sum = 0.0f;
            for (int m = 0; m < MELS; m++) sum += bands[m] * dct[m * COEFFS + c];
            row[c] = sum;
#else
            row[c] = bands[c];
#endif
        }
        __syncwarp();
    }
}

// a second pass for specs with a floor that depends on the clip: raise to it, then the DCT.
// in: logs float[clips][frames][MELS]; a block takes a clip, then the next one
extern "C" __global__ void
raise_and_dct(const float *logs, float *out, const float *dct, unsigned frames, unsigned clips) {
    __shared__ float loudest[32];
    for (unsigned clip = blockIdx.x; clip < clips; clip += gridDim.x) {
        const float *rows = logs + (long long)clip * frames * MELS;
        float most = rows[0];
        for (size_t i = threadIdx.x; i < (size_t)frames * MELS; i += blockDim.x)
            most = fmaxf(most, rows[i]);
        for (int far = 16; far; far /= 2)
            most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, far));
        if (threadIdx.x % 32 == 0) loudest[threadIdx.x / 32] = most;
        __syncthreads();
        for (unsigned w = 0; w < blockDim.x / 32; w++) most = fmaxf(most, loudest[w]);
        const float least = most - CLIP_RANGE;
        for (size_t i = threadIdx.x; i < (size_t)frames * COEFFS_OUT; i += blockDim.x) {
            const float *row = rows + i / COEFFS_OUT * MELS;
            const int c = int(i % COEFFS_OUT);
            float sum = 0.0f;
            if (DCT_OUT)
                for (int m = 0; m < MELS; m++) sum += raised(row[m], least) * dct[m * COEFFS_OUT + c];
            else
                sum = raised(row[c], least);
            out[(long long)clip * frames * COEFFS_OUT + i] = sum;
        }
        __syncthreads();
    }
}
