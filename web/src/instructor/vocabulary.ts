// The words of the scenario format, from the server: its schema, the stack's services with what they can be set to, fault kinds, mechanisms.
import { signal } from '@preact/signals';
import { get } from '../live/api';

export interface Schema {
  type?: string | string[]; description?: string; properties?: Record<string, Schema>; additionalProperties?: boolean | Schema; required?: string[];
  items?: Schema; enum?: unknown[]; const?: unknown; anyOf?: Schema[]; oneOf?: Schema[]; $ref?: string; $defs?: Record<string, Schema>;
  minimum?: number; maximum?: number; pattern?: string; maxLength?: number; minItems?: number; maxItems?: number; default?: unknown;
}
export interface Kind { name: string; on: 'service' | 'process' | 'edge' | 'none'; doc: string; expects: string; fault: boolean; repair: boolean; any_args: boolean; args: Schema | null }
export interface Vocabulary {
  schema: Schema; services: { name: string; configurable: boolean; adapter_of: string | null; config: Schema | null }[];
  edges: string[]; metrics: string[]; kinds: Kind[]; mechanisms: { name: string; doc: string }[];
}

export const vocabulary = signal<Vocabulary | null>(null);
let asked: Promise<void> | null = null;

/* Without it the editor still edits; completion comes as soon as the server has answered. */
export function vocabularyLoad(): Promise<void> {
  asked ??= get<Vocabulary>('/authoring').then(v => { vocabulary.value = v; }, () => { asked = null; });
  return asked;
}
