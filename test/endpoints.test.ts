// The well-known endpoints: what they publish, and how they refuse what is no handshake.
import {
  beginHandshake,
  configurationPath,
  configurationType,
  defaultHandshakePath,
  handshakeType,
  maxHandshakeLength,
  problemType,
  SealwireError,
  type ServerKeys,
  usableKeys,
  verifyConfiguration,
} from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type Express, onExpress } from './support/cases.ts';
import { assertProblem } from './support/problems.ts';
import { RawConnection, type RawResponse } from './support/raw-http.ts';
import { keys, type SealedServer, startSealed } from './support/servers.ts';

async function start(express: Express): Promise<SealedServer> {
  return startSealed(express, (app) => void app.get('/', (_req, res) => void res.send('page')));
}

async function keyOf({ origin, pin }: SealedServer) {
  const answer = await fetch(origin + configurationPath);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  const { payload } = await verifyConfiguration(bytes, { identities: [pin], origin, now: Date.now() });
  const [key] = await usableKeys(payload, Date.now());
  if (key === undefined) throw new Error('no key');
  return key;
}

async function post(
  connection: RawConnection,
  body: Uint8Array | string,
  headers: [string, string][] = [['Content-Type', handshakeType]],
): Promise<RawResponse> {
  const bytes = Buffer.from(body);
  const length: [string, string] = ['Content-Length', String(bytes.length)];
  await connection.head('POST', defaultHandshakePath, [['Host', 'localhost'], length, ...headers]);
  await connection.write(bytes);
  return connection.response();
}

onExpress('the configuration is a JWS that names origin and keys, the same for everyone', async (express) => {
  const server = await start(express);
  const answers = await Promise.all([1, 2].map(() => fetch(server.origin + configurationPath)));
  const [one, other] = await Promise.all(answers.map((answer) => answer.text()));
  assert.is(one, other);
  assert.is(answers[0]?.headers.get('content-type'), configurationType);
  const { payload, signatures } = JSON.parse(one as string);
  assert.equal(Object.keys(JSON.parse(one as string)).sort(), ['payload', 'signatures']);
  assert.is(signatures.length, 1);
  const published = JSON.parse(Buffer.from(payload, 'base64url').toString());
  assert.equal(published.aud, [server.origin]);
  assert.is(published.handshake, defaultHandshakePath);
  assert.ok(published.exp - published.iat <= 7 * 86_400_000);
});

onExpress(
  'a key that is not known is refused as such, also while no configuration can be published',
  async (express) => {
    let broken = false;
    const failing: ServerKeys = {
      pins: keys.pins,
      findKey: (kid) => (broken ? undefined : keys.findKey(kid)),
      publish: (...args) => {
        if (broken) throw new SealwireError('keys-invalid', '/keys/manifest.json');
        return keys.publish(...args);
      },
    };
    const server = await startSealed(express, () => {}, { keys: failing });
    const { body } = await beginHandshake(await keyOf(server), Date.now());
    broken = true;
    const answer = await fetch(server.origin + defaultHandshakePath, {
      method: 'POST',
      headers: { 'content-type': handshakeType },
      body,
    });
    const problem = await answer.json();
    assert.equal([answer.status, problem.code, problem.configuration], [409, 'unknown-key', undefined]);
    // There the application's own error handler hears of it.
    assert.is((await fetch(server.origin + configurationPath)).status, 500);
  },
);

onExpress('a handshake works once; its bytes sent again make no second session', async (express) => {
  const server = await start(express);
  const handshake = await beginHandshake(await keyOf(server), Date.now());
  const connection = await RawConnection.open(server.port);
  const reply = await post(connection, handshake.body);
  assert.equal(
    [reply.status, reply.headers['content-type'], reply.headers['cache-control']],
    [200, handshakeType, 'no-store'],
  );
  const session = await handshake.finish(reply.body);
  assert.is(session.sid.length, 22);
  assertProblem(await post(connection, handshake.body), 'rejected');
});

onExpress(
  'what is no handshake is a clear problem, and the connection goes on or is closed',
  async (express) => {
    const server = await start(express);
    const key = await keyOf(server);
    const right = async () =>
      JSON.parse(Buffer.from((await beginHandshake(key, Date.now())).body).toString()) as Record<
        string,
        unknown
      >;
    const altered = async (members: Record<string, unknown>) =>
      JSON.stringify({ ...(await right()), ...members });
    const other = (text: unknown) => (String(text).startsWith('A') ? 'B' : 'A') + String(text).slice(1);
    const bodies: [string, string | Uint8Array, Parameters<typeof assertProblem>[1]][] = [
      ['nothing', '', 'malformed'],
      ['no JSON', '{', 'malformed'],
      ['another JSON', '[]', 'malformed'],
      ['a member too many', await altered({ extra: 1 }), 'malformed'],
      ['a member too few', await altered({ kid: undefined }), 'malformed'],
      ['another version', await altered({ v: 2 }), 'unsupported-version'],
      ['an unknown suite', await altered({ suite: 'ffff00010002' }), 'unknown-key'],
      ['another suite than the key is for', await altered({ suite: '001000010002' }), 'malformed'],
      ['an unknown key', await altered({ kid: other((await right())['kid']) }), 'unknown-key'],
      ['a short enc', await altered({ enc: 'AAAA' }), 'malformed'],
      ['another enc', await altered({ enc: (await right())['enc'] }), 'rejected'],
      ['altered bytes', await altered({ sealed: other((await right())['sealed']) }), 'rejected'],
      ['bytes that are no UTF-8', new Uint8Array(20).fill(0xff), 'malformed'],
      ['too many bytes', 'x'.repeat(maxHandshakeLength + 1), 'malformed'],
      ['far too many bytes', 'x'.repeat(1_000_000), 'malformed'],
    ];
    for (const [name, body, code] of bodies) {
      const connection = await RawConnection.open(server.port);
      const answer = await post(connection, body);
      assert.is(answer.headers['sealwire'], code, name);
      const problem = assertProblem(answer, code) as { configuration?: { payload: string } };
      // Who used an old key gets the new ones in the same breath.
      assert.is(typeof problem.configuration?.payload, code === 'unknown-key' ? 'string' : 'undefined', name);
      if (answer.headers['connection'] === 'close') await connection.untilEnded();
      else
        assert.is(
          (await post(connection, (await beginHandshake(key, Date.now())).body)).status,
          200,
          `after ${name}`,
        );
    }
  },
);

onExpress('another content type, an encoding or another method is no handshake', async (express) => {
  const server = await start(express);
  const key = await keyOf(server);
  const body = async () => (await beginHandshake(key, Date.now())).body;
  const attempts: [[string, string][], number][] = [
    [[['Content-Type', handshakeType]], 200],
    [[['Content-Type', 'application/json']], 400],
    [[], 400],
    [
      [
        ['Content-Type', handshakeType],
        ['Content-Encoding', 'gzip'],
      ],
      400,
    ],
  ];
  for (const [headers, status] of attempts) {
    const answer = await post(await RawConnection.open(server.port), await body(), headers);
    assert.is(answer.status, status, JSON.stringify(headers));
    if (status === 400) assertProblem(answer, 'malformed');
  }
  for (const [method, path] of [
    ['GET', defaultHandshakePath],
    ['PUT', defaultHandshakePath],
    ['POST', configurationPath],
    ['POST', `${defaultHandshakePath}/more`],
  ] as const) {
    const answer = await fetch(server.origin + path, { method });
    assert.is(answer.headers.get('content-type'), problemType, `${method} ${path}`);
    assert.is(answer.headers.get('sealwire'), 'sealed-required');
  }
});

test.run();
