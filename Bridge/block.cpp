// A pre-norm transformer block as one operator, float32 on the CPU: two norms, attention, the perceptron
// and both sums, with a derivative of its own.
//
// Images are divided into chunks whose activations stay in a thread's caches; a chunk passes through all
// of the block before the next one. Kept for the backward pass are queries, keys, values, the attention's
// result, the sum after it and the perceptron's hidden values before GELU; norms, GELU and the weights of
// attention are computed again. Gradients of weights are added up in the order of the images: they are the
// same bytes in every run with as many threads.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels.h"
#include "parallel.h"

using at::Tensor;
using kernels::Head;
using kernels::Matrix;
using kernels::Table;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace {

// Places in the list of weights; the bias of queries, keys and values is an argument of its own.
enum Weight { kNorm1, kNorm1Bias, kQKV, kProjection, kProjectionBias, kNorm2, kNorm2Bias, kExpand,
              kExpandBias, kProject, kProjectBias, kWeights };

struct Shape {
  int64_t images, tokens, width, hidden, heads, head, first, queries;
  float epsilon;
  int64_t rows() const { return images * tokens; }
  int64_t query_rows() const { return images * queries; }
};

const float *in(const Tensor &t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
float *out(const Tensor &t) { return t.mutable_data_ptr<float>(); }

Shape shape_of(const Tensor &x, at::TensorList w, const std::optional<Tensor> &bias,
               const std::optional<Tensor> &factors1, const std::optional<Tensor> &factors2, int64_t heads,
               int64_t first, int64_t queries, double epsilon) {
  auto check = [&](const Tensor &t, at::IntArrayRef sizes, const char *name) {
    TORCH_CHECK(t.sizes() == sizes, "block: ", name, " is ", t.sizes(), ", expected ", sizes);
    TORCH_CHECK(t.scalar_type() == at::kFloat && t.device().is_cpu(), "block: ", name, " is ",
                t.scalar_type(), " on ", t.device(), ", expected float32 on the CPU");
  };
  TORCH_CHECK(x.dim() == 3, "block: tokens are ", x.sizes(), ", expected [B, N, D]");
  TORCH_CHECK(w.size() == kWeights, "block: ", w.size(), " weights, expected ", int(kWeights));
  int64_t b = x.size(0), n = x.size(1), d = x.size(2);
  TORCH_CHECK(w[kExpand].dim() == 2, "block: fc1 is ", w[kExpand].sizes(), ", expected [F, D]");
  int64_t f = w[kExpand].size(0);
  check(x, {b, n, d}, "tokens");
  for (auto i : {kNorm1, kNorm1Bias, kProjectionBias, kNorm2, kNorm2Bias, kProjectBias})
    check(w[i], {d}, "a norm or bias");
  check(w[kQKV], {3 * d, d}, "qkv");
  check(w[kProjection], {d, d}, "proj");
  check(w[kExpand], {f, d}, "fc1");
  check(w[kExpandBias], {f}, "fc1's bias");
  check(w[kProject], {d, f}, "fc2");
  if (bias && bias->defined()) check(*bias, {3 * d}, "qkv's bias");
  for (auto *factors : {&factors1, &factors2})
    if (*factors && (*factors)->defined()) check(**factors, {b}, "factors of a branch");
  TORCH_CHECK(heads > 0 && d % heads == 0, "block: ", heads, " heads do not divide a width of ", d);
  if (queries < 0) queries = n - first;
  TORCH_CHECK(b > 0 && first >= 0 && queries > 0 && first + queries <= n, "block: queries ", first, "..<",
              first + queries, " of ", n, " tokens of ", b, " images");
  return {b, n, d, f, heads, d / heads, first, queries, float(epsilon)};
}

const Table &kernels_for(const Shape &s) {
  const Table *table = kernels::chosen(s.width, s.hidden, s.head);
  TORCH_CHECK(table, "block: no kernel for a width of ", s.width, ", ", s.hidden, " hidden and heads of ",
              s.head);
  return *table;
}

// Images in chunks of about so many rows, as many as a multiple of the threads.
struct Chunks {
  int64_t images, count;
  Chunks(int64_t images, int64_t tokens, int64_t rows, int threads) : images(images) {
    int64_t most = std::max<int64_t>(1, rows / tokens);
    count = (images + most - 1) / most;
    count = std::min(images, (count + threads - 1) / threads * threads);
  }
  int64_t start(int64_t chunk) const { return images * chunk / count; }
  int64_t most() const { return (images + count - 1) / count; }
};

// Rows of a chunk: activations of narrow blocks fit the second cache, those of wide ones do not anyhow.
int64_t chunk_rows(const Shape &s) { return s.hidden <= 1024 ? 288 : 256; }

struct Packing {
  Matrix matrix;
  long n, k;
  float *to;
};

void pack_all(const Table &kernel, const std::vector<Packing> &list) {
  struct Part { const Packing *what; long start; };
  std::vector<Part> parts;
  for (const auto &p : list)
    for (long n = 0; n < p.n; n += kernel.pack_unit(p.n)) parts.push_back({&p, n});
  Tasks tasks(parts.size());
  work(operator_threads(), [&](int) {
    for (int64_t i; (i = tasks.take()) >= 0;) {
      const auto &p = *parts[i].what;
      long stop = std::min(p.n, parts[i].start + kernel.pack_unit(p.n));
      kernel.pack(p.n, p.k, p.matrix, parts[i].start, stop, p.to);
    }
  });
}

// Memory for what is computed on the way, taken in parts of whole cache lines.
struct Space {
  std::vector<int64_t> starts;
  int64_t size = 0;
  int take(int64_t floats) {
    starts.push_back(size);
    size += (floats + 15) / 16 * 16;
    return int(starts.size()) - 1;
  }
};

struct Kept {
  Tensor qkv, mixed, log_sums, middle, hidden, stats;
};

enum ForwardPart { fPack, fRows, fAttention, fQKV, fProjection, fExpand, fProject, fParts };

// Rows of a matrix in parts, as many as a multiple of the threads and whole tiles but for the last.
struct RowParts {
  int64_t rows, each, count;
  RowParts(int64_t rows, int64_t most, int64_t tile, int threads) : rows(rows) {
    int64_t parts = (rows + most - 1) / most;
    parts = (parts + threads - 1) / threads * threads;
    each = ((rows + parts - 1) / parts + tile - 1) / tile * tile;
    count = (rows + each - 1) / each;
  }
  int64_t start(int64_t part) const { return std::min(rows, part * each); }
};

struct PackedWeights {
  const float *qkv, *projection, *expand, *project;
};

// The same for fewer images than threads, and without what a backward pass needs: threads divide rows, then
// heads, then rows again. Each row's arithmetic is that of the chunks of images, and so are its bytes.
void forward_in_rows(const Table &K, const Tensor &x, at::TensorList w, const Tensor &bias,
                     const Tensor &factors1, const Tensor &factors2, const Shape &s,
                     const PackedWeights &packed, Tensor &y, PartTimes &times) {
  const int64_t D = s.width, F = s.hidden, N = s.tokens, Q = s.queries;
  int threads = operator_threads();
  RowParts keys(s.rows(), chunk_rows(s), K.tile_rows, threads),
      queries(s.query_rows(), chunk_rows(s), K.tile_rows, threads);
  Space own;
  int64_t R = std::max(keys.each, queries.each);
  int normed_at = own.take(R * D), change_at = own.take(R * D), middle_at = own.take(R * D),
      active_at = own.take(R * F), stats_at = own.take(2 * R),
      heads_at = own.take(K.attention_scratch(N, Q, s.head, false)), product_at = own.take(K.product_scratch);
  Tensor scratch = at::empty({threads * own.size + s.rows() * 3 * D + s.query_rows() * D}, x.options());
  float *qkv = out(scratch) + threads * own.size, *mixed = qkv + s.rows() * 3 * D;
  auto place = [&](int worker, int at) { return out(scratch) + worker * own.size + own.starts[at]; };
  const float *X = in(x), *first_factors = in(factors1), *second_factors = in(factors2);

  Tasks key_tasks(keys.count);
  work(threads, [&](int worker) {
    PartTimes::Clock clock(times, worker);
    float *normed = place(worker, normed_at);
    for (int64_t p; (p = key_tasks.take()) >= 0;) {
      int64_t from = keys.start(p), rows = keys.start(p + 1) - from;
      K.norm(rows, D, X + from * D, in(w[kNorm1]), in(w[kNorm1Bias]), s.epsilon, normed,
             place(worker, stats_at));
      clock.note(fRows);
      K.product(rows, 3 * D, D, {normed, D, 1}, {}, packed.qkv, qkv + from * 3 * D, 3 * D, in(bias), false,
                place(worker, product_at));
      clock.note(fQKV);
    }
  });

  // Heads that threads do not divide evenly are divided into parts of their queries.
  int64_t heads = s.images * s.heads, parts = heads % threads == 0 ? 1 : std::min<int64_t>(threads, Q);
  Tasks head_tasks(heads * parts);
  work(threads, [&](int worker) {
    PartTimes::Clock clock(times, worker);
    for (int64_t t; (t = head_tasks.take()) >= 0;) {
      int64_t i = t / parts / s.heads, h = t / parts % s.heads, from = Q * (t % parts) / parts,
              some = Q * (t % parts + 1) / parts - from;
      const float *head = qkv + i * N * 3 * D + h * s.head;
      K.attention(N, some, s.head,
                  Head{head + (s.first + from) * 3 * D, head + D, head + 2 * D, 3 * D, nullptr, D, nullptr, 0,
                       0},
                  mixed + (i * Q + from) * D + h * s.head, place(worker, heads_at));
      clock.note(fAttention);
    }
  });

  Tasks query_tasks(queries.count);
  work(threads, [&](int worker) {
    PartTimes::Clock clock(times, worker);
    float *normed = place(worker, normed_at), *change = place(worker, change_at),
          *middle = place(worker, middle_at), *active = place(worker, active_at),
          *room = place(worker, product_at);
    for (int64_t p; (p = query_tasks.take()) >= 0;) {
      int64_t from = queries.start(p), to = queries.start(p + 1), rows = to - from;
      float *result = out(y) + from * D;
      // Rows from `r` on that belong to one image.
      auto of_image = [&](int64_t r) { return std::min(to, (r / Q + 1) * Q) - r; };
      K.product(rows, D, D, {mixed + from * D, D, 1}, {}, packed.projection, change, D,
                in(w[kProjectionBias]), false, room);
      clock.note(fProjection);
      for (int64_t r = from; r < to; r += of_image(r))
        K.add_norm(of_image(r), D, X + (r / Q * N + s.first + r % Q) * D, change + (r - from) * D,
                   first_factors ? first_factors[r / Q] : 1, in(w[kNorm2]), in(w[kNorm2Bias]), s.epsilon,
                   middle + (r - from) * D, normed + (r - from) * D, place(worker, stats_at));
      clock.note(fRows);
      K.product(rows, F, D, {normed, D, 1}, {}, packed.expand, active, F, in(w[kExpandBias]), false, room);
      clock.note(fExpand);
      K.gelu(rows * F, active, active);
      clock.note(fRows);
      K.product(rows, D, F, {active, F, 1}, {}, packed.project, result, D, in(w[kProjectBias]), false, room);
      clock.note(fProject);
      for (int64_t r = from; r < to; r += of_image(r))
        K.add_scaled(of_image(r) * D, middle + (r - from) * D, second_factors ? second_factors[r / Q] : 1,
                     out(y) + r * D);
      clock.note(fRows);
    }
  });
}

Tensor forward(const Tensor &x, at::TensorList w, const Tensor &bias, const Tensor &factors1,
               const Tensor &factors2, const Shape &s, Kept *kept) {
  const Table &K = kernels_for(s);
  const int64_t D = s.width, F = s.hidden, N = s.tokens, Q = s.queries;
  auto options = x.options();
  Tensor y = at::empty({s.images, Q, D}, options);
  if (kept) {
    kept->qkv = at::empty({s.images, N, 3 * D}, options);
    kept->mixed = at::empty({s.images, Q, D}, options);
    kept->log_sums = at::empty({s.images, s.heads, Q}, options);
    kept->middle = at::empty({s.images, Q, D}, options);
    kept->hidden = at::empty({s.images, Q, F}, options);
    kept->stats = at::empty({2 * (s.rows() + s.query_rows())}, options);
  }
  int threads = operator_threads();
  PartTimes times(threads, fParts);

  Tensor packed = at::empty({K.packed_size(3 * D, D) + K.packed_size(D, D) + K.packed_size(F, D) +
                             K.packed_size(D, F)}, options);
  float *qkv_weight = out(packed), *projection = qkv_weight + K.packed_size(3 * D, D),
        *expand = projection + K.packed_size(D, D), *project = expand + K.packed_size(F, D);
  {
    PartTimes::Clock clock(times, 0);
    pack_all(K, {{{in(w[kQKV]), 1, D}, 3 * D, D, qkv_weight},
                 {{in(w[kProjection]), 1, D}, D, D, projection},
                 {{in(w[kExpand]), 1, D}, F, D, expand},
                 {{in(w[kProject]), 1, F}, D, F, project}});
    clock.note(fPack);
  }

  const char *name = "swift_mae::product forward";
  auto tell = [&] {
    times.tell(fPack, "swift_mae::block packs weights");
    times.tell(fRows, "swift_mae::block rows forward");
    times.tell(fAttention, "swift_mae::block attention forward");
    times.tell(fQKV, name, s.rows(), 3 * D, D, false, true);
    times.tell(fProjection, name, s.query_rows(), D, D, false, true);
    times.tell(fExpand, name, s.query_rows(), F, D, false, true);
    times.tell(fProject, name, s.query_rows(), D, F, false, true);
  };
  if (!kept && s.images < threads) {
    forward_in_rows(K, x, w, bias, factors1, factors2, s, {qkv_weight, projection, expand, project}, y, times);
    tell();
    return y;
  }

  Chunks chunks(s.images, N, chunk_rows(s), threads);
  int64_t most = chunks.most(), R = most * N, RQ = most * Q;
  Space space;
  int normed_at = space.take(R * D), change_at = space.take(RQ * D), active_at = space.take(RQ * F),
      heads_at = space.take(K.attention_scratch(N, Q, s.head, false)),
      product_at = space.take(K.product_scratch), qkv_at = space.take(kept ? 0 : R * 3 * D),
      mixed_at = space.take(kept ? 0 : RQ * D), middle_at = space.take(kept ? 0 : RQ * D),
      stats_at = space.take(kept ? 0 : 2 * R);
  Tensor scratch = at::empty({threads * space.size}, options);

  const float *X = in(x), *first_factors = in(factors1), *second_factors = in(factors2);
  Tasks tasks(chunks.count);
  work(threads, [&](int worker) {
    float *base = out(scratch) + worker * space.size;
    auto at_ = [&](int place) { return base + space.starts[place]; };
    float *normed = at_(normed_at), *change = at_(change_at), *active = at_(active_at),
          *room = at_(product_at);
    PartTimes::Clock clock(times, worker);
    for (int64_t c; (c = tasks.take()) >= 0;) {
      int64_t from = chunks.start(c), images = chunks.start(c + 1) - from, rows = images * N,
              some = images * Q;
      float *qkv = kept ? out(kept->qkv) + from * N * 3 * D : at_(qkv_at),
            *mixed = kept ? out(kept->mixed) + from * Q * D : at_(mixed_at),
            *middle = kept ? out(kept->middle) + from * Q * D : at_(middle_at),
            *hidden = kept ? out(kept->hidden) + from * Q * F : active,
            *stats1 = kept ? out(kept->stats) + 2 * from * N : at_(stats_at),
            *stats2 = kept ? out(kept->stats) + 2 * (s.rows() + from * Q) : at_(stats_at),
            *result = out(y) + from * Q * D;
      const float *tokens = X + from * N * D;
      K.norm(rows, D, tokens, in(w[kNorm1]), in(w[kNorm1Bias]), s.epsilon, normed, stats1);
      clock.note(fRows);
      K.product(rows, 3 * D, D, {normed, D, 1}, {}, qkv_weight, qkv, 3 * D, in(bias), false, room);
      clock.note(fQKV);
      for (int64_t i = 0; i < images; i++) {
        for (int64_t h = 0; h < s.heads; h++) {
          const float *head = qkv + i * N * 3 * D + h * s.head;
          float *sums = kept ? out(kept->log_sums) + ((from + i) * s.heads + h) * Q : nullptr;
          K.attention(N, Q, s.head,
                      Head{head + s.first * 3 * D, head + D, head + 2 * D, 3 * D, nullptr, D, sums, 0, 0},
                      mixed + i * Q * D + h * s.head, at_(heads_at));
        }
      }
      clock.note(fAttention);
      K.product(some, D, D, {mixed, D, 1}, {}, projection, change, D, in(w[kProjectionBias]), false, room);
      clock.note(fProjection);
      for (int64_t i = 0; i < images; i++) {
        K.add_norm(Q, D, tokens + (i * N + s.first) * D, change + i * Q * D,
                   first_factors ? first_factors[from + i] : 1, in(w[kNorm2]), in(w[kNorm2Bias]), s.epsilon,
                   middle + i * Q * D, normed + i * Q * D, stats2 + 2 * i * Q);
      }
      clock.note(fRows);
      K.product(some, F, D, {normed, D, 1}, {}, expand, hidden, F, in(w[kExpandBias]), false, room);
      clock.note(fExpand);
      K.gelu(some * F, hidden, active);
      clock.note(fRows);
      K.product(some, D, F, {active, F, 1}, {}, project, result, D, in(w[kProjectBias]), false, room);
      clock.note(fProject);
      for (int64_t i = 0; i < images; i++)
        K.add_scaled(Q * D, middle + i * Q * D, second_factors ? second_factors[from + i] : 1,
                     result + i * Q * D);
      clock.note(fRows);
    }
  });
  tell();
  return y;
}

enum BackwardPart { bPack, bRows, bAttention, bQKV, bProjection, bExpand, bProject, bWQKV, bWProjection,
                    bWExpand, bWProject, bParts };

// Sums over rows that a chunk keeps for itself.
struct Sums {
  int64_t norm1, norm1_bias, qkv, projection, norm2, norm2_bias, expand, project, size;
  explicit Sums(const Shape &s) {
    int64_t D = s.width, at = 0;
    auto take = [&](int64_t n) { int64_t start = at; at += n; return start; };
    norm1 = take(D); norm1_bias = take(D); qkv = take(3 * D); projection = take(D);
    norm2 = take(D); norm2_bias = take(D); expand = take(s.hidden); project = take(D);
    size = at;
  }
};

// Gradients of x, the weights, and the bias, in this order; those of matrices only where `needs` says so.
variable_list backward(const Tensor &gradient, const Tensor &x, at::TensorList w, const Tensor &bias,
                       const Tensor &factors1, const Tensor &factors2, const Shape &s, const Kept &kept,
                       const std::vector<bool> &needs) {
  const Table &K = kernels_for(s);
  const int64_t D = s.width, F = s.hidden, N = s.tokens, Q = s.queries;
  auto options = x.options();
  Tensor dy = gradient.contiguous(), dx = at::empty_like(x);
  variable_list grads(kWeights);
  for (int i : {kQKV, kProjection, kExpand, kProject}) if (needs[i]) grads[i] = at::empty_like(w[i]);
  int threads = operator_threads();
  PartTimes times(threads, bParts);

  Tensor packed = at::empty({K.packed_size(D, 3 * D) + K.packed_size(D, D) + K.packed_size(D, F) +
                             K.packed_size(F, D)}, options);
  float *qkv_weight = out(packed), *projection = qkv_weight + K.packed_size(D, 3 * D),
        *expand = projection + K.packed_size(D, D), *project = expand + K.packed_size(D, F);
  {
    PartTimes::Clock clock(times, 0);
    pack_all(K, {{{in(w[kQKV]), D, 1}, D, 3 * D, qkv_weight},
                 {{in(w[kProjection]), D, 1}, D, D, projection},
                 {{in(w[kExpand]), D, 1}, D, F, expand},
                 {{in(w[kProject]), F, 1}, F, D, project}});
    clock.note(bPack);
  }

  // Groups of images: what all of one's rows give is kept until their gradients of weights are added.
  int64_t weights = 4 * D * D + 2 * D * F;
  int64_t group_rows = std::max<int64_t>(threads * chunk_rows(s), std::min<int64_t>(4096, weights / 1024));
  Chunks groups(s.images, N, group_rows, 1);
  int64_t G = groups.most() * N, GQ = groups.most() * Q;
  int64_t most = groups.most();  // a small last group may have larger chunks
  for (int64_t g = 0; g < groups.count; g++) {
    Chunks chunks(groups.start(g + 1) - groups.start(g), N, chunk_rows(s), threads);
    most = g == 0 ? chunks.most() : std::max(most, chunks.most());
  }
  int64_t R = most * N, RQ = most * Q;
  Space shared;
  int active_at = shared.take(GQ * F), dhidden_at = shared.take(GQ * F), normed2_at = shared.take(GQ * D),
      dmiddle_at = shared.take(GQ * D), dchange_at = shared.take(factors1.defined() ? GQ * D : 0),
      dresult_at = shared.take(factors2.defined() ? GQ * D : 0), dqkv_at = shared.take(G * 3 * D),
      normed1_at = shared.take(G * D);
  Space own;
  int dnormed_at = own.take(R * D), dmixed_at = own.take(RQ * D),
      heads_at = own.take(K.attention_scratch(N, Q, s.head, true)), product_at = own.take(K.product_scratch);
  // While gradients of weights are added for a group, the rows of the next two are computed; with memory
  // for two groups alone, the one after the next would wait for the last of these products.
  int64_t sets = std::min<int64_t>(3, groups.count);
  Tensor memory = at::empty({sets * shared.size + threads * own.size}, options);

  Sums sums(s);
  const float *stats1 = in(kept.stats), *stats2 = stats1 + 2 * s.rows(), *f1 = in(factors1),
              *f2 = in(factors2);
  struct Group {
    int64_t start, count, first_part;
    Chunks chunks;
    float *active, *dhidden, *normed2, *dmiddle, *dchange, *scaled, *dqkv, *normed1;
    const float *dresult;
  };
  std::vector<Group> all;
  int64_t part_count = 0;
  for (int64_t g = 0; g < groups.count; g++) {
    int64_t start = groups.start(g), count = groups.start(g + 1) - start;
    auto place = [&](int at) { return out(memory) + g % sets * shared.size + shared.starts[at]; };
    Group group{start, count, part_count, Chunks(count, N, chunk_rows(s), threads),
                place(active_at), place(dhidden_at), place(normed2_at), place(dmiddle_at),
                factors1.defined() ? place(dchange_at) : place(dmiddle_at),
                factors2.defined() ? place(dresult_at) : nullptr, place(dqkv_at), place(normed1_at),
                nullptr};
    group.dresult = group.scaled ? group.scaled : in(dy) + start * Q * D;
    part_count += group.chunks.count;
    all.push_back(group);
  }
  Tensor parts = at::zeros({part_count, sums.size}, options);

  // One chunk of a group: everything but the gradients of matrices.
  auto rows_of = [&](const Group &group, int64_t c, int worker, PartTimes::Clock &clock) {
    float *base = out(memory) + sets * shared.size + worker * own.size;
    auto at_ = [&](int place) { return base + own.starts[place]; };
    float *dnormed = at_(dnormed_at), *dmixed = at_(dmixed_at), *room = at_(product_at);
    const Chunks &chunks = group.chunks;
    int64_t image = chunks.start(c), images = chunks.start(c + 1) - image, rows = images * N,
            some = images * Q, from = group.start + image;  // `image` in the group, `from` in the batch
    float *sum = out(parts) + (group.first_part + c) * sums.size;
    const float *dy_ = in(dy) + from * Q * D, *dr = group.dresult + image * Q * D,
                *middle = in(kept.middle) + from * Q * D, *tokens = in(x) + from * N * D;
    float *dh = group.dhidden + image * Q * F, *dm = group.dmiddle + image * Q * D,
          *dc = group.dchange + image * Q * D, *dq = group.dqkv + image * N * 3 * D, *n1 = group.normed1 + image * N * D;
    if (group.scaled)
      for (int64_t i = 0; i < images; i++)
        K.scale(Q * D, dy_ + i * Q * D, f2[from + i], group.scaled + (image + i) * Q * D);
    K.column_sums(some, D, dr, sum + sums.project);
    clock.note(bRows);
    K.product(some, F, D, {dr, D, 1}, {}, project, dh, F, nullptr, false, room);
    clock.note(bProject);
    K.gelu_backward(some, F, in(kept.hidden) + from * Q * F, group.active + image * Q * F, dh,
                    sum + sums.expand);
    K.norm_again(some, D, middle, in(w[kNorm2]), in(w[kNorm2Bias]), stats2 + 2 * from * Q,
                 group.normed2 + image * Q * D);
    clock.note(bRows);
    K.product(some, D, F, {dh, F, 1}, {}, expand, dnormed, D, nullptr, false, room);
    clock.note(bExpand);
    K.norm_backward(some, D, middle, dnormed, dy_, in(w[kNorm2]), stats2 + 2 * from * Q,
                    sum + sums.norm2, sum + sums.norm2_bias, dm);
    if (f1)
      for (int64_t i = 0; i < images; i++) K.scale(Q * D, dm + i * Q * D, f1[from + i], dc + i * Q * D);
    K.column_sums(some, D, dc, sum + sums.projection);
    clock.note(bRows);
    K.product(some, D, D, {dc, D, 1}, {}, projection, dmixed, D, nullptr, false, room);
    clock.note(bProjection);
    for (int64_t i = 0; i < images; i++) {
      float *image_grad = dq + i * N * 3 * D;
      for (int64_t n = 0; n < N; n++)
        if (n < s.first || n >= s.first + Q) std::memset(image_grad + n * 3 * D, 0, D * 4);
      for (int64_t h = 0; h < s.heads; h++) {
        const float *head = in(kept.qkv) + (from + i) * N * 3 * D + h * s.head;
        float *grad = image_grad + h * s.head;
        float *log_sums =
            const_cast<float *>(in(kept.log_sums)) + ((from + i) * s.heads + h) * Q;
        // The next head of the image, or the first of the next one.
        int64_t next = s.head, out_next = s.head;
        if (h + 1 == s.heads) {
          next = i + 1 < images ? N * 3 * D - h * s.head : 0;
          out_next = Q * D - h * s.head;
        }
        K.attention_backward(N, Q, s.head,
                             Head{head + s.first * 3 * D, head + D, head + 2 * D, 3 * D,
                                  in(kept.mixed) + (from + i) * Q * D + h * s.head, D, log_sums, next,
                                  out_next},
                             dmixed + i * Q * D + h * s.head, grad + s.first * 3 * D, grad + D,
                             grad + 2 * D, 3 * D, at_(heads_at));
      }
    }
    clock.note(bAttention);
    if (bias.defined()) K.column_sums(rows, 3 * D, dq, sum + sums.qkv);
    clock.note(bRows);
    K.product(rows, D, 3 * D, {dq, 3 * D, 1}, {}, qkv_weight, dnormed, D, nullptr, false, room);
    clock.note(bQKV);
    K.norm_again(rows, D, tokens, in(w[kNorm1]), in(w[kNorm1Bias]), stats1 + 2 * from * N, n1);
    for (int64_t i = 0; i < images; i++) {
      auto norm1 = [&](int64_t first, int64_t last, const float *residual) {
        int64_t row = i * N + first;
        K.norm_backward(last - first, D, tokens + row * D, dnormed + row * D, residual, in(w[kNorm1]),
                        stats1 + 2 * (from * N + row), sum + sums.norm1, sum + sums.norm1_bias,
                        out(dx) + (from * N + row) * D);
      };
      norm1(0, s.first, nullptr);
      norm1(s.first, s.first + Q, dm + i * Q * D);
      norm1(s.first + Q, N, nullptr);
    }
    clock.note(bRows);
  };

  // Some rows of the gradient of a matrix, over all images of a group.
  struct Strip { Weight which; int64_t first, last; };
  std::vector<Strip> strips;
  for (auto [which, rows] : std::initializer_list<std::pair<Weight, int64_t>>{
           {kProject, D}, {kExpand, F}, {kQKV, 3 * D}, {kProjection, D}}) {
    int64_t each = (rows + threads - 1) / threads;
    each = (each + K.tile_rows - 1) / K.tile_rows * K.tile_rows;
    for (int64_t first = 0; grads[which].defined() && first < rows; first += each)
      strips.push_back({which, first, std::min(rows, first + each)});
  }
  auto weights_of = [&](const Group &group, const Strip &strip, int worker, PartTimes::Clock &clock) {
    float *room = out(memory) + sets * shared.size + worker * own.size + own.starts[product_at];
    auto add = [&](int64_t m, int64_t n, int64_t rows, const float *left, const float *right, int part) {
      K.product(strip.last - strip.first, n, rows, {left + strip.first, 1, m}, {right, n, 1}, nullptr,
                out(grads[strip.which]) + strip.first * n, n, nullptr, group.start > 0, room);
      clock.note(part);
    };
    int64_t some = group.count * Q;
    switch (strip.which) {
      case kProject: add(D, F, some, group.dresult, group.active, bWProject); break;
      case kExpand: add(F, D, some, group.dhidden, group.normed2, bWExpand); break;
      case kProjection:
        add(D, D, some, group.dchange, in(kept.mixed) + group.start * Q * D, bWProjection);
        break;
      default: add(3 * D, D, group.count * N, group.dqkv, group.normed1, bWQKV);
    }
  };

  // Rows of group 0, rows of 1, weights of 0, rows of 2, weights of 1, and so on.
  struct Task { int64_t group, index; bool is_rows; };
  std::vector<Task> order;
  std::vector<Countdown> rows_left(groups.count), weights_left(groups.count);
  for (int64_t g = 0; g <= groups.count; g++) {
    if (g < groups.count) {
      rows_left[g].start(all[g].chunks.count);
      weights_left[g].start(strips.size());
      for (int64_t c = 0; c < all[g].chunks.count; c++) order.push_back({g, c, true});
    }
    if (g > 0)
      for (size_t i = 0; i < strips.size(); i++) order.push_back({g - 1, int64_t(i), false});
  }
  Tasks tasks(order.size());
  work(threads, [&](int worker) {
    PartTimes::Clock clock(times, worker);
    for (int64_t i; (i = tasks.take()) >= 0;) {
      auto [g, index, is_rows] = order[i];
      if (is_rows) {
        if (g >= sets) weights_left[g - sets].wait();  // its memory
        clock.skip();
        rows_of(all[g], index, worker, clock);
        rows_left[g].done();
      } else {
        rows_left[g].wait();
        // Products are added up group by group.
        if (g > 0) weights_left[g - 1].wait();
        clock.skip();
        weights_of(all[g], strips[index], worker, clock);
        weights_left[g].done();
      }
    }
  });
  Tensor total = at::zeros({sums.size}, options);
  float *added = out(total);
  for (int64_t c = 0; c < part_count; c++)
    for (int64_t i = 0; i < sums.size; i++) added[i] += in(parts)[c * sums.size + i];
  auto vector = [&](int64_t start, int64_t count) { return total.slice(0, start, start + count).clone(); };
  grads[kNorm1] = vector(sums.norm1, D);
  grads[kNorm1Bias] = vector(sums.norm1_bias, D);
  grads[kProjectionBias] = vector(sums.projection, D);
  grads[kNorm2] = vector(sums.norm2, D);
  grads[kNorm2Bias] = vector(sums.norm2_bias, D);
  grads[kExpandBias] = vector(sums.expand, F);
  grads[kProjectBias] = vector(sums.project, D);
  grads.insert(grads.begin(), dx);
  grads.push_back(bias.defined() ? vector(sums.qkv, 3 * D) : Tensor());

  const char *input = "swift_mae::product input gradient", *weight = "swift_mae::product weight gradient";
  times.tell(bPack, "swift_mae::block packs weights");
  times.tell(bRows, "swift_mae::block rows backward");
  times.tell(bAttention, "swift_mae::block attention backward");
  times.tell(bQKV, input, s.rows(), D, 3 * D, false, false);
  times.tell(bProjection, input, s.query_rows(), D, D, false, false);
  times.tell(bExpand, input, s.query_rows(), D, F, false, false);
  times.tell(bProject, input, s.query_rows(), F, D, false, false);
  times.tell(bWQKV, weight, 3 * D, D, s.rows(), true, false);
  times.tell(bWProjection, weight, D, D, s.query_rows(), true, false);
  times.tell(bWExpand, weight, F, D, s.query_rows(), true, false);
  times.tell(bWProject, weight, D, F, s.query_rows(), true, false);
  return grads;
}

Tensor contiguous(const std::optional<Tensor> &t) { return t && t->defined() ? t->contiguous() : Tensor(); }
std::vector<Tensor> contiguous(at::TensorList list) {
  std::vector<Tensor> result;  // undefined ones stay so
  for (const auto &t : list) result.push_back(t.defined() ? t.contiguous() : t);
  return result;
}

// The block operator by operator, all of which have derivatives of derivatives.
Tensor composed(const Tensor &x, at::TensorList w, const Tensor &bias, const Tensor &factors1,
                const Tensor &factors2, const Shape &s) {
  auto norm = [&](const Tensor &t, Weight weight, Weight bias) {
    return at::layer_norm(t, {s.width}, w[weight], w[bias], s.epsilon);
  };
  auto scaled = [](const Tensor &t, const Tensor &factors) {
    return factors.defined() ? t.mul(factors.reshape({-1, 1, 1})) : t;
  };
  Tensor qkv = at::linear(norm(x, kNorm1, kNorm1Bias), w[kQKV], bias)
                   .reshape({s.images, s.tokens, 3, s.heads, s.head})
                   .permute({2, 0, 3, 1, 4});
  Tensor queries = qkv[0].narrow(2, s.first, s.queries);
  Tensor weights = at::softmax(at::matmul(queries.div(std::sqrt(double(s.head))), qkv[1].transpose(2, 3)), -1);
  Tensor mixed = at::matmul(weights, qkv[2]).transpose(1, 2).reshape({s.images, s.queries, s.width});
  Tensor y = x.narrow(1, s.first, s.queries)
                 .add(scaled(at::linear(mixed, w[kProjection], w[kProjectionBias]), factors1));
  Tensor hidden = at::gelu(at::linear(norm(y, kNorm2, kNorm2Bias), w[kExpand], w[kExpandBias]));
  return y.add(scaled(at::linear(hidden, w[kProject], w[kProjectBias]), factors2));
}

// Gradients of the composition that are recorded themselves, in the order of the operator's arguments.
variable_list recorded_gradients(const Tensor &dy, const Tensor &x, at::TensorList w, const Tensor &bias,
                                 const Tensor &factors1, const Tensor &factors2, const Shape &s) {
  variable_list all{x}, wanted;
  all.insert(all.end(), w.begin(), w.end());
  all.push_back(bias);
  for (const auto &t : all)
    if (t.defined() && t.requires_grad()) wanted.push_back(t);
  auto found = torch::autograd::grad({composed(x, w, bias, factors1, factors2, s)}, wanted, {dy}, true, true);
  variable_list result;
  size_t next = 0;
  for (const auto &t : all) result.push_back(t.defined() && t.requires_grad() ? found[next++] : Tensor());
  return result;
}

struct Block : torch::autograd::Function<Block> {
  static Tensor forward(AutogradContext *context, const Tensor &x, at::TensorList w,
                        const std::optional<Tensor> &bias, const std::optional<Tensor> &factors1,
                        const std::optional<Tensor> &factors2, int64_t heads, int64_t first,
                        int64_t queries, double epsilon) {
    at::AutoDispatchBelowADInplaceOrView guard;
    Shape s = shape_of(x, w, bias, factors1, factors2, heads, first, queries, epsilon);
    Tensor tokens = x.contiguous(), b = contiguous(bias), f1 = contiguous(factors1),
           f2 = contiguous(factors2);
    std::vector<Tensor> weights = contiguous(w);
    Kept kept;
    Tensor y = ::forward(tokens, weights, b, f1, f2, s, &kept);
    // As they were given: derivatives of derivatives are by these.
    variable_list saved{x, bias.value_or(Tensor()), factors1.value_or(Tensor()), factors2.value_or(Tensor()),
                        kept.qkv, kept.mixed, kept.log_sums, kept.middle, kept.hidden, kept.stats};
    saved.insert(saved.end(), w.begin(), w.end());
    context->save_for_backward(saved);
    int64_t needs = 0;
    for (size_t i = 0; i < w.size(); i++) needs |= int64_t(w[i].requires_grad()) << i;
    context->saved_data["numbers"] = std::vector<int64_t>{heads, s.first, s.queries, needs};
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext *context, variable_list gradients) {
    auto saved = context->get_saved_variables();
    auto numbers = context->saved_data["numbers"].toIntVector();
    std::vector<Tensor> w(saved.begin() + 10, saved.end());
    Shape s = shape_of(saved[0], w, saved[1], saved[2], saved[3], numbers[0], numbers[1], numbers[2],
                       context->saved_data["epsilon"].toDouble());
    variable_list grads;
    if (at::GradMode::is_enabled()) {
      grads = recorded_gradients(gradients[0], saved[0], w, saved[1], saved[2], saved[3], s);
    } else {
      Kept kept{saved[4], saved[5], saved[6], saved[7], saved[8], saved[9]};
      std::vector<bool> needs;
      for (int i = 0; i < kWeights; i++) needs.push_back(numbers[3] >> i & 1);
      std::vector<Tensor> rows = contiguous(at::TensorList(saved).slice(0, 4));
      grads = ::backward(gradients[0], rows[0], contiguous(w), rows[1], rows[2], rows[3], s, kept, needs);
    }
    grads.resize(1 + kWeights + 7);
    return grads;
  }
};

Tensor block(const Tensor &x, at::TensorList w, const std::optional<Tensor> &bias,
             const std::optional<Tensor> &factors1, const std::optional<Tensor> &factors2, int64_t heads,
             int64_t first, int64_t queries, double epsilon) {
  Shape s = shape_of(x, w, bias, factors1, factors2, heads, first, queries, epsilon);
  return forward(x.contiguous(), contiguous(w), contiguous(bias), contiguous(factors1),
                 contiguous(factors2), s, nullptr);
}

Tensor block_with_gradients(const Tensor &x, at::TensorList w, const std::optional<Tensor> &bias,
                            const std::optional<Tensor> &factors1, const std::optional<Tensor> &factors2,
                            int64_t heads, int64_t first, int64_t queries, double epsilon) {
  bool recorded = x.requires_grad() || (bias && bias->defined() && bias->requires_grad());
  for (const auto &t : w) recorded = recorded || t.requires_grad();
  if (recorded && at::GradMode::is_enabled())
    return Block::apply(x, w, bias, factors1, factors2, heads, first, queries, epsilon);
  at::AutoDispatchBelowADInplaceOrView guard;
  return block(x, w, bias, factors1, factors2, heads, first, queries, epsilon);
}

Tensor vector_width(int64_t width, int64_t hidden, int64_t head) {
  const Table *table = kernels::chosen(width, hidden, head);
  return at::full({}, table ? table->width : 0, at::TensorOptions().dtype(at::kLong));
}

}  // namespace

TORCH_LIBRARY(swift_mae, m) {
  // Tokens [B, N, D]; weights in the order of `Weight`; factors [B] of the two branches of each image;
  // the result has the tokens `first` up to `first + queries`, all of them with queries = -1.
  m.def("block(Tensor x, Tensor[] weights, Tensor? qkv_bias, Tensor? attention_factors, "
        "Tensor? feed_forward_factors, int heads, int first=0, int queries=-1, float eps=1e-06) -> Tensor");
  // Floats in a vector of the kernels that take such a block on this machine; 0 for none.
  m.def("vector_width(int width, int hidden, int head) -> Tensor", vector_width);
}
TORCH_LIBRARY_IMPL(swift_mae, CPU, m) { m.impl("block", block); }
TORCH_LIBRARY_IMPL(swift_mae, AutogradCPU, m) { m.impl("block", block_with_gradients); }
