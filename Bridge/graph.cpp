// Work of a device that is captured once and replayed as a whole.
#include "graph.h"

#include <ATen/DeviceAccelerator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <map>
#include <optional>

#include "internal.h"

namespace {
std::map<c10::DeviceType, MakeDeviceGraph> &makers() {
  static auto *map = new std::map<c10::DeviceType, MakeDeviceGraph>();
  return *map;
}
}  // namespace

void register_device_graph(c10::DeviceType type, MakeDeviceGraph make) { makers()[type] = make; }

struct ct_graph_s {
  std::unique_ptr<DeviceGraph> graph;
  c10::Device device;
  std::optional<c10::DeviceGuard> on_device;
  std::optional<c10::StreamGuard> on_stream;

  explicit ct_graph_s(c10::Device device) : device(device) {}

  // What is queued on one stream from now on begins when the other has come as far as now.
  void follow(const c10::Stream &stream, const c10::Stream &other) {
    c10::Event event(device.type());
    event.record(other);
    event.block(stream);
  }

  // A graph is captured from a stream of its own: work of the default stream cannot be.
  void begin() {
    auto make = makers().find(device.type());
    TORCH_CHECK(make != makers().end(), "graphs of ", device, " are not supported by this bridge");
    graph = make->second();
    on_device.emplace(device);
    c10::impl::VirtualGuardImpl guard(device.type());
    if (device.is_cuda()) {
      at::accelerator::synchronizeDevice(device.index());
      c10::getDeviceAllocator(device.type())->emptyCache();
    }
    auto outside = guard.getStream(device);
    auto inside = guard.getStreamFromGlobalPool(device, /*isHighPriority=*/false);
    follow(inside, outside);
    on_stream.emplace(inside);
    graph->begin();
  }

  void end(bool keeps) {
    struct Leave {
      ct_graph_s *graph;
      ~Leave() {
        graph->on_stream.reset();
        graph->on_device.reset();
      }
    } leave{this};
    auto inside = on_stream->current_stream();
    auto outside = on_stream->original_stream();
    graph->end();
    follow(outside, inside);
    if (!keeps) graph->reset();
  }
};

extern "C" {

bool ct_graph_supported(int8_t type) { return makers().count(at::DeviceType(type)) > 0; }

int ct_graph_begin(int8_t type, int8_t index, ct_graph *out) {
  CT_TRY(auto graph = std::make_unique<ct_graph_s>(c10::Device(at::DeviceType(type), index));
         graph->begin(); *out = graph.release();)
}

int ct_graph_end(ct_graph graph, bool keeps) { CT_TRY(graph->end(keeps);) }

int ct_graph_replay(ct_graph graph) {
  CT_TRY(c10::DeviceGuard guard(graph->device); graph->graph->replay();)
}

void ct_graph_free(ct_graph graph) {
  try {
    delete graph;
  } catch (...) {
  }
}
}
