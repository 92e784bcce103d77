import Datasets
import FileSystem
import Torch

extension NeighbourSearch {
  /// How neighbours are written.
  public enum Format: String, CaseIterable, Codable, Sendable {
    /// For people: the image, and below it a line for each neighbour.
    case table
    /// One JSON array.
    case json
    /// Comma-separated values with a heading: image, rank, similarity, neighbour.
    case csv
  }

  /// What was found, as text.
  public func text(_ format: Format) -> String {
    switch format {
    case .table:
      return zip(queries, found).map { query, neighbours in
        query.name + "\n"
          + neighbours.map { "  \(Formatted.fixed($0.similarity, 4))  \($0.name)\n" }.joined()
      }.joined()
    case .csv:
      let lines = zip(queries, found).flatMap { query, neighbours in
        neighbours.enumerated().map { rank, neighbour in
          let name = CSVText.field(query.name)
          let similarity = "\(Float(neighbour.similarity))"
          return "\(name),\(rank + 1),\(similarity),\(CSVText.field(neighbour.name))\n"
        }
      }
      return "image,rank,similarity,neighbour\n" + lines.joined()
    case .json:
      let objects = zip(queries, found).map { query, neighbours in
        let list = neighbours.map {
          "{\"image\": \($0.name.json), \"similarity\": \(Float($0.similarity))}"
        }
        return
          "  {\"image\": \(query.name.json), \"neighbours\": [\(list.joined(separator: ", "))]}"
      }
      return "[\n\(objects.joined(separator: ",\n"))\n]\n"
    }
  }
}
