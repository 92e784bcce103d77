// Any operator of libtorch, ours or its own, called boxed through the dispatcher by schema name.
#include <ATen/core/Generator.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "internal.h"

using c10::IValue;

// meta.cpp
void ct_check_devices(const c10::OperatorHandle &, const std::vector<IValue> &);

namespace {

enum class Kind : uint8_t {
  other, tensor, optional_tensor, floating, integer, boolean, number, integers, floats, booleans,
  tensors, optional_tensors, optional_numbers, device, string, generator
};

const char *name_of(Kind k) {
  switch (k) {
    case Kind::tensor: return "a tensor";
    case Kind::optional_tensor: return "a tensor or nothing";
    case Kind::floating: return "a floating-point number";
    case Kind::integer: return "an integer";
    case Kind::boolean: return "a boolean";
    case Kind::number: return "a number";
    case Kind::integers: return "a list of integers";
    case Kind::floats: return "a list of floating-point numbers";
    case Kind::booleans: return "a list of booleans";
    case Kind::tensors: return "a list of tensors";
    case Kind::optional_tensors: return "a list of tensors or nothings";
    case Kind::optional_numbers: return "a list of numbers or nothings";
    case Kind::device: return "a device";
    case Kind::string: return "a string";
    case Kind::generator: return "a generator";
    case Kind::other: break;
  }
  return "another kind of value";
}

Kind kind_of(c10::TypePtr type) {
  bool optional = false;
  if (auto o = type->cast<c10::OptionalType>()) {
    type = o->getElementType();
    optional = true;
  }
  switch (type->kind()) {
    case c10::TypeKind::TensorType: return optional ? Kind::optional_tensor : Kind::tensor;
    case c10::TypeKind::FloatType: return Kind::floating;
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType: return Kind::integer;
    case c10::TypeKind::BoolType: return Kind::boolean;
    case c10::TypeKind::NumberType: return Kind::number;
    case c10::TypeKind::DeviceObjType: return Kind::device;
    case c10::TypeKind::StringType:
    // A group of processes by its name: an argument of any type.
    case c10::TypeKind::AnyType: return Kind::string;
    case c10::TypeKind::GeneratorType: return Kind::generator;
    case c10::TypeKind::ListType:
      switch (type->castRaw<c10::ListType>()->getElementType()->kind()) {
        case c10::TypeKind::IntType:
        case c10::TypeKind::SymIntType: return Kind::integers;
        case c10::TypeKind::FloatType: return Kind::floats;
        case c10::TypeKind::BoolType: return Kind::booleans;
        case c10::TypeKind::TensorType: return Kind::tensors;
        case c10::TypeKind::OptionalType: {
          auto list = type->castRaw<c10::ListType>();
          auto element = list->getElementType()->castRaw<c10::OptionalType>()->getElementType();
          return element->kind() == c10::TypeKind::NumberType ? Kind::optional_numbers
                                                              : Kind::optional_tensors;
        }
        default: return Kind::other;
      }
    default: return Kind::other;
  }
}

}  // namespace

struct ct_op_s {
  c10::OperatorHandle handle;
  std::vector<Kind> kinds;
  std::vector<bool> optional;
  std::vector<std::string> names;
  std::vector<IValue> defaults;
  std::vector<bool> has_default;
  std::string schema;
};

struct ct_frame_s {
  ct_op_s *op = nullptr;
  std::vector<IValue> stack;
  std::vector<bool> given;  // whether each argument on the stack was pushed, or only passed over
  int named = -1;  // the argument the next push fills, or -1: the next in order
  bool failed = false;

  size_t next() const { return named >= 0 ? size_t(named) : stack.size(); }
  Kind expected() const { return next() < op->kinds.size() ? op->kinds[next()] : Kind::other; }

  void put(IValue &&value) {
    if (named < 0) {
      stack.emplace_back(std::move(value));
      given.push_back(true);
      return;
    }
    size_t i = size_t(named);
    named = -1;
    while (stack.size() <= i) {
      stack.emplace_back(op->defaults[stack.size()]);
      given.push_back(false);
    }
    stack[i] = std::move(value);
    given[i] = true;
  }

  // Keeps the first mistake; ct_call reports it.
  void refuse(const char *got) {
    if (!failed && next() < op->names.size()) {
      ct_set_error((std::string("argument '") + op->names[next()] + "' is " + got + ", expected " +
                    name_of(expected()) + ", in " + op->schema).c_str());
      failed = true;
    }
    put(IValue());
  }

  void complete() {
    for (size_t i = 0; i < op->kinds.size(); i++) {
      bool is_there = i < stack.size() && given[i];
      TORCH_CHECK(is_there || op->has_default[i], "missing argument '", op->names[i], "' in ",
                  op->schema);
      if (i >= stack.size()) stack.emplace_back(op->defaults[i]);
    }
    TORCH_CHECK(stack.size() == op->kinds.size(), "too many arguments for ", op->schema);
  }
};

// A few frames a thread, so that a call inside a call (a custom autograd function) works.
static thread_local std::vector<std::unique_ptr<ct_frame_s>> pool;

extern "C" {

ct_op ct_op_find(const char *name, const char *overload) {
  try {
    auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
    auto *op = new ct_op_s{handle, {}, {}, {}, {}, {}, {}};
    const auto &schema = handle.schema();
    for (const auto &argument : schema.arguments()) {
      op->kinds.push_back(kind_of(argument.type()));
      op->optional.push_back(argument.type()->kind() == c10::TypeKind::OptionalType);
      op->names.push_back(argument.name());
      op->has_default.push_back(argument.default_value().has_value());
      op->defaults.push_back(argument.default_value().value_or(IValue()));
    }
    std::ostringstream text;
    text << schema;
    op->schema = text.str();
    return op;
  } catch (const std::exception &e) {
    ct_set_error(e);
    return nullptr;
  }
}

const char *ct_op_schema(ct_op op) { return op->schema.c_str(); }

ct_frame ct_begin(ct_op op) {
  ct_frame f;
  if (pool.empty()) {
    f = new ct_frame_s();
  } else {
    f = pool.back().release();
    pool.pop_back();
  }
  f->op = op;
  f->named = -1;
  f->failed = false;
  f->stack.reserve(op->kinds.size());
  return f;
}

void ct_end(ct_frame f) {
  f->stack.clear();
  f->given.clear();
  pool.emplace_back(f);
}

void ct_named(ct_frame f, const char *name) {
  for (size_t i = 0; i < f->op->names.size(); i++) {
    if (f->op->names[i] == name) {
      f->named = int(i);
      return;
    }
  }
  if (!f->failed) ct_set_error((std::string("no argument '") + name + "' in " + f->op->schema).c_str());
  f->failed = true;
}

void ct_push_tensor(ct_frame f, ct_tensor t) {
  switch (f->expected()) {
    case Kind::tensor:
    case Kind::optional_tensor: return f->put(IValue(borrow(t)));
    default: return f->refuse("a tensor");
  }
}

void ct_push_none(ct_frame f) {
  size_t i = f->next();
  if (i < f->op->optional.size() && !f->op->optional[i]) return f->refuse("nothing");
  f->put(IValue());
}

void ct_push_int(ct_frame f, int64_t v) {
  switch (f->expected()) {
    case Kind::floating: return f->put(IValue(double(v)));
    case Kind::integer:
    case Kind::number: return f->put(IValue(v));
    case Kind::integers: return f->put(IValue(c10::List<int64_t>({v})));
    case Kind::other: return f->put(IValue(v));
    default: return f->refuse("an integer");
  }
}

void ct_push_double(ct_frame f, double v) {
  switch (f->expected()) {
    case Kind::floating:
    case Kind::number: return f->put(IValue(v));
    default: return f->refuse("a floating-point number");
  }
}

void ct_push_bool(ct_frame f, bool v) {
  switch (f->expected()) {
    case Kind::boolean:
    case Kind::number: return f->put(IValue(v));
    default: return f->refuse("a boolean");
  }
}

void ct_push_string(ct_frame f, const char *p, size_t n) {
  if (f->expected() == Kind::string) return f->put(IValue(std::string(p, n)));
  f->refuse("a string");
}

void ct_push_ints(ct_frame f, const int64_t *p, size_t n) {
  switch (f->expected()) {
    case Kind::integers: return f->put(IValue(c10::IntArrayRef(p, n)));
    case Kind::floats: return f->put(IValue(std::vector<double>(p, p + n)));
    case Kind::optional_numbers: {
      c10::List<std::optional<at::Scalar>> list;
      for (size_t i = 0; i < n; i++) list.push_back(at::Scalar(p[i]));
      return f->put(IValue(std::move(list)));
    }
    default: return f->refuse("a list of integers");
  }
}

void ct_push_doubles(ct_frame f, const double *p, size_t n) {
  if (f->expected() == Kind::floats) return f->put(IValue(c10::ArrayRef<double>(p, n)));
  f->refuse("a list of floating-point numbers");
}

void ct_push_bools(ct_frame f, const bool *p, size_t n) {
  if (f->expected() != Kind::booleans) return f->refuse("a list of booleans");
  c10::List<bool> list;
  for (size_t i = 0; i < n; i++) list.push_back(p[i]);
  f->put(IValue(std::move(list)));
}

void ct_push_tensors(ct_frame f, const ct_tensor *p, size_t n) {
  switch (f->expected()) {
    case Kind::tensors: {
      c10::List<at::Tensor> list;
      list.reserve(n);
      for (size_t i = 0; i < n; i++) list.push_back(borrow(p[i]));
      return f->put(IValue(std::move(list)));
    }
    case Kind::optional_tensors: {
      c10::List<std::optional<at::Tensor>> list;
      list.reserve(n);
      for (size_t i = 0; i < n; i++) list.push_back(borrow(p[i]));
      return f->put(IValue(std::move(list)));
    }
    default: return f->refuse("a list of tensors");
  }
}

void ct_push_device(ct_frame f, int8_t type, int8_t index) {
  if (f->expected() != Kind::device) return f->refuse("a device");
  f->put(IValue(c10::Device(c10::DeviceType(type), index)));
}

void ct_push_generator(ct_frame f, ct_generator g) {
  if (f->expected() != Kind::generator) return f->refuse("a generator");
  f->put(IValue(*reinterpret_cast<at::Generator *>(g)));
}

int ct_call(ct_frame f) {
  try {
    if (!f->failed) {
      f->complete();
      ct_check_devices(f->op->handle, f->stack);
      f->op->handle.callBoxed(f->stack);
      for (const auto &result : f->stack) {
        TORCH_CHECK(result.isTensor() || result.isTensorList(), "a result is no tensor: ", f->op->schema);
      }
      return int(f->stack.size());
    }
  } catch (const std::exception &e) {
    ct_set_error(e);
  } catch (...) {
    ct_set_error("unknown C++ exception");
  }
  ct_end(f);
  return -1;
}

int ct_call1(ct_frame f, ct_tensor *result) {
  if (ct_call(f) < 0) return -1;
  if (f->stack.size() != 1 || !f->stack[0].isTensor()) {
    ct_set_error(("the result is not one tensor: " + f->op->schema).c_str());
    ct_end(f);
    return -1;
  }
  *result = own(std::move(f->stack[0]).toTensor());
  ct_end(f);
  return 0;
}

ct_tensor ct_result_tensor(ct_frame f, int i) { return own(at::Tensor(f->stack[i].toTensor())); }
bool ct_result_is_list(ct_frame f, int i) { return f->stack[i].isTensorList(); }
size_t ct_result_list_count(ct_frame f, int i) { return f->stack[i].toListRef().size(); }
ct_tensor ct_result_list_tensor(ct_frame f, int i, size_t j) {
  return own(at::Tensor(f->stack[i].toListRef()[j].toTensor()));
}
}
