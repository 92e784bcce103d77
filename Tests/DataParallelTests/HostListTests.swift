import DataParallel
import TestSupport
import Testing

/// Slurm's short writing of hosts and of numbers.
@Suite struct HostListTests {
  @Test func `names are expanded in order`() throws {
    let lists: [(String, [String])] = [
      ("gpu7", ["gpu7"]), ("a,b,a", ["a", "b", "a"]),
      ("gpu[1-3]", ["gpu1", "gpu2", "gpu3"]),
      ("gpu[001-003,9],login", ["gpu001", "gpu002", "gpu003", "gpu9", "login"]),
      ("n[08-11]", ["n08", "n09", "n10", "n11"]), ("n[8]", ["n8"]), ("n[0-0]", ["n0"]),
      ("rack[0-1]n[1-2]", ["rack0n1", "rack0n2", "rack1n1", "rack1n2"]),
      ("gpu[1-2]-ib.local", ["gpu1-ib.local", "gpu2-ib.local"]),
      ("gpu-[1,3-4],cpu-[2]", ["gpu-1", "gpu-3", "gpu-4", "cpu-2"]),
      ("[1-2]x", ["1x", "2x"]), ("10.0.0.[1-2]", ["10.0.0.1", "10.0.0.2"]),
    ]
    for (list, hosts) in lists { #expect(try HostList.hosts(list) == hosts, "\(list)") }
    #expect(try HostList.hosts("n[00001-10000]").count == 10_000)
  }

  @Test func `what is no list is refused with what it should be`() {
    for (list, reason) in [
      ("", "an empty name"), ("a,", "an empty name"), (",a", "an empty name"),
      ("a,,b", "an empty name"), ("n[1", "not closed"), ("n1]", "not open"),
      ("n[[1]]", "a bracket inside another"), ("n[]", "has nothing where"),
      ("n[1,]", "has nothing where"), ("n[a-b]", "has a-b where"), ("n[3-1]", "has 3-1 where"),
      ("n[1-]", "has 1- where"), ("n[-1]", "has -1 where"), ("n[+1]", "has +1 where"),
      ("n[1-2-3]", "has 1-2-3 where"), ("n[٣]", "has ٣ where"),
      ("n[0-9999999]", "over a million"), ("n[0-1023]x[0-1023]y[0-1]", "over a million"),
      ("n[0-99999999999999999999]", "where numbers belong"),
      ("n[0-9223372036854775807]", "over a million"),
    ] {
      let error = #expect(throws: LaunchError.self, "\(list)") { try HostList.hosts(list) }
      #expect(error?.message.contains(reason) == true, "\(list): \(error?.message ?? "")")
      #expect(error?.message.contains("expected one such as gpu[001-004,9],login") == true)
    }
  }

  @Test func `tasks of each host`() throws {
    for (list, tasks) in [
      ("8", [8]), ("8(x4)", [8, 8, 8, 8]), ("8(x2),4", [8, 8, 4]), ("1,2(x1),3", [1, 2, 3]),
    ] {
      #expect(try HostList.tasks(list) == tasks, "\(list)")
    }
    for list in [
      "", "x", "8(4)", "8(x)", "8(x0)", "8(x-1)", "8x4", "(x4)", "8(x4),", "8(x9999999)",
    ] {
      let error = #expect(throws: LaunchError.self, "\(list)") { try HostList.tasks(list) }
      #expect(error?.message.contains("expected numbers such as 8(x4),2") == true)
    }
  }
}
