import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** A script that imports packages of this workspace, as one file for a platform; minified, it is one for production. */
export async function bundle(
  platform: 'browser' | 'node',
  contents: string,
  minify = false,
): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    minify,
    write: false,
    format: platform === 'node' ? 'cjs' : 'esm',
    platform,
    target: 'es2022',
    conditions: ['sealwire-source'],
  });
  return outputFiles[0]?.text as string;
}
