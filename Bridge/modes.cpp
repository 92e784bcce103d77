// Autocast, generators, threads and devices.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <c10/core/CachingDeviceAllocator.h>

#include "internal.h"
#include "parallel.h"

extern "C" {

// Devices without autocast, such as meta, are not asked: that throws.
bool ct_autocast_enabled(int8_t device) {
  return at::autocast::is_autocast_available(at::DeviceType(device)) &&
         at::autocast::is_autocast_enabled(at::DeviceType(device));
}
int8_t ct_autocast_dtype(int8_t device) {
  return int8_t(at::autocast::get_autocast_dtype(at::DeviceType(device)));
}
void ct_set_autocast(int8_t device, bool enabled, int8_t dtype) {
  at::autocast::set_autocast_enabled(at::DeviceType(device), enabled);
  at::autocast::set_autocast_dtype(at::DeviceType(device), at::ScalarType(dtype));
}
void ct_autocast_clear_cache(void) { at::autocast::clear_cache(); }

ct_generator ct_generator_new(uint64_t seed) {
  return reinterpret_cast<ct_generator>(new at::Generator(at::detail::createCPUGenerator(seed)));
}
void ct_generator_free(ct_generator g) { delete reinterpret_cast<at::Generator *>(g); }

int ct_threads(void) { return operator_threads(); }
void ct_set_threads(int n) {
  operator_threads();  // libtorch takes over the process's number at a thread's first use of it, once
  at::set_num_threads(n);
}

int ct_device_count(int8_t type) {
  try {
    auto device = at::DeviceType(type);
    if (device == c10::kCPU) return 1;
    auto accelerator = at::getAccelerator(false);
    return accelerator == device ? at::accelerator::deviceCount() : 0;
  } catch (...) {
    return 0;  // a driver that is too old, say: no usable device
  }
}

int ct_synchronize(int8_t type, int8_t index) {
  CT_TRY(if (at::DeviceType(type) != c10::kCPU) at::accelerator::synchronizeDevice(index);)
}

int ct_memory_peak(int8_t type, int8_t index, int64_t *bytes) {
  CT_TRY(auto stats = c10::getDeviceAllocator(at::DeviceType(type))->getDeviceStats(index);
         *bytes = stats.allocated_bytes[0].peak;)
}
}
