public import ArgumentParser
public import Datasets
import FileSystem

extension AnnotationFormat: ExpressibleByArgument {}

extension DataCommand {
  /// Annotations in another form.
  struct Convert: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "convert",
      abstract: "Convert annotations: COCO's JSON, YOLO's text files, label maps.",
      discussion: """
        ANNOTATIONS is a COCO file, or a folder with images and labels as YOLO has them (classes in \
        classes.txt or data.yaml). What the other form cannot hold is said.

        Examples:
          mae data convert yolo/ --to coco --out instances_train.json
          mae data convert instances_train.json --to yolo --out labels/
          mae data convert instances_train.json --to labels --zero-is background --out labels/
        """)

    @Argument(help: "A COCO file, or a folder with images and labels.")
    var annotations: String

    @Option(help: "The form to write: coco, yolo or labels.")
    var to: AnnotationFormat

    @Option(help: "The file (coco) or folder (yolo, labels) to write.")
    var out: String

    @Option(help: "A file with the classes of a YOLO folder, where it is not in the folder.")
    var classes: String?

    @Option(help: "What pixels without an object are, for label maps: background or ignored.")
    var zeroIs: ZeroLabel?

    func run() throws {
      let set = try COCOAnnotations(any: annotations, classes: classes)
      for line in set.problems.lines { warn("note: \(annotations): \(line)") }
      if to != .coco, exists(out) {
        throw FileError(
          path: out, kind: .unwritable, message: "is there already; name a folder that is not")
      }
      for note in try set.write(as: to, to: out, zeroIs: zeroIs) { warn("note: \(note)") }
      print(
        "\(set.objects.count) objects of \(set.categories.count) classes on \(set.images.count) "
          + "pictures, written to \(out)")
    }
  }
}
