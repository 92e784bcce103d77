// Kernels over plain memory in float32. `kernels_body.h` is compiled once for each kind of processor;
// which one runs is chosen when the program does.
#pragma once

namespace kernels {

// A matrix in memory: element (i, j) lies at `p[i * row + j * column]`; one of the strides is 1.
struct Matrix {
  const float *p;
  long row, column;
};

// One image and one head. Rows of q, k and v lie `stride` apart, those of the result `out_stride`.
struct Head {
  const float *q, *k, *v;  // q is the first query's row
  long stride;
  const float *out;  // for the backward pass
  long out_stride;
  float *log_sums;  // [queries]
  // How many floats behind these rows, and behind those of the result, the next head's are, whose memory is
  // asked for on the way; 0 for no next head.
  long next, out_next;
};

struct Table {
  const char *name;
  long width;   // floats of a vector: widths of rows are multiples of it
  long tile_rows;

  // C[M, N] = A·B + bias, or += with `adds`. `packed` is B from `pack`, or null; `scratch` has
  // `product_scratch` floats.
  void (*product)(long m, long n, long k, Matrix a, Matrix b, const float *packed, float *c, long ldc,
                  const float *bias, bool adds, float *scratch);
  long product_scratch;
  // Packs columns n0 up to n1 of B, where n0 is a multiple of `pack_unit(n)`; `packed_size` floats in all.
  void (*pack)(long n, long k, Matrix b, long n0, long n1, float *packed);
  long (*pack_unit)(long n);
  long (*packed_size)(long n, long k);

  // Rows are `d` wide. `stats` has mean and 1/deviation of each row.
  void (*norm)(long rows, long d, const float *x, const float *g, const float *b, float eps, float *y,
               float *stats);
  void (*norm_again)(long rows, long d, const float *x, const float *g, const float *b,
                     const float *stats, float *y);
  // sum = x + factor · t, y = norm(sum).
  void (*add_norm)(long rows, long d, const float *x, const float *t, float factor, const float *g,
                   const float *b, float eps, float *sum, float *y, float *stats);
  // dx = residual + derivative of the norm; adds to dg and db. `residual` may be null.
  void (*norm_backward)(long rows, long d, const float *x, const float *dy, const float *residual,
                        const float *g, const float *stats, float *dg, float *db, float *dx);
  void (*gelu)(long count, const float *x, float *y);
  // y = gelu(x), dx = dy · gelu'(x) in place; adds the columns of dx to sums.
  void (*gelu_backward)(long rows, long d, const float *x, float *y, float *dy, float *sums);
  // y = x + factor · y.
  void (*add_scaled)(long count, const float *x, float factor, float *y);
  // y = factor · x.
  void (*scale)(long count, const float *x, float factor, float *y);
  void (*column_sums)(long rows, long d, const float *x, float *sums);

  // Attention of `queries` rows to `tokens`; heads `d` wide.
  void (*attention)(long tokens, long queries, long d, Head head, float *out, float *scratch);
  // Gradients in rows `grad_stride` apart; those of keys and values are written for all tokens.
  void (*attention_backward)(long tokens, long queries, long d, Head head, const float *dout, float *dq,
                             float *dk, float *dv, long grad_stride, float *scratch);
  long (*attention_scratch)(long tokens, long queries, long d, bool backward);
};

extern const Table portable;
#if defined(__x86_64__)
extern const Table avx2, avx512;
#endif

// The fastest that this processor can run and that takes rows and heads of these widths; null where
// there is none.
const Table *chosen(long width, long hidden, long head);

}  // namespace kernels
