import Datasets
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
    <title>\(title.escaped)</title>
    <style>
    \(ReportStyle.css)
    </style>
    </head>
    <body>
    <main>
    <header>
    <h1>\(title.escaped)</h1>
    \(subtitle.isEmpty ? "" : "<p class=\"subtitle\">\(subtitle.escaped)</p>")
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
    summary.map { "<p>\($0.escaped)</p>" }.joined(separator: "\n")
  }

  private var highlightList: String {
    guard !highlights.isEmpty else { return "" }
    let items = highlights.map {
      "<div><dd>\($0.value.escaped)</dd><dt>\($0.label.escaped)</dt></div>"
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
      "<tr><th scope=\"row\">\($0.name.escaped)</th><td>\($0.value.escaped)</td></tr>"
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
    let head = columns.map { "<th scope=\"col\">\($0.escaped)</th>" }.joined()
    let body = rows.enumerated().map { index, cells in
      let cells = cells.enumerated().map { column, cell in
        column == 0
          ? "<th scope=\"row\">\(cell.escaped)</th>" : "<td>\(cell.escaped)</td>"
      }
      let style = emphasized.contains(index) ? " class=\"emphasized\"" : ""
      return "<tr\(style)>\(cells.joined())</tr>"
    }
    return """
      <section>
      <h2>\(title.escaped)</h2>
      <div class="scroll"><table class="numbers">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body.joined(separator: "\n"))
      </tbody>
      </table></div>
      \(note.isEmpty ? "" : "<p class=\"note\">\(note.escaped)</p>")
      </section>
      """
  }
}

extension RunReport.Drawing {
  fileprivate var html: String {
    """
    <figure>
    \(svg)
    <figcaption>\(caption.escaped)</figcaption>
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
      <img\(size)\(style) alt="\(caption.escaped)" \
      src="data:image/png;base64,\(png.base64EncodedString())">
      <figcaption>\(caption.escaped)</figcaption>
      </figure>
      """
  }
}

extension RunReport.Chart {
  fileprivate var html: String {
    let legend = curves.enumerated().map { index, curve in
      "<span class=\"\(LineChart.style(index))\">\(curve.name.escaped)</span>"
    }
    return """
      <figure class="chart">
      <h3>\(title.escaped)</h3>
      \(curves.count > 1 ? "<p class=\"legend\">\(legend.joined(separator: " "))</p>" : "")
      \(LineChart(self).svg)
      \(note.isEmpty ? "" : "<figcaption>\(note.escaped)</figcaption>")
      </figure>
      """
  }
}

extension String {
  /// Safe as text and inside quotes of HTML and SVG.
  var escaped: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\n", "\t": result.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x20: result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
