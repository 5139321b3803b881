// Options of sealwire() are validated when it is called; what is wrong with the set-up is said with its remedy.
import {
  configurationPath,
  decodeBase64Url,
  defaultHandshakePath,
  fromUtf8,
  handshakeType,
  isSealwireError,
  MemorySessionStore,
  parsePin,
} from '@sealwire/core';
import { type SealwireOptions, StaticKeys, sealwire } from '@sealwire/express';
import type { ErrorRequestHandler } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { frameworks, it, onExpress } from '../../../test/support/cases.ts';
import { startChild } from '../../../test/support/child.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { keys, startSealed } from '../../../test/support/servers.ts';
import { storeWith } from '../../../test/support/stores.ts';
import { WireClient } from '../../../test/support/wire-client.ts';

const origins = ['https://api.example.com'];

function refusal(options: unknown): string {
  try {
    sealwire(options as SealwireOptions);
  } catch (error) {
    assert.ok(isSealwireError(error, 'invalid-option'), String(error));
    return error.message;
  }
  throw new Error(`nothing was thrown for ${JSON.stringify(options)}`);
}

it('an option that is not valid is refused by name, with what would be', () => {
  const right = { keys, origins };
  sealwire(right);
  sealwire({
    ...right,
    policy: 'allow',
    fields: ['X-Tenant', 'x-app-*'],
    stripPrefix: '/public/api',
    addPrefix: '/v1.0',
    ignoreQuery: true,
    store: new MemorySessionStore(),
    trustedProxies: 1,
    clock: Date.now,
  });
  const wrong: [unknown, RegExp | string][] = [
    ['keys', 'object'],
    [{ ...right, key: keys }, 'Did you mean `keys`?'],
    [{ ...right, origin: origins[0] }, 'Did you mean `origins`?'],
    [{ ...right, Policy: 'allow' }, 'Did you mean `policy`?'],
    [{ ...right, sessionStore: new MemorySessionStore() }, 'Did you mean `store`?'],
    [{ ...right, zzz: 1 }, /keys.*origins.*policy.*fields.*store/],
    [{ ...right, keys: Promise.resolve(keys) }, 'await'],
    [{ ...right, keys: {} }, 'StaticKeys'],
    [{ ...right, keys: null }, 'StaticKeys'],
    [{ ...right, origins: [] }, 'origins'],
    [{ ...right, origins: origins[0] }, 'origins'],
    [{ ...right, origins: ['api.example.com'] }, 'api.example.com'],
    [{ ...right, origins: ['https://api.example.com/'] }, 'https://api.example.com/'],
    [{ ...right, origins: ['https://api.example.com:443'] }, '443'],
    [{ ...right, origins: [7] }, '7'],
    [{ ...right, policy: 'deny' }, 'policy'],
    [{ ...right, fields: 'x-tenant' }, 'fields'],
    [{ ...right, fields: ['x tenant'] }, 'x tenant'],
    [{ ...right, fields: ['*'] }, 'fields'],
    [{ ...right, fields: ['x-*'] }, 'x-*'],
    [{ ...right, stripprefix: '/api' }, 'Did you mean `stripPrefix`?'],
    ...['', '/', 'api', '/api/', '//api', '/a//b', '/a/../b', '/a?b', '/a b', '/\\a', 7, null].flatMap(
      (prefix): [unknown, string][] => [
        [{ ...right, stripPrefix: prefix }, `\`stripPrefix\` is ${JSON.stringify(prefix)}`],
        [{ ...right, addPrefix: prefix }, `\`addPrefix\` is ${JSON.stringify(prefix)}`],
      ],
    ),
    [{ ...right, ignoreQuery: 'yes' }, 'ignoreQuery'],
    [{ ...right, store: {} }, 'create'],
    [{ ...right, store: storeWith(new MemorySessionStore(), { accept: 1 }) }, 'accept'],
    [{ ...right, trustedProxies: -1 }, 'trustedProxies'],
    [{ ...right, trustedProxies: true }, 'trustedProxies'],
    [{ ...right, clock: 7 }, 'clock'],
  ];
  for (const [options, expected] of wrong) assert.match(refusal(options), expected);
  for (const field of [
    'Host',
    'connection',
    'x-forwarded-for',
    'x-forwarded-*',
    'x-real-ip',
    'via',
    'proxy-authorization',
    'origin',
    'referer',
    'sec-fetch-site',
    'sealwire',
    'sealwire-time',
    'expect',
    'forwarded',
    'transfer-encoding',
    'te',
    'cookie',
  ]) {
    assert.match(refusal({ ...right, fields: [field] }), field.toLowerCase());
  }
});

onExpress(
  '`fields` are sealed, published in the signed configuration, and taken from nowhere else',
  async (express) => {
    const server = await startSealed(
      express,
      (app) => {
        app.get('/', (req, res) => void res.json([req.get('x-tenant'), req.get('x-app-one')]));
      },
      { fields: ['X-Tenant', 'x-app-*'] },
    );
    const answer = await fetch(server.origin + configurationPath);
    const { payload } = (await answer.json()) as { payload: string };
    const published = JSON.parse(fromUtf8(decodeBase64Url(payload)));
    assert.equal(published.fields, ['x-tenant', 'x-app-*']);
    assert.equal(published.aud, [server.origin]);
    const wire = await WireClient.connect(server);
    const sealed = await wire.exchange(
      {
        fields: [
          ['x-tenant', 'acme'],
          ['x-app-one', '1'],
        ],
      },
      {
        headers: [
          ['X-Tenant', 'other'],
          ['X-App-One', '2'],
        ],
      },
    );
    assert.equal(JSON.parse(sealed.body.toString()), ['acme', '1']);
    const outside = await wire.exchange(
      {},
      {
        headers: [
          ['X-Tenant', 'other'],
          ['X-App-One', '2'],
        ],
      },
    );
    assert.equal(JSON.parse(outside.body.toString()), [null, null]);
  },
);

onExpress('a body parser mounted before is a configuration error with its remedy', async (express) => {
  let handled = 0;
  const errors: unknown[] = [];
  const onError: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error);
    res.status(error.status).json({ code: error.code, message: error.message });
  };
  const all = { type: () => true };
  for (const parser of [express.raw(all), express.text(all), express.json(), express.urlencoded()]) {
    const server = await startSealed(
      express,
      (app) => {
        app.post('/', express.json(), (_req, res) => {
          handled++;
          res.end();
        });
        app.use(onError);
      },
      { before: (app) => void app.use('/wrong', parser) },
    );
    const wire = await WireClient.connect(server);
    const body = { body: '{"a":1}', fields: [['content-type', 'application/json'] as const] };
    assert.is((await wire.exchange({ path: '/', ...body })).status, 200);
    const answer = await wire.send(await wire.seal({ path: '/wrong', ...body }));
    assert.is(answer.status, 500);
    assert.is(JSON.parse(answer.body.toString()).code, 'parser-before-sealwire');
    assert.match(JSON.parse(answer.body.toString()).message, 'before every body parser');
  }
  assert.is(errors.length, 4);
  assert.ok(errors.every((error) => isSealwireError(error, 'parser-before-sealwire')));
  assert.is(handled, 4);
});

onExpress('the handshake says it, too, if a parser at the root took its body', async (express) => {
  const onError: ErrorRequestHandler = (error, _req, res, _next) =>
    void res.status(error.status).json(error.code);
  const server = await startSealed(express, (app) => void app.use(onError), {
    before: (app) => void app.use(express.raw({ type: () => true })),
  });
  const answer = await fetch(server.origin + defaultHandshakePath, {
    method: 'POST',
    headers: { 'content-type': handshakeType },
    body: '{}',
  });
  assert.equal([answer.status, await answer.json()], [500, 'parser-before-sealwire']);
});

it('production without keys or origins does not start, and says why', async () => {
  const exported = await StaticKeys.generateExported(['X25519']);
  const start = (keysOf: object, options: object) =>
    startChild('app-process.ts', {
      NODE_ENV: 'production',
      TEST_OPTIONS: JSON.stringify(options),
      ...keysOf,
    });
  const complete = start({ TEST_KEYS: exported }, { origins });
  const noKeys = start({}, { origins });
  const noOrigins = start({ TEST_KEYS: exported }, {});
  assert.match(await complete.ready, /^http:/);
  assert.match(await noKeys.ready, /^keys-required .*keys/);
  assert.match(await noOrigins.ready, /^origins-required .*https:\/\/api\.example\.com/);
  assert.equal(await Promise.all([noKeys.ended, noOrigins.ended]), [1, 1]);
  assert.is(complete.output.stderr, '');
});

it('development without keys warns in one line that holds the pin', async () => {
  const child = startChild('app-process.ts', { NODE_ENV: 'development' });
  const origin = await child.ready;
  await (await fetch(origin + configurationPath)).arrayBuffer();
  const lines = child.output.stderr.trim().split('\n');
  assert.is(lines.length, 1, child.output.stderr);
  const pin = /sw1[A-Za-z0-9_-]{43}/.exec(lines[0] as string)?.[0] as string;
  assert.is(parsePin(pin).length, 32);
  const post = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
  assert.is((await clientOf({ origin, pin })('/logged', post)).status, 200);
});

it('in development the Host of a request stands for the origin, in production only `origins`', async () => {
  const [, { express = undefined } = {}] = frameworks;
  if (express === undefined) throw new Error('no Express');
  const routes = (app: Parameters<Parameters<typeof startSealed>[1]>[0]) => {
    app.get('/', (req, res) => void res.send(req.get('host')));
  };
  const server = await startSealed(express, routes, { origins: 'host' });
  const other = server.origin.replace('127.0.0.1', 'localhost');
  for (const origin of [server.origin, other]) {
    assert.is(await (await clientOf({ ...server, origin })('/')).text(), new URL(origin).host);
  }
});

test.run();
