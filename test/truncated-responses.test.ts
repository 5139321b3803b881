// A response cut short is never a short success: whoever reads it gets an error, wherever the cut and however clean it is.

import type { SealedResponse } from '@sealwire/client';
import { isSealwireError } from '@sealwire/core';
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { onExpress } from './support/cases.ts';
import { clientOf, recordingFetch } from './support/clients.ts';
import { failure, thrown } from './support/problems.ts';
import { startProxy } from './support/proxies.ts';
import { startSealed } from './support/servers.ts';
import { recordEdges } from './support/wire-message.ts';

const sizes: Record<string, number> = { none: 0, small: 10, full: 65_536, several: 200_000 };

function routes(app: Application): void {
  app.get('/body/:size', (req, res) => {
    res.send(pattern(sizes[req.params['size'] as string] ?? 0));
  });
  app.get('/written', (_req, res) => {
    res.write('one, ');
    res.write('two, ');
    res.end('three');
  });
  app.get('/empty', (_req, res) => {
    res.sendStatus(204);
  });
}

const paths = [...Object.keys(sizes).map((name) => `/body/${name}`), '/written', '/empty'];

/** Ways to read a body to its end. */
const readers: Record<string, (response: SealedResponse) => Promise<unknown>> = {
  arrayBuffer: (response) => response.arrayBuffer(),
  text: (response) => response.text(),
  blob: (response) => response.blob(),
  stream: async (response) => {
    for await (const _ of response.body ?? []);
  },
  clone: async (response) => Promise.all([response.clone().text(), response.text()]),
};

onExpress('cut at every edge and inside records, with a clean end behind the cut', async (express) => {
  const server = await startSealed(express, routes, { origins: 'host' });
  let cutAt: number | undefined;
  let whole: Uint8Array = new Uint8Array();
  const proxy = await startProxy(server, {
    response(returning, { url }) {
      if (url.startsWith('/.well-known/')) return;
      if (cutAt === undefined) whole = returning.body;
      else returning.body = returning.body.subarray(0, cutAt);
    },
  });
  const sealedFetch = clientOf({ ...server, origin: proxy.origin });
  for (const path of paths) {
    cutAt = undefined;
    const first = await (await sealedFetch(path)).arrayBuffer();
    const edges = recordEdges(whole);
    const end = edges.at(-1) as number;
    assert.is(end, whole.length);
    const inside = edges.slice(0, -1).flatMap((edge) => [edge + 3, edge + 4, edge + 15]);
    const cuts = [0, 1, 31, ...edges, ...inside, end - 1].filter((cut) => cut < end);
    for (const [index, cut] of cuts.entries()) {
      cutAt = cut;
      const read = Object.values(readers)[index % Object.keys(readers).length] as (typeof readers)[string];
      await thrown(sealedFetch(path).then(read), 'truncated');
    }
    cutAt = undefined;
    assert.is((await (await sealedFetch(path)).arrayBuffer()).byteLength, first.byteLength);
  }
});

onExpress('a connection that breaks is an error for every way to read', async (express) => {
  const server = await startSealed(express, routes, { origins: 'host' });
  let broken = false;
  const proxy = await startProxy(server, {
    response(returning, { url }) {
      if (!broken || url.startsWith('/.well-known/')) return;
      returning.body = returning.body.subarray(0, returning.body.length - 1);
      returning.broken = true;
    },
  });
  const sealedFetch = clientOf({ ...server, origin: proxy.origin });
  for (const [name, read] of Object.entries(readers)) {
    broken = false;
    await read(await sealedFetch('/body/several'));
    broken = true;
    for (const path of paths) {
      const error = await failure(sealedFetch(path).then(read));
      assert.ok(
        error instanceof TypeError || isSealwireError(error, 'truncated'),
        `${name} of ${path}: ${error}`,
      );
    }
  }
});

onExpress('no bit of a response can be flipped', async (express) => {
  const server = await startSealed(express, routes);
  let bit: number | undefined;
  let length = 0;
  const network = recordingFetch({
    async response(response, url) {
      if (url.includes('/.well-known/')) return undefined;
      const bytes = new Uint8Array(await response.arrayBuffer());
      length = bytes.length;
      const { status, headers } = response;
      return new Response(bit === undefined ? bytes : flipped(bytes, bit), { status, headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  assert.is(await (await sealedFetch('/written')).text(), 'one, two, three');
  for (bit = 0; bit < length * 8; bit += 3) {
    const error = await failure(sealedFetch('/written').then((response) => response.text()));
    // A longer length in a record's header leaves the message without its end.
    assert.ok(
      isSealwireError(error, 'rejected') || isSealwireError(error, 'truncated'),
      `bit ${bit}: ${error}`,
    );
  }
  bit = undefined;
  assert.is(await (await sealedFetch('/written')).text(), 'one, two, three');
});

onExpress('a record that is left out, repeated or put elsewhere is refused', async (express) => {
  const server = await startSealed(express, routes);
  let order: number[] | undefined;
  const network = recordingFetch({
    async response(response, url) {
      if (order === undefined || url.includes('/.well-known/')) return undefined;
      const bytes = Buffer.from(await response.arrayBuffer());
      const edges = recordEdges(bytes);
      const records = edges.slice(0, -1).map((edge, index) => bytes.subarray(edge, edges[index + 1]));
      const chosen = order.map((index) => records[index] as Buffer);
      const { status, headers } = response;
      return new Response(Buffer.concat([bytes.subarray(0, 32), ...chosen]), { status, headers });
    },
  });
  const sealedFetch = clientOf(server, { fetch: network });
  order = [0, 1, 2];
  assert.is(await (await sealedFetch('/written')).text(), 'one, two, three');
  for (order of [[0, 2], [0, 1, 1, 2], [1, 0, 2], [0, 1, 2, 2], [2], [0, 1, 2, 0]]) {
    await thrown(
      sealedFetch('/written').then((response) => response.text()),
      'rejected',
    );
  }
});

onExpress('a handler that breaks off in the middle is an error, too', async (express) => {
  const server = await startSealed(express, (app) => {
    app.get('/destroyed', (req, res) => {
      if (req.query['whole'] !== undefined) res.end('whole');
      else res.write('half', () => res.destroy());
    });
    app.get('/short', (req, res) => {
      res.set('content-length', '10').end(req.query['whole'] === undefined ? 'short' : 'ten bytes.');
    });
  });
  const sealedFetch = clientOf(server);
  assert.is(await (await sealedFetch('/destroyed?whole')).text(), 'whole');
  assert.is(
    (await failure(sealedFetch('/destroyed').then((response) => response.text()))) instanceof TypeError,
    true,
  );
  assert.is(await (await sealedFetch('/short?whole')).text(), 'ten bytes.');
  await thrown(
    sealedFetch('/short').then((response) => response.text()),
    'truncated',
  );
});

test.run();
