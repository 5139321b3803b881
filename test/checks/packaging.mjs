// The packages as npm would hand them out: what is in the tarballs, whether every resolver finds code and types, whether
// projects outside this workspace can install and use them, and whether the code in the READMEs does what it says.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../scripts/bootstrap.mjs';
import { makeProject } from '../support/consumer-project.mjs';
import {
  browserSource,
  commonJsSource,
  esmSource,
  koaTypedSource,
  typedSource,
} from '../support/consumers.mjs';
import { packAll } from '../support/pack.mjs';
import { packageFaults } from '../support/package-faults.mjs';
import {
  checkCommands,
  readReadmes,
  runKeyDirectory,
  runPackageReadmes,
  runQuickStart,
  runSessions,
  typeCheckReadmes,
} from '../support/readmes.mjs';

/** The types that go with Express 4 and Koa 2; the workspace has only those of 5 and 3. */
const olderTypes = { '@types/express': '4.17.25', '@types/koa': '2.15.0' };

const { devDependencies } = JSON.parse(readFileSync(`${root}test/package.json`, 'utf8'));
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
  const make = (name, others) =>
    makeProject(join(folder, name), packages, {
      ...others,
      ...pick('@aws-sdk/client-kms', '@koa/bodyparser', '@types/node'),
    });
  await step('consumers with Express 5 and Koa 3', async () => {
    const others = pick(
      'express',
      '@types/express',
      'koa',
      '@types/koa',
      'koa-mount',
      '@types/koa-mount',
      'express-session',
      '@types/express-session',
      'koa-session',
      'supertest',
      '@types/supertest',
    );
    const project = await make('newer', others);
    await checkConsumer(project, 'Express 5, Koa 3');
    await step('TypeScript, Bundler', () => checkTypes(project, 'bundler', 'consumer.ts', typedSource));
    await step('TypeScript, browser', () => checkTypes(project, 'browser', 'page.ts', browserSource));
    await step('READMEs', () => checkReadmes(packages, project));
  });
  await step('consumers with Express 4 and Koa 2', async () => {
    const { express4, koa2 } = devDependencies;
    const others = { express: express4.split('@')[1], koa: koa2.split('@')[1] };
    const project = await make('older', { ...others, ...olderTypes });
    await checkConsumer(project, 'Express 4, Koa 2');
  });
}

/** Dependencies of the tests, in the versions that those are run with. */
function pick(...names) {
  return Object.fromEntries(names.map((name) => [name, devDependencies[name]]));
}

async function checkConsumer(project, versions) {
  for (const framework of ['express', 'koa']) {
    const what = `${framework} of ${versions}`;
    await step(`ES module, ${what}`, () =>
      checkRun(project, `${framework}-consumer.mjs`, esmSource(framework)),
    );
    await step(`require() from CommonJS, ${what}`, () =>
      checkRun(project, `${framework}-consumer.cjs`, commonJsSource(framework)),
    );
  }
  await step(`TypeScript, NodeNext, ${versions}`, async () => {
    await checkTypes(project, 'nodeNext', 'consumer.mts', typedSource);
    await checkTypes(project, 'koa', 'koa-consumer.mts', koaTypedSource);
  });
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
  checkCommands(readmes, ['express', 'koa', '@koa/bodyparser', ...packages.map(({ name }) => name)]);
  await step('types in READMEs', () => typeCheckReadmes(readmes, project));
  await step('quick start', () => runQuickStart(readmes, project));
  await step('key directory', () => runKeyDirectory(readmes, project));
  await step('READMEs of the packages', () => runPackageReadmes(readmes, project));
  await step('sessions of the READMEs', () => runSessions(readmes, project));
}
