// What is wrong with a packed package: its files, its manifest, and how code and types are found in it.
import { readFileSync } from 'node:fs';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { root } from '../../scripts/bootstrap.mjs';
import { script } from './commands.mjs';

const required = ['package.json', 'README.md', 'LICENSE'];

/** @returns a line per fault of a package as packAll() returns it */
export async function packageFaults({ tarball, files }) {
  const manifest = JSON.parse(files.get('package.json').toString());
  return [
    ...contentFaults(files, manifest),
    ...manifestFaults(manifest),
    ...(await publintFaults(tarball)),
    ...(await resolutionFaults(tarball)),
  ];
}

/** Source and what it compiles to belong together; everything else has to be on the list. */
function contentFaults(files, { bin = {} }) {
  const found = [];
  const wanted = [...required, ...Object.values(bin).map((file) => file.replace('./', ''))];
  for (const needed of [...wanted, 'dist/index.js', 'dist/index.d.ts']) {
    if (!files.has(needed)) found.push(`${needed} is missing`);
  }
  for (const file of files.keys()) {
    const source = file.match(/^src\/(.+)\.[jt]s$/)?.[1];
    const output = file.match(/^dist\/(.+?)(?:\.d\.ts|\.js)(?:\.map)?$/)?.[1];
    if (source !== undefined) {
      for (const end of ['.js', '.js.map', '.d.ts', '.d.ts.map']) {
        if (!files.has(`dist/${source}${end}`)) found.push(`dist/${source}${end} is missing`);
      }
    } else if (output !== undefined) {
      if (!files.has(`src/${output}.ts`) && !files.has(`src/${output}.js`))
        found.push(`${file} has no source`);
    } else if (!wanted.includes(file)) {
      found.push(`${file} does not belong in there`);
    }
    if (/\.test\./.test(file)) found.push(`${file} is a test`);
    if (file.endsWith('.map')) found.push(...mapFaults(files, file));
  }
  return found;
}

/** Debuggers and "go to definition" find the source in the package. */
function mapFaults(files, map) {
  const { sources } = JSON.parse(files.get(map).toString());
  return sources
    .map((source) => new URL(source, `file:///${map}`).pathname.slice(1))
    .filter((source) => !files.has(source))
    .map((source) => `${map} points to ${source}, which is not there`);
}

function manifestFaults(manifest) {
  const found = [];
  for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
    for (const [dependency, range] of Object.entries(manifest[kind] ?? {})) {
      if (/^(?:workspace|link|file|catalog):/.test(range)) found.push(`${dependency} is "${range}"`);
      if (dependency.startsWith('@sealwire/') && range !== manifest.version) {
        found.push(`${dependency} is "${range}", not the version that is released with it`);
      }
    }
  }
  const wanted = { license: 'MIT', type: 'module', sideEffects: false };
  for (const [field, value] of Object.entries(wanted)) {
    if (manifest[field] !== value) found.push(`"${field}" is not ${JSON.stringify(value)}`);
  }
  for (const field of ['description', 'repository', 'engines', 'exports']) {
    if (manifest[field] === undefined) found.push(`"${field}" is missing`);
  }
  // TypeScript also finds declarations that only lie beside the code; other tools want to be told.
  if (manifest.exports?.['.']?.types === undefined) found.push('"exports" names no types');
  return found;
}

async function publintFaults(tarball) {
  const bytes = readFileSync(tarball);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function resolutionFaults(tarball) {
  const attw = `${root}node_modules/@arethetypeswrong/cli/dist/index.js`;
  try {
    await script([attw, tarball, '--profile', 'esm-only', '--no-color', '--no-emoji']);
    return [];
  } catch (error) {
    return [error.message];
  }
}
