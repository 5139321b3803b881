// Whoever stands in the middle may change the outside as he likes: the application sees the inside, or nothing.
import type { Application } from 'express';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { onExpress } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { assertSealedProblem, type Problem, thrown } from './support/problems.ts';
import { startProxy } from './support/proxies.ts';
import { startSealed } from './support/servers.ts';
import { type Sending, WireClient, type WireRequest } from './support/wire-client.ts';

let handled = 0;

function routes(app: Application, express: Parameters<Parameters<typeof startSealed>[1]>[1]): void {
  handled = 0;
  app.use(express.text({ type: () => true }));
  app.use((req, res) => {
    handled++;
    const { method, originalUrl, url, headers, rawHeaders, headersDistinct, hostname, body } = req;
    res.json({ method, originalUrl, url, headers, rawHeaders, headersDistinct, hostname, body });
  });
}

onExpress('sealed fields that a proxy adds or swaps have no effect', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const forged: [string, string][] = [
    ['Authorization', 'Bearer forged'],
    ['X-Api-Key', 'forged'],
    ['X-HTTP-Method-Override', 'DELETE'],
    ['X-Method-Override', 'DELETE'],
    ['Range', 'bytes=0-0'],
    ['If-None-Match', '"forged"'],
    ['If-Match', '"forged"'],
    ['Accept', 'forged/forged'],
    ['Accept-Language', 'forged'],
    ['Content-Language', 'forged'],
    ['Content-Type-Forged', 'x'],
    ['Idempotency-Key', 'forged'],
    ['X-CSRF-Token', 'forged'],
    ['X-Requested-With', 'forged'],
    ['Last-Event-ID', 'forged'],
    ['Sealwire-Time', '0'],
  ];
  for (const body of ['a body', undefined]) {
    const inside: [string, string][] = [
      ['authorization', 'Bearer right'],
      ['accept', 'right/right'],
    ];
    const answer = await wire.exchange(
      { path: '/x', body, fields: inside, method: 'POST' },
      { headers: forged },
    );
    const { method, headers, rawHeaders, headersDistinct } = JSON.parse(answer.body.toString());
    assert.is(method, 'POST');
    assert.is(headers.authorization, 'Bearer right');
    assert.is(headers.accept, 'right/right');
    assert.equal(headersDistinct.authorization, ['Bearer right']);
    for (const [name] of forged.filter(([each]) => each !== 'Sealwire-Time')) {
      const stands = rawHeaders.filter(
        (each: string, i: number) => i % 2 === 0 && each.toLowerCase() === name.toLowerCase(),
      );
      assert.is(stands.length, name === 'Authorization' || name === 'Accept' ? 1 : 0, name);
      if (stands.length === 0) assert.is(headers[name.toLowerCase()], undefined, name);
    }
    for (const list of [headers, headersDistinct]) assert.is(list.sealwire, undefined);
  }
});

onExpress('what belongs to hops stays as the last one left it', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  const outer: [string, string][] = [
    ['X-Forwarded-For', '192.0.2.1'],
    ['Via', '1.1 proxy'],
    ['Cookie', 'a=1'],
    ['User-Agent', 'x'],
    ['X-Request-Id', '7'],
  ];
  const { headers } = JSON.parse((await wire.exchange({ path: '/x' }, { headers: outer })).body.toString());
  for (const [name, value] of outer) assert.is(headers[name.toLowerCase()], value);
});

const refusals: Record<
  string,
  {
    request: WireRequest;
    sending?: Sending;
    moved?: { method?: string; path?: string };
    code: Problem['code'];
    detail?: RegExp;
  }
> = {
  'another outer method': {
    request: { method: 'POST', path: '/x' },
    moved: { method: 'DELETE' },
    code: 'target-mismatch',
    detail: /method/,
  },
  'another outer path': {
    request: { path: '/x' },
    moved: { path: '/admin' },
    code: 'target-mismatch',
    detail: /path/,
  },
  'another outer query': {
    request: { path: '/x?a=1' },
    moved: { path: '/x?a=2' },
    code: 'target-mismatch',
    detail: /query/,
  },
  'another origin inside': {
    request: { path: '/x', authority: 'evil.example' },
    code: 'target-mismatch',
    detail: /evil\.example/,
  },
  'another scheme inside': {
    request: { path: '/x', scheme: 'https' },
    code: 'target-mismatch',
    detail: /https/,
  },
  'an absolute path with a host': { request: { path: '//evil.example/x' }, code: 'malformed' },
  'a path with dot segments': { request: { path: '/a/../x' }, code: 'malformed' },
  'a path with escaped dot segments': { request: { path: '/a/%2E%2e/x' }, code: 'malformed' },
  'a path with a backslash': { request: { path: '/a\\x' }, moved: { path: '/a/x' }, code: 'malformed' },
  'the method TRACE inside': {
    request: { path: '/x', method: 'TRACE' },
    moved: { method: 'GET' },
    code: 'malformed',
  },
  'a field that is not in the table': {
    request: { path: '/x', fields: [['x-unlisted', '1']] },
    code: 'field-not-allowed',
    detail: /x-unlisted/,
  },
  'a field of a gateway': {
    request: { path: '/x', fields: [['x-forwarded-for', '1']] },
    code: 'field-not-allowed',
    detail: /x-forwarded-for/,
  },
  'who a gateway says the user is': {
    request: { path: '/x', fields: [['x-remote-user', 'admin']] },
    code: 'field-not-allowed',
    detail: /x-remote-user/,
  },
  'a host inside': {
    request: { path: '/x', fields: [['host', 'a']] },
    code: 'field-not-allowed',
    detail: /host/,
  },
  'a transfer-encoding inside': {
    request: { path: '/x', body: 'b', length: false, fields: [['transfer-encoding', 'chunked']] },
    code: 'field-not-allowed',
    detail: /transfer-encoding/,
  },
  'a cookie inside': {
    request: { path: '/x', fields: [['cookie', 'a=1']] },
    code: 'field-not-allowed',
    detail: /cookie/,
  },
  'a length of one byte more': {
    request: { path: '/x', body: 'body', fields: [['content-length', '5']] },
    code: 'rejected',
  },
  'a length of one byte less': {
    request: { path: '/x', body: 'body', fields: [['content-length', '3']] },
    code: 'rejected',
  },
  'a length twice': {
    request: {
      path: '/x',
      body: 'body',
      fields: [
        ['content-length', '4'],
        ['content-length', '4'],
      ],
    },
    code: 'rejected',
  },
  'a length that is not canonical': {
    request: { path: '/x', body: 'body', fields: [['content-length', '04']] },
    code: 'rejected',
  },
  'a length without a body': { request: { path: '/x', fields: [['content-length', '4']] }, code: 'rejected' },
  'no time': { request: { path: '/x', time: null }, code: 'malformed' },
  'two times': { request: { path: '/x', fields: [['sealwire-time', '1']] }, code: 'malformed' },
  'a time long ago': { request: { path: '/x', time: Date.now() - 200_000 }, code: 'expired' },
  'a time to come': { request: { path: '/x', time: Date.now() + 120_000 }, code: 'expired' },
};

onExpress('what does not fit is refused inside the seal, by name, and runs nothing', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  assert.is((await wire.exchange({ path: '/x?a=1', body: 'body' })).status, 200);
  for (const [name, { request, sending, moved, code, detail }] of Object.entries(refusals)) {
    const message = { ...(await wire.seal(request)), ...moved };
    const answer = await wire.open(message, await wire.send(message, sending));
    const problem = assertSealedProblem(answer, code as Parameters<typeof assertSealedProblem>[1]);
    if (detail !== undefined) assert.match(problem.detail ?? '', detail, name);
    if (code === 'expired') assert.ok(Math.abs((problem.time ?? 0) - Date.now()) < 5000);
    assert.is(handled, 1, name);
    // The number was accepted: it is used up.
    assertSealedProblem(await wire.open(message, await wire.send(message, sending)), 'replayed');
  }
});

onExpress('paths that mean the same match', async (express) => {
  const server = await startSealed(express, routes);
  const wire = await WireClient.connect(server);
  for (const [inner, outer] of [
    ['/a%2fb', '/a%2Fb'],
    ['/~user', '/%7Euser'],
    ['/a?q=%c3%bc', '/a?q=%C3%BC'],
    ['/x/y', '/x/./z/../y'],
    ['/a', '/%61'],
  ] as const) {
    const message = { ...(await wire.seal({ path: inner })), path: outer };
    const answer = await wire.open(message, await wire.send(message));
    assert.is(answer.status, 200, `${inner} as ${outer}`);
    assert.equal(
      [JSON.parse(answer.body.toString()).originalUrl, JSON.parse(answer.body.toString()).url],
      [inner, inner],
    );
  }
  for (const path of ['/x?', '/x?#fragment', '/%7Euser?q=%27', '/a//b'])
    assert.is((await clientOf(server)(path)).status, 200, path);
});

onExpress(
  'a proxy that swaps what it can makes no difference to the fetch client, or an error',
  async (express) => {
    const server = await startSealed(express, routes, { origins: 'host' });
    let change:
      | ((headers: Record<string, unknown>, passing: { url: string; method: string }) => void)
      | undefined;
    const proxy = await startProxy(server, {
      request(passing) {
        if (!passing.url.startsWith('/.well-known/')) change?.(passing.headers, passing);
      },
    });
    const sealedFetch = clientOf({ ...server, origin: proxy.origin });
    const call = async () =>
      (
        await sealedFetch('/x?a=1', { method: 'POST', body: 'body', headers: { authorization: 'mine' } })
      ).json();
    assert.is((await call()).headers.authorization, 'mine');
    change = (headers) => {
      headers['authorization'] = 'forged';
      headers['x-http-method-override'] = 'DELETE';
      headers['accept-encoding'] = 'forged';
    };
    const { headers } = await call();
    assert.equal([headers.authorization, headers['x-http-method-override']], ['mine', undefined]);
    change = (_headers, passing) => {
      passing.url = '/admin';
    };
    const before = handled;
    await thrown(call(), 'target-mismatch');
    change = (each) => {
      each['content-type'] = 'application/octet-stream';
    };
    await thrown(call(), 'plaintext-answer');
    assert.is(handled, before);
  },
);

test.run();
