// The scenario editor: YAML with the server's own lint as you type, saved into the user's pack.
import { linter, type Diagnostic as Mark_ } from '@codemirror/lint';
import { yaml } from '@codemirror/lang-yaml';
import type { EditorView } from '@codemirror/view';
import { signal, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import './instructor.css';
import { encode, get, post, Problem, said, send } from '../live/api';
import type { Diagnostic, Run, ScenarioCard } from '../live/protocol';
import { active } from '../live/store';
import { go, href } from '../live/url';
import { plural } from '../ui/format';
import { Icon } from '../ui/icons';
import Editor from '../ui/editor';
import { Empty, ProblemBox, Skeleton } from '../ui/parts';
import { Mark } from '../ui/status';
import { toast } from '../ui/toast';
import { Preview } from './preview';

const list = signal<ScenarioCard[] | null>(null);
/* Unsaved text by scenario, so that leaving the page by mistake costs nothing. */
const unsaved = signal<Record<string, string>>({});

export function Instructor({ id }: { id?: string | undefined }): JSX.Element {
  const error = useSignal<string | null>(null);
  const load = (): void => { get<{ scenarios: ScenarioCard[] }>('/scenarios').then(a => { list.value = a.scenarios; error.value = null; }, e => { error.value = said(e); }); };
  useEffect(load, []);
  return (
    <main class="instructor" id="main" tabIndex={-1}>
      <nav class="inst-list scroll" aria-label="Scenarios" tabIndex={0}>
        <h1 class="over">Scenarios</h1>
        {error.value && <ProblemBox text={error.value} retry={load} />}
        {(list.value ?? []).map(s => (
          <a key={s.id} class="fix-item-like" href={href(['instructor', s.id])} aria-current={s.id === id ? 'page' : undefined}>
            <span class="grow ell">{s.title}</span>{unsaved.value[s.id] !== undefined && <span class="tag mod">edited</span>}{(s.problems ?? []).length > 0 && <Mark state={s.problems.some(p => p.severity === 'error') ? 'crit' : 'warn'} size={12} />}
          </a>
        ))}
      </nav>
      {id ? <Source key={id} id={id} saved={load} /> : <Empty title="Choose a scenario to read or change">Saving writes a copy into your own pack; the shipped scenarios stay as they are.</Empty>}
    </main>
  );
}

function Source({ id, saved }: { id: string; saved: () => void }): JSX.Element {
  const text = useSignal<string | null>(unsaved.peek()[id] ?? null);
  const disk = useSignal('');
  const found = useSignal<Diagnostic[]>([]);
  const state = useSignal<'idle' | 'saving' | 'starting'>('idle');
  const error = useSignal<string | null>(null);
  const view = useSignal<EditorView | null>(null);
  const reverts = useSignal(0);
  const load = (): void => {
    get<string>(`/scenarios/${encode(id)}/source`).then(t => { disk.value = t; if (text.value === null) text.value = t; error.value = null; }, e => { error.value = said(e); });
  };
  useEffect(load, [id]);
  const change = (t: string): void => {
    text.value = t;
    const u = { ...unsaved.value };
    if (t === disk.value) delete u[id]; else u[id] = t;
    unsaved.value = u;
  };
  const save = async (): Promise<boolean> => {
    state.value = 'saving';
    error.value = null;
    try {
      await send('PUT', `/scenarios/${encode(id)}/source`, text.value ?? '');
      disk.value = text.value ?? '';
      const u = { ...unsaved.value };
      delete u[id];
      unsaved.value = u;
      toast('ok', 'Saved into your pack', undefined, undefined, 2500);
      saved();
      return true;
    } catch (e) { error.value = said(e); return false; } finally { state.value = 'idle'; }
  };
  const start = async (): Promise<void> => {
    if (unsaved.value[id] !== undefined && !(await save())) return;
    state.value = 'starting';
    try { const r = await post<Run>('/runs', { scenario: id, fast: true }, { timeout_ms: 60_000 }); go(['run', r.id, 'user']); }
    catch (e) { error.value = e instanceof Problem && e.status === 409 ? `${e.message} End it first.` : said(e); }
    state.value = 'idle';
  };
  const jump = (d: Diagnostic): void => {
    const v = view.value;
    if (!v) return;
    const line = v.state.doc.line(Math.min(Math.max(1, d.line), v.state.doc.lines));
    v.dispatch({ selection: { anchor: Math.min(line.to, line.from + Math.max(0, d.column - 1)) }, scrollIntoView: true });
    v.focus();
  };
  if (text.value === null) return error.value ? <div class="pad16"><ProblemBox text={`The source cannot be read: ${error.value}`} retry={load} /></div> : <Skeleton lines={14} height={16} />;
  const errors = found.value.filter(d => d.severity === 'error').length;
  const dirty = unsaved.value[id] !== undefined;
  return (
    <>
      <section class="inst-edit" aria-label="Source">
        <div class="subbar"><code class="ell">{id}.yaml</code>{dirty && <span class="tag mod">edited</span>}<span class="grow" />
          <button class="btn small quiet" disabled={!dirty} onClick={() => { change(disk.value); reverts.value++; }}><Icon name="undo" size={14} /> Revert</button>
          <button class="btn small" disabled={errors > 0 || state.value !== 'idle' || active.value} onClick={start} title="A run with shortened holds and limits"><Icon name="play" size={14} /> Try it fast</button>
          <button class="btn small primary" disabled={!dirty || state.value !== 'idle'} onClick={() => void save()}>{state.value === 'saving' ? 'Saving…' : 'Save'}</button></div>
        {error.value && <div class="pad"><ProblemBox text={error.value} /></div>}
        <Editor value={text.value} revision={reverts.value} change={change} label={`Source of ${id}`} run={() => void save()} view={v => { view.value = v; }} extensions={() => [yaml(), lintOnServer(d => { found.value = d; })]} />
      </section>
      <aside class="inst-side scroll" aria-label="Problems and preview" tabIndex={0}>
        <h2 class="over">Problems</h2>
        {found.value.length === 0 ? <p class="row t2"><Mark state="ok" /> The server finds nothing wrong.</p>
          : <><p class="t2">{plural(errors, 'error')}, {plural(found.value.length - errors, 'warning')}</p><ul>{found.value.map((d, i) => <li key={i}><button class="inst-problem" onClick={() => jump(d)}><Mark state={d.severity === 'error' ? 'crit' : 'warn'} size={14} /><span><b>Line {d.line}</b> {d.message}</span></button></li>)}</ul></>}
        <Preview text={text.value} />
      </aside>
    </>
  );
}

function lintOnServer(tell: (d: Diagnostic[]) => void): ReturnType<typeof linter> {
  return linter(async v => {
    const doc = v.state.doc;
    try {
      const a = await send<{ ok: boolean; diagnostics: Diagnostic[] }>('POST', '/scenarios/lint', doc.toString());
      tell(a.diagnostics ?? []);
      return (a.diagnostics ?? []).map((d): Mark_ => {
        const line = doc.line(Math.min(Math.max(1, d.line || 1), doc.lines));
        const from = Math.min(line.to, line.from + Math.max(0, (d.column || 1) - 1));
        return { from, to: Math.max(from, line.to), severity: d.severity, message: d.message };
      });
    } catch (e) {
      tell([{ line: 1, column: 1, severity: 'warning', message: `Could not be checked: ${said(e)}` }]);
      return [];
    }
  }, { delay: 500 });
}
