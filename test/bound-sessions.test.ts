// A cookie travels outside, where it can be copied and swapped: bound to a client key, it is of use to that client only.
import { createClientKey } from '@sealwire/client/client-key';
import { MemorySessionStore } from '@sealwire/core';
import { bindSession as bindExpress } from '@sealwire/express';
import { bindSession as bindKoa } from '@sealwire/koa';
import session from 'express-session';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { session as koaSession } from './support/koa.ts';
import { thrown } from './support/problems.ts';
import { type Passing, startProxy } from './support/proxies.ts';
import { listen, pin } from './support/servers.ts';
import { type Stack, type StackApp, stacks } from './support/stacks.ts';

type State = { user?: string; sealedClient?: string };

/** What users wrote, by name, and every route that ran. */
interface Notes {
  readonly written: Map<string, string[]>;
  readonly ran: string[];
}

/** What an app does with whoever is logged in, in any framework. */
function act(notes: Notes, path: string, user: string, body: string): string {
  notes.ran.push(path);
  if (path === '/note') notes.written.set(user, [...(notes.written.get(user) ?? []), body]);
  return user;
}

/** Log in (with a new session), be asked who one is, write, log out; as each framework's documentation has it. */
function appWith(notes: Notes, bound: () => boolean): StackApp {
  return {
    express(app, express) {
      const bind = bindExpress({
        get: (req) => (req.session as State).sealedClient,
        set: (req, thumbprint) => {
          (req.session as State).sealedClient = thumbprint;
        },
      });
      app.use(session({ secret: 'of the tests', resave: false, saveUninitialized: false }));
      app.use((req, res, next) => (bound() ? bind(req, res, next) : next()));
      app.use(express.text());
      app.post('/login', (req, res, next) => {
        req.session.regenerate((error) => {
          if (error) return next(error);
          (req.session as State).user = String(req.query.user);
          res.send('welcome');
        });
      });
      app.post('/logout', (req, res) => {
        req.session.destroy(() => res.send('bye'));
      });
      app.all(['/me', '/note'], (req, res) => {
        res.send(act(notes, req.path, (req.session as State).user ?? 'nobody', String(req.body)));
      });
    },
    koa(app) {
      const bind = bindKoa({
        get: (ctx) => ctx.session.sealedClient,
        set: (ctx, thumbprint) => {
          ctx.session.sealedClient = thumbprint;
        },
      });
      app.keys = ['of the tests'];
      app.use(koaSession(app));
      app.use((ctx, next) => (bound() ? bind(ctx, next) : next()));
      app.use(async (ctx) => {
        const state = ctx.session as unknown as State;
        const parts: Buffer[] = [];
        for await (const part of ctx.req) parts.push(part as Buffer);
        if (ctx.path === '/login') {
          ctx.session = null as never;
          ctx.session = { user: String(ctx.query.user) } as never;
          ctx.body = 'welcome';
        } else if (ctx.path === '/logout') {
          ctx.session = null as never;
          ctx.body = 'bye';
        } else {
          ctx.body = act(notes, ctx.path, state.user ?? 'nobody', Buffer.concat(parts).toString());
        }
      });
    },
  };
}

/** A client that keeps its cookies, as a browser does, outside. */
class Visitor {
  readonly #fetch: ReturnType<typeof clientOf>;
  cookie = '';

  constructor(origin: string, clientKey?: Awaited<ReturnType<typeof createClientKey>>) {
    this.#fetch = clientOf({ origin, pin }, clientKey === undefined ? {} : { clientKey });
  }

  async ask(path: string, body?: string): Promise<string> {
    const response = await this.#fetch(path, {
      headers: { 'content-type': 'text/plain', ...(this.cookie !== '' && { cookie: this.cookie }) },
      ...(body !== undefined && { method: 'POST', body }),
    });
    const set = response.sealed.outer.getSetCookie().map((each) => each.split(';', 1)[0] as string);
    if (set.length > 0) this.cookie = set.join('; ');
    return response.text();
  }
}

const [adasKey, evesKey] = await Promise.all([createClientKey(), createClientKey()]);

/** The app behind a middle that may change what passes; and who visits it. */
async function start(stack: Stack) {
  const notes: Notes = { written: new Map(), ran: [] };
  const middle = { change: (_passing: Passing): void => {}, bound: true };
  const app = appWith(notes, () => middle.bound);
  const setUp = { options: { policy: 'allow' as const } };
  const server = await listen(stack.listener(app, undefined, new MemorySessionStore(), setUp));
  const { origin } = await startProxy(server, { request: (passing) => middle.change(passing) });
  const [ada, eve, keyless] = [
    new Visitor(origin, adasKey),
    new Visitor(origin, evesKey),
    new Visitor(origin),
  ] as const;
  return { notes, middle, origin, ada, eve, keyless };
}

for (const stack of stacks.filter(({ kind, http2 }) => kind !== 'node' && !http2)) {
  it(`whoever logged in is known by the cookie and the key together (${stack.name})`, async () => {
    const { ada, notes } = await start(stack);
    assert.is(await ada.ask('/login?user=ada', ''), 'welcome');
    assert.is(await ada.ask('/me'), 'ada');
    assert.is(await ada.ask('/note', 'mine'), 'ada');
    assert.equal([...notes.written], [['ada', ['mine']]]);
    assert.is(await ada.ask('/logout', ''), 'bye');
    assert.is(await ada.ask('/me'), 'nobody');
  });

  it(`a cookie that was copied at its first sight is of no use to another (${stack.name})`, async () => {
    const { ada, eve, keyless, origin, notes } = await start(stack);
    await ada.ask('/login?user=ada', '');
    for (const thief of [eve, keyless]) {
      thief.cookie = ada.cookie;
      await thrown(thief.ask('/note', 'stolen'), 'not-bound');
      await thrown(thief.ask('/me'), 'not-bound');
    }
    const plain = await fetch(`${origin}/me`, { headers: { cookie: ada.cookie } });
    assert.is(plain.status, 403);
    assert.is((await plain.json()).code, 'not-bound');
    assert.equal(notes.ran, []);
    assert.is(await ada.ask('/me'), 'ada');
  });

  it(`a middle that swaps the cookies of two clients gives neither the other's data (${stack.name})`, async () => {
    const { ada, eve, middle, notes } = await start(stack);
    await ada.ask('/login?user=ada', '');
    await eve.ask('/login?user=eve', '');
    assert.equal([await ada.ask('/note', 'by ada'), await eve.ask('/note', 'by eve')], ['ada', 'eve']);
    notes.ran.length = 0;
    const swapped = new Map([
      [ada.cookie, eve.cookie],
      [eve.cookie, ada.cookie],
    ]);
    assert.is(swapped.size, 2);
    middle.change = ({ headers }) => {
      if (headers.cookie !== undefined) headers.cookie = swapped.get(headers.cookie) as string;
    };
    for (const visitor of [ada, eve]) {
      await thrown(visitor.ask('/me'), 'not-bound');
      await thrown(visitor.ask('/note', 'whose?'), 'not-bound');
    }
    // Without its cookie a request is nobody's.
    middle.change = ({ headers }) => {
      delete headers.cookie;
    };
    assert.is(await ada.ask('/me'), 'nobody');
    assert.equal(notes.ran, ['/me']);
    assert.equal(
      [...notes.written],
      [
        ['ada', ['by ada']],
        ['eve', ['by eve']],
      ],
    );
  });

  it(`without binding, the swap works: this is what it is for (${stack.name})`, async () => {
    const { ada, eve, middle } = await start(stack);
    middle.bound = false;
    await ada.ask('/login?user=ada', '');
    eve.cookie = ada.cookie;
    assert.is(await eve.ask('/me'), 'ada');
  });

  it(`a session that was made before there was binding is that of the first key it comes with (${stack.name})`, async () => {
    const { ada, eve, middle } = await start(stack);
    middle.bound = false;
    await ada.ask('/login?user=ada', '');
    middle.bound = true;
    assert.is(await ada.ask('/me'), 'ada');
    eve.cookie = ada.cookie;
    await thrown(eve.ask('/me'), 'not-bound');
  });

  it(`clients without a key are served, and their sessions are not bound (${stack.name})`, async () => {
    const { keyless, origin } = await start(stack);
    await keyless.ask('/login?user=guest', '');
    assert.is(await keyless.ask('/me'), 'guest');
    const plain = await fetch(`${origin}/me`, { headers: { cookie: keyless.cookie } });
    assert.is(await plain.text(), 'guest');
  });

  it(`what somebody logged in without a key is that of the first key, so logins without one are to be refused (${stack.name})`, async () => {
    const { ada, keyless, notes } = await start(stack);
    await keyless.ask('/login?user=eve', '');
    ada.cookie = keyless.cookie;
    assert.is(await ada.ask('/note', 'by ada'), 'eve');
    assert.equal([...notes.written], [['eve', ['by ada']]]);
  });

  it(`another's \`authorization\`, added outside, is nobody's (${stack.name})`, async () => {
    const seen: (string | undefined)[] = [];
    const app: StackApp = {
      express: (each) => {
        each.use((req, res) => {
          seen.push(req.headers.authorization);
          res.end();
        });
      },
      koa: (each) => {
        each.use((ctx) => {
          seen.push(ctx.get('authorization') || undefined);
          ctx.body = '';
        });
      },
    };
    const server = await listen(stack.listener(app, undefined, new MemorySessionStore()));
    const proxy = await startProxy(server, {
      request: ({ headers }) => {
        headers.authorization = 'Bearer of-eve';
      },
    });
    const sealedFetch = clientOf(proxy);
    await sealedFetch('/', { headers: { authorization: 'Bearer of-ada' } });
    await sealedFetch('/');
    assert.equal(seen, ['Bearer of-ada', undefined]);
  });
}

test.run();
