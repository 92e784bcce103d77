#pragma once
#include <c10/core/DeviceType.h>

#include <memory>

// Work of a device that is captured and replayed; each kind of device that has such registers its own.
// (libtorch 2.13 declares an interface like this one; older ones do not, and it is empty for CUDA.)
struct DeviceGraph {
  virtual ~DeviceGraph() = default;
  // From the current stream of the current device.
  virtual void begin() = 0;
  virtual void end() = 0;
  virtual void replay() = 0;
  virtual void reset() = 0;
};

using MakeDeviceGraph = std::unique_ptr<DeviceGraph> (*)();

void register_device_graph(c10::DeviceType, MakeDeviceGraph);
