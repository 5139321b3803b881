// Every handshake and every refusal is on record, once, with its reason, and without a secret in it.
import { createHash } from 'node:crypto';
import {
  type AuditSink,
  beginHandshake,
  configurationPath,
  defaultHandshakePath,
  type ErrorCode,
  encodeBase64Url,
  generateSigner,
  handshakeType,
  isSealwireError,
  MemorySessionStore,
  repeatField,
  SealwireError,
  StaticKeys,
  thumbprint,
  usableKeys,
  verifyConfiguration,
} from '@sealwire/core';
import { sealwire } from '@sealwire/express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { flipped, pattern } from './support/bytes.ts';
import { it, onExpress, sleep } from './support/cases.ts';
import { startHttp2 } from './support/http2-server.ts';
import { until } from './support/left-behind.ts';
import { moveClock } from './support/move-clock.ts';
import { RawConnection, type RawResponse } from './support/raw-http.ts';
import { EventList } from './support/recorded-events.ts';
import { afterwards } from './support/resources.ts';
import { assertNothingOf, marker, secretsOf } from './support/secrets.ts';
import { startSealed, startSealedNode } from './support/servers.ts';
import { storeWith } from './support/stores.ts';
import { WireClient, type WireMessage } from './support/wire-client.ts';

const signer = await generateSigner();
const client = await thumbprint(signer.alg, signer.pub);
const exported = await StaticKeys.generateExported(['X25519']);
const keys = await StaticKeys.import(exported);
/** A server that records, its store, which can be made to fail, and a client that signed its handshake. */
async function start() {
  const list = new EventList();
  const real = new MemorySessionStore();
  const broken = new Set<string>();
  const unless =
    (method: 'load' | 'accept' | 'create' | 'claimHello') =>
    (...args: never[]) => {
      if (broken.has(method)) throw new Error(`the store is down: ${marker}`);
      return (real[method] as (...all: never[]) => unknown)(...args);
    };
  const replaced = Object.fromEntries(
    (['load', 'accept', 'create', 'claimHello'] as const).map((method) => [method, unless(method)]),
  );
  const moved = { clock: 0 };
  const server = await startSealedNode(
    (req, res) => {
      req.on('error', () => res.destroy());
      req.resume().on('end', () => res.end());
    },
    { keys, audit: list, store: storeWith(real, replaced), clock: () => Date.now() + moved.clock },
  );
  const wire = await WireClient.connect(server, signer);
  return { server, list, wire, broken, moved, real };
}

type Started = Awaited<ReturnType<typeof start>>;

function reference(sid: string): string {
  return createHash('sha256')
    .update(Buffer.from(sid, 'base64url'))
    .digest()
    .subarray(0, 16)
    .toString('base64url');
}

it('a handshake is on record with the session that it made', async () => {
  const { list, wire } = await start();
  const [accepted, created, ...others] = list.take();
  assert.equal(others, []);
  assert.is(accepted?.type, 'handshake.accepted');
  assert.is(created?.type, 'session.created');
  for (const event of [accepted, created]) {
    const { session, client: who, suite, kid } = event as Extract<typeof event, { suite: unknown }>;
    assert.equal([session, who, suite], [reference(wire.sid), client, 'X25519']);
    assert.ok(keys.findKey(kid));
  }
  assert.ok((created as { expires: number }).expires > Date.now());
  // Of exchanges that are accepted nothing is recorded.
  assert.is((await wire.exchange({ body: marker })).status, 200);
  assert.equal(list.take(), []);
});

/** Sends what is not right; the event that has to come of it is checked afterwards. */
const exchanges: Record<
  string,
  { reason: ErrorCode; known?: 'nothing' | 'sid'; send: (started: Started) => Promise<unknown> }
> = {
  'a message in two places': {
    reason: 'malformed',
    known: 'nothing',
    send: ({ wire }) => sealedAnd(wire, { body: marker }, (message) => ({ message, sealwire: null })),
  },
  'another version': {
    reason: 'unsupported-version',
    known: 'nothing',
    send: ({ wire }) => sealedAnd(wire, { body: marker }, (message) => ({ message, sealwire: 'v=2;x=y' })),
  },
  'a session that nobody knows': {
    reason: 'unknown-session',
    known: 'sid',
    send: async ({ wire, real }) => {
      real.end(wire.sid, Date.now());
      return sealedAnd(wire, { body: marker });
    },
  },
  'an altered message in the header': {
    reason: 'rejected',
    send: ({ wire }) => sealedAnd(wire, {}, (message) => ({ message: altered(message, 60) })),
  },
  'an altered small body': {
    reason: 'rejected',
    send: ({ wire }) => sealedAnd(wire, { body: marker }, (message) => ({ message: altered(message, 60) })),
  },
  'a small body that is cut short': {
    reason: 'rejected',
    send: ({ wire }) =>
      sealedAnd(wire, { body: marker }, (message) => ({
        message: { ...message, message: message.message.subarray(0, -1) },
      })),
  },
  'a stream that is altered when a handler has begun to read it': {
    reason: 'rejected',
    send: ({ wire }) =>
      sealedAnd(wire, { body: pattern(400_000) }, (message) => ({
        message: altered(message, message.message.length - 20),
      })).catch(() => {}),
  },
  'another target': {
    reason: 'target-mismatch',
    send: ({ wire }) =>
      sealedAnd(wire, { path: `/${marker}`, body: marker }, (message) => ({
        message: { ...message, path: '/elsewhere' },
      })),
  },
  'a field that must not be sealed': {
    reason: 'field-not-allowed',
    send: ({ wire }) => sealedAnd(wire, { fields: [['x-forwarded-for', marker]], body: marker }),
  },
  'a request that was held back': {
    reason: 'expired',
    send: ({ wire }) => sealedAnd(wire, { body: marker, time: Date.now() - 300_000 }),
  },
  'a request that comes again': {
    reason: 'replayed',
    send: async ({ wire }) => {
      const message = await wire.seal({ body: marker });
      await wire.send(message);
      return wire.send(message);
    },
  },
  'a repetition of what may have run': {
    reason: 'outcome-unknown',
    send: ({ wire }) => {
      const repeat = `${encodeBase64Url(new Uint8Array(16))};0;${encodeBase64Url(new Uint8Array(16))};1`;
      return sealedAnd(wire, { body: marker, fields: [[repeatField, repeat]] });
    },
  },
  'a store that does not know its sessions': {
    reason: 'unavailable',
    known: 'sid',
    send: ({ wire, broken }) => {
      broken.add('load');
      return sealedAnd(wire, { body: marker });
    },
  },
  'a store that cannot accept': {
    reason: 'unavailable',
    send: ({ wire, broken }) => {
      broken.add('accept');
      return sealedAnd(wire, { body: marker });
    },
  },
  'a beginning that does not come': {
    reason: 'timeout',
    send: async ({ wire, server }) => {
      const message = await wire.seal({ body: marker });
      const connection = await RawConnection.open(server.port);
      afterwards(() => connection.socket.destroy());
      await wire.sendHead(message, { connection });
      await connection.write(message.message.subarray(0, 10));
      await sleep(50);
      moveClock(15_000);
      return connection.response();
    },
  },
};

function altered(message: WireMessage, byte: number): WireMessage {
  return { ...message, message: flipped(message.message, 8 * byte) };
}

async function sealedAnd(
  wire: WireClient,
  request: Parameters<WireClient['seal']>[0],
  change: (message: WireMessage) => { message: WireMessage; sealwire?: string | null } = (message) => ({
    message,
  }),
): Promise<RawResponse> {
  const { message, ...sending } = change(await wire.seal(request));
  return wire.send(message, sending);
}

for (const [name, { reason, known, send }] of Object.entries(exchanges)) {
  it(`one event for each refused exchange, with its reason: ${name}`, async () => {
    const started = await start();
    const { list, wire } = started;
    list.take();
    await send(started);
    await until(() => list.events.length > 0, 'an event');
    const [event, ...others] = list.take();
    assert.equal(others, []);
    if (event?.type !== 'exchange.rejected') throw new Error(`it is ${event?.type}`);
    assert.is(event.reason, reason);
    assert.is(event.session, known === 'nothing' ? undefined : reference(wire.sid));
    assert.is(event.client, known === undefined ? client : undefined);
    assert.is(event.kid !== undefined, known === undefined);
    assertNothingOf(secretsOf(wire, exported), JSON.stringify(event), name);
    assert.not.match(JSON.stringify(event), /elsewhere|x-forwarded/);
    // The next is as good as ever.
    started.broken.clear();
  });
}

it('an exchange says how many bytes of its body had come', async () => {
  const { list, wire } = await start();
  list.take();
  const message = await wire.seal({ body: pattern(1000) });
  await wire.send(altered(message, message.message.length - 1), { pieceSize: 100 });
  const [event] = list.of('exchange.rejected');
  assert.is(event?.bytes, message.message.length);
});

it('who breaks off is not refused', async () => {
  const { list, wire, server } = await start();
  list.take();
  for (const sent of [10, 300, 200_000]) {
    const message = await wire.seal({ body: pattern(400_000) });
    const connection = await RawConnection.open(server.port);
    await wire.sendHead(message, { connection });
    await connection.write(message.message.subarray(0, sent));
    connection.socket.destroy();
  }
  await sleep(50);
  assert.is((await wire.exchange()).status, 200);
  assert.equal(list.take(), []);
});

it('over http2 neither', async () => {
  const list = new EventList();
  for (const sent of [10, 300, 200_000]) {
    const client = await startHttp2((req, res) => void req.on('error', () => res.end()).resume(), {
      audit: list,
    });
    list.take();
    const { headers, message } = await client.seal({ body: pattern(400_000) });
    const stream = client.connection.request(headers);
    stream.on('error', () => {});
    await new Promise((resolve) => stream.write(message?.subarray(0, sent), resolve));
    await sleep(20);
    // To close the stream would end the body before.
    client.connection.destroy();
    await sleep(50);
    assert.equal(list.take(), []);
  }
});

/** What a handshake request is made of, to be changed. */
async function handshakeOf({ server }: Started): Promise<Record<string, unknown>> {
  const { origin, pin } = server;
  const configuration = new Uint8Array(await (await fetch(origin + configurationPath)).arrayBuffer());
  const { payload } = await verifyConfiguration(configuration, {
    identities: [pin],
    origin,
    now: Date.now(),
  });
  const [key] = await usableKeys(payload, Date.now());
  if (key === undefined) throw new Error('no key');
  return JSON.parse(Buffer.from((await beginHandshake(key, Date.now(), signer)).body).toString());
}

async function shake({ server }: Started, body: unknown, type = handshakeType): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(server.origin + defaultHandshakePath, {
    method: 'POST',
    headers: { 'content-type': type },
    body: text,
  });
}

const handshakes: Record<
  string,
  { reason: ErrorCode; known: 'nothing' | 'kid' | 'client'; send: (started: Started) => Promise<unknown> }
> = {
  'another content type': {
    reason: 'malformed',
    known: 'nothing',
    send: async (started) => shake(started, await handshakeOf(started), 'application/json'),
  },
  'no handshake at all': { reason: 'malformed', known: 'nothing', send: (started) => shake(started, marker) },
  'a body without end': {
    reason: 'malformed',
    known: 'nothing',
    send: (started) => shake(started, marker.repeat(10_000)),
  },
  'another version': {
    reason: 'unsupported-version',
    known: 'nothing',
    send: async (started) => shake(started, { ...(await handshakeOf(started)), v: 2 }),
  },
  'a key that the server does not hold': {
    reason: 'unknown-key',
    known: 'kid',
    send: async (started) => shake(started, { ...(await handshakeOf(started)), kid: 'A'.repeat(43) }),
  },
  'a hello that does not open': {
    reason: 'rejected',
    known: 'kid',
    send: async (started) => shake(started, { ...(await handshakeOf(started)), sealed: 'A'.repeat(400) }),
  },
  'a hello that comes again': {
    reason: 'rejected',
    known: 'kid',
    send: async (started) => {
      const handshake = await handshakeOf(started);
      await shake(started, handshake);
      started.list.take();
      return shake(started, handshake);
    },
  },
  'a store without room': {
    reason: 'too-many-handshakes',
    known: 'client',
    send: async (started) => {
      started.real.create = () => false;
      return shake(started, await handshakeOf(started));
    },
  },
  'a store that is down': {
    reason: 'unavailable',
    known: 'client',
    send: async (started) => {
      started.broken.add('create');
      return shake(started, await handshakeOf(started));
    },
  },
  'a body that does not come': {
    reason: 'timeout',
    known: 'nothing',
    send: async ({ server }) => {
      const connection = await RawConnection.open(server.port);
      afterwards(() => connection.socket.destroy());
      await connection.head('POST', defaultHandshakePath, [
        ['Host', 'localhost'],
        ['Content-Type', handshakeType],
        ['Content-Length', '1000'],
      ]);
      await connection.write('{');
      await sleep(50);
      moveClock(15_000);
      return connection.response();
    },
  },
};

for (const [name, { reason, known, send }] of Object.entries(handshakes)) {
  it(`one event for each refused handshake, with its reason: ${name}`, async () => {
    const started = await start();
    started.list.take();
    await send(started);
    const [event, ...others] = started.list.take();
    assert.equal(others, []);
    if (event?.type !== 'handshake.rejected') throw new Error(`it is ${event?.type}`);
    assert.equal([event.reason, event.client], [reason, known === 'client' ? client : undefined]);
    assert.is(event.kid !== undefined, known !== 'nothing');
    assertNothingOf(secretsOf(started.wire, exported), JSON.stringify(event), name);
  });
}

it('why a store did not answer is told by name, and by nothing else', async () => {
  class StoreError extends Error {
    override name = 'StoreError';
  }
  const named = (name: string, cause?: unknown) => Object.assign(new Error(marker, { cause }), { name });
  const failures: [unknown, string | undefined][] = [
    [named('TimeoutError'), 'TimeoutError'],
    [new StoreError(marker, { cause: named('CKR_DEVICE_REMOVED') }), 'CKR_DEVICE_REMOVED'],
    [new SealwireError('keys-invalid', marker, { cause: new Error(marker) }), 'keys-invalid'],
    [new StoreError(marker, { cause: marker }), 'StoreError'],
    [new Error(marker), undefined],
    [named(`${marker} ${marker}`), undefined],
    [named('A'.repeat(43)), undefined],
    [marker, undefined],
  ];
  const started = await start();
  for (const [error, cause] of failures) {
    started.list.take();
    started.real.claimHello = () => {
      throw error;
    };
    await shake(started, await handshakeOf(started));
    const [event] = started.list.of('handshake.rejected');
    assert.equal([event?.reason, event?.cause], ['unavailable', cause]);
    assert.not.match(JSON.stringify(started.list.take()), marker);
  }
});

onExpress(
  'a sink that throws, rejects or is broken harms no request, and is warned of once',
  async (express) => {
    const warnings: string[] = [];
    const warned = ({ code, message }: Error & { code?: string }) =>
      code === 'SEALWIRE_AUDIT' && warnings.push(message);
    process.on('warning', warned);
    afterwards(() => process.off('warning', warned));
    const list = new EventList();
    const throws: AuditSink = {
      record() {
        throw new Error(marker);
      },
    };
    const rejects: AuditSink = { record: async () => Promise.reject(new Error(marker)) };
    const server = await startSealed(express, (app) => app.use((_req, res) => void res.end()), {
      audit: [throws, rejects, list],
    });
    for (let i = 0; i < 3; i++) {
      const wire = await WireClient.connect(server);
      assert.is((await wire.exchange()).status, 200);
      assert.is((await sealedAnd(wire, {}, (message) => ({ message: altered(message, 60) }))).status, 400);
    }
    assert.is(list.take().length, 9);
    await until(() => warnings.length > 0, 'a warning');
    assert.is(warnings.length, 2);
    assert.not.match(warnings.join(), marker);
  },
);

it('what is no sink is refused', () => {
  for (const audit of [{}, null, [{}], () => {}, 'audit.jsonl']) {
    try {
      sealwire({ keys, origins: ['https://api.example.com'], audit: audit as unknown as AuditSink });
      assert.unreachable(String(audit));
    } catch (error) {
      assert.ok(isSealwireError(error, 'invalid-option'), String(error));
    }
  }
});

test.run();
