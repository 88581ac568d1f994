// Layered layout of a small graph, left to right: longest path, barycentre sweeps, then even rows. Pure, so tests can hold it.
export interface Edge { from: string; to: string }
export interface Place { layer: number; row: number }

/* Layer of a node = depth of the graph less the longest path that leaves it, so what is called by many stands at the right, together;
 * a cycle is cut at the edge that closes it. */
export function layers(nodes: string[], edges: Edge[]): Map<string, number> {
  const out = new Map<string, string[]>(nodes.map(n => [n, []]));
  for (const e of edges) if (out.has(e.from) && out.has(e.to) && e.from !== e.to) out.get(e.from)!.push(e.to);
  const state = new Map<string, 1 | 2>();
  const order: string[] = [];
  const visit = (n: string): void => {
    state.set(n, 1);
    const keep: string[] = [];
    for (const to of out.get(n)!) {
      if (state.get(to) === 1) continue;
      keep.push(to);
      if (!state.has(to)) visit(to);
    }
    out.set(n, keep);
    state.set(n, 2);
    order.unshift(n);
  };
  // Begin with what nobody calls, so that a cycle is entered from outside.
  const called = new Set(edges.map(e => e.to));
  for (const n of [...nodes.filter(x => !called.has(x)), ...nodes]) if (!state.has(n)) visit(n);
  const reach = new Map<string, number>(nodes.map(n => [n, 0]));
  for (const n of order.reverse()) for (const to of out.get(n)!) reach.set(n, Math.max(reach.get(n)!, reach.get(to)! + 1));
  const depth = Math.max(0, ...reach.values());
  return new Map(nodes.map(n => [n, depth - reach.get(n)!]));
}

export function crossings(rows: string[][], edges: Edge[]): number {
  const place = new Map<string, [number, number]>();
  rows.forEach((r, l) => r.forEach((n, i) => place.set(n, [l, i])));
  let count = 0;
  for (let a = 0; a < edges.length; a++) {
    for (let b = a + 1; b < edges.length; b++) {
      const [p, q] = [edges[a]!, edges[b]!];
      const pf = place.get(p.from), pt = place.get(p.to), qf = place.get(q.from), qt = place.get(q.to);
      if (!pf || !pt || !qf || !qt || pf[0] !== qf[0] || pt[0] !== qt[0]) continue;
      if ((pf[1] - qf[1]) * (pt[1] - qt[1]) < 0) count++;
    }
  }
  return count;
}

export function layout(nodes: string[], edges: Edge[]): Map<string, Place> {
  const layer = layers(nodes, edges);
  const depth = Math.max(0, ...layer.values());
  let rows: string[][] = Array.from({ length: depth + 1 }, () => []);
  for (const n of nodes) rows[layer.get(n)!]!.push(n);
  let best = rows.map(r => r.slice()), least = crossings(rows, edges);
  for (let sweep = 0; sweep < 12; sweep++) {
    const down = sweep % 2 === 0;
    rows = rows.map(r => r.slice());
    for (let k = 1; k <= depth; k++) {
      const l = down ? k : depth - k;
      const at = new Map<string, number>();
      rows.forEach(r => r.forEach((n, i) => at.set(n, (i + 0.5) / r.length)));
      const centre = (n: string): number => {
        const near = edges.filter(e => (down ? e.to === n && layer.get(e.from)! < l : e.from === n && layer.get(e.to)! > l)).map(e => at.get(down ? e.from : e.to)!);
        return near.length ? near.reduce((s, x) => s + x, 0) / near.length : at.get(n)!;
      };
      const c = new Map(rows[l]!.map(n => [n, centre(n)]));
      rows[l]!.sort((a, b) => c.get(a)! - c.get(b)!);
    }
    const now = crossings(rows, edges);
    if (now < least) { least = now; best = rows.map(r => r.slice()); }
  }
  const out = new Map<string, Place>();
  best.forEach((r, l) => r.forEach((n, i) => out.set(n, { layer: l, row: i })));
  return out;
}
