/// What random numbers are for: equal seeds give unrelated numbers to unrelated purposes.
package enum RandomStream {
  package static let weights: UInt64 = 1
  package static let masks: UInt64 = 2
  package static let pictures: UInt64 = 3
  package static let mixing: UInt64 = 4
  package static let dropPath: UInt64 = 5
  package static let labels: UInt64 = 6
  package static let dropout: UInt64 = 7
  package static let regions: UInt64 = 8
  package static let tokens: UInt64 = 9
}
