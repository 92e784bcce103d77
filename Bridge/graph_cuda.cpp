// CUDA graphs. `scripts/bootstrap` defines CT_CUDA beside a libtorch_cuda with CUDA's headers.
#ifdef CT_CUDA
#include <ATen/cuda/CUDAGraph.h>

#include "graph.h"

namespace {

struct CUDADeviceGraph final : DeviceGraph {
  void begin() override { graph.capture_begin(); }
  void end() override { graph.capture_end(); }
  void replay() override { graph.replay(); }
  void reset() override { graph.reset(); }

  at::cuda::CUDAGraph graph;
};

[[maybe_unused]] const bool registered = [] {
  register_device_graph(c10::DeviceType::CUDA, []() -> std::unique_ptr<DeviceGraph> {
    return std::make_unique<CUDADeviceGraph>();
  });
  return true;
}();

}  // namespace
#endif
