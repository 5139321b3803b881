// The page: bundled once at start from the installed packages, then served from memory.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const folder = fileURLToPath(new URL('page/', import.meta.url));

/** Nothing from elsewhere, nothing inline, nothing evaluated, no markup made of strings. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'Content-Security-Policy': contentSecurityPolicy,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  // The bundle is new with every start.
  'Cache-Control': 'no-cache',
};

const types = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  map: 'application/json; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Bundles the page.
 * @param {object} options
 * @param options.pin the identity pin that the page gets. That a page is told the pin by the server that it wants to
 *   know is for demonstration only: who can change the page can change the pin. Real pins come another way: built into
 *   an app, an extension, a Node program, or a page that somebody else serves.
 * @returns a function that answers for the page's files on Node's objects, and returns false for everything else
 */
export async function createPage({ pin }) {
  const html = await readFile(`${folder}index.html`, 'utf8');
  const files = new Map([['/', { type: types.html, body: Buffer.from(html.replace('%PIN%', pin)) }]]);
  for (const { path, contents } of await bundle()) {
    const name = path.slice(folder.length);
    files.set(`/assets/${name}`, { type: types[name.split('.').pop()], body: Buffer.from(contents) });
  }
  files.set('/assets/icon.svg', { type: types.svg, body: await readFile(`${folder}icon.svg`) });

  return function sendPage(req, res) {
    const [path] = req.url.split('?', 1);
    const file = files.get(path);
    if (file === undefined || (req.method !== 'GET' && req.method !== 'HEAD')) return false;
    res.writeHead(200, { ...headers, 'Content-Type': file.type, 'Content-Length': file.body.length });
    res.end(req.method === 'HEAD' ? undefined : file.body);
    return true;
  };
}

/** Conditions that this process resolves packages under: the page takes them from where the server does. */
function ownConditions() {
  const option = '--conditions=';
  return process.execArgv.filter((each) => each.startsWith(option)).map((each) => each.slice(option.length));
}

/** What a front-end's build does; the post-quantum code becomes a chunk that is loaded when it is needed. */
async function bundle() {
  const { outputFiles } = await esbuild.build({
    entryPoints: [`${folder}app.js`, `${folder}style.css`],
    outdir: folder,
    write: false,
    bundle: true,
    splitting: true,
    minify: true,
    sourcemap: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    chunkNames: 'chunk-[name]-[hash]',
    conditions: ['default', ...ownConditions()],
    // The page shows how things work: its inspector is for development.
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'warning',
  });
  // Ends esbuild's own process, so that a Ctrl-C in the terminal does not reach it.
  await esbuild.stop();
  return outputFiles;
}
