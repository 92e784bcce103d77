// Kernels for x86 processors with AVX2 and FMA.
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif
#define KERNEL_TABLE avx2
#define KERNEL_NAME "AVX2"
#define KERNEL_WIDTH 8
#define KERNEL_ROWS 6
#define KERNEL_VECTORS 2
#define KERNEL_REGISTERS 14
#include "kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
