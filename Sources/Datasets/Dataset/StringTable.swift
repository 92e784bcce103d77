/// A list of strings in one block of bytes: no more than eight bytes an entry besides the text.
package struct StringTable: Sendable, RandomAccessCollection {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []

  package init() {}

  package init(_ strings: some Sequence<String>) {
    for string in strings { append(string) }
  }

  package mutating func append(_ string: String) {
    bytes.append(contentsOf: string.utf8)
    ends.append(bytes.count)
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { ends.count }

  package subscript(position: Int) -> String {
    let start = position == 0 ? 0 : ends[position - 1]
    return String(decoding: bytes[start..<ends[position]], as: UTF8.self)
  }
}
