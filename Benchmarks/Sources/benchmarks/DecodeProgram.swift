import ArgumentParser
import Foundation
import Harness
import SyntheticPhotos

/// Processor time of decoding: ours and libvips in turn.
struct DecodeProgram: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Processor time of JPEG files to crops, in turn with libvips.",
    discussion: """
      One thread each. Needs a C compiler and libvips with its headers (Debian: libvips-dev). Prints medians \
      of the processor time an image takes, start of the process and first pass not counted, and of the \
      ratio, and the same for libvips without its decoding at smaller scales. Processor time is what programs \
      that run in turn on a shared machine can be compared by.
      """)

  @OptionGroup var measured: MeasuredProgram

  private static let files = 50

  func run() throws {
    let folder = try TemporaryFolder()
    let (photos, vips) = (folder.path + "/photos", folder.path + "/vips_decode")
    let flags = try WholeProcess("pkg-config --cflags --libs vips").output
      .split(whereSeparator: \.isWhitespace).joined(separator: " ")
    _ = try WholeProcess(
      "cc -O2 Benchmarks/peers/vips_decode.c -o \(quoted(vips)) \(flags) -lm")
    try SyntheticPhotos().write(count: Self.files, to: photos)
    /// Milliseconds an image, from the difference of a long and a short run.
    func each(_ command: (_ passes: Int) -> String) throws -> Double {
      let (long, short) = (try WholeProcess(command(40)), try WholeProcess(command(10)))
      return (long.processorSeconds - short.processorSeconds) / Double(30 * Self.files) * 1000
    }
    func libvips(_ options: String) -> () throws -> Double {
      { try each { "\(quoted(vips)) \(quoted(photos)) \($0)\(options)" } }
    }
    let turns = try Turns(
      [
        Candidate("ours") {
          try each { passes in
            measured.command([
              "bench", "data", photos, "--workers", "1", "--images", String(passes * Self.files),
            ])
          }
        },
        Candidate("libvips", measure: libvips("")),
        Candidate("libvips, always full scale", measure: libvips(" full")),
      ], rounds: measured.rounds)
    print(
      "decoding: JPEG 500 × 375, quality 95, to random resized crops of 224, "
        + "\(measured.rounds) rounds in turn; \(Machine.name)")
    for name in ["ours", "libvips", "libvips, always full scale"] {
      let ratio = turns.ratio(name, over: "ours")
      print(
        "  \(padded(name, to: 28))\(fixed(turns[name].median, 2)) ms an image of processor time"
          + (name == "ours" ? "" : ", \(ratio.words(decimals: 2)) times ours"))
    }
  }
}
