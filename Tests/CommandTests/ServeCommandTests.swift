#if !Serve
  import Testing

  /// `mae serve` of a program that was built without its server.
  @Suite struct ServeCommandTests {
    @Test func `without the server the command says how to build it`() throws {
      let sandbox = try CommandSandbox()
      for arguments in [["serve", "run"], ["serve", "run", "--queue", "0", "--port", "0"]] {
        let outcome = try sandbox.mae(arguments)
        #expect(outcome.status == 69 && outcome.output.isEmpty, "\(outcome.transcript)")
        #expect(
          outcome.errors
            == "error: this program was built without its server; build it with make serve, or "
            + "swift build -c release --traits Serve --product mae\n")
      }
      #expect(try sandbox.mae("serve", "run", "--port", "65536").status == 64)
    }
  }
#endif
