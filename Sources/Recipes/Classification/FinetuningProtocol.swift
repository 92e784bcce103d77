import TorchOptim
import RecipeSyntax

extension FinetuningRecipe {
  /// What the recipe does, in the paper's words.
  ///
  /// - Parameter isFromScratch: Whether weights start at random.
  public func protocolName(isFromScratch: Bool) -> String {
    if isFromScratch { return "from scratch" }
    return switch trainableBlocks {
    case nil: "fine-tuned"
    case 0?: head.batchNorm ? "linear probe (\(optimizer.kind.title))" : "head only"
    case 0.5?: "last ½ block"
    case 1?: "last block"
    case let count?: "last \(Int(count)) blocks"
    }
  }

  /// A short name for the run's folder: `flowers-fine-tuned`, `flowers-blocks-0.5`,
  /// `flowers-scratch`, with the share of labels.
  ///
  /// - Parameter data: The labelled set as the user named it.
  public func folderName(data: String, isFromScratch: Bool) -> String {
    let words = data.split(separator: "/").last { $0 != "." && $0 != ".." }?.split(separator: ".")
    let letters = (words?.first ?? "data").prefix(40).map { letter in
      letter.isLetter || letter.isNumber || letter == "_" ? letter : "-"
    }
    return String(letters) + "-" + protocolFolder(isFromScratch: isFromScratch)
  }

  private func protocolFolder(isFromScratch: Bool) -> String {
    let name: String
    switch trainableBlocks {
    case _ where isFromScratch: name = "scratch"
    case nil: name = "fine-tuned"
    case 0? where head.batchNorm: name = "linear-probe"
    case let count?: name = "blocks-\(ScalarText.written(count))"
    }
    if let count = labels.perClass { return "\(name)-\(count)-a-class" }
    if labels.fraction == 1 { return name }
    return "\(name)-\(ScalarText.written(labels.percent))-percent"
  }
}

extension FinetuningRecipe.Labels {
  /// `5 a class`, `1 % of the labels`; nil for all of them.
  public var words: String? {
    if let perClass { return "\(perClass) a class" }
    return fraction == 1 ? nil : "\(ScalarText.written(percent)) % of the labels"
  }

  /// The share in per cent, without what rounding left of it.
  fileprivate var percent: Double { (fraction * 1e6).rounded() / 1e4 }
}
