// Kernels for x86 processors with AVX-512.
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512dq"))), apply_to = function)
#else
#pragma GCC target("avx2,fma,avx512f,avx512dq,prefer-vector-width=512")
#endif
#define KERNEL_TABLE avx512
#define KERNEL_NAME "AVX-512"
#define KERNEL_WIDTH 16
#define KERNEL_ROWS 12
#define KERNEL_VECTORS 2
#define KERNEL_REGISTERS 30
#include "kernels_body.h"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
