import Foundation

/// The folder of what is kept for the user: `$XDG_CACHE_HOME/swift-mae`, or `~/.cache/swift-mae`.
var userCacheFolder: String {
  let environment = ProcessInfo.processInfo.environment
  if let cache = environment["XDG_CACHE_HOME"], !cache.isEmpty { return cache + "/swift-mae" }
  return (environment["HOME"] ?? NSHomeDirectory()) + "/.cache/swift-mae"
}
