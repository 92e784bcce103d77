// Tensors: lifetime, shape, memory, gradients.
#include <ATen/core/Formatting.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>

#include <cstring>
#include <sstream>

#include "internal.h"

extern "C" {

void ct_release(ct_tensor t) { ImplPtr::reclaim(impl(t)); }
ct_tensor ct_retain(ct_tensor t) { return own(borrow(t)); }
ct_tensor ct_undefined(void) { return own(at::Tensor()); }
bool ct_defined(ct_tensor t) { return impl(t) != c10::UndefinedTensorImpl::singleton(); }
int64_t ct_dim(ct_tensor t) { return impl(t)->dim(); }
void ct_sizes(ct_tensor t, int64_t *out) {
  auto sizes = impl(t)->sizes();
  std::copy(sizes.begin(), sizes.end(), out);
}
int8_t ct_dtype(ct_tensor t) { return int8_t(c10::typeMetaToScalarType(impl(t)->dtype())); }
void ct_device(ct_tensor t, int8_t *type, int8_t *index) {
  auto device = ct_defined(t) ? impl(t)->device() : c10::Device(c10::kCPU);
  *type = int8_t(device.type());
  *index = device.index();
}
int64_t ct_count(ct_tensor t) { return impl(t)->numel(); }
bool ct_is_contiguous(ct_tensor t) { return impl(t)->is_contiguous(); }
void *ct_data(ct_tensor t) {
  return ct_defined(t) && impl(t)->device().is_cpu() ? impl(t)->mutable_data() : nullptr;
}
int ct_item_double(ct_tensor t, double *out) { CT_TRY(*out = borrow(t).item().toDouble();) }

int ct_from_memory(void *data, const int64_t *sizes, size_t n, int8_t dtype,
                   void (*release)(void *), void *context, ct_tensor *out) {
  CT_TRY(auto options = at::TensorOptions().dtype(at::ScalarType(dtype));
         *out = own(at::from_blob(
             data, c10::IntArrayRef(sizes, n), [release, context](void *) { release(context); },
             options));)
}

int ct_description(ct_tensor t, char **out) {
  CT_TRY(std::ostringstream text; at::print(text, borrow(t), 100); *out = strdup(text.str().c_str());)
}

bool ct_requires_grad(ct_tensor t) { return borrow(t).requires_grad(); }
int ct_set_requires_grad(ct_tensor t, bool on) { CT_TRY(borrow(t).requires_grad_(on);) }
int ct_backward(ct_tensor t, ct_tensor gradient, bool retain) {
  CT_TRY(torch::autograd::variable_list gradients;
         if (gradient) gradients.push_back(borrow(gradient));
         torch::autograd::backward({borrow(t)}, gradients, retain, false);)
}
int ct_gradients(ct_tensor t, ct_tensor gradient, const ct_tensor *inputs, size_t n, bool record,
                 ct_tensor *out) {
  CT_TRY(torch::autograd::variable_list sources, gradients;
         for (size_t i = 0; i < n; i++) sources.push_back(borrow(inputs[i]));
         if (gradient) gradients.push_back(borrow(gradient));
         auto found = torch::autograd::grad({borrow(t)}, sources, gradients, record, record, true);
         for (size_t i = 0; i < n; i++)
           out[i] = found[i].defined() ? own(std::move(found[i])) : nullptr;)
}
ct_tensor ct_grad(ct_tensor t) {
  at::Tensor gradient = borrow(t).grad();
  return gradient.defined() ? own(std::move(gradient)) : nullptr;
}
int ct_set_grad(ct_tensor t, ct_tensor gradient) {
  CT_TRY(auto tensor = borrow(t); auto value = gradient ? borrow(gradient) : at::Tensor();
         TORCH_CHECK(!gradient || value.sizes() == tensor.sizes(), "a gradient of ", value.sizes(),
                     " does not fit a tensor of ", tensor.sizes());
         tensor.mutable_grad() = value;)
}
bool ct_grad_mode(void) { return c10::GradMode::is_enabled(); }
void ct_set_grad_mode(bool on) { c10::GradMode::set_enabled(on); }
}
