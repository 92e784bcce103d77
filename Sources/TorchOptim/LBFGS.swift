public import Torch

/// Limited-memory BFGS for a smooth convex function of a few tensors (Nocedal and Wright, 2006,
/// algorithms 7.4–7.5), with a backtracking line search.
///
/// Meant for a linear classifier on features that fit in memory: no learning rate, no epochs, and
/// the same answer every time.
public struct LBFGS {
  /// Pairs of steps and gradient changes that are remembered.
  public var memory = 10
  /// Iterations at the most.
  public var iterations = 1000
  /// Done when no component of the gradient is larger.
  public var tolerance = 1e-5

  /// Creates a solver with the usual settings.
  public init() {}

  /// How a minimisation ended.
  public struct Outcome: Sendable {
    /// The value reached.
    public let value: Double
    /// The largest component of the gradient there.
    public let gradient: Double
    /// Iterations used.
    public let iterations: Int
  }

  /// Minimises `function` over `parameters`, which are changed in place.
  ///
  /// - Parameters:
  ///   - parameters: Tensors that require gradients.
  ///   - function: A scalar computed from them.
  public func minimize(_ parameters: [Tensor], _ function: () -> Tensor) -> Outcome {
    minimize(parameters, parts: 1) { _ in function() }
  }

  /// Minimises a sum over `parameters`, which are changed in place. Each of its parts is computed
  /// and differentiated before the next, so that only one takes memory at a time.
  ///
  /// - Parameters:
  ///   - parameters: Tensors that require gradients.
  ///   - parts: Number of parts.
  ///   - function: A part, from its number: a scalar computed from the parameters. Parts are added
  ///     in their order.
  public func minimize(
    _ parameters: [Tensor], parts: Int, _ function: (_ part: Int) -> Tensor
  ) -> Outcome {
    let sizes = parameters.map(\.count)
    var (value, gradient) = evaluate(parameters, parts, function)
    var pairs: [(step: Tensor, change: Tensor, curvature: Double)] = []
    var iteration = 0
    while iteration < iterations, gradient.abs().max().item() > tolerance {
      iteration += 1
      let direction = descent(from: gradient, pairs)
      let slope = direction.dot(gradient)
      let start = withoutGradients { concatenated(parameters.map { $0.detached().flattened() }) }
      var length = pairs.isEmpty ? min(1, 1 / max(gradient.norm().item(), 1e-12)) : 1
      var next = value
      var nextGradient = gradient
      var found = false
      for _ in 0..<30 {
        place(start + direction * length, in: parameters, sizes)
        (next, nextGradient) = evaluate(parameters, parts, function)
        found = next <= value + 1e-4 * length * slope
        if found { break }
        length /= 2
      }
      guard found else {
        place(start, in: parameters, sizes)  // rounding: there is no way further down
        break
      }
      let pair = (step: direction * length, change: nextGradient - gradient)
      let curvature = pair.step.dot(pair.change)
      if curvature > 1e-12 {
        pairs.append((pair.step, pair.change, curvature))
        if pairs.count > memory { pairs.removeFirst() }
      }
      (value, gradient) = (next, nextGradient)
    }
    return Outcome(
      value: value, gradient: gradient.abs().max().item(), iterations: iteration)
  }

  /// The two-loop recursion.
  private func descent(
    from gradient: Tensor, _ pairs: [(step: Tensor, change: Tensor, curvature: Double)]
  ) -> Tensor {
    var q = gradient
    var shares: [Double] = []
    for pair in pairs.reversed() {
      let share = pair.step.dot(q) / pair.curvature
      shares.append(share)
      q = q - pair.change * share
    }
    if let last = pairs.last { q = q * (last.curvature / last.change.dot(last.change)) }
    for (pair, share) in zip(pairs, shares.reversed()) {
      q = q + pair.step * (share - pair.change.dot(q) / pair.curvature)
    }
    return -q
  }

  private func evaluate(
    _ parameters: [Tensor], _ parts: Int, _ function: (Int) -> Tensor
  ) -> (value: Double, gradient: Tensor) {
    for parameter in parameters { parameter.gradient = nil }
    var value = 0.0
    for part in 0..<parts {
      let result = function(part)
      result.backward()
      value += result.item()
    }
    let gradients = parameters.map { ($0.gradient ?? $0.detached().zerosLike()).flattened() }
    return (value, withoutGradients { concatenated(gradients) })
  }

  private func place(_ point: Tensor, in parameters: [Tensor], _ sizes: [Int]) {
    withoutGradients {
      for (parameter, part) in zip(parameters, point.split(sizes: sizes, along: 0)) {
        parameter.copy(part.reshaped(parameter.shape))
      }
    }
  }
}

extension Tensor {
  fileprivate func dot(_ other: Tensor) -> Double { (self * other).sum().item() }
}
