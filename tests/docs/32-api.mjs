#!/usr/bin/env node
// docs/api.md is made from docs/openapi.yaml, so that it can be read without a tool; a difference fails. With --write the page is made again.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(new URL('.', import.meta.url).pathname, '../..');
const { parse } = createRequire(join(root, 'deploy/check/package.json'))('yaml');
const api = parse(readFileSync(join(root, 'docs/openapi.yaml'), 'utf8'));
const file = join(root, 'docs/api.md');
const resolveRef = (o) => (o?.$ref ? resolveRef(o.$ref.slice(2).split('/').reduce((at, key) => at[key], api)) : o);
const nameOf = (ref) => ref.split('/').at(-1);
const cell = (text) => String(text ?? '').trim().replaceAll('\n', ' ').replaceAll('|', '\\|');
const code = (text) => `\`${cell(text)}\``;

// A schema in one line: a link where it has a name, its type and limits otherwise.
function shape(schema, depth = 0) {
  if (!schema) return '';
  if (schema.$ref) return `[${nameOf(schema.$ref)}](#${nameOf(schema.$ref).toLowerCase()})`;
  for (const way of ['oneOf', 'anyOf', 'allOf']) if (schema[way]) return schema[way].map((s) => shape(s, depth)).join(way === 'allOf' ? ' and ' : ' or ');
  if (schema.enum) return schema.enum.map((v) => code(v === null ? 'null' : v)).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  const type = [schema.type ?? 'any'].flat().join(' or ');
  if (type === 'array') return `list of ${shape(schema.items, depth + 1) || 'any'}`;
  if (type.startsWith('object') && schema.properties && depth < 2) return `{${Object.entries(schema.properties).map(([k, v]) => `${code(k)}: ${shape(v, depth + 1)}`).join(', ')}}`;
  const limits = [schema.minimum !== undefined && `at least ${schema.minimum}`, schema.maximum !== undefined && `at most ${schema.maximum}`, schema.maxLength !== undefined && `at most ${schema.maxLength} characters`, schema.pattern && `matches ${code(schema.pattern)}`].filter(Boolean);
  return [type, ...limits].join(', ');
}
const lines = ['# The API', '', 'Made from `docs/openapi.yaml` by `tests/docs/32-api.mjs --write`; the running server serves the same document as JSON at `/api/v1/openapi.json`. Every path below begins with `/api/v1`. The live messages of `/ws` are in [contracts](contracts.md#websocket-ws).', '', api.info.description.trim(), ''];
const groups = new Map();
for (const path of Object.keys(api.paths)) {
  const group = path.split('/')[1];
  groups.set(group, [...(groups.get(group) ?? []), path]);
}
for (const [group, paths] of groups) {
  lines.push(`## ${group}`, '');
  for (const path of paths)
    for (const method of ['get', 'put', 'post', 'patch', 'delete']) {
      const operation = api.paths[path][method];
      if (!operation) continue;
      lines.push(`### ${method.toUpperCase()} ${path}`, '', `${operation.summary}.${operation.description ? ` ${operation.description.trim()}` : ''}`, '');
      const parameters = [...(api.paths[path].parameters ?? []), ...(operation.parameters ?? [])].map(resolveRef);
      if (parameters.length) {
        lines.push('| parameter | in | what |', '| --- | --- | --- |');
        for (const p of parameters) lines.push(`| ${code(p.name)}${p.required && p.in !== 'path' ? ' (needed)' : ''} | ${p.in} | ${[shape(p.schema), cell(p.description)].filter(Boolean).join('; ')} |`);
        lines.push('');
      }
      const body = resolveRef(operation.requestBody);
      if (body) lines.push(`Body: ${Object.entries(body.content).map(([type, c]) => `${code(type)} ${shape(c.schema)}`).join(' or ')}`, '');
      lines.push('| answer | |', '| --- | --- |');
      for (const [status, answer] of Object.entries(operation.responses)) {
        const r = resolveRef(answer);
        const content = Object.entries(r.content ?? {}).map(([type, c]) => `${code(type)} ${shape(c.schema)}`).join(' or ');
        lines.push(`| ${status} | ${[cell(r.description), content].filter(Boolean).join(': ')} |`);
      }
      lines.push('');
    }
}
lines.push('## Schemas', '');
for (const [name, schema] of Object.entries(api.components.schemas)) {
  lines.push(`### ${name}`, '');
  if (schema.description) lines.push(schema.description.trim(), '');
  const all = schema.allOf ? schema.allOf.map(resolveRef) : [schema];
  const properties = Object.assign({}, ...all.map((s) => s.properties ?? {})), required = all.flatMap((s) => s.required ?? []);
  if (Object.keys(properties).length === 0) { lines.push(shape(schema) || 'any', ''); continue; }
  lines.push('| field | what |', '| --- | --- |');
  for (const [key, value] of Object.entries(properties)) lines.push(`| ${code(key)}${required.includes(key) ? '' : ' (may be absent)'} | ${[shape(value), cell(value.description)].filter(Boolean).join('; ')} |`);
  lines.push('');
}
const now = `${lines.join('\n').trim()}\n`;
if (process.argv.includes('--write')) writeFileSync(file, now);
const same = existsSync(file) && readFileSync(file, 'utf8') === now;
console.log(same ? 'ok docs/api.md is what docs/openapi.yaml says' : 'not ok docs/api.md differs from docs/openapi.yaml; make it again: node tests/docs/32-api.mjs --write');
console.log(`${same ? 1 : 0} passed, ${same ? 0 : 1} failed`);
process.exit(same ? 0 : 1);
