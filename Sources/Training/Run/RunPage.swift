public enum RunPage {
  public static func write(for run: String) throws {}
  public static func refresh(_ run: String) throws {}
}
