#pragma once
#include <ATen/core/Tensor.h>

#include <exception>

#include "ctorch.h"

void ct_set_error(const std::exception &);
void ct_set_error(const char *message);

// Every C++ exception stops here.
#define CT_TRY(...)                    \
  try {                                \
    __VA_ARGS__ return 0;              \
  } catch (const std::exception &e) {  \
    ct_set_error(e);                   \
  } catch (...) {                      \
    ct_set_error("unknown C++ exception"); \
  }                                    \
  return -1;

// The typed pointer knows the undefined tensor's singleton and leaves its count alone;
// c10::raw::intrusive_ptr would free it.
using ImplPtr = c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>;

static inline c10::TensorImpl *impl(ct_tensor t) { return reinterpret_cast<c10::TensorImpl *>(t); }
// A tensor that shares the handle's implementation and holds a reference of its own.
static inline at::Tensor borrow(ct_tensor t) { return at::Tensor(ImplPtr::reclaim_copy(impl(t))); }
static inline ct_tensor own(at::Tensor &&t) {
  return reinterpret_cast<ct_tensor>(t.unsafeReleaseTensorImpl());
}
