import Testing
@testable import Ablations

