// Bodies of every size that lies at an edge, both ways, whatever way the network cuts them.
import { createHash } from 'node:crypto';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { boundarySizes, largeSize, pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { startSealed } from './support/servers.ts';
import { type Sending, WireClient } from './support/wire-client.ts';
import { fieldOf } from './support/wire-message.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

function routes(app: Application, express: typeof import('express')): void {
  app.post('/whole', express.raw({ type: () => true, limit: '6mb' }), (req, res) => {
    // Without a body there is nothing to parse: what is left then differs between parsers.
    res
      .set('x-length', req.get('content-length') ?? 'none')
      .send(Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0));
  });
  app.post('/piped', (req, res) => {
    res.set('x-length', req.get('content-length') ?? 'none');
    req.pipe(res);
  });
}

/** Ways to put a request on the wire, each for sizes up to a limit. */
const cuts: { name: string; limit: number; sending: Sending }[] = [
  { name: 'in one piece with a length', limit: largeSize, sending: {} },
  { name: 'in one chunk', limit: largeSize, sending: { framing: 'chunked' } },
  { name: 'in pieces of 1,400 bytes with a length', limit: largeSize, sending: { pieceSize: 1400 } },
  { name: 'in chunks of 1,400 bytes', limit: largeSize, sending: { pieceSize: 1400, framing: 'chunked' } },
  { name: 'in chunks of one byte', limit: 70_000, sending: { pieceSize: 1, framing: 'chunked' } },
  { name: 'byte by byte with a length', limit: 1000, sending: { pieceSize: 1 } },
];

for (const { name, limit, sending } of cuts) {
  onExpress(`bodies of all sizes arrive ${name}, and come back`, async (express) => {
    const server = await startSealed(express, routes);
    const wire = await WireClient.connect(server);
    for (const size of [...boundarySizes, 1000, largeSize].filter((each) => each <= limit)) {
      const body = pattern(size);
      for (const path of ['/whole', '/piped']) {
        const answer = await wire.exchange({ path, body }, sending);
        assert.is(answer.status, 200);
        assert.is(fieldOf(answer, 'x-length'), String(size));
        assert.is(answer.body.length, size);
        assert.is(sha256(answer.body), sha256(body), `${size} bytes through ${path}`);
      }
    }
  });
}

onExpress(
  'a body without a declared length is chunked for the application, of every size',
  async (express) => {
    const server = await startSealed(express, (app) => {
      app.post('/framing', express.raw({ type: () => true }), (req, res) => {
        const { 'content-length': length = null, 'transfer-encoding': encoding = null } = req.headers;
        res.json({ length, encoding, body: sha256(req.body) });
      });
    });
    const wire = await WireClient.connect(server);
    for (const size of boundarySizes) {
      const body = pattern(size);
      const answer = await wire.exchange({ path: '/framing', body, length: false }, { pieceSize: 1400 });
      assert.equal(JSON.parse(answer.body.toString()), {
        length: null,
        encoding: 'chunked',
        body: sha256(body),
      });
    }
  },
);

onExpress('any cut into records carries the same body', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const body = pattern(3000);
  for (const shares of [[0], [0, 1, 2999], [3000, 0], [1, 1, 1, 2997], [0, 1500, 1500, 0]]) {
    const message = {
      path: '/whole',
      body,
      shares: shares.filter((share, index) => share > 0 || index === 0),
    };
    assert.ok((await wire.exchange(message)).body.equals(body));
    assert.ok((await wire.exchange(message, { pieceSize: 7 })).body.equals(body));
  }
});

onExpress('the fetch client and Express carry bodies of all sizes both ways', async (express) => {
  const server = await startSealed(express, routes);
  const sealedFetch = clientOf(server);
  for (const size of [...boundarySizes, largeSize]) {
    const body = pattern(size);
    for (const path of ['/whole', '/piped']) {
      const response = await sealedFetch(path, { method: 'POST', body });
      assert.is(response.headers.get('x-length'), String(size));
      assert.is(sha256(new Uint8Array(await response.arrayBuffer())), sha256(body));
    }
  }
});

onExpress('a stream of small writes and one large write come as the same bytes', async (express) => {
  const body = pattern(200_001);
  const server = await startSealed(express, (app) => {
    app.get('/written', (req, res) => {
      const size = Number(req.query['size']);
      for (let at = 0; at < body.length; at += size) res.write(body.subarray(at, at + size));
      res.end();
    });
  });
  const sealedFetch = clientOf(server);
  for (const size of [1_000_000, 65_536, 65_535, 16_385, 1400]) {
    const response = await sealedFetch(`/written?size=${size}`);
    assert.is(sha256(new Uint8Array(await response.arrayBuffer())), sha256(body), `writes of ${size} bytes`);
  }
});

test.run();
