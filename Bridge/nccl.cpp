// NVIDIA's collectives as a backend of a process group, where the libtorch has them: `scripts/bootstrap`
// defines CT_NCCL beside a libtorch_cuda with NCCL's and CUDA's headers.
#if defined(__linux__)
#define USE_DISTRIBUTED 1
#define USE_C10D 1
#ifdef CT_NCCL
#define USE_C10D_NCCL 1
#define USE_CUDA 1
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include <chrono>

#include "internal.h"

// The group's own watch speaks first: NCCL ends the process only a minute after that.
c10::intrusive_ptr<c10d::Backend> ct_nccl(const c10::intrusive_ptr<c10d::Store> &store, int rank,
                                          int count, int device, std::chrono::milliseconds timeout) {
#ifdef CT_NCCL
  auto options = c10d::ProcessGroupNCCL::Options::create(/*is_high_priority_stream*/ true);
  options->timeout = timeout + std::chrono::seconds(60);
  auto nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(store, rank, count, options);
  nccl->eagerConnectSingleDevice(at::Device(at::kCUDA, c10::DeviceIndex(device)));
  return nccl;
#else
  (void)store, (void)rank, (void)count, (void)device, (void)timeout;
  TORCH_CHECK(false,
              "this bridge was built without NCCL's headers, so GPUs cannot work together; run "
              "scripts/bootstrap --variant cu130");
#endif
}
#endif
