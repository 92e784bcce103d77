// Where time goes: the seconds of every operator between two calls, without those of the operators
// that it calls itself.
#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <sstream>
#include <string>

#include "profile.h"

namespace {

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch()).count();
}

struct Entry {
  int64_t calls = 0, nanoseconds = 0;
};

std::mutex lock;
std::map<std::string, Entry> entries;
at::CallbackHandle handle = 0;
std::atomic<bool> on{false};

void add(const std::string &key, int64_t calls, int64_t nanoseconds) {
  std::lock_guard<std::mutex> guard(lock);
  auto &entry = entries[key];
  entry.calls += calls;
  entry.nanoseconds += nanoseconds;
}

struct Frame;
thread_local Frame *current = nullptr;

// An operator that runs now.
struct Frame : at::ObserverContext {
  std::string key;
  int64_t start = 0, inner = 0;
  Frame *outer = nullptr;
};

bool is_transposed(const at::Tensor &t) {
  return t.dim() >= 2 && t.stride(-2) == 1 && t.stride(-1) != 1;
}

// The name, and for a product its sizes: how many, M, N, K, and whether each side is transposed.
std::string key_of(const at::RecordFunction &call) {
  std::string name = call.name();
  size_t first;
  if (name == "aten::mm" || name == "aten::bmm") first = 0;
  else if (name == "aten::addmm" || name == "aten::baddbmm") first = 1;
  else if (name == "mkldnn::_linear_pointwise") first = 0;
  else return name;
  auto inputs = call.inputs();
  if (inputs.size() < first + 2 || !inputs[first].isTensor() || !inputs[first + 1].isTensor())
    return name;
  const at::Tensor &a = inputs[first].toTensor();
  at::Tensor b = inputs[first + 1].toTensor();
  if (a.dim() < 2 || b.dim() < 2) return name;
  bool is_linear = name[0] == 'm', is_batched = a.dim() == 3 && !is_linear;
  if (is_linear) b = b.t();
  int64_t k = a.size(-1), n = b.size(-1), count = is_batched ? a.size(0) : 1;
  if (k == 0 || count == 0) return name;
  return ct_profile_product(name.c_str(), count, a.numel() / k / count, n, k, is_transposed(a),
                            is_transposed(b));
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction &call) {
  auto frame = std::make_unique<Frame>();
  frame->key = key_of(call);
  frame->outer = current;
  current = frame.get();
  frame->start = now();
  return frame;
}

void end(const at::RecordFunction &, at::ObserverContext *context) {
  auto *frame = static_cast<Frame *>(context);
  if (!frame) return;
  int64_t all = now() - frame->start;
  if (current == frame) current = frame->outer;
  if (frame->outer) frame->outer->inner += all;
  add(frame->key, 1, all - frame->inner);
}

}  // namespace

bool ct_profile_is_on() { return on.load(std::memory_order_relaxed); }

std::string ct_profile_product(const char *name, int64_t count, int64_t m, int64_t n, int64_t k,
                               bool transposes_a, bool transposes_b) {
  std::ostringstream text;
  text << name << '\t' << count << '\t' << m << '\t' << n << '\t' << k << '\t' << transposes_a << '\t'
       << transposes_b;
  return text.str();
}

void ct_profile_part(const std::string &key, int64_t calls, int64_t nanoseconds) {
  add(key, calls, nanoseconds);
  if (current) current->inner += nanoseconds;
}

extern "C" {

int ct_profile_begin(void) {
  CT_TRY(TORCH_CHECK(!on.exchange(true), "a profile is being taken already");
         { std::lock_guard<std::mutex> guard(lock); entries.clear(); }
         handle = at::addGlobalCallback(
             at::RecordFunctionCallback(begin, end).needsInputs(true).scopes(
                 {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));)
}

int ct_profile_end(char **text) {
  CT_TRY(TORCH_CHECK(on.exchange(false), "no profile is being taken"); at::removeCallback(handle);
         std::lock_guard<std::mutex> guard(lock); std::ostringstream lines;
         for (const auto &[key, entry] : entries)
           lines << entry.calls << '\t' << entry.nanoseconds << '\t' << key << '\n';
         *text = strdup(lines.str().c_str());)
}
}
