// The PromQL editor: Prometheus' own language support, with names and label values from the Prometheus of the stack.
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import type { JSX } from 'preact';
import { API } from '../live/api';
import Editor from '../ui/editor';

export function Promql({ value, revision, change, run }: { value: string; revision: string; change: (t: string) => void; run: () => void }): JSX.Element {
  return (
    <Editor value={value} revision={revision} change={change} run={run} label="PromQL" oneLine extensions={() => {
      const promql = new PromQLExtension();
      promql.activateCompletion(true);
      promql.activateLinter(true);
      promql.setComplete({ remote: { url: '', apiPrefix: `${API}/metrics`, httpMethod: 'GET', lookbackInterval: 3600_000, cache: { maxAge: 60_000 } } });
      return [promql.asExtension()];
    }} />
  );
}
