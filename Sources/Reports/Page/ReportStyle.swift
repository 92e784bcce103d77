/// How a report looks.
enum ReportStyle {
  /// Width to which small pictures are enlarged, in CSS pixels.
  static let pictureWidth = 736

  static let css = """
    :root {
      --ink: #1d2127; --soft: #5c6470; --faint: #8b93a0; --line: #e2e5ea; --paper: #ffffff;
      --wash: #f5f6f8; --mark: #eef4ff;
      --c0: #2563c9; --c1: #d9622b; --c2: #1f8a5b; --c3: #9a4fc4; --c4: #b08500; --c5: #c23a6b;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ink: #e6e9ee; --soft: #a3abb8; --faint: #757e8c; --line: #2e343d; --paper: #15181d;
        --wash: #1c2027; --mark: #1b2738;
        --c0: #6ea3ff; --c1: #ff9a62; --c2: #4fc792; --c3: #c78bf0; --c4: #e0b93c; --c5: #f57aa6;
      }
    }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; }
    body {
      margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial,
        sans-serif;
      font-variant-numeric: tabular-nums;
    }
    main { max-width: 49rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
    h1 { font-size: 2rem; line-height: 1.2; letter-spacing: -0.02em; margin: 0; }
    h2 { font-size: 1.2rem; letter-spacing: -0.01em; margin: 3rem 0 0.9rem; }
    h3 { font-size: 0.95rem; font-weight: 600; margin: 0 0 0.2rem; }
    p { margin: 0 0 0.9rem; max-width: 42rem; }
    .subtitle { color: var(--soft); margin: 0.5rem 0 0; }
    header { margin-bottom: 2rem; }
    .highlights {
      display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr));
      gap: 0.75rem; margin: 0 0 2rem;
    }
    .highlights div { background: var(--wash); border-radius: 10px; padding: 0.9rem 1.1rem; }
    .highlights dd {
      margin: 0; font-size: 1.6rem; font-weight: 650; line-height: 1.25; letter-spacing: -0.02em;
    }
    .highlights dt { color: var(--soft); font-size: 0.85rem; line-height: 1.4; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-size: 0.92rem; }
    th, td { padding: 0.45rem 0.75rem; border-bottom: 1px solid var(--line); }
    th:first-child, td:first-child { padding-left: 0.4rem; }
    .numbers th, .numbers td { text-align: right; font-weight: 400; }
    .numbers td { white-space: nowrap; }
    .numbers th:first-child { text-align: left; overflow-wrap: anywhere; min-width: 6rem; }
    .numbers .words { text-align: left; }
    .numbers td.words { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
    .numbers thead th { color: var(--soft); font-size: 0.83rem; border-bottom-color: var(--faint); }
    .numbers .emphasized th, .numbers .emphasized td { background: var(--mark); font-weight: 650; }
    .facts th {
      text-align: left; font-weight: 400; color: var(--soft); white-space: nowrap;
      vertical-align: top; width: 1%; padding-right: 2rem;
    }
    .facts td { white-space: pre-wrap; overflow-wrap: anywhere; }
    .note, figcaption { color: var(--soft); font-size: 0.88rem; line-height: 1.5; }
    .note { margin-top: 0.6rem; }
    figure { margin: 0 0 2rem; }
    figure img {
      display: block; max-width: 100%; height: auto; border-radius: 6px;
      border: 1px solid var(--line);
    }
    img.pixels { image-rendering: pixelated; }
    figcaption { margin-top: 0.55rem; max-width: 42rem; }
    .legend { margin: 0 0 0.3rem; font-size: 0.85rem; color: var(--soft); }
    .legend span { margin-right: 1.1rem; white-space: nowrap; }
    .legend span::before {
      content: ""; display: inline-block; width: 1.1em; height: 3px; border-radius: 2px;
      background: var(--curve); vertical-align: 0.22em; margin-right: 0.45em;
    }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    .chart text { fill: var(--soft); font-size: 12px; font-family: inherit; }
    .chart .grid { stroke: var(--line); stroke-width: 1; }
    .chart .axis { stroke: var(--faint); stroke-width: 1; }
    .chart polyline {
      fill: none; stroke: var(--curve); stroke-width: 1.8; stroke-linejoin: round;
      stroke-linecap: round;
    }
    .chart .alone, .chart .dot { fill: var(--curve); }
    .at rect { fill: transparent; }
    .at .tip { visibility: hidden; pointer-events: none; }
    .at:hover .tip { visibility: visible; }
    .tip text {
      fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--paper);
      stroke-width: 5px; stroke-linejoin: round;
    }
    .c0 { --curve: var(--c0); } .c1 { --curve: var(--c1); } .c2 { --curve: var(--c2); }
    .c3 { --curve: var(--c3); } .c4 { --curve: var(--c4); } .c5 { --curve: var(--c5); }
    @media (max-width: 48rem) {
      main { padding: 2rem 1rem 3rem; }
      table { font-size: 0.85rem; }
      th, td { padding: 0.4rem 0.45rem; }
      .facts th { padding-right: 1rem; }
    }
    @media print { main { max-width: none; padding: 0; } figure, tr { break-inside: avoid; } }
    """
}
