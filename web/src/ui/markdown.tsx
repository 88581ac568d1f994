// The little Markdown that briefs and debriefs use, as elements and never as HTML text: markup in a scenario stays text.
import type { ComponentChildren, JSX } from 'preact';

const INLINE = /(`[^`]+`)|(\*\*[^*]+\*\*)|(\*[^*\s][^*]*\*)|(\[[^\]]+\]\(https?:\/\/[^)\s]+\))/;

export function inline(text: string): ComponentChildren[] {
  const out: ComponentChildren[] = [];
  let rest = text;
  for (;;) {
    const m = INLINE.exec(rest);
    if (!m) { out.push(rest); return out; }
    if (m.index) out.push(rest.slice(0, m.index));
    const s = m[0];
    if (m[1]) out.push(<code>{s.slice(1, -1)}</code>);
    else if (m[2]) out.push(<strong>{s.slice(2, -2)}</strong>);
    else if (m[3]) out.push(<em>{s.slice(1, -1)}</em>);
    else {
      const cut = s.indexOf('](');
      out.push(<a href={s.slice(cut + 2, -1)} target="_blank" rel="noreferrer noopener">{s.slice(1, cut)}</a>);
    }
    rest = rest.slice(m.index + s.length);
  }
}

export function Markdown({ text }: { text: string }): JSX.Element {
  const blocks: JSX.Element[] = [];
  const lines = text.slice(0, 100_000).split('\n');
  for (let i = 0; i < lines.length;) {
    const line = lines[i]!;
    if (!line.trim()) { i++; continue; }
    if (line.startsWith('```')) {
      const from = ++i;
      while (i < lines.length && !lines[i]!.startsWith('```')) i++;
      blocks.push(<pre tabIndex={0}><code>{lines.slice(from, i).join('\n')}</code></pre>);
      i++;
      continue;
    }
    const h = /^(#{1,4})\s+(.*)/.exec(line);
    if (h) { blocks.push(h[1]!.length <= 2 ? <h3>{inline(h[2]!)}</h3> : <h4>{inline(h[2]!)}</h4>); i++; continue; }
    const item = /^\s*([-*]|\d+[.)])\s+/;
    if (item.test(line)) {
      const ordered = /^\s*\d/.test(line);
      const items: string[] = [];
      for (; i < lines.length && lines[i]!.trim(); i++) {
        if (item.test(lines[i]!)) items.push(lines[i]!.replace(item, ''));
        else items[items.length - 1] += ' ' + lines[i]!.trim();
      }
      const li = items.map(t => <li>{inline(t)}</li>);
      blocks.push(ordered ? <ol>{li}</ol> : <ul>{li}</ul>);
      continue;
    }
    const from = i;
    while (i < lines.length && lines[i]!.trim() && !/^(#{1,4}\s|```)/.test(lines[i]!) && !(i > from && item.test(lines[i]!))) i++;
    blocks.push(<p>{inline(lines.slice(from, i).join(' '))}</p>);
  }
  return <div class="md">{blocks}</div>;
}
