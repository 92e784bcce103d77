#pragma once
#include <cstdint>
#include <string>

#include "internal.h"

// What operators of ours tell the profile of their own parts.
bool ct_profile_is_on();
// The key of `count` products of M × K and K × N matrices.
std::string ct_profile_product(const char *name, int64_t count, int64_t m, int64_t n, int64_t k,
                               bool transposes_a, bool transposes_b);
// A part of the operator that runs on this thread; its own time gets less by as much.
void ct_profile_part(const std::string &key, int64_t calls, int64_t nanoseconds);
