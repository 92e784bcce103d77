package import Testing

/// What a process that was observed to end wrote to its standard error.
package func standardError(of result: ExitTest.Result?) -> String {
  String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
}
