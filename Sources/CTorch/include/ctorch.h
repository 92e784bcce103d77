// The C face of libtorch: no libtorch type appears here.
//
// `loader.c` forwards every function to libCTorch.so, opened on first use. Functions that can fail
// return 0 or -1 (or NULL); the reason is then in ct_error, per thread.
#ifndef CTORCH_H
#define CTORCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CT_API __attribute__((visibility("default")))
// One function never gives NULL and is called once an operation; the others say what they may give.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wnullability-completeness"
#define CT_NONNULL _Nonnull
#else
#define CT_NONNULL
#endif

// Raised when a function changes: an older bridge is then refused with a hint, not misread. One that
// lacks a function is noticed by the function's name.
#define CT_ABI_VERSION 1

typedef struct ct_tensor_s *ct_tensor;        // owns one reference of an at::TensorImpl
typedef struct ct_op_s *ct_op;                // an operator handle and its argument kinds; never freed
typedef struct ct_frame_s *ct_frame;          // the arguments of one call, on the current thread
typedef struct ct_generator_s *ct_generator;  // owns an at::Generator
typedef struct ct_store_s *ct_store;          // a c10d::Store
typedef struct ct_group_s *ct_group;          // a c10d::ProcessGroup
typedef struct ct_reducer_s *ct_reducer;      // a c10d::Reducer
typedef struct ct_graph_s *ct_graph;          // work of a device, captured

// ---- loading (in the Swift package, not in the bridge)

// Opens the bridge; later calls repeat the first one's answer. 0, or -1 with the reason.
int ct_load(const char **reason);

// Whether the processor multiplies bfloat16 numbers by instructions made for it: AVX512_BF16 or AMX on
// x86, BF16 on arm64.
bool ct_processor_has_bfloat16(void);

// ---- errors

typedef enum { CT_ERROR_OTHER = 0, CT_ERROR_OUT_OF_MEMORY = 1 } ct_error_kind;
CT_API const char *ct_error(void);       // libtorch's message, without its C++ backtrace
CT_API const char *ct_error_full(void);  // with it: symbolised only now, which takes milliseconds
CT_API int ct_last_error_kind(void);
CT_API const char *ct_version(void);     // of libtorch
CT_API int ct_abi_version(void);

// ---- operators, called boxed, by schema name

CT_API ct_op ct_op_find(const char *name, const char *overload);
CT_API const char *ct_op_schema(ct_op);
CT_API ct_frame CT_NONNULL ct_begin(ct_op);
CT_API void ct_push_tensor(ct_frame, ct_tensor);
CT_API void ct_push_none(ct_frame);
CT_API void ct_push_int(ct_frame, int64_t);
CT_API void ct_push_double(ct_frame, double);
CT_API void ct_push_bool(ct_frame, bool);
CT_API void ct_push_string(ct_frame, const char *, size_t);
CT_API void ct_push_ints(ct_frame, const int64_t *, size_t);
CT_API void ct_push_doubles(ct_frame, const double *, size_t);
CT_API void ct_push_bools(ct_frame, const bool *, size_t);
CT_API void ct_push_tensors(ct_frame, const ct_tensor *, size_t);
CT_API void ct_push_device(ct_frame, int8_t type, int8_t index);
CT_API void ct_push_generator(ct_frame, ct_generator);
CT_API void ct_named(ct_frame, const char *name);  // the next push fills the argument of this name
// Calls and gives the number of results, to be read before ct_end; -1 on error, the frame ended.
CT_API int ct_call(ct_frame);
// Calls an operator that returns one tensor, and ends the frame.
CT_API int ct_call1(ct_frame, ct_tensor *result);
CT_API ct_tensor ct_result_tensor(ct_frame, int i);
CT_API bool ct_result_is_list(ct_frame, int i);
CT_API size_t ct_result_list_count(ct_frame, int i);
CT_API ct_tensor ct_result_list_tensor(ct_frame, int i, size_t j);
CT_API void ct_end(ct_frame);

// ---- tensors

CT_API void ct_release(ct_tensor);
CT_API ct_tensor ct_retain(ct_tensor);  // one more reference
CT_API ct_tensor ct_undefined(void);
CT_API bool ct_defined(ct_tensor);
CT_API int64_t ct_dim(ct_tensor);
CT_API void ct_sizes(ct_tensor, int64_t *out);
CT_API int8_t ct_dtype(ct_tensor);
CT_API void ct_device(ct_tensor, int8_t *type, int8_t *index);
CT_API int64_t ct_count(ct_tensor);
CT_API bool ct_is_contiguous(ct_tensor);
CT_API void *ct_data(ct_tensor);  // CPU tensors only; NULL otherwise
CT_API int ct_item_double(ct_tensor, double *out);
// Wraps memory without a copy; `release(context)` runs when the last tensor over it is gone.
CT_API int ct_from_memory(void *data, const int64_t *sizes, size_t n, int8_t dtype,
                          void (*release)(void *), void *context, ct_tensor *out);
CT_API int ct_description(ct_tensor, char **out);  // to be freed

// ---- autograd

CT_API bool ct_requires_grad(ct_tensor);
CT_API int ct_set_requires_grad(ct_tensor, bool);
CT_API int ct_backward(ct_tensor, ct_tensor gradient_or_null, bool retain);
// The derivative of a tensor, times `gradient` where one is given, by each of `inputs`: NULL by one that it
// was not computed from. `record` keeps what the derivatives' own derivatives need.
CT_API int ct_gradients(ct_tensor, ct_tensor gradient_or_null, const ct_tensor *inputs, size_t n, bool record,
                        ct_tensor *out);
CT_API ct_tensor ct_grad(ct_tensor);  // NULL when there is none
CT_API int ct_set_grad(ct_tensor, ct_tensor gradient_or_null);
CT_API bool ct_grad_mode(void);
CT_API void ct_set_grad_mode(bool);
// The tensor `result`, computed from `inputs` outside the graph of gradients, as a node of it. In the
// backward pass `derivative(context, gradient, gradients)` owns `gradient`, that of the result, and
// writes one tensor for each input, or NULL for none; it gives 0, or -1. `release(context)` runs once
// when neither is needed any more, or after an error of this function.
CT_API int ct_function(const ct_tensor *inputs, size_t n, ct_tensor result,
                       int (*derivative)(void *context, ct_tensor gradient, ct_tensor *gradients),
                       void (*release)(void *context), void *context, ct_tensor *out);

// ---- autocast, generators, threads, devices

CT_API bool ct_autocast_enabled(int8_t device_type);
CT_API int8_t ct_autocast_dtype(int8_t device_type);
CT_API void ct_set_autocast(int8_t device_type, bool enabled, int8_t dtype);
CT_API void ct_autocast_clear_cache(void);
CT_API ct_generator ct_generator_new(uint64_t seed);  // of the CPU
CT_API void ct_generator_free(ct_generator);
CT_API int ct_threads(void);
CT_API void ct_set_threads(int);
// Notes the time of every operator until `ct_profile_end`, which gives a line for each: calls,
// nanoseconds without those of inner operators, name, and for products how many, M, N, K and which side
// is transposed (0 or 1), with tabs between. To be freed.
CT_API int ct_profile_begin(void);
CT_API int ct_profile_end(char **lines);
CT_API int ct_device_count(int8_t device_type);
CT_API int ct_synchronize(int8_t device_type, int8_t index);
CT_API int ct_memory_peak(int8_t device_type, int8_t index, int64_t *bytes);
// Whether work of such a device can be captured as a graph. Between `ct_graph_begin` and `ct_graph_end` what
// this thread asks for, and what backward passes it starts do, is captured, and nothing may be waited for.
// `ct_graph_end` gives -1 where something did not let itself be captured.
CT_API bool ct_graph_supported(int8_t device_type);
CT_API int ct_graph_begin(int8_t device_type, int8_t index, ct_graph *out);
CT_API int ct_graph_end(ct_graph, bool keeps);
CT_API int ct_graph_replay(ct_graph);
CT_API void ct_graph_free(ct_graph);
// Makes the device of libtorch's type PrivateUse1 one that computes in main memory, see
// Bridge/simulated.cpp; the second call does nothing.
CT_API int ct_simulate_device(void);
// What a GPU would have been waited for since the last call, a line each; to be freed.
CT_API char *ct_simulated_waits(void);
// Keeps freed pages in the process: fresh ones cost several times what reused ones do.
CT_API void ct_keep_pages(void);
// The most bytes that tensors of 1 MiB and more held in main memory since it was called with true, which
// gives what they hold now.
CT_API int64_t ct_large_memory(bool begins);

// ---- many processes (c10d); times are in milliseconds

// Whether this libtorch has process groups at all.
CT_API bool ct_has_distributed(void);
// A server where `serves`, and a client in any case; port 0 lets the system choose one.
CT_API int ct_store_tcp(const char *host, int port, bool serves, int timeout, ct_store *out);
CT_API int ct_store_file(const char *path, int count, ct_store *out);
CT_API int ct_store_prefixed(ct_store, const char *prefix, ct_store *out);
CT_API int ct_store_port(ct_store);
CT_API int ct_store_set(ct_store, const char *key, const char *value, size_t count);
// Waits for the key; to be freed.
CT_API int ct_store_get(ct_store, const char *key, int timeout, char **out, size_t *count);
CT_API int ct_store_has(ct_store, const char *key, bool *out);
CT_API int ct_store_add(ct_store, const char *key, int64_t n, int64_t *out);
CT_API void ct_store_free(ct_store);

// A group of `count` processes, registered under `name` for the operators of `_c10d_functional`: Gloo
// for tensors of the CPU, NCCL for those of a CUDA device where `device` is its number (else -1).
// Gloo listens on a network interface of that name, or at an address of this host, or, with NULL for
// both, where the host's name leads.
CT_API int ct_group_new(ct_store, const char *name, int rank, int count, const char *interface,
                        const char *address, int device, int timeout, ct_group *out);
CT_API int ct_group_barrier(ct_group, int timeout);
// Gives all ranks the tensors of rank 0, in parts of 250 MB.
CT_API int ct_group_broadcast(ct_group, const ct_tensor *, size_t count);
CT_API int ct_group_same_shapes(ct_group, const ct_tensor *, size_t count);
CT_API void ct_group_free(ct_group);

// Averages gradients over a group while backward passes compute them, in buckets.
CT_API int ct_reducer_new(ct_group, const ct_tensor *parameters, const char *const *names, size_t count,
                          int64_t first_bytes, int64_t bytes, bool as_bfloat16, ct_reducer *out);
// To be called before a backward pass whose gradients are averaged, together with those that earlier
// passes have added up.
CT_API int ct_reducer_begin(ct_reducer);
CT_API void ct_reducer_free(ct_reducer);

#ifdef __cplusplus
}
#endif
#endif
