// The `meta` device: operators that libtorch's C++ has no shapes for, and a check that none of them is
// given tensors of two devices. (PyTorch has both in Python.)
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/zeros.h>
#include <torch/library.h>

#include "internal.h"

using c10::IValue;

void ct_check_devices(const c10::OperatorHandle &op, const std::vector<IValue> &stack) {
  bool has_meta = false;
  const at::Tensor *other = nullptr;
  auto look = [&](const at::Tensor &t) {
    if (!t.defined()) return;
    if (t.is_meta()) has_meta = true;
    else if (t.dim() > 0) other = &t;  // a number may come from anywhere, as on a GPU
  };
  for (const auto &value : stack) {
    if (value.isTensor()) {
      look(value.toTensor());
    } else if (value.isTensorList()) {
      for (const IValue &element : value.toListRef()) look(element.toTensor());
    } else if (value.isList()) {
      for (const IValue &element : value.toListRef()) {
        if (element.isTensor()) look(element.toTensor());
        else if (!element.isNone()) break;  // a list of numbers
      }
    }
    if (has_meta && other) break;
  }
  if (!has_meta || !other || op.schema().name() == "aten::copy_") return;
  TORCH_CHECK(false, "expected all tensors on one device, but found ", other->device(), " and meta");
}

namespace {

// Computes on zeros in main memory, for the shapes of the results.
void shapes_from_cpu(const c10::OperatorHandle &op, c10::DispatchKeySet, torch::jit::Stack *stack) {
  const auto &schema = op.schema();
  size_t count = schema.arguments().size(), first = stack->size() - count;
  std::vector<IValue> given(stack->begin() + first, stack->end());
  auto zeros = [](const at::Tensor &t) {
    return t.defined() && t.is_meta() ? at::zeros(t.sizes(), t.options().device(c10::kCPU)) : t;
  };
  for (size_t i = first; i < stack->size(); i++) {
    IValue &value = (*stack)[i];
    if (value.isTensor()) {
      value = zeros(value.toTensor());
    } else if (value.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const IValue &element : value.toListRef()) list.push_back(zeros(element.toTensor()));
      value = list;
    }
  }
  op.callBoxed(stack);
  size_t results = schema.returns().size(), start = stack->size() - results;
  for (size_t r = 0; r < results; r++) {
    IValue &value = (*stack)[start + r];
    if (!value.isTensor() || !value.toTensor().defined()) continue;
    // A result that is one of the arguments stays it.
    const auto *alias = schema.returns()[r].alias_info();
    bool found = false;
    for (size_t i = 0; alias && i < count && !found; i++) {
      const auto *own = schema.arguments()[i].alias_info();
      if (own && *own == *alias) {
        value = given[i];
        found = true;
      }
    }
    if (found) continue;
    at::Tensor result = value.toTensor();
    value = at::empty_strided(result.sizes(), result.strides(), result.options().device(c10::kMeta));
  }
}

}  // namespace

TORCH_LIBRARY_IMPL(aten, Meta, m) {
  for (const char *name :
       {"native_layer_norm", "native_layer_norm_backward", "native_batch_norm",
        "native_batch_norm_backward", "native_group_norm", "native_group_norm_backward",
        "var.correction", "var_mean.correction", "index_select", "where.self", "where.self_out",
        "convolution", "convolution_backward", "_adaptive_avg_pool2d",
        "_adaptive_avg_pool2d_backward", "relu", "roll", "flip", "mse_loss_backward",
        "smooth_l1_loss_backward.grad_input", "nll_loss2d_forward", "nll_loss2d_backward",
        "log_sigmoid_forward", "log_sigmoid_backward", "_fused_adamw_"}) {
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&shapes_from_cpu>());
  }
}
