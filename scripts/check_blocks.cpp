// Loads the bridge and compares `swift_mae::block`, result and gradients, with the composition of libtorch's
// operators in float64. Compiled and run by scripts/check-arm64, for arm64 or for this machine.
//
//   check_blocks BRIDGE [THREADS…]
//
// Prints a line for each case and number of threads, ends with 1 where one does not hold.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/autograd.h>

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using at::Tensor;

namespace {

struct Case {
  int64_t images, tokens, width, heads, hidden, first = 0, queries = -1;
  bool has_bias = true, has_factors = false, is_strided = false;
};

// As TransformerBlockTests has them: short sequences, hidden queries, factors, widths of 4, 8 and 16 floats
// and of none.
const Case cases[] = {
    {9, 17, 64, 2, 208},
    {35, 17, 48, 3, 96, 0, -1, true, true},
    {4, 50, 32, 2, 1040},
    {20, 65, 48, 3, 96, 17, 48},
    {3, 197, 32, 1, 64, 49, 148},
    {7, 5, 24, 3, 40, 1, 3, true, true},
    {2, 33, 20, 5, 12, 0, 1, false},
    {6, 7, 40, 5, 200, 0, -1, false, false, true},
    {1, 1, 16, 1, 16, 0, -1, true, false, true},
    {2, 50, 768, 12, 3072},
    {3, 17, 18, 3, 36},
    {3, 17, 48, 3, 98},
};

struct Inputs {
  Tensor tokens;
  std::vector<Tensor> weights;  // norm, bias, qkv, proj, bias, norm, bias, fc1, bias, fc2, bias
  Tensor bias, factors[2];

  explicit Inputs(const Case &c) {
    at::manual_seed(c.images * 1000 + c.tokens);
    auto random = [](at::IntArrayRef shape, double scale, double mean = 0) {
      return at::randn(shape) * scale + mean;
    };
    int64_t d = c.width, f = c.hidden;
    double wide = 1 / std::sqrt(double(d)), deep = 1 / std::sqrt(double(f));
    tokens = random({c.images, c.tokens, d}, 1);
    weights = {random({d}, 0.1, 1), random({d}, 0.1), random({3 * d, d}, wide), random({d, d}, wide),
               random({d}, 0.1), random({d}, 0.1, 1), random({d}, 0.1), random({f, d}, wide),
               random({f}, 0.1), random({d, f}, deep), random({d}, 0.1)};
    if (c.has_bias) bias = random({3 * d}, 0.1);
    if (c.has_factors)
      for (auto &one : factors) one = (at::rand({c.images}) > 0.3).to(at::kFloat) / 0.7;
  }
};

std::optional<Tensor> given(const Tensor &t) { return t.defined() ? std::optional(t) : std::nullopt; }

Tensor fused(const Case &c, const Tensor &x, const std::vector<Tensor> &w, const Tensor &bias,
             const Tensor &factors1, const Tensor &factors2) {
  static auto op =
      c10::Dispatcher::singleton()
          .findSchemaOrThrow("swift_mae::block", "")
          .typed<Tensor(const Tensor &, at::TensorList, const std::optional<Tensor> &,
                        const std::optional<Tensor> &, const std::optional<Tensor> &, int64_t, int64_t,
                        int64_t, double)>();
  return op.call(x, w, given(bias), given(factors1), given(factors2), c.heads, c.first, c.queries, 1e-6);
}

int64_t vector_width(const Case &c) {
  static auto op = c10::Dispatcher::singleton()
                       .findSchemaOrThrow("swift_mae::vector_width", "")
                       .typed<Tensor(int64_t, int64_t, int64_t)>();
  return op.call(c.width, c.hidden, c.width / c.heads).item<int64_t>();
}

// Norm, attention, sum; norm, perceptron, sum: operator by operator.
Tensor composed(const Case &c, const Tensor &x, const std::vector<Tensor> &w, const Tensor &bias,
                const Tensor &factors1, const Tensor &factors2) {
  int64_t d = c.width, head = d / c.heads, queries = c.queries < 0 ? c.tokens : c.queries;
  auto norm = [&](const Tensor &t, int i) { return at::layer_norm(t, {d}, w[i], w[i + 1], 1e-6); };
  auto parts = at::linear(norm(x, 0), w[2], given(bias))
                   .reshape({c.images, c.tokens, 3, c.heads, head})
                   .permute({2, 0, 3, 1, 4})
                   .unbind(0);
  auto weights = (parts[0].narrow(2, c.first, queries).matmul(parts[1].transpose(-1, -2)) /
                  std::sqrt(double(head))).softmax(-1);
  auto mixed = weights.matmul(parts[2]).transpose(1, 2).flatten(2);
  auto scaled = [](const Tensor &branch, const Tensor &factors) {
    return factors.defined() ? branch * factors.reshape({-1, 1, 1}) : branch;
  };
  auto y = x.narrow(1, c.first, queries) + scaled(at::linear(mixed, w[3], w[4]), factors1);
  auto hidden = at::gelu(at::linear(norm(y, 5), w[7], w[8]));
  return y + scaled(at::linear(hidden, w[9], w[10]), factors2);
}

// The result, and the gradients of tokens, weights and bias.
template <class Way>
std::vector<Tensor> values(const Case &c, at::ScalarType type, const Way &way) {
  Inputs inputs(c);
  std::vector<Tensor> leaves;
  auto leaf = [&](const Tensor &t) {
    if (!t.defined()) return t;
    leaves.push_back(t.to(type).detach().clone().requires_grad_());
    return leaves.back();
  };
  Tensor tokens = leaf(inputs.tokens);
  std::vector<Tensor> weights;
  for (const auto &w : inputs.weights) weights.push_back(leaf(w));
  Tensor bias = leaf(inputs.bias);
  auto moved = [&](const Tensor &t) {  // the same values with other strides
    return c.is_strided ? t.permute({2, 0, 1}).contiguous().permute({1, 2, 0}) : t;
  };
  auto plain = [&](const Tensor &t) { return t.defined() ? t.to(type) : t; };
  Tensor y = way(c, moved(tokens), weights, bias, plain(inputs.factors[0]), plain(inputs.factors[1]));
  at::manual_seed(9);
  Tensor upstream = moved(at::randn(y.sizes()).to(type));
  std::vector<Tensor> result{y.detach()};
  for (auto &gradient : torch::autograd::grad({y}, leaves, {upstream})) result.push_back(gradient);
  return result;
}

// The largest difference of two arrays, as a part of the largest element.
double error(const std::vector<Tensor> &found, const std::vector<Tensor> &expected) {
  double most = 0;
  for (size_t i = 0; i < expected.size(); i++) {
    double largest = expected[i].abs().max().item<double>();
    double difference = (found[i].to(at::kDouble) - expected[i]).abs().max().item<double>();
    if (!(difference <= most * largest)) most = difference / largest;  // not a number is an error
  }
  return most;
}

bool check(const Case &c, int threads) {
  constexpr double kTolerance = 4e-6;
  std::string line = std::to_string(c.images) + " images, " + std::to_string(c.tokens) + " tokens";
  if (c.queries >= 0) line += " (" + std::to_string(c.queries) + " queries)";
  line += ", " + std::to_string(c.width) + " wide, " + std::to_string(c.heads) + " heads, " +
          std::to_string(c.hidden) + " hidden";
  if (!c.has_bias) line += ", no bias";
  if (c.has_factors) line += ", factors";
  if (c.is_strided) line += ", strides";
  at::set_num_threads(threads);
  int64_t floats = vector_width(c);
  bool holds;
  if (floats == 0) {
    try {
      values(c, at::kFloat, fused);
      holds = false;
      line += ": computed, although no vector divides it";
    } catch (const c10::Error &e) {
      holds = std::string(e.what_without_backtrace()).find("no kernel") != std::string::npos;
      line += holds ? ": refused, composed instead" : std::string(": ") + e.what_without_backtrace();
    }
  } else {
    auto expected = values(c, at::kDouble, composed);
    auto found = values(c, at::kFloat, fused), again = values(c, at::kFloat, fused);
    double worst = error(found, expected), plain = error(values(c, at::kFloat, composed), expected);
    bool is_same = true;
    for (size_t i = 0; i < found.size(); i++) is_same = is_same && at::equal(found[i], again[i]);
    Inputs inputs(c);
    at::AutoGradMode off(false);
    is_same = is_same && at::equal(found[0], fused(c, inputs.tokens, inputs.weights, inputs.bias,
                                                   inputs.factors[0], inputs.factors[1]));
    holds = worst <= kTolerance && is_same;
    char text[160];
    std::snprintf(text, sizeof text, ": error %.1e of the largest, %.1e composed%s", worst, plain,
                  is_same ? "" : "; other bytes the second time");
    line += text;
  }
  std::printf("%s  %d thread%s, vectors of %d: %s\n", holds ? "ok    " : "FAILED", threads,
              threads == 1 ? " " : "s", int(floats), line.c_str());
  std::fflush(stdout);
  return holds;
}

}  // namespace

int main(int count, char **arguments) {
  if (count < 2) {
    std::fprintf(stderr, "usage: check_blocks BRIDGE [THREADS…]\n");
    return 64;
  }
  void *bridge = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!bridge) {
    std::fprintf(stderr, "error: %s\n", dlerror());
    return 69;
  }
  // As the loader of Sources/CTorch does.
  auto keep_pages = reinterpret_cast<void (*)()>(dlsym(bridge, "ct_keep_pages"));
  auto set_threads = reinterpret_cast<void (*)(int)>(dlsym(bridge, "ct_set_threads"));
  auto threads_of = reinterpret_cast<int (*)()>(dlsym(bridge, "ct_threads"));
  if (!keep_pages || !set_threads || !threads_of) {
    std::fprintf(stderr, "error: %s is no bridge of this version\n", arguments[1]);
    return 69;
  }
  keep_pages();
  std::vector<int> numbers;
  for (int i = 2; i < count; i++) numbers.push_back(std::atoi(arguments[i]));
  if (numbers.empty()) numbers = {1, 2};
  int failures = 0;
  for (int threads : numbers) {
    set_threads(threads);
    if (threads_of() != threads || at::get_num_threads() != threads) {
      std::printf("FAILED  %d threads asked for; the bridge has %d, libtorch %d\n", threads, threads_of(),
                  at::get_num_threads());
      failures++;
    }
    for (const auto &c : cases) failures += !check(c, threads);
  }
  std::printf(failures ? "%d did not hold\n" : "all held\n", failures);
  return failures ? 1 : 0;
}
