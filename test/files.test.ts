// Files go out through sendFile, download and express.static as they do in plain: ranges, HEAD, 304 and 416 included.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { afterwards } from './support/resources.ts';
import { startTwins, type Twins } from './support/twins.ts';

async function startFiles(express: Parameters<typeof startTwins>[0]): Promise<Twins> {
  const root = await mkdtemp(join(tmpdir(), 'sealwire-'));
  afterwards(() => rm(root, { recursive: true }));
  await writeFile(join(root, 'page.html'), '<h1>page</h1>');
  await writeFile(join(root, 'large.bin'), pattern(300_000));
  await writeFile(join(root, 'empty.txt'), '');
  return startTwins(express, (app) => {
    app.get('/sent', (_req, res) => res.sendFile('large.bin', { root, maxAge: 1000 }));
    app.get('/absent', (_req, res) => res.sendFile('missing', { root }));
    app.get('/download', (_req, res) => res.download(join(root, 'page.html'), 'renämed.html'));
    app.use('/static', express.static(root));
  });
}

onExpress('whole files, with HEAD and what is not there', async (express) => {
  const twins = await startFiles(express);
  for (const path of [
    '/sent',
    '/download',
    '/static/page.html',
    '/static/empty.txt',
    '/static/large.bin',
    '/static/missing',
  ]) {
    for (const method of ['GET', 'HEAD']) {
      const { plain, sealed } = await twins.ask(path, () => ({ method }));
      assert.equal(sealed, plain, `${method} ${path}`);
    }
  }
  const { plain, sealed } = await twins.ask('/absent');
  assert.equal([sealed.status, plain.status], [404, 404]);
});

onExpress('ranges: the sealed one counts, and 206 is 200 outside', async (express) => {
  const twins = await startFiles(express);
  for (const range of [
    'bytes=0-9',
    'bytes=100000-250000',
    'bytes=-5',
    'bytes=299999-',
    'bytes=0-0,-1',
    'bytes=400000-',
    'lines=1-2',
  ]) {
    for (const path of ['/sent', '/static/large.bin']) {
      const { plain, sealed } = await twins.ask(path, () => ({ headers: { range } }));
      if (plain.status === 416) assert.is(sealed.status, 416);
      else assert.equal(sealed, plain, `${range} of ${path}`);
    }
  }
  const response = await twins.sealed('/sent', { headers: { range: 'bytes=10-19' } });
  assert.equal([response.status, response.sealed.status], [206, 200]);
  assert.is(response.headers.get('content-range'), 'bytes 10-19/300000');
  assert.is(response.sealed.outer.get('content-range'), null);
  assert.ok(Buffer.from(await response.arrayBuffer()).equals(pattern(300_000).subarray(10, 20)));
});

onExpress('conditional requests on files', async (express) => {
  const twins = await startFiles(express);
  const first = await twins.ask('/static/page.html');
  const { etag = '', 'last-modified': modified = '' } = first.sealed.headers;
  for (const headers of [
    { 'if-none-match': etag },
    { 'if-modified-since': modified },
    { 'if-match': '"other"' },
    { 'if-unmodified-since': 'Sat, 01 Jan 2000 00:00:00 GMT' },
    { range: 'bytes=0-1', 'if-range': etag },
    { range: 'bytes=0-1', 'if-range': '"other"' },
  ] as Record<string, string>[]) {
    const { plain, sealed } = await twins.askBare('/static/page.html', headers);
    assert.is(sealed.status, plain.status, JSON.stringify(headers));
    if (plain.status < 400) assert.equal(sealed, plain);
  }
});

test.run();
