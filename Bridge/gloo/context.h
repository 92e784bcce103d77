// What libtorch's ProcessGroupGloo.hpp names of gloo, whose own headers no wheel carries.
//
// Only pointers to these pass through: nothing of gloo is made, called or derived from here, and
// `scripts/bootstrap` checks that the compiled bridge refers to no symbol of gloo.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "transport/device.h"
namespace gloo {
class Context {
 public:
  void setTimeout(std::chrono::milliseconds);
};
}  // namespace gloo
