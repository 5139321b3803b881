// The page and its files, as a browser without any seal gets them.
import type { RequestListener } from 'node:http';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { pin } from '../../../test/support/servers.ts';
import { createPage } from '../page.mjs';
import { startNotes } from './support/notes-server.ts';

const sendPage = await createPage({ pin });

/** What stands behind the page. */
const elsewhere: RequestListener = (_req, res) => {
  res.writeHead(400).end();
};

async function get(path: string, init?: RequestInit) {
  const { origin } = await startNotes(() => elsewhere, { sendPage });
  const response = await fetch(origin + path, init);
  return { response, text: await response.text() };
}

const assets: [path: string, type: string][] = [
  ['/', 'text/html; charset=utf-8'],
  ['/assets/app.js', 'text/javascript; charset=utf-8'],
  ['/assets/style.css', 'text/css; charset=utf-8'],
  ['/assets/icon.svg', 'image/svg+xml'],
];

it('the page and its files come in plaintext, under a policy that allows nothing from elsewhere', async () => {
  for (const [path, type] of assets) {
    const { response, text } = await get(path);
    assert.is(response.status, 200, path);
    assert.is(response.headers.get('content-type'), type);
    assert.is(response.headers.get('x-content-type-options'), 'nosniff');
    const policy = response.headers.get('content-security-policy') ?? '';
    const sources = Object.fromEntries(policy.split('; ').map((each) => each.split(/ (.*)/)));
    assert.is(sources['default-src'], "'none'");
    assert.is(sources['script-src'], "'self'");
    assert.is(sources['frame-ancestors'], "'none'");
    assert.not.match(policy, /unsafe|\*|data:|blob:/);
    assert.ok(text.length > 0);
  }
});

it('the page has its pin, and nothing inline that the policy would have to allow', async () => {
  const { text } = await get('/');
  assert.match(text, `<meta name="sealwire-pin" content="${pin}" />`);
  assert.not.match(text, '%PIN%');
  assert.not.match(text, /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
});

it('what the page loads is there', async () => {
  const { text } = await get('/');
  const links = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path as string);
  const { text: script } = await get('/assets/app.js');
  const chunks = [...script.matchAll(/"\.\/(chunk-[^"]+\.js)"/g)].map(([, name]) => `/assets/${name}`);
  assert.ok(chunks.length > 0, 'the post-quantum code is a chunk of its own');
  for (const path of [...links, ...chunks]) assert.is((await get(path)).response.status, 200, path);
});

it('the page answers GET and HEAD only; everything else is for the app', async () => {
  const { response, text } = await get('/', { method: 'HEAD' });
  assert.is(response.status, 200);
  assert.is(text, '');
  for (const [path, method] of [
    ['/', 'POST'],
    ['/assets/../server.mjs', 'GET'],
    ['/assets/', 'GET'],
    ['/assets/app.mjs', 'GET'],
  ] as const) {
    assert.is((await get(path, { method })).response.status, 400, `${method} ${path}`);
  }
});

test.run();
