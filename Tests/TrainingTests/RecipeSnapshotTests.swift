@testable import Recipes
import Testing
import Training

@Suite struct RecipeSnapshotTests {
  @Test func `the default recipe as it is printed`() throws {
    #expect(
      try RecipeBooks.pretraining.entry(named: "default").yaml == """
        # Paper:    He et al. (2022), arXiv:2111.06377, with sizes for one machine
        # Accuracy: not published for this batch and length; re-implementations reach 83.1 % fine-tuned
        #           and 60.8 % with a linear probe after 300 epochs on ImageNet
        # Hours:    depend on the machine; the first lines of a run give an estimate
        # Command:  mae pretrain DATA --out RUN
        name: default
        note: "ViT-Base, 224 × 224, patch 16, for one machine"
        seed: 0
        model:
          height: 224
          width: 224
          channels: 3
          patch: 16
          encoder:
            width: 768
            depth: 12
            heads: 12
            mlpRatio: 4
          decoder:
            width: 512
            depth: 8
            heads: 16
            mlpRatio: 4
          target: normalized-pixels
          normEpsilon: 1e-06
          qkvBias: true
          encodesMaskTokens: false
        masking:
          strategy: random
          ratio: 0.75
        loss:
          region: hidden
        data:
          crop: random-resized
          scale: [0.2, 1]
          ratio: [0.75, 1.3333333333333333]
          flip: 0.5
          verticalFlip: 0
          rotate90: 0
          jitter: 0
          interpolation: bicubic
          channels: picture
          raster:
            pages: channels
            arrays: auto
            missing: broken
            noData: file
            shown: null
            stretch: [2, 98]
          normalization: imagenet
          valueRange: full
          shuffle: exact
          shuffleBuffer: 4096
          lanes: 64
          repeats: 1
          brokenLimit: 0.01
          workers: 0
          prefetch: 4
          cache: 0
          normalizeOnDevice: false
        optimizer:
          kind: adamw
          baseLearningRate: 0.00015
          minimumLearningRate: 0
          layerDecay: 1
          beta1: 0.9
          beta2: 0.95
          epsilon: 1e-08
          momentum: 0.9
          weightDecay: 0.05
          clip: null
        batch:
          size: 64
          accumulation: 1
          reduction: float32
        schedule:
          epochs: 200
          steps: null
          warmupEpochs: 20
        precision: float32
        memory:
          recompute: false
        checkpoints:
          everyEpochs: 5
          everySteps: null
          keep: 2
        logging:
          everySteps: 50
          norms: false
          reconstructionsEveryEpochs: 5
          images: 8

        """)
  }
}
