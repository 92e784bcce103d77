@testable import FileSystem
@testable import Runs
import Foundation
import Testing
import Torch

/// Who may write into which folder.
@Suite struct RunFolderTests {
  private func refusal(_ path: String, _ opening: RunFolder.Opening) -> RunFailure? {
    do {
      _ = try RunFolder(path, opening)
      return nil
    } catch { return error as? RunFailure }
  }

  @Test(arguments: [RunFolder.Opening.new, .overwrite, .resume])
  func emptyFoldersAreTaken(_ opening: RunFolder.Opening) throws {
    let fixture = try TemporaryRun()
    try fixture.write("empty/.DS_Store", "")
    for name in ["new", "new/deeper/still", "empty"] {
      #expect(refusal(fixture(name), opening) == nil, "\(name)")
      #expect(fixture.exists(name + "/.lock"))
    }
  }

  @Test func aRunIsNotOverwrittenByAccident() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "name: mine")
    try fixture.write("run/checkpoints/step-3/weights.safetensors", "weights")
    let new = refusal(fixture("run"), .new)
    #expect(new?.kind == .refusedOutput)
    #expect(new?.message.contains("--resume") == true)
    #expect(new?.message.contains("--overwrite") == true)
    #expect(refusal(fixture("run"), .resume) == nil)
    #expect(try fixture.text("run/recipe.yaml") == "name: mine")
  }

  @Test func whatIsNoRunIsLeftAlone() throws {
    let fixture = try TemporaryRun()
    try fixture.write("thesis/chapter.tex", "years of work")
    for opening in [RunFolder.Opening.new, .overwrite, .resume] {
      #expect(refusal(fixture("thesis"), opening)?.kind == .refusedOutput)
      #expect(fixture.names("thesis") == ["chapter.tex"], "\(opening)")
    }
  }

  @Test func oneProgramAtATime() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "name: mine")
    do {
      let first = try RunFolder(fixture("run"), .resume)
      for opening in [RunFolder.Opening.overwrite, .resume] {
        let second = refusal(first.path, opening)
        #expect(second?.kind == .refusedOutput)
        #expect(second?.message.contains("in use") == true)
        #expect(fixture.exists("run/recipe.yaml"))
      }
      withExtendedLifetime(first) {}
    }
    #expect(refusal(fixture("run"), .resume) == nil)
  }

  @Test func remainsOfKilledRunsAreRemoved() throws {
    let fixture = try TemporaryRun()
    try fixture.write("run/recipe.yaml", "")
    try fixture.write("run/checkpoints/.writing-step-4-77/weights.safetensors", "half")
    try fixture.write("run/checkpoints/.writing-step-2-removed/model.json", "old")
    try fixture.write("run/checkpoints/step-3/model.json", "{}")
    _ = try RunFolder(fixture("run"), .resume)
    #expect(fixture.names("run/checkpoints") == ["step-3"])
  }

  @Test func stepsAreNumbers() throws {
    let fixture = try TemporaryRun()
    for name in ["step-10", "step-9", "step-100", "step-x", "steps", ".writing-step-7-1", "step-"] {
      try fixture.write("run/checkpoints/\(name)/model.json", "")
    }
    #expect(RunFolder.checkpointSteps(in: fixture("run")) == [9, 10, 100])
    #expect(RunFolder.checkpointSteps(in: fixture("nowhere")) == [])
  }

  @Test func pathsAreTheSameHoweverTheyAreWritten() throws {
    let fixture = try TemporaryRun()
    try fixture.write("a/b/file", "")
    let link = fixture("link")
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "a/b")
    let root = canonicalPath(fixture.path)
    for (path, wanted) in [
      ("a/b", "/a/b"), ("a//b/", "/a/b"), ("a/./b/../b/.", "/a/b"), ("link", "/a/b"),
      ("link/../new", "/a/new"), ("a/new/deeper", "/a/new/deeper"), ("a/new/..", "/a"),
      ("a/new/../b/x", "/a/b/x"), ("", ""),
    ] {
      #expect(canonicalPath(fixture(path)) == root + wanted, "\(path)")
    }
    #expect(canonicalPath("x") == canonicalPath(".") + "/x")
    #expect(canonicalPath("/") == "/" && canonicalPath("/nowhere/..") == "/")
    #expect("/".holds("/a") && "/a".holds("/a") && "/a".holds("/a/b") && !"/a".holds("/ab"))
    #expect("runs/first".forShell == "runs/first" && "it's".forShell == "'it'\\''s'")
  }
}
