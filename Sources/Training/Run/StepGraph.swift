package import Torch
package import TorchNN

/// The forward and the backward pass of a step, captured as an ``/Torch/AcceleratorGraph``: a step on a
/// GPU is then one call, and small operators wait for no host.
///
/// Captured is what depends on tensors alone: images, and what was drawn for them on the host, which
/// each step copies to the place that the graph reads. The optimizer's step is not part of it: it is a
/// handful of operators, its learning rate is a number, and before it the host looks at the loss.
package final class StepGraph {
  private let inputs: [Tensor]
  private let results: [Tensor]
  private let gradients: [(parameter: Tensor, gradient: Tensor?)]
  private let graph: AcceleratorGraph

  /// Captures a pass; nothing is computed yet. The same pass must have been run before, see
  /// ``/Torch/AcceleratorGraph/init(on:_:)``.
  ///
  /// - Parameters:
  ///   - inputs: Tensors on the device, of the shapes and types that all steps have.
  ///   - store: The parameters, whose gradients the pass leaves behind; they are nil afterwards where
  ///     it could not be captured.
  ///   - pass: Computes results, of which the gradients are added up, from the inputs.
  /// - Throws: What could not be captured.
  package init(
    of inputs: [Tensor], for store: ParameterStore, _ pass: @escaping ([Tensor]) -> [Tensor]
  ) throws(TorchError) {
    let own = inputs.map { $0.detached().cloned() }
    var found: [Tensor] = []
    store.clearGradients()
    do throws(TorchError) {
      graph = try AcceleratorGraph(on: store.device) { found = pass(own).map { $0.detached() } }
    } catch {
      store.clearGradients()
      throw error
    }
    self.inputs = own
    results = found
    gradients = store.trainable.map { ($0.tensor, $0.tensor.gradient) }
  }

  /// Runs the pass on other inputs; nil where they have other shapes or types than those that it was
  /// captured with.
  ///
  /// - Returns: The results, in memory that the next run writes again.
  package func run(_ values: [Tensor]) -> [Tensor]? {
    guard
      zip(inputs, values).allSatisfy({ $0.shape == $1.shape && $0.dtype == $1.dtype }),
      inputs.count == values.count
    else { return nil }
    withoutGradients { for (own, value) in zip(inputs, values) { own.copy(value) } }
    graph.replay()
    // Whoever has cleared them since: the graph writes where they were.
    for (parameter, gradient) in gradients { parameter.gradient = gradient }
    return results
  }
}

/// Runs a pass as it is for the first steps, then captures it and replays what was captured. Where that
/// cannot be it says so once and goes on as before.
final class StepCapture {
  /// Steps before the capture, in which libraries set themselves up.
  static let warmUp = 3

  private let store: ParameterStore
  private let warn: (String) -> Void
  private var steps = 0
  private var graph: StepGraph?
  private var isRefused = false

  init(_ store: ParameterStore, warn: @escaping (String) -> Void) {
    self.store = store
    self.warn = warn
    if !AcceleratorGraph.isSupported(on: store.device) {
      refuse("graphs of \(store.device) are not supported by this machine's libtorch")
    }
  }

  /// The results of a pass; nil where the caller is to compute it.
  func run(_ inputs: [Tensor], _ pass: @escaping ([Tensor]) -> [Tensor]) -> [Tensor]? {
    steps += 1
    if isRefused || steps <= Self.warmUp { return nil }
    if graph == nil {
      do throws(TorchError) {
        graph = try StepGraph(of: inputs, for: store, pass)
      } catch {
        refuse(error.message)
      }
    }
    return graph?.run(inputs)
  }

  private func refuse(_ reason: String) {
    isRefused = true
    warn("steps are not captured as a graph: \(reason); training goes on without")
  }
}
