// With `cookies: 'sealed'` on both sides cookies travel inside: nobody sees, copies, swaps, adds or sets one.
import { createSealedFetch } from '@sealwire/client';
import { createGateway } from '@sealwire/client/node';
import { isSealwireError, MemorySessionStore } from '@sealwire/core';
import { createHandler } from '@sealwire/node';
import session from 'express-session';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Caller } from './support/caller.ts';
import { it } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { session as koaSession } from './support/koa.ts';
import { thrown } from './support/problems.ts';
import { type ProxyRules, startProxy, startTap } from './support/proxies.ts';
import { afterwards } from './support/resources.ts';
import { keys, listen, nodeFramework, pin, startSealedNode } from './support/servers.ts';
import { type Stack, type StackApp, stacks, startStack } from './support/stacks.ts';

/** Whoever asked for `/login?user=` is that user from then on, by a session in a cookie. */
const app: StackApp = {
  express(each) {
    each.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }));
    each.use((req, res) => {
      const state = req.session as { user?: string };
      if (req.path === '/login') state.user = String(req.query.user);
      res.append('set-cookie', 'beside=it');
      res.send(state.user ?? 'nobody');
    });
  },
  koa(each) {
    each.keys = ['of the tests'];
    each.use(koaSession(each));
    each.use((ctx) => {
      const state = ctx.session as unknown as { user?: string };
      if (ctx.path === '/login') state.user = String(ctx.query.user);
      ctx.append('set-cookie', 'beside=it');
      ctx.body = state.user ?? 'nobody';
    });
  },
};

const options = { cookies: 'sealed' } as const;

async function start(stack: Stack, rules: ProxyRules = {}) {
  const server = await listen(stack.listener(app, undefined, new MemorySessionStore(), { options }));
  return startProxy(server, rules);
}

/** A call with a cookie, and the cookies that it is answered with. */
async function ask(sealedFetch: ReturnType<typeof clientOf>, path: string, cookie = '') {
  const response = await sealedFetch(path, cookie === '' ? {} : { headers: { cookie } });
  const cookies = response.headers.getSetCookie().map((each) => each.split(';', 1)[0] as string);
  return { text: await response.text(), cookies, outer: response.sealed.outer };
}

const ownCookies = (cookies: string[]) => cookies.filter((each) => !each.startsWith('beside=')).join('; ');

for (const stack of stacks.filter(({ kind, http2 }) => kind !== 'node' && !http2)) {
  it(`cookies work as ever, and the path sees none (${stack.name})`, async () => {
    const seen: string[] = [];
    const server = await start(stack, {
      request: ({ headers }) => seen.push(JSON.stringify(headers)),
      response: ({ headers }) => seen.push(JSON.stringify(headers)),
    });
    const sealedFetch = clientOf(server, options);
    const login = await ask(sealedFetch, '/login?user=ada');
    assert.ok(login.cookies.includes('beside=it'));
    const cookie = ownCookies(login.cookies);
    assert.is((await ask(sealedFetch, '/', cookie)).text, 'ada');
    assert.is((await ask(sealedFetch, '/')).text, 'nobody');
    assert.is(login.outer.has('set-cookie'), false);
    assert.ok(seen.length > 4);
    assert.not.match(seen.join(), 'cookie');
  });

  it(`a cookie that the middle adds, swaps in or sets is nobody's (${stack.name})`, async () => {
    let stolen = '';
    const server = await start(stack, {
      request: ({ headers }) => {
        headers.cookie = stolen;
      },
      response: ({ headers }) => {
        headers['set-cookie'] = ['planted=it'];
      },
    });
    const [ada, eve] = [clientOf(server, options), clientOf(server, options)];
    const adas = ownCookies((await ask(ada, '/login?user=ada')).cookies);
    const eves = ownCookies((await ask(eve, '/login?user=eve')).cookies);
    for (const cookie of [adas, eves]) {
      stolen = cookie;
      const [byAda, byEve, byNobody] = [
        await ask(ada, '/', adas),
        await ask(eve, '/', eves),
        await ask(eve, '/'),
      ] as const;
      assert.equal([byAda.text, byEve.text, byNobody.text], ['ada', 'eve', 'nobody']);
      for (const { cookies } of [byAda, byEve, byNobody]) assert.not.match(cookies.join(), 'planted');
    }
  });
}

for (const stack of stacks) {
  it(`a server seals every \`set-cookie\` and removes every outer \`cookie\` (${stack.name})`, async () => {
    const seen: (string | undefined)[] = [];
    const server = await startStack(
      stack,
      {
        listener(req, res) {
          seen.push(req.headers.cookie);
          res.setHeader('set-cookie', ['a=1; HttpOnly', 'b=2']);
          req.resume().on('end', () => res.end('answered'));
        },
      },
      { options },
    );
    const caller = await Caller.connect(stack, server);
    const { headers } = await caller.ask({ body: 'x', fields: [['cookie', 'c=3']] });
    assert.match(headers['set-cookie'] as string, 'b=2');
    assert.equal(seen, ['c=3']);
    const { bytes, begin } = await caller.prepare({ body: 'y', outer: [['cookie', 'planted=4']] });
    const call = await begin();
    await call.write(bytes);
    await call.end();
    const answer = await call.answer;
    assert.is(answer.headers['set-cookie'], undefined);
    assert.equal(seen, ['c=3', undefined]);
    await caller.line.close();
  });
}

it('a client that seals its cookies sends none to a server that does not', async () => {
  const arrived: unknown[] = [];
  const server = await startSealedNode((req, res) => {
    arrived.push(req.headers.cookie);
    res.end();
  });
  const sealedFetch = clientOf(server, options);
  const error = await thrown(sealedFetch('/', { headers: { cookie: 'a=1' } }), 'field-not-listed');
  assert.match(error.message, '`cookie`');
  assert.equal(arrived, []);
  // Without the option they travel outside, as ever.
  await clientOf(server)('/', { headers: { cookie: 'a=1' } });
  assert.equal(arrived, ['a=1']);
});

it('a gateway passes cookies on inside, and none from outside', async () => {
  const server = await startSealedNode(
    (req, res) => {
      res.setHeader('set-cookie', ['answer=1', 'more=2']);
      res.end(req.headers.cookie ?? 'none');
    },
    { ...options, origins: 'host' },
  );
  const tap = await startTap(await startProxy(server, { response: ({ headers }) => addPlanted(headers) }));
  const gateway = createGateway({ origin: tap.origin, identity: pin, suites: ['X25519'], ...options });
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  afterwards(() => gateway.close().closeAllConnections());
  const { port } = gateway.address() as { port: number };
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { cookie: 'mine=3' } });
  assert.is(await response.text(), 'mine=3');
  assert.equal(response.headers.getSetCookie(), ['answer=1', 'more=2']);
  assert.not.match(Buffer.concat([...tap.up, ...tap.down]).toString('latin1'), /mine=3|answer=1/);
});

function addPlanted(headers: Record<string, unknown>): void {
  headers['set-cookie'] = ['planted=4'];
}

it('other values of the option are refused, and in a browser the option', () => {
  const refuses = (make: () => unknown) =>
    assert.throws(make, (error: Error) => isSealwireError(error, 'invalid-option'));
  const client = { origin: 'https://api.example.com', identity: pin } as const;
  for (const cookies of ['clear', true, null] as never[]) {
    refuses(() => createSealedFetch({ ...client, cookies }));
    refuses(() => createHandler({ keys, cookies }, nodeFramework));
  }
  createSealedFetch({ ...client, ...options });
  // What pages have, and what workers have.
  for (const name of ['document', 'importScripts']) {
    Object.defineProperty(globalThis, name, { value: {}, configurable: true });
    try {
      refuses(() => createSealedFetch({ ...client, ...options }));
      createSealedFetch(client);
    } finally {
      Reflect.deleteProperty(globalThis, name);
    }
  }
});

test.run();
