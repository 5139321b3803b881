// core and client bundle for a browser without any `node:` module, what a page loads of the client is not more than it
// was, and who uses a part of it loads that part.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import file from '@size-limit/file';
import { build } from 'esbuild';
import sizeLimit from 'size-limit';
import { root } from '../../scripts/bootstrap.mjs';

/**
 * The most that each file of the client may weigh, minified and gzipped, in bytes. The target for the first is 9 KiB, which
 * is out of reach: what one POST of JSON runs, the first one with its handshake, is 12.2 KiB, errors' texts included.
 */
const limits = {
  'index.js': 19.5 * 1024,
  // Loaded only for the post-quantum suite, and only where WebCrypto does not have it.
  'xwing.noble.js': 8 * 1024,
  // Loaded by the first inspect().
  'inspect.js': 1024,
};

const folder = mkdtempSync(join(tmpdir(), 'sealwire-bundle-'));
try {
  await bundle('core');
  await bundle('client/worker', 'client/src/worker');
  await bundle('client/xhr', 'client/src/xhr');
  await bundle('client/client-key', 'client/src/client-key');
  await checkSizes(await bundle('client'));
  await checkTreeShaking();
} finally {
  rmSync(folder, { recursive: true });
}

/** Paths of what an entry of a package and what it needs becomes. */
async function bundle(name, source = `${name}/src`) {
  const { metafile } = await build({
    entryPoints: [`${root}packages/${source}/index.ts`],
    bundle: true,
    minify: true,
    splitting: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['sealwire-source'],
    outdir: join(folder, name),
    chunkNames: '[name]',
    // A `node:` module cannot be resolved for a browser, which fails the build; nothing may be left outside either.
    external: [],
  });
  for (const output of Object.values(metafile.outputs)) {
    const outside = output.imports.filter(({ external }) => external);
    if (outside.length > 0) throw new Error(`${name} imports ${outside.map(({ path }) => path).join(', ')}`);
  }
  const inputs = Object.keys(metafile.inputs);
  if (
    !inputs.some((input) => input.endsWith('crypto.web.ts')) ||
    inputs.some((input) => /\.node\.ts$/.test(input))
  ) {
    throw new Error(`${name} does not bundle the WebCrypto file, or bundles Node's`);
  }
  return Object.keys(metafile.outputs).map((path) => join(folder, name, basename(path)));
}

async function checkSizes(paths) {
  for (const path of paths) {
    const name = basename(path);
    if (!(name in limits)) throw new Error(`The client has a chunk more: ${name}`);
    const [{ size }] = await sizeLimit([file], { checks: [{ files: [path], gzip: true }] });
    console.log(`${name}: ${size} bytes gzipped, at most ${limits[name]}`);
    if (size > limits[name]) throw new Error(`${name} has become too large`);
  }
}

async function checkTreeShaking() {
  const { outputFiles } = await build({
    stdin: {
      contents: "export { isSealwireError } from '@sealwire/client';",
      resolveDir: `${root}test`,
    },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    conditions: ['sealwire-source'],
  });
  const { length } = outputFiles[0].contents;
  if (length > 300)
    throw new Error(`isSealwireError alone takes ${length} bytes: something has side effects`);
}
