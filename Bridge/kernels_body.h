// The kernels themselves, for vectors of KERNEL_WIDTH floats and tiles of KERNEL_ROWS rows; included by
// a file for each kind of processor, which sets the target, KERNEL_TABLE and these.
#include "kernels.h"

#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

namespace kernels {
namespace {

constexpr long W = KERNEL_WIDTH, MR = KERNEL_ROWS, NV = KERNEL_VECTORS, NR = W * NV;
// Blocks of B that stay in the second cache, and how deep a panel of A is.
constexpr long KC = 384, NC = 512 / NR * NR, GR = 4 * MR;

typedef float V __attribute__((vector_size(W * 4)));
typedef int I __attribute__((vector_size(W * 4)));
typedef float Any __attribute__((vector_size(W * 4), aligned(4), may_alias));
typedef float V4 __attribute__((vector_size(16)));
typedef float Any4 __attribute__((vector_size(16), aligned(4), may_alias));

INLINE V load(const float *p) { return *(const Any *)p; }
INLINE void store(float *p, V v) { *(Any *)p = v; }
INLINE V4 load4(const float *p) { return *(const Any4 *)p; }
INLINE void store4(float *p, V4 v) { *(Any4 *)p = v; }
// Elements A … D of those of x and y. GCC has clang's word for it since version 12.
template <int A, int B, int C, int D>
INLINE V4 shuffle(V4 x, V4 y) {
#if defined(__clang__) || __GNUC__ >= 12
  return __builtin_shufflevector(x, y, A, B, C, D);
#else
  typedef int I4 __attribute__((vector_size(16)));
  return __builtin_shuffle(x, y, I4{A, B, C, D});
#endif
}
INLINE V splat(float x) {
#if KERNEL_WIDTH == 16
  return V{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
#elif KERNEL_WIDTH == 8
  return V{x, x, x, x, x, x, x, x};
#else
  return V{x, x, x, x};
#endif
}
INLINE V select(I mask, V yes, V no) { return (V)((mask & (I)yes) | (~mask & (I)no)); }
INLINE float sum(V v) {
  float t[W];
  store(t, v);
  V4 s = load4(t);
  for (long i = 4; i < W; i += 4) s += load4(t + i);
  return (s[0] + s[1]) + (s[2] + s[3]);
}
INLINE float maximum(V v) {
  float t[W];
  store(t, v);
  V4 m = load4(t);
  for (long i = 4; i < W; i += 4) {
    V4 x = load4(t + i);
    m = m > x ? m : x;
  }
  float a = m[0] > m[1] ? m[0] : m[1], b = m[2] > m[3] ? m[2] : m[3];
  return a > b ? a : b;
}

// eˣ for x ≤ 0, by Cody and Waite's reduction and Cephes' polynomial; not a number stays it.
INLINE V exponential(V x) {
  x = select(x < splat(-87.f), splat(-87.f), x);
  const V magic = splat(12582912.f);
  V t = x * splat(1.44269504f) + magic;
  V n = t - magic;
  V r = x - n * splat(0.693359375f);
  r = r - n * splat(-2.12194440e-4f);
  V p = splat(1.9875691500e-4f);
  p = p * r + splat(1.3981999507e-3f);
  p = p * r + splat(8.3334519073e-3f);
  p = p * r + splat(4.1665795894e-2f);
  p = p * r + splat(1.6666665459e-1f);
  p = p * r + splat(5.0000001201e-1f);
  p = p * (r * r) + (r + splat(1.f));
  I scale = ((I)t - (I)magic + 127) << 23;
  return p * (V)scale;
}

// Φ(x), and e^(−x²/2), by Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7).
INLINE V normal(V x, V &density) {
  V z = (V)((I)x & 0x7fffffff);
  V t = splat(1.f) / (z * splat(0.3275911f * 0.70710678f) + splat(1.f));
  density = exponential(x * x * splat(-0.5f));
  V q = splat(1.061405429f);
  q = q * t + splat(-1.453152027f);
  q = q * t + splat(1.421413741f);
  q = q * t + splat(-0.284496736f);
  q = q * t + splat(0.254829592f);
  q = q * t * (density * splat(0.5f));
  return select(x < splat(0.f), q, splat(1.f) - q);
}

// ---- products

// dst[k · ld + r] = src[r · stride + k]
INLINE void turn(const float *src, long stride, long rows, long depth, float *dst, long ld) {
  long r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float *s = src + r * stride;
    long k = 0;
    for (; k + 4 <= depth; k += 4) {
      V4 a = load4(s + k), b = load4(s + stride + k), c = load4(s + 2 * stride + k),
         d = load4(s + 3 * stride + k);
      V4 ab0 = shuffle<0, 4, 1, 5>(a, b), ab1 = shuffle<2, 6, 3, 7>(a, b);
      V4 cd0 = shuffle<0, 4, 1, 5>(c, d), cd1 = shuffle<2, 6, 3, 7>(c, d);
      float *to = dst + k * ld + r;
      store4(to, shuffle<0, 1, 4, 5>(ab0, cd0));
      store4(to + ld, shuffle<2, 3, 6, 7>(ab0, cd0));
      store4(to + 2 * ld, shuffle<0, 1, 4, 5>(ab1, cd1));
      store4(to + 3 * ld, shuffle<2, 3, 6, 7>(ab1, cd1));
    }
    for (; k < depth; k++)
      for (long i = 0; i < 4; i++) dst[k * ld + r + i] = s[i * stride + k];
  }
  for (; r < rows; r++)
    for (long k = 0; k < depth; k++) dst[k * ld + r] = src[r * stride + k];
}

// dst[k · ld + r] = src[k · stride + r]
INLINE void keep(const float *src, long stride, long rows, long depth, float *dst, long ld) {
  for (long k = 0; k < depth; k++) {
    long r = 0;
    for (; r + 4 <= rows; r += 4) store4(dst + k * ld + r, load4(src + k * stride + r));
    for (; r < rows; r++) dst[k * ld + r] = src[k * stride + r];
  }
}

// Parts of at most `most`, all but the last equal and a multiple of `unit`.
INLINE long even(long total, long most, long unit) {
  long parts = (total + most - 1) / most, each = (total + parts - 1) / parts;
  return (each + unit - 1) / unit * unit;
}

// B(k0…, n0…) in panels of NR columns, the last filled up with zeros.
static void pack_block(Matrix b, long n0, long columns, long k0, long depth, float *dst) {
  const float *src = b.p + k0 * b.row + n0 * b.column;
  long whole = columns / NR * NR, some = columns - whole;
  if (some) __builtin_memset(dst + whole * depth, 0, depth * NR * 4);
  if (b.row == 1) {
    for (long j = 0; j < columns; j += NR)
      turn(src + j * b.column, b.column, columns - j < NR ? some : NR, depth, dst + j * depth, NR);
    return;
  }
  // Row by row, as they lie in memory.
  for (long k = 0; k < depth; k++, src += b.row) {
    float *to = dst + k * NR;
    for (long j = 0; j < whole; j += NR)
      UNROLL for (long v = 0; v < NV; v++) store(to + j * depth + v * W, load(src + j + v * W));
    for (long j = whole; j < columns; j++) to[whole * depth + j - whole] = src[j];
  }
}

// A(m0…, k0…) in panels of MR rows, the last with as many as are left.
static void pack_panels(Matrix a, long m0, long rows, long k0, long depth, float *dst) {
  const float *src = a.p + m0 * a.row + k0 * a.column;
  if (a.column == 1) {
    for (long r = 0; r < rows; r += MR) {
      long some = rows - r < MR ? rows - r : MR;
      turn(src + r * a.row, a.row, some, depth, dst + r * depth, some);
    }
    return;
  }
  long whole = rows / MR * MR, some = rows - whole;
  for (long k = 0; k < depth; k++, src += a.column) {
    for (long r = 0; r < whole; r += MR) {
      float *to = dst + r * depth + k * MR;
      long i = 0;
      UNROLL for (; i + 4 <= MR; i += 4) store4(to + i, load4(src + r + i));
      UNROLL for (; i < MR; i++) to[i] = src[r + i];
    }
    for (long i = 0; i < some; i++) dst[whole * depth + k * some + i] = src[whole + i];
  }
}

// Memory that is packed next: rows of `width` floats, `stride` apart. It is asked for a line at a time while
// tiles are computed, so that packing does not wait for it.
struct Lines {
  const float *row = nullptr;
  long stride = 0, width = 0, rows = 0, at = 0;
};
struct Ahead {
  Lines left, right;
};
INLINE void ask(Ahead &ahead) {
  Lines &lines = ahead.left.rows ? ahead.left : ahead.right;
  if (!lines.rows) return;
  __builtin_prefetch(lines.row + lines.at, 0, 2);
  lines.at += 16;
  if (lines.at >= lines.width) {
    lines.at = 0;
    lines.row += lines.stride;
    lines.rows--;
  }
}

// C[R, NR] of a tile: A is packed [K, R], or rows `lda` apart with `Rows`; B is packed [K, NR].
template <int R, bool Rows>
static void tile(long depth, const float *a, long lda, const float *b, float *c, long ldc, const float *bias,
                 bool adds, Ahead &ahead) {
  V acc[R][NV];
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < NV; n++) acc[r][n] = V{};
  if (adds) UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < NV; n++)
    __builtin_prefetch(c + r * ldc + n * W, 1);
  const float *third[(R + 2) / 3];
  UNROLL for (int r = 0; r < R; r += 3) third[r / 3] = a + r * lda;
  for (long k = 0; k < depth; k++) {
    V row[NV];
    UNROLL for (int n = 0; n < NV; n++) row[n] = load(b + n * W);
    UNROLL for (int r = 0; r < R; r++) {
      V x = Rows ? splat(third[r / 3][r % 3 * lda + k]) : splat(a[r]);
      UNROLL for (int n = 0; n < NV; n++) acc[r][n] += x * row[n];
    }
    a += R;
    b += NR;
    if (k & 1) ask(ahead);
  }
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < NV; n++) {
    V v = acc[r][n];
    if (adds) v += load(c + r * ldc + n * W);
    if (bias) v += load(bias + n * W);
    store(c + r * ldc + n * W, v);
  }
}

typedef void (*Tile)(long, const float *, long, const float *, float *, long, const float *, bool, Ahead &);
template <bool Rows>
constexpr Tile tiles[] = {
    nullptr,       tile<1, Rows>, tile<2, Rows>, tile<3, Rows>,  tile<4, Rows>,
#if KERNEL_ROWS > 4
    tile<5, Rows>, tile<6, Rows>,
#endif
#if KERNEL_ROWS > 6
    tile<7, Rows>, tile<8, Rows>, tile<9, Rows>, tile<10, Rows>, tile<11, Rows>, tile<12, Rows>,
#endif
};

long packed_size(long n, long k) { return (n + NR - 1) / NR * NR * k; }
long pack_unit(long n) { return even(n, NC, NR); }

void pack(long n, long k, Matrix b, long n0, long n1, float *packed) {
  long nc = pack_unit(n), kc = even(k, KC, 1);
  for (; n0 < n1; n0 += nc) {
    long columns = n - n0 < nc ? n - n0 : nc, padded = (columns + NR - 1) / NR * NR;
    for (long k0 = 0; k0 < k; k0 += kc)
      pack_block(b, n0, columns, k0, k - k0 < kc ? k - k0 : kc, packed + n0 * k + k0 * padded);
  }
}

void product(long m, long n, long k, Matrix a, Matrix b, const float *packed, float *c, long ldc,
             const float *bias, bool adds, float *scratch) {
  long nc = pack_unit(n), kc = even(k, KC, 1);
  float *panels = scratch, *block = scratch + KC * GR;
  // Rows of A are read where they lie, but for those that would all compete for the same lines of the first
  // cache. Columns are copied for several tiles at a time, whole cache lines of them.
  bool in_rows = a.column == 1 && a.row % 1024 != 0;
  long group = a.column == 1 ? MR : GR;
  const Tile *tile = in_rows ? tiles<true> : tiles<false>;
  for (long n0 = 0; n0 < n; n0 += nc) {
    long columns = n - n0 < nc ? n - n0 : nc, padded = (columns + NR - 1) / NR * NR;
    for (long k0 = 0; k0 < k; k0 += kc) {
      long depth = k - k0 < kc ? k - k0 : kc;
      const float *right = packed ? packed + n0 * k + k0 * padded : block;
      if (!packed) pack_block(b, n0, columns, k0, depth, block);
      bool adds_here = adds || k0 > 0;
      const float *bias_here = bias && k0 + depth == k ? bias + n0 : nullptr;
      Ahead ahead;
      bool last_depth = k0 + depth == k;
      long n1 = last_depth ? n0 + nc : n0, k1 = last_depth ? 0 : k0 + depth;
      if (n1 < n) {
        long c1 = n - n1 < nc ? n - n1 : nc, d1 = k - k1 < kc ? k - k1 : kc, p1 = (c1 + NR - 1) / NR * NR;
        if (packed) ahead.right = {packed + n1 * k + k1 * p1, 0, d1 * p1, 1};
        else ahead.right = {b.p + k1 * b.row + n1 * b.column, b.row, c1, d1};
      }
      for (long m0 = 0; m0 < m; m0 += group) {
        long in_group = m - m0 < group ? m - m0 : group;
        if (m0 + group < m) {
          const float *next = a.p + (m0 + group) * a.row + k0 * a.column;
          ahead.left = a.column == 1 ? Lines{next, a.row, depth, group} : Lines{next, a.column, group, depth};
        }
        if (!in_rows) pack_panels(a, m0, in_group, k0, depth, panels);
        for (long r0 = 0; r0 < in_group; r0 += MR) {
          long rows = in_group - r0 < MR ? in_group - r0 : MR;
          const float *left = in_rows ? a.p + (m0 + r0) * a.row + k0 : panels + r0 * depth;
          float *row = c + (m0 + r0) * ldc + n0;
          long j = 0;
          for (; j + NR <= columns; j += NR)
            tile[rows](depth, left, a.row, right + j * depth, row + j, ldc,
                        bias_here ? bias_here + j : nullptr, adds_here, ahead);
          if (j < columns) {
            float part[MR * NR];
            tile[rows](depth, left, a.row, right + j * depth, part, NR, nullptr, false, ahead);
            for (long r = 0; r < rows; r++)
              for (long i = 0; i < columns - j; i++) {
                float v = part[r * NR + i] + (bias_here ? bias_here[j + i] : 0);
                row[r * ldc + j + i] = adds_here ? row[r * ldc + j + i] + v : v;
              }
          }
        }
      }
    }
  }
}

// C[R, N·W] = A·B for few rows and columns: nothing is packed.
template <int R, int N>
INLINE void small(long depth, const float *a, long row, long column, const float *b, long ldb, float *c,
                  long ldc, bool adds) {
  V acc[R][N];
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < N; n++)
    acc[r][n] = adds ? load(c + r * ldc + n * W) : V{};
  for (long k = 0; k < depth; k++) {
    V v[N];
    UNROLL for (int n = 0; n < N; n++) v[n] = load(b + k * ldb + n * W);
    UNROLL for (int r = 0; r < R; r++) {
      V x = splat(a[r * row + k * column]);
      UNROLL for (int n = 0; n < N; n++) acc[r][n] += x * v[n];
    }
  }
  UNROLL for (int r = 0; r < R; r++) UNROLL for (int n = 0; n < N; n++)
    store(c + r * ldc + n * W, acc[r][n]);
}

// The most rows of N vectors each that stay in registers.
template <int N>
constexpr int rows_of = KERNEL_REGISTERS / (N + 1) < 12 ? KERNEL_REGISTERS / (N + 1) : 12;

template <int N, int R>
INLINE void rows_from(long rows, long depth, const float *a, long row, long column, const float *b, long ldb,
                      float *c, long ldc, bool adds) {
  if constexpr (R > 1) {
    if (rows < R) return rows_from<N, R - 1>(rows, depth, a, row, column, b, ldb, c, ldc, adds);
  }
  small<R, N>(depth, a, row, column, b, ldb, c, ldc, adds);
}

// A few rows alone would wait for each sum, so all parts have about as many.
template <int N>
static void columns_of(long m, long depth, const float *a, long row, long column, const float *b, long ldb,
                       float *c, long ldc, bool adds) {
  long parts = (m + rows_of<N> - 1) / rows_of<N>;
  for (long i = 0, part = 1; part <= parts; part++) {
    long stop = m * part / parts;
    rows_from<N, rows_of<N>>(stop - i, depth, a + i * row, row, column, b, ldb, c + i * ldc, ldc, adds);
    i = stop;
  }
}

// C[M, N] = A·B, N a multiple of W.
static void little(long m, long n, long depth, const float *a, long row, long column, const float *b,
                   long ldb, float *c, long ldc, bool adds) {
  for (long left = n / W; left > 0;) {
    long some = left >= 4 && left != 5 ? 4 : left == 5 || left == 3 ? 3 : left;
    switch (some) {
      case 4: columns_of<4>(m, depth, a, row, column, b, ldb, c, ldc, adds); break;
      case 3: columns_of<3>(m, depth, a, row, column, b, ldb, c, ldc, adds); break;
      case 2: columns_of<2>(m, depth, a, row, column, b, ldb, c, ldc, adds); break;
      default: columns_of<1>(m, depth, a, row, column, b, ldb, c, ldc, adds);
    }
    left -= some;
    b += some * W;
    c += some * W;
  }
}

// ---- rows

INLINE void norm_row(long d, const float *x, const float *g, const float *b, float eps, float *y,
                     float *stats) {
  V s = V{}, q = V{};
  for (long i = 0; i < d; i += W) s += load(x + i);
  float mean = sum(s) / d;
  V m = splat(mean);
  for (long i = 0; i < d; i += W) {
    V t = load(x + i) - m;
    q += t * t;
  }
  float scale = 1 / __builtin_sqrtf(sum(q) / d + eps);
  V r = splat(scale);
  for (long i = 0; i < d; i += W) store(y + i, (load(x + i) - m) * r * load(g + i) + load(b + i));
  stats[0] = mean;
  stats[1] = scale;
}

void norm(long rows, long d, const float *x, const float *g, const float *b, float eps, float *y,
          float *stats) {
  for (long r = 0; r < rows; r++) norm_row(d, x + r * d, g, b, eps, y + r * d, stats + 2 * r);
}

void norm_again(long rows, long d, const float *x, const float *g, const float *b, const float *stats,
                float *y) {
  for (long r = 0; r < rows; r++, x += d, y += d, stats += 2) {
    V m = splat(stats[0]), s = splat(stats[1]);
    for (long i = 0; i < d; i += W) store(y + i, (load(x + i) - m) * s * load(g + i) + load(b + i));
  }
}

void add_norm(long rows, long d, const float *x, const float *t, float factor, const float *g,
              const float *b, float eps, float *total, float *y, float *stats) {
  V f = splat(factor);
  for (long r = 0; r < rows; r++) {
    for (long i = r * d; i < r * d + d; i += W) store(total + i, load(x + i) + f * load(t + i));
    norm_row(d, total + r * d, g, b, eps, y + r * d, stats + 2 * r);
  }
}

void norm_backward(long rows, long d, const float *x, const float *dy, const float *residual,
                   const float *g, const float *stats, float *dg, float *db, float *dx) {
  for (long r = 0; r < rows; r++, x += d, dy += d, dx += d, stats += 2) {
    V m = splat(stats[0]), s = splat(stats[1]), a = V{}, c = V{};
    for (long i = 0; i < d; i += W) {
      V y = load(dy + i), h = (load(x + i) - m) * s;
      store(dg + i, load(dg + i) + y * h);
      store(db + i, load(db + i) + y);
      V t = y * load(g + i);
      a += t;
      c += t * h;
    }
    a = splat(sum(a) / d);
    c = splat(sum(c) / d);
    for (long i = 0; i < d; i += W) {
      V h = (load(x + i) - m) * s, t = load(dy + i) * load(g + i);
      V v = s * (t - (h * c + a));
      store(dx + i, residual ? v + load(residual + i) : v);
    }
    if (residual) residual += d;
  }
}

void gelu(long count, const float *x, float *y) {
  for (long i = 0; i < count; i += W) {
    V v = load(x + i), density;
    V p = normal(v, density);
    store(y + i, v * p);
  }
}

void gelu_backward(long rows, long d, const float *x, float *y, float *dy, float *sums) {
  const V root = splat(0.39894228f);
  for (long r = 0; r < rows; r++, x += d, y += d, dy += d) {
    for (long i = 0; i < d; i += W) {
      V v = load(x + i), density;
      V p = normal(v, density);
      store(y + i, v * p);
      V u = load(dy + i) * (v * (density * root) + p);
      store(dy + i, u);
      store(sums + i, load(sums + i) + u);
    }
  }
}

void add_scaled(long count, const float *x, float factor, float *y) {
  V f = splat(factor);
  for (long i = 0; i < count; i += W) store(y + i, load(x + i) + f * load(y + i));
}

void scale(long count, const float *x, float factor, float *y) {
  V f = splat(factor);
  for (long i = 0; i < count; i += W) store(y + i, f * load(x + i));
}

void column_sums(long rows, long d, const float *x, float *sums) {
  for (long i = 0; i < d; i += W) {
    V a = load(sums + i), b = V{};
    long r = 0;
    for (; r + 2 <= rows; r += 2) {
      a += load(x + r * d + i);
      b += load(x + (r + 1) * d + i);
    }
    if (r < rows) a += load(x + r * d + i);
    store(sums + i, a + b);
  }
}

// ---- attention

// Queries at a time, so that their weights stay in the first cache.
constexpr long QT = 24;

INLINE long padded(long tokens) { return (tokens + W - 1) / W * W; }

long attention_scratch(long tokens, long queries, long d, bool backward) {
  long n = padded(tokens);
  return backward ? 2 * d * n + 2 * queries * n : d * n + QT * n;
}

// Rows of keys or values as columns, those past the last token zero.
INLINE void columns(const float *x, long stride, long tokens, long d, float *out) {
  long n = padded(tokens);
  turn(x, stride, tokens, d, out, n);
  for (long k = 0; k < d; k++)
    for (long i = tokens; i < n; i++) out[k * n + i] = 0;
}

void attention(long tokens, long queries, long d, Head head, float *out, float *scratch) {
  long n = padded(tokens);
  float *keys = scratch, *weights = scratch + d * n;
  float factor = 1 / __builtin_sqrtf((float)d);
  columns(head.k, head.stride, tokens, d, keys);
  for (long first = 0; first < queries; first += QT) {
    long some = queries - first < QT ? queries - first : QT;
    little(some, n, d, head.q + first * head.stride, head.stride, 1, keys, n, weights, n, false);
    float shares[QT];
    for (long i = 0; i < some; i++) {
      float *w = weights + i * n;
      for (long j = tokens; j < n; j++) w[j] = -__builtin_inff();
      V most = load(w);
      for (long j = W; j < n; j += W) {
        V x = load(w + j);
        most = select(x > most, x, most);
      }
      float top = maximum(most) * factor;
      V shift = splat(top), f = splat(factor), total = V{};
      for (long j = 0; j < n; j += W) {
        V e = exponential(load(w + j) * f - shift);
        store(w + j, e);
        if (j + W <= tokens) total += e;
      }
      float all = sum(total);
      for (long j = tokens / W * W; j < tokens; j++) all += w[j];
      for (long j = tokens; j < n; j++) w[j] = 0;
      if (head.log_sums) head.log_sums[first + i] = top + __builtin_logf(all);
      shares[i] = 1 / all;
    }
    float *o = out + first * head.out_stride;
    little(some, d, tokens, weights, n, 1, head.v, head.stride, o, head.out_stride, false);
    for (long i = 0; i < some; i++) {
      V s = splat(shares[i]);
      for (long j = 0; j < d; j += W)
        store(o + i * head.out_stride + j, load(o + i * head.out_stride + j) * s);
    }
  }
}

void attention_backward(long tokens, long queries, long d, Head head, const float *dout, float *dq,
                        float *dk, float *dv, long grad_stride, float *scratch) {
  long n = padded(tokens);
  float *keys = scratch, *values = keys + d * n, *weights = values + d * n, *grads = weights + queries * n;
  float factor = 1 / __builtin_sqrtf((float)d);
  columns(head.k, head.stride, tokens, d, keys);
  columns(head.v, head.stride, tokens, d, values);
  little(queries, n, d, head.q, head.stride, 1, keys, n, weights, n, false);
  little(queries, n, d, dout, head.out_stride, 1, values, n, grads, n, false);
  V f = splat(factor);
  for (long i = 0; i < queries; i++) {
    float *w = weights + i * n, *g = grads + i * n;
    if (head.next) {
      for (long j = 0; j < d; j += 16) {
        __builtin_prefetch(head.q + i * head.stride + head.next + j, 0, 2);
        __builtin_prefetch(head.out + i * head.out_stride + head.out_next + j, 0, 2);
        __builtin_prefetch(dq + i * grad_stride + head.next + j, 1, 2);
      }
      for (long t = i * tokens / queries; t < (i + 1) * tokens / queries; t++)
        for (long j = 0; j < d; j += 16) {
          __builtin_prefetch(head.k + t * head.stride + head.next + j, 0, 2);
          __builtin_prefetch(head.v + t * head.stride + head.next + j, 0, 2);
          __builtin_prefetch(dk + t * grad_stride + head.next + j, 1, 2);
          __builtin_prefetch(dv + t * grad_stride + head.next + j, 1, 2);
        }
    }
    V inner = V{};
    for (long j = 0; j < d; j += W)
      inner += load(head.out + i * head.out_stride + j) * load(dout + i * head.out_stride + j);
    V delta = splat(sum(inner)), shift = splat(head.log_sums[i]);
    for (long j = 0; j < n; j += W) {
      V e = exponential(load(w + j) * f - shift);
      store(w + j, e);
      store(g + j, e * f * (load(g + j) - delta));
    }
    for (long j = tokens; j < n; j++) w[j] = g[j] = 0;
  }
  little(tokens, d, queries, weights, 1, n, dout, head.out_stride, dv, grad_stride, false);
  little(queries, d, tokens, grads, n, 1, head.k, head.stride, dq, grad_stride, false);
  little(tokens, d, queries, grads, 1, n, head.q, head.stride, dk, grad_stride, false);
}

}  // namespace

const Table KERNEL_TABLE = {
    KERNEL_NAME, W,          MR,          product,       KC * GR + KC * NC, pack,
    pack_unit,   packed_size, norm,       norm_again,    add_norm,          norm_backward,
    gelu,        gelu_backward, add_scaled, scale,       column_sums,       attention,
    attention_backward, attention_scratch,
};

}  // namespace kernels
