// Stores, process groups and the reducer of gradients: c10d's own, opened to C.
//
// Collectives need nothing here: they are operators (`_c10d_functional::all_reduce_` …), called boxed
// with the name under which a group is registered.
#if defined(__linux__)
#define USE_DISTRIBUTED 1
#define USE_C10D 1
#define USE_C10D_GLOO 1
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <torch/library.h>
#endif
#include <c10/util/Logging.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "internal.h"

#if defined(__linux__)

using std::chrono::milliseconds;
using Store = c10::intrusive_ptr<c10d::Store>;
using Group = c10::intrusive_ptr<c10d::ProcessGroup>;

struct ct_store_s {
  Store store;
  int port;
};
struct ct_group_s {
  Group group;
  std::string name;
};
struct ct_reducer_s {
  std::shared_ptr<c10d::Reducer> reducer;
};

// nccl.cpp
c10::intrusive_ptr<c10d::Backend> ct_nccl(const Store &, int rank, int count, int device, milliseconds);

namespace {

std::vector<at::Tensor> list(const ct_tensor *t, size_t n) {
  std::vector<at::Tensor> result;
  result.reserve(n);
  for (size_t i = 0; i < n; i++) result.push_back(borrow(t[i]));
  return result;
}

// c10d prints every refused connection with a C++ stack unless told otherwise before its first word.
void be_quiet() {
  static bool done = [] {
    setenv("TORCH_CPP_LOG_LEVEL", "FATAL", 0);
    c10::initLogging();
    return true;
  }();
  (void)done;
}

// Gradients travel as bfloat16 and are added as such; they come back in their own type.
struct BFloat16Hook : c10d::CppCommHookInterface<Group> {
  using CppCommHookInterface::CppCommHookInterface;
  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket &bucket) override {
    auto whole = bucket.getBuffer();
    std::vector<at::Tensor> halves{whole.div(state_->getSize()).to(at::kBFloat16)};
    return state_->allreduce(halves)->getFuture()->then(
        [whole, halves](c10::ivalue::Future &done) {
          if (done.hasError()) std::rethrow_exception(done.exception_ptr());
          at::Tensor result = whole;
          return c10::IValue(result.copy_(halves[0]));
        },
        c10::TensorType::get());
  }
};

at::Tensor sum_over(const at::Tensor &x, const std::string &group) {
  std::vector<at::Tensor> sum{x.contiguous().clone()};
  c10d::resolve_process_group(group)->allreduce(sum)->wait();
  return sum[0];
}

// A sum over all ranks whose gradient is the sum of all ranks' gradients.
struct AllSum : torch::autograd::Function<AllSum> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &x,
                            std::string group) {
    context->saved_data["group"] = group;
    at::AutoDispatchBelowADInplaceOrView below;
    return sum_over(x, group);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    return {apply(gradients[0], context->saved_data["group"].toStringRef()), at::Tensor()};
  }
};

at::Tensor all_sum(const at::Tensor &x, std::string group) { return AllSum::apply(x, std::move(group)); }
at::Tensor all_sum_only(const at::Tensor &x, std::string group) { return sum_over(x, group); }

TORCH_LIBRARY(mae, m) { m.def("all_sum(Tensor x, str group) -> Tensor"); }
TORCH_LIBRARY_IMPL(mae, CompositeExplicitAutograd, m) { m.impl("all_sum", all_sum_only); }
TORCH_LIBRARY_IMPL(mae, Autograd, m) { m.impl("all_sum", all_sum); }

}  // namespace

extern "C" {

bool ct_has_distributed(void) { return true; }

int ct_store_tcp(const char *host, int port, bool serves, int timeout, ct_store *out) {
  CT_TRY(be_quiet(); c10d::TCPStoreOptions options; options.port = uint16_t(port);
         options.isServer = serves; options.timeout = milliseconds(timeout);
         options.waitWorkers = false; options.multiTenant = true;
         auto store = c10::make_intrusive<c10d::TCPStore>(std::string(host), options);
         int bound = store->getPort(); *out = new ct_store_s{std::move(store), bound};)
}

int ct_store_file(const char *path, int count, ct_store *out) {
  CT_TRY(be_quiet(); *out = new ct_store_s{c10::make_intrusive<c10d::FileStore>(path, count), 0};)
}

int ct_store_prefixed(ct_store s, const char *prefix, ct_store *out) {
  CT_TRY(*out = new ct_store_s{c10::make_intrusive<c10d::PrefixStore>(prefix, s->store), s->port};)
}

int ct_store_port(ct_store s) { return s->port; }

int ct_store_set(ct_store s, const char *key, const char *value, size_t n) {
  CT_TRY(s->store->set(key, std::vector<uint8_t>(value, value + n));)
}

int ct_store_get(ct_store s, const char *key, int timeout, char **out, size_t *n) {
  CT_TRY(s->store->wait({key}, milliseconds(timeout)); auto bytes = s->store->get(key);
         *out = static_cast<char *>(malloc(bytes.size() + 1));
         memcpy(*out, bytes.data(), bytes.size()); *n = bytes.size();)
}

int ct_store_has(ct_store s, const char *key, bool *out) { CT_TRY(*out = s->store->check({key});) }

int ct_store_add(ct_store s, const char *key, int64_t n, int64_t *out) {
  CT_TRY(*out = s->store->add(key, n);)
}

void ct_store_free(ct_store s) { delete s; }

int ct_group_new(ct_store s, const char *name, int rank, int count, const char *interface,
                 const char *address, int device, int timeout, ct_group *out) {
  CT_TRY(
      using c10d::ProcessGroup; using c10d::ProcessGroupGloo; using c10d::Backend; be_quiet();
      auto options = ProcessGroupGloo::Options::create(milliseconds(timeout));
      options->devices.push_back(interface ? ProcessGroupGloo::createDeviceForInterface(interface)
                                 : address ? ProcessGroupGloo::createDeviceForHostname(address)
                                           : ProcessGroupGloo::createDefaultDevice());
      auto gloo = c10::make_intrusive<ProcessGroupGloo>(
          c10::make_intrusive<c10d::PrefixStore>("cpu/", s->store), rank, count, options);
      auto group = c10::make_intrusive<ProcessGroup>(s->store, rank, count);
      group->setBackend(at::kCPU, ProcessGroup::BackendType::GLOO,
                        c10::intrusive_ptr<Backend>(std::move(gloo)));
      group->setDefaultBackend(ProcessGroup::BackendType::GLOO); if (device >= 0) {
        auto nccl = ct_nccl(c10::make_intrusive<c10d::PrefixStore>("cuda/", s->store), rank, count,
                            device, milliseconds(timeout));
        group->setBoundDeviceId(at::Device(at::kCUDA, c10::DeviceIndex(device)));
        group->setBackend(at::kCUDA, ProcessGroup::BackendType::NCCL, nccl);
      } group->setGroupName(name);
      c10d::register_process_group(name, group); *out = new ct_group_s{group, name};)
}

int ct_group_barrier(ct_group g, int timeout) {
  CT_TRY(c10d::BarrierOptions options; options.timeout = milliseconds(timeout);
         g->group->getBackend(at::kCPU)->barrier(options)->wait();)
}

int ct_group_broadcast(ct_group g, const ct_tensor *t, size_t n) {
  CT_TRY(at::NoGradGuard none; c10d::broadcast_coalesced(g->group, list(t, n), 250 << 20);)
}

int ct_group_same_shapes(ct_group g, const ct_tensor *t, size_t n) {
  CT_TRY(c10d::verify_params_across_processes(g->group, list(t, n), {});)
}

void ct_group_free(ct_group g) {
  c10d::unregister_process_group(g->name);
  delete g;
}

int ct_reducer_new(ct_group g, const ct_tensor *parameters, const char *const *names, size_t n,
                   int64_t first_bytes, int64_t bytes, bool as_bfloat16, ct_reducer *out) {
  CT_TRY(
      auto tensors = list(parameters, n); std::vector<bool> sparse(n, false);
      auto [buckets, limits] = c10d::compute_bucket_assignment_by_size(
          tensors, {size_t(first_bytes), size_t(bytes)}, sparse);
      // The last layer's gradients come first.
      std::reverse(buckets.begin(), buckets.end()); std::reverse(limits.begin(), limits.end());
      std::unordered_map<size_t, std::string> by_index;
      for (size_t i = 0; i < n; i++) by_index[i] = names[i];
      auto reducer = std::make_shared<c10d::Reducer>(
          tensors, buckets, g->group, sparse, bytes, /*find_unused_parameters*/ false,
          /*gradient_as_bucket_view*/ true, by_index, first_bytes,
          /*skip_all_reduce_unused_params*/ false, /*use_python_reducer*/ false,
          std::vector<int64_t>(limits.begin(), limits.end()));
      if (as_bfloat16) reducer->register_comm_hook(std::make_unique<BFloat16Hook>(g->group));
      *out = new ct_reducer_s{reducer};)
}

int ct_reducer_begin(ct_reducer r) {
  CT_TRY(r->reducer->rebuild_buckets(); r->reducer->prepare_for_forward();
         r->reducer->prepare_for_backward({});)
}

void ct_reducer_free(ct_reducer r) { delete r; }
}

#else  // c10d is there on Linux; elsewhere one process is all there is.

static int absent() {
  ct_set_error("this libtorch has no process groups; training over several processes needs Linux");
  return -1;
}

extern "C" {
bool ct_has_distributed(void) { return false; }
int ct_store_tcp(const char *, int, bool, int, ct_store *) { return absent(); }
int ct_store_file(const char *, int, ct_store *) { return absent(); }
int ct_store_prefixed(ct_store, const char *, ct_store *) { return absent(); }
int ct_store_port(ct_store) { return 0; }
int ct_store_set(ct_store, const char *, const char *, size_t) { return absent(); }
int ct_store_get(ct_store, const char *, int, char **, size_t *) { return absent(); }
int ct_store_has(ct_store, const char *, bool *) { return absent(); }
int ct_store_add(ct_store, const char *, int64_t, int64_t *) { return absent(); }
void ct_store_free(ct_store) {}
int ct_group_new(ct_store, const char *, int, int, const char *, const char *, int, int, ct_group *) {
  return absent();
}
int ct_group_barrier(ct_group, int) { return absent(); }
int ct_group_broadcast(ct_group, const ct_tensor *, size_t) { return absent(); }
int ct_group_same_shapes(ct_group, const ct_tensor *, size_t) { return absent(); }
void ct_group_free(ct_group) {}
int ct_reducer_new(ct_group, const ct_tensor *, const char *const *, size_t, int64_t, int64_t, bool,
                   ct_reducer *) {
  return absent();
}
int ct_reducer_begin(ct_reducer) { return absent(); }
void ct_reducer_free(ct_reducer) {}
}
#endif
