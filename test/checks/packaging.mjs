// The packages as npm would hand them out: what is in the tarballs, whether every resolver finds code and types, whether
// projects outside this workspace can install and use them, and whether the code in the READMEs does what it says.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/bootstrap.mjs';
import { makeProject } from '../support/consumer-project.mjs';
import { browserSource, commonJsSource, esmSource, typedSource } from '../support/consumers.mjs';
import { packAll } from '../support/pack.mjs';
import { packageFaults } from '../support/package-faults.mjs';
import {
  checkCommands,
  readReadmes,
  runPackageReadmes,
  runQuickStart,
  typeCheckReadmes,
} from '../support/readmes.mjs';

/** The types that go with Express 4; the workspace has only those of 5. */
const express4Types = '4.17.25';

const { devDependencies } = manifestOf('express');
const { devDependencies: testing } = manifestOf('testing');
const nodeTypes = { '@types/node': devDependencies['@types/node'] };
const faults = [];
const folder = mkdtempSync(join(tmpdir(), 'sealwire-packaging-'));
try {
  const packages = await step('packing', () => packAll(folder));
  if (packages !== undefined) await Promise.all([checkPackages(packages), checkConsumers(packages)]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;

function manifestOf(name) {
  return JSON.parse(readFileSync(`${root}packages/${name}/package.json`, 'utf8'));
}

/** Runs a part of the check and notes what is wrong with it, so that the others run in any case. */
async function step(what, run) {
  const start = Date.now();
  try {
    return await run();
  } catch (error) {
    faults.push(`${what}: ${error.message}`);
  } finally {
    console.log(`${what}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
  }
}

async function checkPackages(packages) {
  for (const each of packages) {
    await step(each.name, async () => {
      const found = await packageFaults(each);
      faults.push(...found.map((fault) => `${each.name}: ${fault}`));
    });
  }
}

async function checkConsumers(packages) {
  await step('consumers with Express 5', async () => {
    const others = { express: devDependencies.express, '@types/express': devDependencies['@types/express'] };
    const tests = { supertest: testing.supertest, '@types/supertest': testing['@types/supertest'] };
    const project = await makeProject(join(folder, 'express-5'), packages, {
      ...others,
      ...tests,
      ...nodeTypes,
    });
    await checkConsumer(project, 'Express 5');
    await step('TypeScript, Bundler', () => checkTypes(project, 'bundler', 'consumer.ts', typedSource));
    await step('TypeScript, browser', () => checkTypes(project, 'browser', 'page.ts', browserSource));
    await step('READMEs', () => checkReadmes(packages, project));
  });
  await step('consumers with Express 4', async () => {
    const express = devDependencies.express4.replace('npm:express@', '');
    const others = { express, '@types/express': express4Types };
    const project = await makeProject(join(folder, 'express-4'), packages, { ...others, ...nodeTypes });
    await checkConsumer(project, 'Express 4');
  });
}

async function checkConsumer(project, express) {
  await step(`ES module, ${express}`, () => checkRun(project, 'consumer.mjs', esmSource));
  await step(`require() from CommonJS, ${express}`, () => checkRun(project, 'consumer.cjs', commonJsSource));
  await step(`TypeScript, NodeNext, ${express}`, () =>
    checkTypes(project, 'nodeNext', 'consumer.mts', typedSource),
  );
}

async function checkRun(project, file, source) {
  project.put(file, source);
  const output = await project.run([file]);
  if (output !== 'works') throw new Error(`wrote "${output}"`);
}

async function checkTypes(project, how, file, source) {
  project.put(file, source);
  await project.typeCheck(how, [file]);
}

async function checkReadmes(packages, project) {
  const readmes = readReadmes();
  checkCommands(readmes, ['express', ...packages.map(({ name }) => name)]);
  await step('types in READMEs', () => typeCheckReadmes(readmes, project));
  await step('quick start', () => runQuickStart(readmes, project));
  await step('READMEs of the packages', () => runPackageReadmes(readmes, project));
}
