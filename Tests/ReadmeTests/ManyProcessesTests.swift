import ArgumentParser
import Foundation
import Testing

@testable import mae

/// The pages about many processes: what they tell to type is something that can be typed.
@Suite struct ManyProcessesTests {
  /// The commands of `mae` in a page's blocks, whatever starts them, without the word `mae`.
  private func commands(_ page: String) throws -> [[String]] {
    let text = try Texts.text(page)
    let shell = ["sh", "bash"].flatMap { Texts.blocks($0, in: text) }
      .flatMap { $0.replacing("\\\n", with: " ").split(separator: "\n") }
      .filter { !$0.hasPrefix("#") }
      .map { $0.components(separatedBy: " #")[0].split(separator: " ").map(String.init) }
    let lists = Texts.blocks("yaml", in: text).flatMap { $0.split(separator: "\n") }
      .compactMap { line -> [String]? in
        guard let list = line.firstRange(of: "command: ").map({ line[$0.upperBound...] }) else {
          return nil
        }
        return try? JSONDecoder().decode([String].self, from: Data(list.utf8))
      }
    return (shell + lists).compactMap { words in
      words.firstIndex(of: "mae").map { Array(words[($0 + 1)...]) }
    }
  }

  @Test(arguments: [("Documentation/ManyProcesses.md", 11), ("Documentation/Planning.md", 2)])
  func `every command is one that the program takes`(page: String, count: Int) throws {
    let commands = try commands(page)
    #expect(commands.count >= count, "\(commands.count)")
    for words in commands {
      do {
        var command = try MAE.parseAsRoot(words)
        guard let launch = command as? LaunchCommand else { continue }
        let inner = try LaunchedCommand(launch.command, commands: MAE.commandNames, program: "mae")
        command = try MAE.parseAsRoot(Array(inner.command.dropFirst()))
        #expect(inner.trains)
      } catch {
        Issue.record("\(words.joined(separator: " ")): \(MAE.fullMessage(for: error))")
      }
    }
  }

  /// What the page quotes of messages, without names and numbers, is what the program says.
  @Test(arguments: [
    "are here) at ", "waiting for rank 0 at ", " did not come to ", "nothing answers at ",
    "is in use by another program", "and could not connect to each other",
    "this is one process, though Slurm's job has ", " was started with ", ") has libtorch ",
    " images of all ranks, which cannot be shared evenly by ", ") has ended: ",
    "without last words", "not heard of any more", "is alive but at step ",
    "which keeps the store at ",
  ])
  func `messages are quoted as they are`(fragment: String) throws {
    let page = try Texts.text("Documentation/ManyProcesses.md")
    #expect(page.contains(fragment), "\(fragment) is not quoted")
    let sources = Texts.root.appendingPathComponent("Sources").path
    let files = try #require(FileManager.default.enumerator(atPath: sources))
      .compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }
    let isSaid = files.contains { file in
      (try? String(contentsOfFile: sources + "/" + file, encoding: .utf8))?.contains(fragment)
        == true
    }
    #expect(isSaid, "no source says \(fragment)")
  }
}
