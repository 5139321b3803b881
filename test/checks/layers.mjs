// Imports point down (docs: adapters -> node -> core; client -> core), and of core's files only those that its `imports`
// map selects for Node touch a `node:` module.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path/posix';
import { root } from '../../scripts/bootstrap.mjs';

/** What each package may import of the others. */
const below = {
  core: [],
  node: ['core'],
  express: ['core', 'node'],
  koa: ['core', 'node'],
  client: ['core'],
  keys: ['core'],
  audit: ['core'],
  pkcs11: ['core'],
  'aws-kms': ['core'],
  testing: ['core', 'client'],
  cli: ['core', 'client', 'keys', 'audit'],
};
const nodeFiles = /^core\/src\/(?:crypto|kem)\.node\.ts$|^client\/src\/node\//;
const importForm = /^(?:import|export)\b[^;'"]*\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;
const faults = [];

for (const name of readdirSync(`${root}packages`)) {
  const allowed = below[name];
  if (allowed === undefined) {
    faults.push(`packages/${name} has no place in test/checks/layers.mjs`);
    continue;
  }
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(
    readFileSync(`${root}packages/${name}/package.json`, 'utf8'),
  );
  for (const file of readdirSync(`${root}packages/${name}/src`, { recursive: true })) {
    if (!/\.[jt]s$/.test(file)) continue;
    const path = `${name}/src/${file}`;
    const text = readFileSync(`${root}packages/${path}`, 'utf8');
    for (const [, from, bare, dynamic] of text.matchAll(importForm)) {
      check(name, allowed, path, from ?? bare ?? dynamic);
    }
  }

  function check(owner, mayImport, path, specifier) {
    if (specifier.startsWith('.') || specifier.startsWith('#')) {
      if (!join(path, '..', specifier).startsWith(`${owner}/src/`) && !specifier.startsWith('#'))
        faults.push(`${path} reaches out of its package: ${specifier}`);
      return;
    }
    if (specifier.startsWith('node:')) {
      const portable = owner === 'core' || owner === 'client';
      if (portable && !nodeFiles.test(path)) faults.push(`${path} imports ${specifier}`);
      return;
    }
    const [, other] = specifier.match(/^@sealwire\/([\w-]+)/) ?? [];
    if (other !== undefined && !mayImport.includes(other))
      faults.push(`${path} imports upwards: ${specifier}`);
    const dependency = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    if (!(dependency in dependencies) && !(dependency in peerDependencies)) {
      faults.push(`${path} imports ${dependency}, which is no dependency of ${owner}`);
    }
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
