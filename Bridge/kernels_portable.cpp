// Kernels for any processor: vectors of four floats, which every one of them has.
#define KERNEL_TABLE portable
#define KERNEL_NAME "vectors of 4 floats"
#define KERNEL_WIDTH 4
#if defined(__aarch64__)
#define KERNEL_ROWS 10  // with 12, GCC keeps some of a tile's sums in memory
#define KERNEL_REGISTERS 30
#else
#define KERNEL_ROWS 6
#define KERNEL_REGISTERS 14
#endif
#define KERNEL_VECTORS 2
#include <cstdlib>

#include "kernels_body.h"

namespace kernels {

const Table *chosen(long width, long hidden, long head) {
  // CTORCH_VECTORS is the most floats of a vector, for tests of one kind of processor on another.
  static const long most = [] {
    const char *text = std::getenv("CTORCH_VECTORS");
    return text && *text ? std::atol(text) : 16;
  }();
  auto fits = [&](const Table &t) {
    return t.width <= most && width % t.width == 0 && hidden % t.width == 0 && head % t.width == 0;
  };
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool has2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool has512 = has2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
  if (has512 && fits(avx512)) return &avx512;
  if (has2 && fits(avx2)) return &avx2;
#endif
  return fits(portable) ? &portable : nullptr;
}

}  // namespace kernels
