// No bit of a sealed request can be flipped: what does not authenticate is a clean refusal before any handler.
import { parseSealwireHeader } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { type Express, onExpress } from './support/cases.ts';
import { assertProblem, assertSealedProblem } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { startSealed } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';
import { recordEdges } from './support/wire-message.ts';

let handled = 0;

function routes(app: Application, express: Express): void {
  handled = 0;
  app.post('/stored', express.raw({ type: () => true, limit: '1mb' }), (req, res) => {
    handled++;
    res.json(req.body.length);
  });
}

onExpress('every bit of a small message of one record', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/stored', body: 'small' });
  const connection = await RawConnection.open(server.port);
  for (let bit = 0; bit < message.message.length * 8; bit++) {
    const body = flipped(message.message, bit);
    assertProblem(await wire.send(message, { connection, body }), 'rejected');
  }
  assert.is(handled, 0);
  const opened = await wire.open(message, await wire.send(message, { connection }));
  assert.is(opened.body.toString(), '5');
  assert.is(handled, 1);
});

onExpress('every bit of a later record, refused inside the seal', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const request = { path: '/stored', body: 'two records', shares: [4, 7] };
  assert.is((await wire.exchange(request)).body.toString(), '11');
  assert.is(handled, 1);
  const connection = await RawConnection.open(server.port);
  const sample = await wire.seal(request);
  const [, first = 0, end = 0] = recordEdges(sample.message);
  for (let bit = first * 8; bit < end * 8; bit++) {
    const message = await wire.seal(request);
    const body = flipped(message.message, bit);
    const opened = await wire.open(message, await wire.send(message, { connection, body }));
    assertSealedProblem(opened, 'rejected');
  }
  assert.is(handled, 1);
});

onExpress('every bit of the Sealwire header', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const message = await wire.seal({ path: '/stored', body: 'small' });
  const header = wire.headersOf(message)[0]?.[1] as string;
  for (let bit = 0; bit < header.length * 8; bit++) {
    const sealwire = flipped(Buffer.from(header, 'latin1'), bit).toString('latin1');
    const response = await wire.send(message, { sealwire });
    assert.is(Math.floor(response.status / 100), 4, JSON.stringify(sealwire));
    // Node itself refuses what cannot stand in a header.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(sealwire)) continue;
    const codes = ['malformed', 'unsupported-version', 'unknown-session', 'rejected'] as const;
    const code = codes.find((each) => each === response.headers['sealwire']);
    assert.ok(code, `${sealwire}: ${response.text}`);
    assertProblem(response, code);
  }
  assert.is(handled, 0);
  assert.is(parseSealwireHeader(header).n, message.n);
  assert.is((await wire.open(message, await wire.send(message))).body.toString(), '5');
});

onExpress('sampled bits of a message that is streamed', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const request = { path: '/stored', body: pattern(200_000) };
  assert.is((await wire.exchange(request)).body.toString(), '200000');
  const edges = recordEdges((await wire.seal(request)).message);
  assert.is(edges.length, 5);
  const bytes = [0, 31];
  for (const [index, edge] of edges.slice(0, -1).entries()) {
    const end = edges[index + 1] as number;
    bytes.push(edge, edge + 1, edge + 3, edge + 4, edge + 1000, end - 17, end - 16, end - 1);
  }
  for (const [index, byte] of bytes.entries()) {
    const message = await wire.seal(request);
    const body = flipped(message.message, byte * 8 + (index % 8));
    const response = await wire.send(message, { body });
    const inHead = byte < (edges[1] as number);
    if (inHead) assertProblem(response, 'rejected');
    else assert.is((await wire.open(message, response)).status, 400, `byte ${byte}`);
  }
  assert.is(handled, 1);
});

onExpress('the connection carries the next request after a refusal', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  for (const size of [10, 200_000]) {
    const connection = await RawConnection.open(server.port);
    const message = await wire.seal({ path: '/stored', body: pattern(size) });
    for (const byte of [5, message.message.length - 5]) {
      const altered = await wire.seal({ path: '/stored', body: pattern(size) });
      const refused = await wire.send(altered, { connection, body: flipped(altered.message, byte * 8) });
      assert.ok(refused.status === 400, `${size} bytes, byte ${byte}`);
    }
    const opened = await wire.open(message, await wire.send(message, { connection }));
    assert.is(opened.body.toString(), String(size));
  }
});

test.run();
