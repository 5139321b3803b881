// multer takes files out of sealed forms, in memory and on disk, as a browser's FormData sends them.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ErrorRequestHandler } from 'express';
import multer from 'multer';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { afterwards } from './support/resources.ts';
import { startSealed } from './support/servers.ts';
import { startTwins } from './support/twins.ts';
import { WireClient } from './support/wire-client.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sealwire-'));
  afterwards(() => rm(path, { recursive: true }));
  return path;
}

function form(...files: [name: string, size: number][]): FormData {
  const data = new FormData();
  data.set('title', 'Überschrift');
  for (const [name, size] of files)
    data.append('files', new Blob([pattern(size)], { type: 'image/x-test' }), name);
  return data;
}

const files: [string, number][] = [
  ['empty.bin', 0],
  ['small.bin', 100],
  ['edge.bin', 65_536],
  ['large.bin', 700_000],
];

onExpress('multer keeps the files of a form in memory', async (express) => {
  const server = await startSealed(express, (app) => {
    app.post('/upload', multer().array('files'), (req, res) => {
      const uploaded = (req.files as Express.Multer.File[]).map((file) => {
        return [file.originalname, file.mimetype, file.size, sha256(file.buffer)];
      });
      res.json({ title: req.body.title, uploaded });
    });
  });
  const network = recordingFetch();
  const response = await clientOf(server, { fetch: network })('/upload', {
    method: 'POST',
    body: form(...files),
  });
  assert.equal(await response.json(), {
    title: 'Überschrift',
    uploaded: files.map(([name, size]) => [name, 'image/x-test', size, sha256(pattern(size))]),
  });
  const wire = Buffer.concat(network.exchanges[0]?.sent ?? []);
  for (const visible of ['form-data', 'large.bin', 'boundary']) assert.not.ok(wire.includes(visible));
});

onExpress('multer writes the files of a form to disk', async (express) => {
  const dest = await folder();
  const server = await startSealed(express, (app) => {
    app.post('/upload', multer({ dest }).array('files'), async (req, res) => {
      const uploaded = (req.files as Express.Multer.File[]).map(async (file) => [
        file.originalname,
        sha256(await readFile(file.path)),
      ]);
      res.json(await Promise.all(uploaded));
    });
  });
  const response = await clientOf(server)('/upload', { method: 'POST', body: form(...files) });
  assert.equal(
    await response.json(),
    files.map(([name, size]) => [name, sha256(pattern(size))]),
  );
});

onExpress('the limits of multer answer as in plain', async (express) => {
  const twins = await startTwins(express, (app) => {
    app.post('/upload', multer({ limits: { fileSize: 1000 } }).single('files'), (req, res) => {
      res.json(req.file?.size ?? null);
    });
    const onError: ErrorRequestHandler = (error, _req, res, _next) => {
      res.status(413).json([error.code, error.field]);
    };
    app.use(onError);
  });
  for (const body of [form(['a', 1000]), form(['a', 200_000]), form(), form(['a', 1], ['b', 1])]) {
    const { plain, sealed } = await twins.ask('/upload', () => ({ method: 'POST', body }));
    assert.equal(sealed, plain);
  }
});

onExpress('an upload that is cut short leaves no complete file and calls no handler', async (express) => {
  const dest = await folder();
  let handled = 0;
  let failed: string | undefined;
  const server = await startSealed(express, (app) => {
    app.post('/upload', multer({ dest }).single('files'), (_req, res) => {
      handled++;
      res.end();
    });
    const onError: ErrorRequestHandler = (error, _req, res, _next) => {
      failed = error.code ?? error.message;
      res.status(error.status ?? 400).end();
    };
    app.use(onError);
  });
  const encoded = new Response(form(['large.bin', 200_000]));
  const fields: [string, string][] = [['content-type', encoded.headers.get('content-type') as string]];
  const body = Buffer.from(await encoded.arrayBuffer());
  const wire = await WireClient.connect(server);
  const request = { path: '/upload', fields, body };
  assert.is((await wire.exchange(request)).status, 200);
  assert.is(handled, 1);

  const message = await wire.seal(request);
  // The bytes end cleanly, at the edge of a record, before the final one.
  const cut = message.message.subarray(0, 32 + 2 * (65_536 + 20));
  const answer = await wire.send(message, { body: cut });
  assert.is(answer.status, 400);
  assert.is(handled, 1);
  assert.is(failed, 'rejected');
  assert.is((await readdir(dest)).length, 1);
});

test.run();
