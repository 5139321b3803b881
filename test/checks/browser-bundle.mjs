// core and client, and what the client has for pages, bundle for a browser without any `node:` module, the post-quantum code in a chunk of its own.

import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';
import { root } from '../../scripts/bootstrap.mjs';

const { build } = createRequire(`${root}test/package.json`)('esbuild');

for (const name of ['core/src', 'client/src', 'client/src/worker']) {
  const { outputFiles, metafile } = await build({
    entryPoints: [`${root}packages/${name}/index.ts`],
    bundle: true,
    minify: true,
    splitting: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['sealwire-source'],
    outdir: 'bundle',
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
  const sizes = outputFiles.map(
    ({ path, contents }) => `${path.split('/').pop()} ${gzipSync(contents).length}`,
  );
  console.log(`${name}, bytes gzipped: ${sizes.join(', ')}`);
}
