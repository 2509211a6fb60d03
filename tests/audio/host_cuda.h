// Runs a CUDA kernel on the host: a thread of the host for each thread of a block, one block after
// another. Slow, and enough to test what a kernel computes where there is no device.
#include <barrier>
#include <cmath>
#include <memory>
#include <thread>
#include <vector>

#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(n)

struct short2 { short x, y; };
struct float2 { float x, y; };
struct Dim { unsigned x; };

static thread_local Dim threadIdx, blockIdx;
static Dim blockDim, gridDim;
static std::vector<std::unique_ptr<std::barrier<>>> warp_barriers;
static std::unique_ptr<std::barrier<>> block_barrier;
static float exchanged[1024];

inline void __syncwarp() { warp_barriers[threadIdx.x / 32]->arrive_and_wait(); }
inline void __syncthreads() { block_barrier->arrive_and_wait(); }
inline float __shfl_xor_sync(unsigned, float value, int far) {
    exchanged[threadIdx.x] = value;
    __syncwarp();
    float other = exchanged[threadIdx.x ^ far];
    __syncwarp();
    return other;
}

template <typename Kernel>
void launch(unsigned grid, unsigned block, Kernel kernel) {
    gridDim.x = grid;
    blockDim.x = block;
    warp_barriers.clear();
    for (unsigned at = 0; at < block; at += 32)
        warp_barriers.push_back(std::make_unique<std::barrier<>>(block - at < 32 ? block - at : 32));
    block_barrier = std::make_unique<std::barrier<>>(block);
    for (unsigned b = 0; b < grid; b++) {
        std::vector<std::thread> threads;
        for (unsigned t = 0; t < block; t++)
            threads.emplace_back([=] {
                blockIdx.x = b;
                threadIdx.x = t;
                kernel();
            });
        for (auto &thread : threads) thread.join();
    }
}
