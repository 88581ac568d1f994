// Completion and hovering as extensions of the editor. What they say is decided in complete.ts and hover.ts.
import type { CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import { yamlLanguage } from '@codemirror/lang-yaml';
import type { Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';
import { complete } from './complete';
import { meaning } from './hover';
import { vocabulary } from './vocabulary';

function source(c: CompletionContext): CompletionResult | null {
  const v = vocabulary.peek();
  if (!v) return null;
  const text = c.state.doc.toString(), found = complete(text, c.pos, v);
  if (!found || (!c.explicit && found.from === found.to && !/[{,:\s-]$/.test(text.slice(0, c.pos)))) return null;
  return {
    from: found.from, to: found.to, validFor: /^[\w.:>-]*$/,
    options: found.options.map(o => ({ label: o.label, type: o.kind === 'key' ? 'property' : 'constant', boost: o.last ? -1 : 0, ...(o.detail ? { detail: o.detail } : {}), ...(o.info ? { info: o.info } : {}), ...(o.apply ? { apply: o.apply } : {}) })),
  };
}

const hover = hoverTooltip((view, pos) => {
  const v = vocabulary.peek(), m = v ? meaning(view.state.doc.toString(), pos, v) : null;
  if (!m) return null;
  return {
    pos: m.from, end: m.to, above: true,
    create: () => {
      const dom = document.createElement('div'), head = dom.appendChild(document.createElement('b'));
      dom.className = 'cm-meaning';
      head.textContent = m.title;
      for (const line of m.lines) dom.appendChild(document.createElement('div')).textContent = line;
      return { dom };
    },
  };
});

export const assist = (): Extension[] => [yamlLanguage.data.of({ autocomplete: source }), hover];
