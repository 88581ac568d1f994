// Completion at cursor positions, against the schema that ships and the services' own knobs. "|" is the cursor.
import knobsFile from '../../../sut/knobs.json';
import schemaFile from '../../../scenarios/schema.json';
import { describe, expect, test } from 'vitest';
import { complete, quoted } from './complete';
import { meaning } from './hover';
import type { Schema, Vocabulary } from './vocabulary';

const schema = schemaFile as unknown as Schema;
const knobs = knobsFile as unknown as Record<string, Schema>;
const kind = (name: string, on: 'service' | 'process' | 'edge' | 'none', any_args = false): Vocabulary['kinds'][number] =>
  ({ name, on, any_args, doc: `does ${name}`, expects: 'trouble', fault: true, repair: true, args: any_args ? null : schema.$defs!.faults!.properties![name]! });
const v: Vocabulary = {
  schema, edges: ['api->db', 'gateway->api'], metrics: ['fd:user_success:ratio10s', 'fd:user_latency:p95_10s'],
  services: [...Object.entries(knobs).map(([name, config]) => ({ name, configurable: true, adapter_of: name === 'db' ? 'postgres' : null, config })), { name: 'postgres', configurable: false, adapter_of: null, config: null }],
  kinds: [kind('config.set', 'service', true), kind('net.latency', 'edge'), kind('process.stop', 'process'), kind('process.slow', 'process'), kind('load.rate', 'none')],
  mechanisms: [{ name: 'concurrency_limit', doc: 'too few workers' }],
};
const at = (text: string): { labels: string[]; applied: Record<string, string> } => {
  const pos = text.indexOf('|'), c = complete(text.replace('|', ''), pos, v);
  return { labels: c?.options.map(o => o.label) ?? [], applied: Object.fromEntries(c?.options.map(o => [o.label, o.apply ?? o.label]) ?? []) };
};
const HEAD = 'schema: 1\nid: x\ncriteria:\n  - {id: user_ok, title: t, promql: up, target: ">= 1"}\n';

describe('keys', () => {
  test.each([
    ['at the root of an empty file', '|', ['title', 'timeline', 'criteria']],
    ['at the root, with a prefix', 'schema: 1\nti|', ['title', 'timeline']],
    ['on an empty line between keys', 'schema: 1\n|\nlevel: 1\n', ['title']],
    ['first nested key', 'load:\n  |\n', ['profile', 'rps']],
    ['nested key with a prefix', 'load:\n  pro|\n', ['profile']],
    ['second nested key', 'load:\n  profile: steady\n  |\n', ['rps']],
    ['in a flow map', 'load: {|}\n', ['profile', 'rps']],
    ['second key of a flow map', 'load: {profile: steady, |}\n', ['rps']],
    ['first key of a list item', 'criteria:\n  - |\n', ['id', 'promql', 'target']],
    ['first key of a list item, with a prefix', 'criteria:\n  - i|\n', ['id']],
    ['second key of a list item', 'criteria:\n  - id: a\n    |\n', ['title', 'promql']],
    ['in a flow map of a list item', 'criteria:\n  - {id: a, |}\n', ['title', 'hold']],
    ['arguments of a kind', 'timeline:\n  - {at: 0s, fault: net.latency, on: api->db, args: {|}}\n', ['ms']],
    ['knobs of the service a step is about', 'timeline:\n  - {at: 0s, fault: config.set, on: api, args: {|}}\n', ['worker_threads', 'queue_max']],
    ['knobs in block style', 'timeline:\n  - at: 0s\n    fault: config.set\n    on: api\n    args:\n      wor|\n', ['worker_threads']],
    ['knobs in a recipe', 'solutions:\n  - [{config.set: {on: gateway, args: {|}}}]\n', ['upstream_pool_size']],
    ['kinds of a recipe', 'solutions:\n  - [{|}]\n', ['config.set', 'process.restart']],
    ['keys of the truth', 'truth:\n  |\n', ['component', 'mechanism']],
  ])('%s', (_, text, expected) => expect(at(text).labels).toEqual(expect.arrayContaining(expected)));

  test('a key that is there is not offered again', () => {
    expect(at('load: {profile: steady, |}\n').labels).not.toContain('profile');
    expect(at('schema: 1\n|\nlevel: 1\n').labels).not.toContain('level');
  });
  test('a key before a colon keeps it', () => expect(at('loa|: {profile: steady}\n').applied.load).toBe('load'));
  test('another service has other knobs', () => expect(at('timeline:\n  - {fault: config.set, on: gateway, args: {|}}\n').labels).not.toContain('worker_threads'));
  test('nothing in a comment', () => expect(at('# ti|\n').labels).toEqual([]));
});

describe('values', () => {
  test.each([
    ['an enum, empty', 'load: {profile: |}\n', ['steady', 'wave']],
    ['an enum, with a prefix', 'load:\n  profile: st|\n', ['steady']],
    ['a boolean', 'needs_diagnosis: |\n', ['true', 'false']],
    ['fault kinds', 'timeline:\n  - {at: 0s, fault: |}\n', ['config.set', 'net.latency']],
    ['services a kind may be on', 'timeline:\n  - {at: 0s, fault: config.set, on: |}\n', ['api', 'gateway']],
    ['edges', 'timeline:\n  - {at: 0s, fault: net.latency, on: |}\n', ['api->db']],
    ['an enum of a knob', 'timeline:\n  - {fault: config.set, on: api, args: {algorithm: |}}\n', ['efficient', 'regressed']],
    ['mechanisms', 'truth:\n  mechanism: |\n', ['concurrency_limit']],
    ['components', 'truth: {component: |}\n', ['api', 'postgres']],
    ['metrics', 'criteria:\n  - {id: a, promql: |}\n', ['fd:user_success:ratio10s']],
    ['metrics within a quote', "criteria:\n  - {id: a, promql: 'fd:us|'}\n", ['fd:user_latency:p95_10s']],
    ['criteria of this file, as symptoms', HEAD + 'confirm: {within: 60s, symptom: [|]}\n', ['not user_ok']],
    ['criteria of this file, in hints', HEAD + 'hints:\n  - {when: |}\n', ['user_ok.unmet_for > 4m']],
  ])('%s', (_, text, expected) => expect(at(text).labels).toEqual(expect.arrayContaining(expected)));

  test('a component without configuration takes no config.set', () => expect(at('timeline:\n  - {fault: config.set, on: |}\n').labels).not.toContain('postgres'));
  test('what YAML would read as something else is quoted', () => {
    expect(['yes', 'on', '3.0', '1e3', '> 5', 'a: b', 'plain', 'config.set', '- x'].map(quoted)).toEqual(["'yes'", "'on'", "'3.0'", "'1e3'", "'> 5'", "'a: b'", 'plain', 'config.set', "'- x'"]);
  });
});

describe('hovering', () => {
  const over = (text: string): string | undefined => { const m = meaning(text.replace('|', ''), text.indexOf('|'), v); return m ? [m.title, ...m.lines].join(' / ') : undefined; };
  test('a key says what it is for', () => expect(over('time_li|mit: 10m\n')).toMatch(/^time_limit \/ ./));
  test('a kind says what it does', () => expect(over('timeline:\n  - {fault: net.lat|ency, on: api->db}\n')).toMatch(/net.latency \/ does net.latency \/ trouble/));
  test('a knob says its limits', () => expect(over('timeline:\n  - {fault: config.set, on: api, args: {worker_th|reads: 1}}\n')).toMatch(/worker_threads.*1 to 64/));
  test('a mechanism says its meaning', () => expect(over('truth: {mechanism: concurrency_l|imit}\n')).toBe('concurrency_limit / too few workers'));
  test('nothing where nothing is known', () => expect(over('title: some wo|rds\n')).toBeUndefined());
});
