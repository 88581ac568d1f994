#!/usr/bin/env node
// What cannot be applied here is checked as far as that goes offline: Kubernetes files against the published types and against each other, Terraform
// files parsed and every name in them resolved, the compose file's names.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../..');
const need = createRequire(join(root, 'deploy/check/package.json'));
const { parse: parseHcl } = need('@cdktf/hcl2json'), { parse, parseAllDocuments } = need('yaml');
let passed = 0, failed = 0;
function check(name, problems) {
  const list = [problems].flat().filter(Boolean);
  if (list.length === 0) { passed++; console.log(`ok ${name}`); } else { failed++; console.log(`not ok ${name}: ${list.slice(0, 5).join('; ')}`); }
}
const read = (path) => readFileSync(join(root, path), 'utf8');

// ---- Kubernetes
const types = { Namespace: 'core/v1', Service: 'core/v1', StatefulSet: 'apps/v1', Ingress: 'networking.k8s.io/v1', NetworkPolicy: 'networking.k8s.io/v1', Secret: 'core/v1' };
const folders = { 'core/v1': 'core/v1', 'apps/v1': 'apps/v1', 'networking.k8s.io/v1': 'networking/v1' };
const kustomization = parse(read('deploy/k8s/kustomization.yaml'));
const objects = kustomization.resources.flatMap((file) => parseAllDocuments(read(`deploy/k8s/${file}`)).map((d) => ({ file, ...d.toJS() })));
// Writes each object as a literal of its published type and lets the compiler find unknown, missing and ill-typed fields.
function typeProblems(list) {
  const dir = mkdtempSync(join(root, 'deploy/check/node_modules/.types-'));
  const lines = list.map(({ file, ...o }, i) => {
    const group = types[o.kind];
    return group ? `import type { ${o.kind} as T${i} } from 'kubernetes-types/${folders[group]}';\nexport const o${i}: T${i} = ${JSON.stringify(o)};` : `export const unknown${i}: never = '${o.kind}';`;
  });
  writeFileSync(join(dir, 'objects.ts'), lines.join('\n'));
  const r = spawnSync(process.execPath, [join(root, 'web/node_modules/typescript/bin/tsc'), '--noEmit', '--strict', '--moduleResolution', 'node', '--module', 'esnext', '--target', 'es2022', join(dir, 'objects.ts')], { cwd: dir, encoding: 'utf8' });
  rmSync(dir, { recursive: true });
  return r.status === 0 ? [] : r.stdout.trim().split('\n').slice(0, 5);
}
check('kubernetes objects have the fields of their published types', typeProblems(objects));
check('the check itself sees a wrong field', typeProblems([{ apiVersion: 'v1', kind: 'Service', spec: { prots: [] } }]).length ? '' : 'a misspelt field was accepted');
for (const o of objects) check(`${o.file}: ${o.kind} has its version`, (o.apiVersion === 'v1' ? 'core/v1' : o.apiVersion) === types[o.kind] ? '' : `${o.apiVersion}`);
const seat = objects.find((o) => o.kind === 'StatefulSet'), pod = seat.spec.template, container = pod.spec.containers[0];
const services = objects.filter((o) => o.kind === 'Service');
const within = (part, whole) => Object.entries(part).every(([k, v]) => whole[k] === v || k === 'statefulset.kubernetes.io/pod-name');
check('services select the seat and name its port', services.flatMap((s) => [
  within(s.spec.selector, pod.metadata.labels) ? '' : `${s.metadata.name} selects nothing`,
  ...s.spec.ports.map((p) => (container.ports.some((c) => c.name === p.targetPort) ? '' : `${s.metadata.name}: port ${p.targetPort}`))]));
check('the headless service is the one the set names', services.some((s) => s.metadata.name === seat.spec.serviceName && s.spec.clusterIP === 'None') ? '' : 'missing');
check('the ingress leads to services and ports that exist', objects.filter((o) => o.kind === 'Ingress').flatMap((o) => o.spec.rules).flatMap((r) => r.http.paths).map((p) => p.backend.service)
  .map((b) => (services.some((s) => s.metadata.name === b.name && s.spec.ports.some((p) => p.name === b.port.name)) ? '' : b.name)));
const volumes = [...pod.spec.volumes, ...seat.spec.volumeClaimTemplates.map((v) => v.metadata)].map((v) => v.name);
check('each mount has its volume', container.volumeMounts.map((m) => (volumes.includes(m.name) ? '' : m.name)));
check('a seat has no privileges and has limits', [
  pod.spec.securityContext.runAsNonRoot !== true && 'runAsNonRoot', container.securityContext.allowPrivilegeEscalation !== false && 'allowPrivilegeEscalation',
  container.securityContext.readOnlyRootFilesystem !== true && 'readOnlyRootFilesystem', !container.securityContext.capabilities.drop.includes('ALL') && 'capabilities',
  pod.spec.automountServiceAccountToken !== false && 'automountServiceAccountToken', !container.resources.limits.memory && 'limits.memory'].map((p) => (p ? `${p} is not set` : '')));
const serve = spawnSync(join(process.env.FD_BUILD_DIR ?? join(root, 'build/release'), 'bin/firedrill'), ['serve', '--help'], { encoding: 'utf8' }).stdout ?? '';
check('the seat is started with options that exist', container.args.filter((a) => a.startsWith('--') && !serve.includes(a)));

// ---- Terraform
for (const name of readdirSync(join(root, 'deploy/terraform/gcp'))) {
  const dir = `deploy/terraform/gcp/${name}`;
  const files = readdirSync(join(root, dir)).filter((f) => f.endsWith('.tf'));
  const source = files.map((f) => read(`${dir}/${f}`)).join('\n');
  const module = {}; // blocks of all files, by kind
  let broken = '';
  for (const f of files)
    try { for (const [kind, v] of Object.entries(await parseHcl(f, read(`${dir}/${f}`)))) module[kind] = { ...module[kind], ...v }; } catch (e) { broken = `${f}: ${e.message}`; }
  check(`terraform ${name}: every file parses`, broken);
  const declared = Object.keys(module.variable ?? {}), used = [...new Set([...source.matchAll(/\bvar\.(\w+)/g)].map((m) => m[1]))];
  check(`terraform ${name}: variables used are declared, with a description and a type`, [...used.filter((v) => !declared.includes(v)), ...declared.filter((v) => !module.variable[v][0].description || !module.variable[v][0].type)]);
  check(`terraform ${name}: no variable is idle`, declared.filter((v) => !used.includes(v)));
  // resource blocks as they are written; hcl2json merges kinds of one type
  const made = new Set([...source.matchAll(/^resource "(\w+)" "(\w+)"/gm)].map((m) => `${m[1]}.${m[2]}`));
  check(`terraform ${name}: resources referred to exist`, [...new Set([...source.matchAll(/\b((?:google|random)_\w+\.\w+)\b/g)].map((m) => m[1]))].filter((r) => !made.has(r)));
  const providers = Object.values(module.terraform ?? {}).flat().flatMap((t) => t.required_providers ?? t).flatMap((p) => Object.keys(p));
  check(`terraform ${name}: each resource has a pinned provider`, [...made].map((r) => r.split('_')[0]).filter((p) => !providers.includes(p)));
}
check('terraform vm: the start script is bash', spawnSync('bash', ['-n', join(root, 'deploy/terraform/gcp/vm/start.sh')], { encoding: 'utf8' }).stderr);

// ---- compose
const compose = parse(read('deploy/compose.yaml'));
check('compose: volumes and networks of services exist', Object.entries(compose.services).flatMap(([name, s]) => [
  ...(s.volumes ?? []).map((v) => v.split(':')[0]).filter((v) => !v.startsWith('.') && !v.startsWith('/') && !(v in (compose.volumes ?? {}))),
  ...[s.network_mode].filter((n) => n?.startsWith('service:') && !(n.slice(8) in compose.services)), ...Object.keys(s.depends_on ?? {}).filter((d) => !(d in compose.services))].map((p) => `${name}: ${p}`)));
check('compose: only loopback is published', Object.values(compose.services).flatMap((s) => s.ports ?? []).filter((p) => !p.startsWith('127.0.0.1:')));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
