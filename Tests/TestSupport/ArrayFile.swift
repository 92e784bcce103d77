/// Arrays in NumPy's format.
package enum ArrayFile {
  /// An `.npy` file of float32, row by row.
  package static func npy(_ values: [Float], shape: [Int]) -> [UInt8] {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values of shape \(shape)")
    let axes = shape.map { "\($0), " }.joined()
    var header = Array("{'descr': '<f4', 'fortran_order': False, 'shape': (\(axes)), }".utf8)
    header += [UInt8](repeating: 0x20, count: 117 - header.count) + [0x0A]
    return [0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + header
      + values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }
}
