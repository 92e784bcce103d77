// What libFuzzer offers a mutator: https://llvm.org/docs/LibFuzzer.html
#pragma once

#include <stddef.h>
#include <stdint.h>

// Changes bytes in place; gives their new number, at most `most`.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t most);
