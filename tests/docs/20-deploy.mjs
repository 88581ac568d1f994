#!/usr/bin/env node
// Deployment files test: dashboards equal their source, promtool accepts every query and rule, workspace files call the real script.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
let passed = 0, failed = 0;
function check(name, problem) {
  if (!problem) { passed++; console.log(`ok ${name}`); } else { failed++; console.log(`not ok ${name}: ${problem}`); }
}
const run = (program, ...args) => spawnSync(program, args, { cwd: root, encoding: 'utf8' });
const failure = (r) => (r.error ? r.error.message : r.status === 0 ? '' : (r.stderr + r.stdout).trim().split('\n').slice(-2).join(' '));
const read = (path) => readFileSync(join(root, path), 'utf8');

check('dashboards are what make.mjs writes', failure(run('node', 'deploy/grafana/make.mjs', '--check')));
if (run('promtool', '--version').status === 0) {
  const dir = mkdtempSync(join(tmpdir(), 'fd-deploy-'));
  writeFileSync(join(dir, 'rules.yml'), run('node', 'deploy/grafana/make.mjs', '--rules').stdout);
  check('promtool accepts every dashboard query', failure(run('promtool', 'check', 'rules', join(dir, 'rules.yml'))));
  rmSync(dir, { recursive: true });
  check('promtool accepts the recording rules and alerts', failure(run('promtool', 'check', 'rules', 'deploy/prometheus/rules.yml')));
}
check('third-party notices are what notices.mjs writes', failure(run('node', 'deploy/notices.mjs', '--check')));
const version = read('VERSION').trim();
check('the changelog begins with the version', new RegExp(`^## ${version.replaceAll('.', '\\.')}$`, 'm').test(read('CHANGELOG.md')) ? '' : version);
const commands = [...read('.gitpod.yml').matchAll(/(?:init|command): (.+)/g), ...read('.devcontainer/devcontainer.json').matchAll(/"(?:onCreateCommand|postStartCommand)": "([^"]+)"/g)].map((m) => m[1]);
check('workspace files name commands', commands.length === 4 ? '' : `found ${commands.length} of 4`);
const help = run('./run', '--help').stdout;
for (const c of commands) {
  const [program, ...options] = c.split(' ');
  check(`workspace command '${c}' exists`, existsSync(join(root, program)) && options.every((o) => help.includes(o)) ? '' : 'unknown program or option');
}
let json = '';
try { JSON.parse(read('.devcontainer/devcontainer.json')); } catch (e) { json = e.message; }
check('devcontainer.json is JSON', json);
const copied = read('deploy/docker/Dockerfile').match(/apt-get install[\s\S]*?(?=\nWORKDIR)/)[0];
const wanted = read('deploy/setup/lib.sh').match(/fd_packages_build="([^"]+)"/)[1].split(' ');
check('the container builds with the packages of ./run', wanted.filter((p) => !copied.includes(p)).map((p) => `${p} is missing`).join(', '));
check('each kubernetes resource is listed', readdirSync(join(root, 'deploy/k8s')).filter((f) => f !== 'kustomization.yaml' && !read('deploy/k8s/kustomization.yaml').includes(f)).join(', '));
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
