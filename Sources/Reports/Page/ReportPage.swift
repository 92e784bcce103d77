import Datasets
import FileSystem
import Foundation
import Imaging

extension RunReport {
  /// The page: one file that needs no other, nor a script; readable in light and dark.
  public var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>\(title.escapedForMarkup)</title>
    <style>
    \(ReportStyle.css)
    </style>
    </head>
    <body>
    <main>
    <header>
    <h1>\(title.escapedForMarkup)</h1>
    \(subtitle.isEmpty ? "" : "<p class=\"subtitle\">\(subtitle.escapedForMarkup)</p>")
    </header>
    \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
    </main>
    </body>
    </html>

    """
  }

  private var sections: [String] {
    [highlightList, paragraphs] + drawings.map(\.html) + tables.map(\.html)
      + [gallery, chartSection, factList]
  }

  private var paragraphs: String {
    summary.map { "<p>\($0.escapedForMarkup)</p>" }.joined(separator: "\n")
  }

  private var highlightList: String {
    guard !highlights.isEmpty else { return "" }
    let items = highlights.map {
      "<div><dd>\($0.value.escapedForMarkup)</dd><dt>\($0.label.escapedForMarkup)</dt></div>"
    }
    return "<dl class=\"highlights\">\n\(items.joined(separator: "\n"))\n</dl>"
  }

  private var gallery: String {
    guard !pictures.isEmpty else { return "" }
    let figures = pictures.map(\.html).joined(separator: "\n")
    return "<section>\n<h2>Pictures</h2>\n\(figures)\n</section>"
  }

  private var chartSection: String {
    guard !charts.isEmpty else { return "" }
    return "<section>\n<h2>Curves</h2>\n\(charts.map(\.html).joined(separator: "\n"))\n</section>"
  }

  private var factList: String {
    guard !facts.isEmpty else { return "" }
    let rows = facts.map {
      "<tr><th scope=\"row\">\($0.name.escapedForMarkup)</th><td>\($0.value.escapedForMarkup)</td></tr>"
    }
    return """
      <section>
      <h2>Facts</h2>
      <div class="scroll"><table class="facts">
      \(rows.joined(separator: "\n"))
      </table></div>
      </section>
      """
  }
}

extension RunReport.Table {
  fileprivate var html: String {
    // Columns of words are set from the left and broken; numbers stay on one line.
    let words = columns.indices.map { column in
      column > 0 && rows.contains { $0.indices.contains(column) && $0[column].isWords }
    }
    func style(_ column: Int) -> String {
      words.indices.contains(column) && words[column] ? " class=\"words\"" : ""
    }
    let head = columns.enumerated().map {
      "<th scope=\"col\"\(style($0))>\($1.escapedForMarkup)</th>"
    }
    .joined()
    let body = rows.enumerated().map { index, cells in
      let cells = cells.enumerated().map { column, cell in
        column == 0
          ? "<th scope=\"row\">\(cell.escapedForMarkup)</th>"
          : "<td\(style(column))>\(cell.escapedForMarkup)</td>"
      }
      let style = emphasized.contains(index) ? " class=\"emphasized\"" : ""
      return "<tr\(style)>\(cells.joined())</tr>"
    }
    return """
      <section>
      <h2>\(title.escapedForMarkup)</h2>
      <div class="scroll"><table class="numbers">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table></div>
      \(note.isEmpty ? "" : "<p class=\"note\">\(note.escapedForMarkup)</p>")
      </section>
      """
  }
}

extension RunReport.Drawing {
  fileprivate var html: String {
    """
    <figure>
    \(svg)
    <figcaption>\(caption.escapedForMarkup)</figcaption>
    </figure>
    """
  }
}

extension RunReport.Picture {
  /// Small pictures are enlarged by a whole factor of at most 4, pixel by pixel.
  fileprivate var html: String {
    let width = PNGHeader(png)?.width ?? 0
    let factor = width > 0 ? min(4, max(1, ReportStyle.pictureWidth / width)) : 1
    let size = width > 0 ? " width=\"\(width * factor)\"" : ""
    let style = factor > 1 ? " class=\"pixels\"" : ""
    return """
      <figure>
      <img\(size)\(style) alt="\(caption.escapedForMarkup)" \
      src="data:image/png;base64,\(png.base64EncodedString())">
      <figcaption>\(caption.escapedForMarkup)</figcaption>
      </figure>
      """
  }
}

extension RunReport.Chart {
  fileprivate var html: String {
    let legend = curves.enumerated().map { index, curve in
      "<span class=\"\(LineChart.style(index))\">\(curve.name.escapedForMarkup)</span>"
    }
    return """
      <figure class="chart">
      <h3>\(title.escapedForMarkup)</h3>
      \(curves.count > 1 ? "<p class=\"legend\">\(legend.joined(separator: " "))</p>" : "")
      \(LineChart(self).svg)
      \(note.isEmpty ? "" : "<figcaption>\(note.escapedForMarkup)</figcaption>")
      </figure>
      """
  }
}

extension String {
  /// Whether a cell is more than a number with its unit.
  fileprivate var isWords: Bool { count > 14 && contains(where: \.isLetter) }
}
