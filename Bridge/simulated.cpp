// A device that is used as a GPU is and computes in main memory: without a GPU it shows what a program does to
// one. Tensors of two devices are refused, what a GPU would have to be waited for is noted, and graphs are
// captured and replayed. It takes libtorch's place for a device of one's own (`PrivateUse1`) and is registered when it is asked for.
#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <string>

#include "graph.h"
#include "internal.h"

using c10::IValue;

namespace {

constexpr auto kSimulated = c10::DeviceType::PrivateUse1;
const c10::Device kHere(kSimulated, 0);

std::mutex waits_lock;
std::string waits;

// What is queued while a graph is captured, in order: one call at a time, on whichever thread.
std::atomic<std::vector<std::function<void()>> *> capturing = nullptr;

void note_wait(const std::string &what) {
  TORCH_CHECK(!capturing, what, " is not possible while a graph is captured");
  std::lock_guard<std::mutex> guard(waits_lock);
  waits += what + "\n";
}

struct SimulatedAllocator final : c10::Allocator {
  at::DataPtr allocate(size_t bytes) override {
    auto found = c10::GetCPUAllocator()->allocate(bytes);
    auto deleter = found.get_deleter();
    void *data = found.get(), *context = found.release_context();
    return {data, context, deleter, kHere};
  }
  void copy_data(void *to, const void *from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};
SimulatedAllocator allocator;

// The memory of one tensor under the name of another device, which keeps the first.
c10::Storage shared(const at::Tensor &t, c10::Device device, c10::Allocator *allocator) {
  const c10::Storage &storage = t.storage();
  at::DataPtr data(const_cast<void *>(storage.data()), new c10::Storage(storage),
                   [](void *kept) { delete static_cast<c10::Storage *>(kept); }, device);
  return c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(), std::move(data), allocator,
                      /*resizable=*/true);
}

at::Tensor shaped_as(const at::Tensor &t, c10::Storage &&storage, c10::DispatchKey key) {
  auto result = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key),
                                                         t.dtype());
  auto *impl = result.unsafeGetTensorImpl();
  impl->set_sizes_and_strides(t.sizes(), t.strides(), t.storage_offset());
  if (t.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  return result;
}

bool is_simulated(const at::Tensor &t) { return t.defined() && t.device().type() == kSimulated; }

at::Tensor in_main_memory(const at::Tensor &t) {
  if (!is_simulated(t)) return t;
  return shaped_as(t, shared(t, c10::Device(c10::kCPU), c10::GetCPUAllocator()), c10::DispatchKey::CPU);
}

at::Tensor on_device(const at::Tensor &t) {
  return shaped_as(t, shared(t, kHere, &allocator), c10::DispatchKey::PrivateUse1);
}

// The tensors of a call: each on the device and in main memory.
struct Arguments {
  const c10::OperatorHandle &op;
  std::vector<std::pair<at::Tensor, at::Tensor>> tensors;

  at::Tensor host(const at::Tensor &t) {
    if (!t.defined()) return t;
    if (!is_simulated(t)) {
      // A number may come from anywhere, as on a GPU.
      TORCH_CHECK(t.dim() == 0, "expected all tensors on one device, but found ", t.device(), " and ",
                  kHere, " in ", op.schema().name());
      return t;
    }
    tensors.emplace_back(t, in_main_memory(t));
    return tensors.back().second;
  }

  IValue host(const IValue &value, bool &chooses) {
    if (value.isTensor()) return host(value.toTensor());
    if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const IValue &element : value.toListRef()) list.push_back(host(element.toTensor()));
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const IValue &element : value.toListRef()) {
        if (element.isNone()) {
          list.push_back(std::nullopt);
          continue;
        }
        const auto &t = element.toTensor();
        if (t.defined() && (t.scalar_type() == at::kBool || t.scalar_type() == at::kByte)) chooses = true;
        list.push_back(host(t));
      }
      return list;
    }
    if (value.isDevice() && value.toDevice().type() == kSimulated) return c10::Device(c10::kCPU);
    TORCH_CHECK(!value.isGenerator(), "expected a generator of ", kHere, " in ", op.schema().name());
    return value;
  }

  // Where an operator gave an argument other memory or another shape.
  void adopt() {
    for (auto &[own, host] : tensors) {
      if (host.storage().data() != own.storage().data()) {
        own.storage().set_data_ptr_noswap(
            at::DataPtr(const_cast<void *>(host.storage().data()), new c10::Storage(host.storage()),
                        [](void *kept) { delete static_cast<c10::Storage *>(kept); }, kHere));
        own.storage().set_nbytes(host.storage().nbytes());
      }
      if (host.sizes() != own.sizes() || host.strides() != own.strides())
        own.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(),
                                                         host.storage_offset());
    }
  }

  at::Tensor result(const at::Tensor &t) {
    if (!t.defined() || !t.device().is_cpu()) return t;
    for (auto &[own, host] : tensors) {
      if (t.unsafeGetTensorImpl() == host.unsafeGetTensorImpl()) return own;
      if (t.storage().is_alias_of(host.storage()))
        return shaped_as(t, c10::Storage(own.storage()), c10::DispatchKey::PrivateUse1);
    }
    return on_device(t);
  }
};

// Operators whose results' shapes or values the host needs at once.
const std::set<std::string> &waiting() {
  static const auto *names = new std::set<std::string>{
      "aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal",
      "aten::_unique2", "aten::unique_dim", "aten::unique_consecutive", "aten::bincount",
      "aten::repeat_interleave", "aten::histc", "aten::multinomial"};
  return *names;
}

void copy_results(const IValue &from, const IValue &to) {
  auto copy = [](const at::Tensor &from, const at::Tensor &to) {
    if (to.defined() && to.data_ptr() != from.data_ptr()) to.copy_(from);
  };
  if (to.isTensor()) copy(from.toTensor(), to.toTensor());
  if (!to.isTensorList()) return;
  auto list = to.toTensorList(), given = from.toTensorList();
  for (size_t i = 0; i < list.size(); i++) copy(given.get(i), list.get(i));
}

// The operator again, with the same memory for what it reads and what it writes.
std::function<void()> replay(const c10::OperatorHandle &op, torch::jit::Stack arguments,
                             torch::jit::Stack results) {
  return [op, arguments = std::move(arguments), results = std::move(results)] {
    torch::jit::Stack stack = arguments;
    op.callBoxed(stack);
    for (size_t r = 0; r < results.size(); r++) copy_results(stack[r], results[r]);
  };
}

void compute(const c10::OperatorHandle &op, c10::DispatchKeySet, torch::jit::Stack *stack) {
  const auto &schema = op.schema();
  size_t count = schema.arguments().size(), first = stack->size() - count;
  std::vector<IValue> given(stack->begin() + first, stack->end());
  Arguments arguments{op, {}};
  bool chooses = false;
  for (size_t i = first; i < stack->size(); i++) (*stack)[i] = arguments.host((*stack)[i], chooses);
  if (chooses || waiting().count(schema.name())) note_wait(schema.name());
  torch::jit::Stack hosts;
  if (capturing) hosts.assign(stack->begin() + first, stack->end());
  {
    at::AutoDispatchBelowADInplaceOrView below;
    op.callBoxed(stack);
  }
  arguments.adopt();
  size_t results = schema.returns().size(), start = stack->size() - results;
  if (auto *work = capturing.load())
    work->push_back(replay(op, std::move(hosts), {stack->begin() + start, stack->end()}));
  for (size_t r = 0; r < results; r++) {
    IValue &value = (*stack)[start + r];
    // A result that is written into one of the arguments is it.
    const auto *alias = schema.returns()[r].alias_info();
    bool found = false;
    for (size_t i = 0; alias && alias->isWrite() && i < count && !found; i++) {
      const auto *own = schema.arguments()[i].alias_info();
      if (own && *own == *alias) {
        value = given[i];
        found = true;
      }
    }
    if (found) continue;
    if (value.isTensor()) {
      value = arguments.result(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const IValue &element : value.toListRef()) list.push_back(arguments.result(element.toTensor()));
      value = list;
    }
  }
}

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device>, std::optional<bool>,
                 std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride,
                         std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &allocator,
                                           c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

// Every copy within the device, to it and from it. One that need not be waited for must say so.
at::Tensor copy_from(const at::Tensor &from, const at::Tensor &to, bool non_blocking) {
  bool arrives = !is_simulated(from);
  if (!is_simulated(to)) note_wait("copy from the device");
  else if (arrives && !non_blocking) note_wait("copy to the device");
  TORCH_CHECK(!arrives || !capturing,
              "a copy to the device is not possible while a graph is captured: its replays would read "
              "memory that is gone");
  auto source = in_main_memory(from), result = in_main_memory(to);
  at::AutoDispatchBelowADInplaceOrView below;
  result.copy_(source);
  if (auto *work = capturing.load()) work->push_back([source, result] { result.copy_(source); });
  return to;
}

// One queue of work, which is done at once.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kSimulated> {
  c10::Device getDevice() const override { return kHere; }
  c10::Device exchangeDevice(c10::Device) const override { return kHere; }
  c10::Stream getStream(c10::Device) const noexcept override {
    return c10::Stream(c10::Stream::DEFAULT, kHere);
  }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return getStream(kHere); }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return getStream(kHere); }
  void record(void **, const c10::Stream &, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void *, const c10::Stream &) const override {}
};

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};

struct Graph final : DeviceGraph {
  void begin() override {
    TORCH_CHECK(!capturing, "a graph is being captured");
    work.clear();
    capturing = &work;
  }
  void end() override { capturing = nullptr; }
  void replay() override {
    at::AutoDispatchBelowADInplaceOrView below;
    for (const auto &next : work) next();
  }
  void reset() override { work.clear(); }

  std::vector<std::function<void()>> work;
};

void register_kernels() {
  using torch::Library;
  const char *file = __FILE__;
  auto *all = new Library(Library::IMPL, "_", c10::DispatchKey::PrivateUse1, file, __LINE__);
  all->fallback(torch::CppFunction::makeFromBoxedFunction<&compute>());
  auto *aten = new Library(Library::IMPL, "aten", c10::DispatchKey::PrivateUse1, file, __LINE__);
  aten->impl("empty.memory_format", &empty);
  aten->impl("empty_strided", &empty_strided);
  aten->impl("_copy_from", &copy_from);
  // Composed of others in libtorch, which asks each device for a part of its own.
  for (const char *name : {"convolution", "convolution_backward", "mse_loss"})
    aten->impl(name, torch::CppFunction::makeFromBoxedFunction<&compute>());

  auto *casts = new Library(Library::IMPL, "_", c10::DispatchKey::AutocastPrivateUse1, file, __LINE__);
  casts->fallback(torch::CppFunction::makeFallthrough());
  Library &m = *new Library(Library::IMPL, "aten", c10::DispatchKey::AutocastPrivateUse1, file, __LINE__);
#define _LOWER(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, lower_precision_fp)
#define _FULL(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32)
#define _FULL_SET(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, fp32_set_opt_dtype)
#define _PROMOTE(...) KERNEL_PRIVATEUSEONE(__VA_ARGS__, promote)
  using namespace at::autocast;
  AT_FORALL_LOWER_PRECISION_FP(_LOWER)
  AT_FORALL_FP32(_FULL)
  AT_FORALL_FP32_SET_OPT_DTYPE(_FULL_SET)
  AT_FORALL_PROMOTE(_PROMOTE)
}

}  // namespace

extern "C" {

int ct_simulate_device(void) {
  CT_TRY(static bool once = [] {
    c10::register_privateuse1_backend("simulated");
    c10::SetAllocator(kSimulated, &allocator);
    static Hooks hooks;
    at::RegisterPrivateUse1HooksInterface(&hooks);
    static Guard guard;
    static c10::impl::DeviceGuardImplRegistrar registrar(kSimulated, &guard);
    register_kernels();
    register_device_graph(
        kSimulated, []() -> std::unique_ptr<DeviceGraph> { return std::make_unique<Graph>(); });
    return true;
  }();
  (void)once;)
}

char *ct_simulated_waits(void) {
  std::lock_guard<std::mutex> guard(waits_lock);
  char *text = strdup(waits.c_str());
  waits.clear();
  return text;
}
}
