// Functions whose derivative the program computes itself.
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>

#include <vector>

#include "internal.h"

namespace {

// One node of the graph of gradients: hands the gradient of its result to the program, which gives
// those of the inputs.
struct ForeignFunction : torch::autograd::Node {
  int (*derivative)(void *, ct_tensor, ct_tensor *) = nullptr;
  void (*release)(void *) = nullptr;
  void *context = nullptr;
  size_t inputs = 0;

  ~ForeignFunction() override {
    if (release) release(context);
  }

  // A second pass through the same graph would find nothing: the program's part is let go.
  void release_variables() override {
    if (release) release(context);
    release = nullptr;
  }

  torch::autograd::variable_list apply(torch::autograd::variable_list &&gradients) override {
    torch::autograd::variable_list results(inputs);
    if (gradients.empty() || !gradients[0].defined()) return results;
    TORCH_CHECK(!c10::GradMode::is_enabled(),
                "second derivatives of a part with a derivative of its own are not recorded");
    TORCH_CHECK(release, "a function with a derivative of its own was passed backward twice");
    std::vector<ct_tensor> found(inputs, nullptr);
    int status = derivative(context, own(std::move(gradients[0])), found.data());
    for (size_t i = 0; i < inputs; i++)
      if (found[i])
        results[i] = at::Tensor(ImplPtr::reclaim(reinterpret_cast<c10::TensorImpl *>(found[i])));
    TORCH_CHECK(status == 0, "the derivative of a function failed");
    return results;
  }

  std::string name() const override { return "ForeignFunction"; }
};

}  // namespace

extern "C" {

int ct_function(const ct_tensor *inputs, size_t n, ct_tensor result,
                int (*derivative)(void *, ct_tensor, ct_tensor *), void (*release)(void *),
                void *context, ct_tensor *out) {
  CT_TRY(auto node = c10::make_intrusive<ForeignFunction>();
         node->derivative = derivative; node->release = release; node->context = context;
         node->inputs = n;
         std::vector<at::Tensor> tensors; tensors.reserve(n);
         for (size_t i = 0; i < n; i++) tensors.push_back(borrow(inputs[i]));
         node->set_next_edges(torch::autograd::collect_next_edges(tensors));
         at::Tensor value = borrow(result).detach();
         torch::autograd::set_history(value, node);
         *out = own(std::move(value));)
}
}
