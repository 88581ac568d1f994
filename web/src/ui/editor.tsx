// CodeMirror, once for all editors. It lives in a shadow root: there its styles are adopted style sheets, which a strict content
// security policy allows, where in the page it would need inline <style> elements.
import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags as t } from '@lezer/highlight';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/* Colours are variables, so both themes work without building the editor again. */
const colours = HighlightStyle.define([
  { tag: [t.propertyName, t.definition(t.propertyName), t.labelName], color: 'var(--accent)' },
  { tag: [t.keyword, t.operatorKeyword, t.modifier, t.atom], color: 'var(--agent)' },
  { tag: [t.string, t.special(t.string)], color: 'var(--text-2)' },
  { tag: [t.number, t.bool, t.null], color: 'var(--ok)' },
  { tag: [t.function(t.variableName)], color: 'var(--ok)' },
  { tag: [t.comment, t.lineComment], color: 'var(--text-3)', fontStyle: 'italic' },
  { tag: [t.operator, t.punctuation, t.bracket], color: 'var(--text-3)' },
]);

const look = EditorView.theme({
  '&': { color: 'var(--text)', backgroundColor: 'var(--bg)', fontSize: '13px', height: '100%' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', caretColor: 'var(--text)', padding: '6px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--text-3)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--wash)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 30%, transparent) !important' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--text)', border: '1px solid var(--line)', borderRadius: '6px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-completionDetail': { color: 'var(--text-3)' }, '.cm-diagnostic': { fontFamily: 'var(--sans)', fontSize: '12px' },
  '.cm-meaning': { maxWidth: '420px', padding: '6px 10px', fontFamily: 'var(--sans)', fontSize: '12px' }, '.cm-completionInfo': { maxWidth: '340px', whiteSpace: 'pre-line', fontSize: '12px' },
  // The library underlines with data: images, which the content security policy refuses.
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--crit) 1px', textUnderlineOffset: '3px' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn) 1px', textUnderlineOffset: '3px' },
  '.cm-lintRange-info, .cm-lintRange-hint': { backgroundImage: 'none' },
  '.cm-panels': { backgroundColor: 'var(--panel)', color: 'var(--text)' },
});

/* The editor owns its text. `value` is taken at birth and whenever `revision` changes: pushing every echo of a key press back into it would
 * fight with the next one. */
export interface EditorProps { value: string; revision: string | number; change: (text: string) => void; label: string; extensions: () => Extension[]; oneLine?: boolean; run?: () => void; view?: (v: EditorView | null) => void }

export default function Editor(p: EditorProps): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef(p);
  latest.current = p;
  useEffect(() => {
    const root = host.current!.shadowRoot ?? host.current!.attachShadow({ mode: 'open' });
    const v = new EditorView({
      root, parent: root,
      state: EditorState.create({
        doc: p.value,
        extensions: [
          history(), drawSelection(), indentOnInput(), closeBrackets(), autocompletion(), syntaxHighlighting(colours), look,
          keymap.of([
            { key: 'Mod-Enter', run: () => { latest.current.run?.(); return true; } },
            { key: 'Escape', run: e => { if (completionStatus(e.state) === 'active') return closeCompletion(e); e.contentDOM.blur(); host.current?.focus(); return true; } },
            ...(p.oneLine ? [{ key: 'Enter', run: () => { latest.current.run?.(); return true; } }] : [indentWithTab]),
            ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap]),
          ...(p.oneLine ? [EditorView.lineWrapping] : [lineNumbers(), highlightActiveLine()]),
          EditorView.contentAttributes.of({ 'aria-label': p.label, tabindex: '0' }),
          EditorView.updateListener.of(u => { if (u.docChanged) latest.current.change(u.state.doc.toString()); }),
          ...p.extensions(),
        ],
      }),
    });
    view.current = v;
    p.view?.(v);
    return () => { p.view?.(null); v.destroy(); view.current = null; };
  }, []);
  useEffect(() => {
    const v = view.current;
    if (v && v.state.doc.toString() !== p.value) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: p.value } });
  }, [p.revision]);
  return <div class={'editor' + (p.oneLine ? ' one' : '')} data-editor="" ref={host} />;
}
