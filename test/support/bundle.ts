import { fileURLToPath } from 'node:url';

/** A script and the packages that it imports as one file. */
export async function bundle(platform: 'browser' | 'node', contents: string): Promise<string> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('..', import.meta.url)) },
    bundle: true,
    write: false,
    format: platform === 'node' ? 'cjs' : 'esm',
    platform,
    target: 'es2022',
    conditions: ['sealwire-source'],
  });
  return outputFiles[0]?.text as string;
}
