import DataParallel
import Datasets
import FileSystem
import Inference
import MaskedAutoencoders
import RecipeSyntax
import Recipes
import Runs
import Training

/// Makes the steps of rows.
struct StepMaking {
  let scale: AblationScale
  let settings: AblationPlan.Settings
  let data: LabelledData

  /// A row with its steps.
  ///
  /// - Throws: `RecipeErrors` where the row's values do not go together, with the row's name.
  func row(
    _ row: AblationRow, seed: Int, in layout: inout StepLayout
  ) throws -> AblationPlan.Row {
    let measures = row.measures.filter(settings.measures.contains)
    var planned = AblationPlan.Row(row: row, seed: seed)
    do {
      let needsEncoder = measures.contains { $0 != .time }
      var encoder: Encoder?
      if row.origin != .scratch, needsEncoder {
        encoder = try self.encoder(of: row, seed: seed, in: &layout)
        planned.tokenizer = encoder?.tokenizer
        planned.encoder = encoder?.place
      }
      if measures.contains(.finetuned) {
        planned.finetuned = try finetuning(of: row, from: encoder, seed: seed, in: &layout)
      }
      if measures.contains(.probed), let encoder {
        planned.probed = try probe(of: row, from: encoder, seed: seed, in: &layout)
      }
      if measures.contains(.time) { planned.time = try time(of: row, in: &layout) }
    } catch let error as RecipeErrors {
      throw RecipeErrors(
        error.mistakes.map { mistake in
          var named = mistake
          named.source = [mistake.source, "row \(row.name)"].compactMap(\.self)
            .joined(separator: ", ")
          return named
        }, isMissingFile: error.isMissingFile)
    }
    return planned
  }

  /// An encoder that classifiers start from.
  struct Encoder {
    let place: Int
    /// The step that trains its tokenizer; nil where it has none.
    var tokenizer: Int?
    let folder: String
    let identity: [String]
    let model: ModelConfiguration
  }

  /// The folder of a row with a seed.
  static func folder(_ name: String, _ seed: Int) -> String {
    seed == 0 ? name : "\(name)-seed\(seed)"
  }

  // MARK: encoders

  /// The recipe of a row's masked pre-training.
  func pretraining(of row: AblationRow, seed: Int) throws(RecipeErrors) -> PretrainingRecipe {
    var recipe = try scale.pretraining.changed(settings: row.changes)
    recipe.seed += UInt64(seed)
    recipe.schedule = recipe.schedule.scaled(
      by: row.length, images: data.images, batch: recipe.effectiveBatch)
    return recipe
  }

  private func encoder(
    of row: AblationRow, seed: Int, in layout: inout StepLayout
  ) throws -> Encoder {
    row.origin == .contrastive
      ? try contrastive(of: row, seed: seed, in: &layout)
      : try masked(of: row, seed: seed, in: &layout)
  }

  private func masked(
    of row: AblationRow, seed: Int, in layout: inout StepLayout
  ) throws -> Encoder {
    var recipe = try pretraining(of: row, seed: seed)
    var identity =
      ["encoder: \(row.origin.rawValue)"]
      + recipe.identity(beside: PretrainingRecipe(name: "")) + data.identity.prefix(1)
    let tokenizer = try tokenizer(for: &recipe, identity: &identity, seed: seed, in: &layout)
    let name = Self.folder(row.encoderName, seed)
    let place = try layout.place(.pretrain, identity, in: name) { [recipe] folder in
      let inputs = PretrainingInputs(data: settings.data, named: settings.names.data)
      return (
        StepCost(RunPlan.Job(recipe, images: data.images)),
        { context in
          try context.train(
            PretrainingTask.self, inputs, by: recipe, from: RecipeBooks.pretraining, in: folder)
          return try context.pretrained(in: folder)
        }
      )
    }
    return Encoder(
      place: place, tokenizer: tokenizer, folder: layout.steps[place].folder, identity: identity,
      model: recipe.model)
  }

  private func contrastive(
    of row: AblationRow, seed: Int, in layout: inout StepLayout
  ) throws -> Encoder {
    var recipe = try scale.contrastive.changed(settings: row.changes)
    recipe.seed += UInt64(seed)
    recipe.schedule = recipe.schedule.scaled(
      by: row.length, images: data.images, batch: recipe.effectiveBatch)
    let identity =
      ["encoder: \(row.origin.rawValue)"]
      + recipe.identity(beside: ContrastiveRecipe(name: "")) + data.identity.prefix(1)
    let name = Self.folder(row.encoderName, seed)
    let place = try layout.place(.pretrain, identity, in: name) { [recipe] folder in
      let inputs = ContrastiveInputs(data: settings.data, named: settings.names.data)
      return (
        StepCost(RunPlan.Job(recipe, images: data.images)),
        { context in
          try context.train(
            ContrastiveTask.self, inputs, by: recipe, from: RecipeBooks.contrastive, in: folder)
          return try context.pretrained(in: folder)
        }
      )
    }
    return Encoder(
      place: place, folder: layout.steps[place].folder, identity: identity, model: recipe.model)
  }

  // MARK: classifiers

  private func finetuning(
    of row: AblationRow, from encoder: Encoder?, seed: Int, in layout: inout StepLayout
  ) throws -> Int {
    let base = encoder == nil ? scale.scratch : scale.finetuning
    var recipe = try base.changed(settings: row.finetuning)
    recipe.seed += UInt64(seed)
    return try classifier(
      .finetune, by: recipe, from: encoder, in: Self.folder(row.classifierName, seed),
      images: data.labelled, &layout)
  }

  private func probe(
    of row: AblationRow, from encoder: Encoder, seed: Int, in layout: inout StepLayout
  ) throws -> Int {
    let name = Self.folder(row.encoderName, seed)
    switch scale.probe {
    case .trained(var recipe):
      recipe.seed += UInt64(seed)
      return try classifier(
        .probe, by: recipe, from: encoder, in: name, images: data.probed, &layout)
    case .exact(let limit):
      let identity =
        ["probe: exact, \(limit.map { "\($0) images" } ?? "all images"), seed \(seed)"]
        + data.identity + encoder.identity.map { "encoder.\($0)" }
      return try layout.place(.probe, identity, in: name) { folder in
        let forward = ModelCost(
          classifying: encoder.model, classes: data.classes, training: .lastBlocks(0)
        ).forward
        let images = data.probed + data.validated
        let cost = StepCost(
          job: nil, operations: forward * Double(images),
          memory: Double(4 * images * encoder.model.encoder.width), disk: 0)
        let probe = ExactProbe(
          settings: settings, limit: limit, seed: UInt64(seed), encoder: encoder.folder,
          folder: folder)
        return (cost, probe.perform)
      }
    }
  }

  /// A step that trains a classifier.
  private func classifier(
    _ kind: StepKind, by recipe: FinetuningRecipe, from encoder: Encoder?, in name: String,
    images: Int, _ layout: inout StepLayout
  ) throws -> Int {
    let identity =
      recipe.identity(beside: FinetuningRecipe(name: "")) + data.identity
      + (encoder?.identity.map { "encoder.\($0)" } ?? ["encoder: scratch"])
    return try layout.place(kind, identity, in: name) { folder in
      let inputs = ClassificationInputs(
        model: encoder?.folder, data: settings.data, validation: settings.validation,
        named: settings.names)
      let job = RunPlan.Job(
        recipe, encoder: encoder?.model ?? scale.pretraining.model, classes: data.classes,
        images: images)
      return (
        StepCost(job, validated: data.validated, forward: job.cost.forward),
        { context in
          try context.train(
            ClassificationTask.self, inputs, by: recipe, from: RecipeBooks.classification,
            in: folder)
          return try context.result(in: folder) { results in
            results.ownClassifier.map {
              StepResult(
                top1: $0.top1, trainingImages: $0.trainingImages, testImages: $0.testImages,
                seconds: $0.seconds)
            }
          }
        }
      )
    }
  }

  // MARK: time

  private func time(of row: AblationRow, in layout: inout StepLayout) throws -> Int {
    let recipe = try pretraining(of: row, seed: 0)
    let identity =
      ["time: a training step on images of nothing"]
      + recipe.identity(beside: PretrainingRecipe(name: "")).filter {
        !$0.hasPrefix("schedule.")
      }
    let inputs = PretrainingInputs(data: settings.data, named: settings.names.data)
    return try layout.place(.time, identity, in: row.encoderName) { _ in
      var cost = StepCost(RunPlan.Job(recipe, images: data.images))
      (cost.operations, cost.disk, cost.job) = (0, 0, nil)
      return (cost, StepTiming(recipe: recipe, inputs: inputs).perform)
    }
  }
}

extension StepContext {
  /// What a run of pre-training that has ended has in its results.
  fileprivate func pretrained(in folder: String) throws -> StepResult? {
    try result(in: folder) { results in
      results.pretraining.map {
        StepResult(loss: $0.loss, trainingImages: $0.images, seconds: $0.seconds)
      }
    }
  }

  /// What a run that has ended has in its results; nil on all processes but the first.
  func result(
    in folder: String, _ read: (RunResults) -> StepResult?
  ) throws -> StepResult? {
    guard group.isFirst else { return nil }
    guard let result = try read(RunResults.read(folder)) else {
      throw RunFailure(
        .badData, "\(folder)/results.json lacks the result of the run that has ended")
    }
    return result
  }
}

extension ScheduleRecipe {
  /// The schedule at a share of its length; the warm-up stays as long as it is, or keeps its share of
  /// a run that is too short for it.
  func scaled(by share: Double, images: Int, batch: Int) -> ScheduleRecipe {
    guard share != 1 else { return self }
    var scaled = self
    let perEpoch = max(1, images / batch)
    let epochs = Double(self.epochs) * share
    if steps == nil, epochs == epochs.rounded() {
      scaled.epochs = Int(epochs)
    } else {
      let all = steps ?? self.epochs * perEpoch
      scaled.steps = max(1, Int((Double(all) * share).rounded()))
      scaled.epochs = max(1, Int(epochs.rounded(.up)))
    }
    let length = steps.map { Double($0) / Double(perEpoch) * share } ?? epochs
    if warmupEpochs > length / 2 {
      scaled.warmupEpochs = (warmupEpochs * share * 1e4).rounded() / 1e4
    }
    return scaled
  }
}
