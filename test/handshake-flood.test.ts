// Whoever floods the handshake endpoint costs honest clients nothing but time, and nobody his session.
import {
  beginHandshake,
  configurationPath,
  defaultHandshakePath,
  encodeBase64Url,
  handshakeType,
  MemorySessionStore,
  randomBytes,
  type UsableKey,
  usableKeys,
  verifyConfiguration,
} from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertProblem, thrown } from './support/problems.ts';
import { RawConnection } from './support/raw-http.ts';
import { type Running, startSealed, startSealedNode } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

const size = 10_000;
const connections = 16;
/** Requests that a flooding connection sends ahead. */
const ahead = 25;

async function keyOf({ origin, pin }: { origin: string; pin: string }): Promise<UsableKey> {
  const bytes = new Uint8Array(await (await fetch(origin + configurationPath)).arrayBuffer());
  const { payload } = await verifyConfiguration(bytes, { identities: [pin], origin, now: Date.now() });
  const [key] = await usableKeys(payload, Date.now());
  if (key === undefined) throw new Error('no key');
  return key;
}

/** Sends `size` handshakes as fast as they are answered and counts the answers by their `Sealwire` header. */
async function flood({ port }: Running, bodyOf: (i: number) => Uint8Array): Promise<Map<string, number>> {
  const codes = new Map<string, number>();
  let sent = 0;
  const work = async () => {
    const connection = await RawConnection.open(port);
    while (sent < size) {
      const batch = Array.from({ length: Math.min(ahead, size - sent) }, () => request(bodyOf(sent++)));
      await connection.write(Buffer.concat(batch));
      for (const _ of batch) {
        const { status, headers } = await connection.response();
        const code = headers['sealwire'] ?? String(status);
        codes.set(code, (codes.get(code) ?? 0) + 1);
      }
    }
    connection.socket.destroy();
  };
  await Promise.all(Array.from({ length: connections }, work));
  return codes;
}

function request(body: Uint8Array): Buffer {
  const head = `POST ${defaultHandshakePath} HTTP/1.1\r\nHost: x\r\nContent-Type: ${handshakeType}\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Garbage that costs the server as much as garbage can: it has the right form, for the right key. */
function garbage({ kid, suite }: UsableKey): Buffer {
  const enc = encodeBase64Url(randomBytes(suite.encLength));
  const sealed = encodeBase64Url(randomBytes(120));
  return Buffer.from(JSON.stringify({ v: 1, kid, suite: suite.id, enc, sealed }));
}

/** New clients that each make a session and some calls, one behind the other, until the flood is over; five at least. */
async function honestTraffic(server: { origin: string; pin: string }, flooding: Promise<unknown>) {
  let over = false;
  flooding.finally(() => {
    over = true;
  });
  const held = clientOf(server);
  let clients = 0;
  while (!over || clients < 5) {
    const fresh = clientOf(server);
    for (const client of [fresh, held]) {
      const response = await client('/', { method: 'POST', body: `client ${clients}` });
      assert.is(await response.text(), `client ${clients}`);
    }
    clients++;
  }
  return clients;
}

const floods: [string, string, (key: UsableKey) => Promise<(i: number) => Uint8Array>][] = [
  ['garbage', 'rejected', async (key) => () => garbage(key)],
  [
    'replayed hellos',
    'rejected',
    async (key) => {
      const hellos = await Promise.all(Array.from({ length: 20 }, () => beginHandshake(key, Date.now())));
      return (i) => (hellos[i % hellos.length] as { body: Uint8Array }).body;
    },
  ],
];

for (const [name, code, prepare] of floods) {
  it(`${size} handshakes of ${name} fail no honest client`, async () => {
    const store = new MemorySessionStore();
    const server = await startSealedNode((req, res) => void req.pipe(res), { store });
    assert.is((await clientOf(server)('/')).status, 200);
    const bodyOf = await prepare(await keyOf(server));
    const flooding = flood(server, bodyOf);
    const clients = await honestTraffic(server, flooding);
    const codes = await flooding;
    // Of what was replayed the first ones are handshakes.
    const first = name === 'garbage' ? 0 : 20;
    assert.equal(Object.fromEntries(codes), {
      [code]: size - first,
      ...(first > 0 && { 200: first }),
    });
    assert.equal(store.size, { confirmed: clients + 2, halfOpen: first });
  });
}

onExpress('newcomers push out newcomers, and never who is in use', async (express) => {
  const store = new MemorySessionStore({ maxSessions: 20 });
  const server = await startSealed(express, (app) => void app.use((_req, res) => void res.send('page')), {
    store,
  });
  const inUse: WireClient[] = [];
  for (let i = 0; i < 17; i++) {
    const wire = await WireClient.connect(server);
    assert.is((await wire.exchange({ path: '/' })).status, 200);
    inUse.push(wire);
  }
  const honest = await WireClient.connect(server);
  // Handshakes of the right form, each as good as the next: two of twenty sessions may be half-open.
  const crowd: WireClient[] = [];
  for (let i = 0; i < 30; i++) crowd.push(await WireClient.connect(server));
  assert.equal(store.size, { confirmed: 17, halfOpen: 2 });
  for (const wire of inUse) assert.is((await wire.exchange({ path: '/' })).status, 200);
  assertProblem(await honest.send(await honest.seal({ path: '/' })), 'unknown-session');
  assert.is((await (crowd.at(-1) as WireClient).exchange({ path: '/' })).status, 200);
  // Full of sessions that are in use: the handshake is refused, and said when to come again.
  const error = (await thrown(clientOf(server)('/'), 'too-many-handshakes')) as Error & {
    retryAfter?: number;
  };
  assert.is(error.retryAfter, 10_000);
  for (const wire of inUse) assert.is((await wire.exchange({ path: '/' })).status, 200);
});

test.run();
