// A form made from a service's JSON Schema (the subset in docs/contracts.md): grouped, with units, limits, defaults and what was changed.
import type { JSX } from 'preact';
import { looked } from '../live/commands';
import type { Json, SchemaProperty, ServiceConfig } from '../live/protocol';
import { literal } from '../ui/format';
import { Icon } from '../ui/icons';
import { limits, same, toText, type Draft } from './diff';

interface FieldProps {
  name: string; p: SchemaProperty; value: Json | undefined; preset: Json | undefined; text: string; error: string | undefined; dirty: boolean; off: boolean;
  set: (text: string) => void; look: () => void;
}

function Field({ name, p, value, preset, text, error, dirty, off, set, look }: FieldProps): JSX.Element {
  const id = `f-${name}`, help = `h-${name}`;
  const changed = preset !== undefined && !same(value, preset);
  const common = { id, disabled: off || p.readOnly, 'aria-describedby': help, 'aria-invalid': error ? ('true' as const) : undefined, onFocus: look };
  const unit = p['x-unit'];
  return (
    <div class={'knob' + (dirty ? ' dirty' : '')} data-key={name}>
      <div class="knob-name">
        <label for={id}>{p.title || name} <code class="t3">{name}</code></label>
        {p['x-deploy'] && <span class="tag" title="A change counts as a deployment and moves the version">deploys</span>}
        {changed && <span class="tag mod" title={`The default is ${literal(preset)}`}>modified</span>}
      </div>
      <div class="knob-in">
        {p.type === 'boolean' ? <span class="row"><input type="checkbox" {...common} checked={text === 'true'} onChange={e => set(String(e.currentTarget.checked))} /><span class="t2">{text === 'true' ? 'on' : 'off'}</span></span>
          : p.enum ? <select class="in" {...common} value={text} onChange={e => set(e.currentTarget.value)}>{p.enum.map(v => <option key={String(v)} value={String(v)}>{String(v)}</option>)}</select>
            : p.type === 'array' ? <textarea class="in mono" rows={3} {...common} value={text} onInput={e => set(e.currentTarget.value)} />
              : <input class="in" {...common} inputMode={p.type === 'integer' ? 'numeric' : p.type === 'number' ? 'decimal' : 'text'} autocomplete="off" spellcheck={false} value={text} onInput={e => set(e.currentTarget.value)} />}
        <span class="t3 knob-unit">{unit}</span>
        <button type="button" class="btn quiet icon small" style={{ visibility: dirty || (changed && !off) ? 'visible' : 'hidden' }} aria-label={dirty ? `Take back the edit of ${name}` : `Set ${name} to its default`} title={dirty ? 'Take the edit back' : `Set to the default (${literal(preset)})`}
          onClick={() => set(dirty ? toText(value) : toText(preset))}><Icon name="undo" size={14} /></button>
      </div>
      <p id={help} class="knob-help">{error ? <span class="crit">{error}</span> : <>{p.description && <span>{p.description} </span>}<span class="t3">{limits(p, preset)}</span></>}</p>
    </div>
  );
}

export function ConfigForm({ c, draft, errors, off, set }: { c: ServiceConfig; draft: Draft; errors: Record<string, string>; off: boolean; set: (key: string, text: string) => void }): JSX.Element {
  const groups = new Map<string, string[]>();
  for (const [key, p] of Object.entries(c.schema.properties ?? {})) {
    const g = p['x-group'] || 'Settings';
    groups.set(g, [...(groups.get(g) ?? []), key]);
  }
  return (
    <>
      {[...groups].map(([group, keys]) => (
        <fieldset key={group} class="knobs">
          <legend class="over">{group}</legend>
          {keys.map(key => (
            <Field key={key} name={key} p={c.schema.properties[key]!} value={c.config[key]} preset={c.defaults?.[key] ?? c.schema.properties[key]!.default} text={draft[key] ?? toText(c.config[key])}
              error={errors[key]} dirty={draft[key] !== undefined && draft[key] !== toText(c.config[key])} off={off} set={t => set(key, t)} look={() => looked(`config:${c.service}.${key}`)} />
          ))}
        </fieldset>
      ))}
    </>
  );
}
