// Whatever the path does with requests and answers, in whatever order, and whenever the server restarts: with a store
// that stays, no call is ever executed twice.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSealedFetch, type SealedFetch } from '@sealwire/client';
import { isSealwireError, MemorySessionStore } from '@sealwire/core';
import { createHandler } from '@sealwire/node';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { keys, nodeFramework, pin } from './support/servers.ts';

const runs = 10_000;

/** What the path does with one request: drops its answer, holds it back, sends it twice; or nothing. */
type Act = 'pass' | 'forge' | 'hold' | 'twice' | 'swap';

/** How often each call was executed, by the name it was made under. */
const executed = new Map<string, number>();
let time = Date.now();
const clock = { now: () => time, monotonic: () => time };
const store = new MemorySessionStore();
let handler: RequestListener;
let origin = '';

/** A new process with the same store: nothing else is kept. */
function restart(): void {
  const handle = createHandler({ keys, store, origins: [origin], clock: () => time }, nodeFramework);
  handler = (req, res) =>
    handle(req, res, (error) => {
      if (error !== undefined) throw error;
      const name = req.url as string;
      executed.set(name, (executed.get(name) ?? 0) + 1);
      res.end(name);
    });
}

function unknownSession(): Response {
  const problem = { type: 'urn:sealwire:problem:unknown-session', code: 'unknown-session', status: 409 };
  const headers = { 'content-type': 'application/problem+json' };
  return new Response(JSON.stringify(problem), { status: 409, headers });
}

/** What the requests of the run meet, and what was held back so far. */
let acts: Act[] = [];
let held: (() => Promise<unknown>)[] = [];

async function path(url: string, init: RequestInit): Promise<Response> {
  const send = () => fetch(url, init);
  const swallow = async () => (await send()).arrayBuffer();
  if (url.includes('/.well-known/')) return send();
  switch (acts.shift()) {
    case 'forge':
      await swallow();
      return unknownSession();
    case 'hold':
      held.push(swallow);
      return unknownSession();
    case 'twice': {
      const [answer] = await Promise.all([send(), swallow()]);
      return answer;
    }
    case 'swap': {
      // A copy goes first, and its answer comes back.
      const answer = await send();
      await swallow();
      return answer;
    }
    default:
      return send();
  }
}

async function release(count: number): Promise<void> {
  await Promise.all(held.splice(0, count).map((send) => send()));
}

let calls = 0;
let sealedFetch: SealedFetch;

class Call implements fc.AsyncCommand<object, object> {
  readonly #acts: readonly Act[];
  readonly #releaseDuring: number;

  constructor(chosen: readonly Act[], releaseDuring: number) {
    this.#acts = chosen;
    this.#releaseDuring = releaseDuring;
  }

  check = () => true;

  async run(): Promise<void> {
    const name = `/call/${calls++}`;
    acts = [...this.#acts];
    const call = sealedFetch(name, { method: 'POST', body: name });
    const [outcome] = await Promise.allSettled([call, release(this.#releaseDuring)]);
    if (outcome.status === 'fulfilled') {
      assert.is(await outcome.value.text(), name);
      assert.is(executed.get(name), 1);
    } else {
      assert.ok(isSealwireError(outcome.reason), String(outcome.reason));
      // A client that may do no further handshake says so before it sends anything.
      const unsent = outcome.reason.code === 'too-many-handshakes';
      if (unsent) assert.is(executed.get(name), undefined);
      else assert.is(outcome.reason.code, 'outcome-unknown');
    }
    assert.ok((executed.get(name) ?? 0) <= 1, name);
  }

  toString = () => `call(${this.#acts.join(', ')}; releases ${this.#releaseDuring})`;
}

class Release implements fc.AsyncCommand<object, object> {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  check = () => held.length > 0;
  run = () => release(this.#count);
  toString = () => `release(${this.#count})`;
}

class Restart implements fc.AsyncCommand<object, object> {
  check = () => true;
  run = async () => restart();
  toString = () => 'restart';
}

test(`${runs} interleavings of holding, forging, doubling and restarting execute no call twice`, async () => {
  const server = createServer((req, res) => handler(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  restart();
  sealedFetch = createSealedFetch({ origin, identity: pin, suites: ['X25519'], clock, fetch: path });
  const act = fc.constantFrom<Act[]>('pass', 'forge', 'hold', 'twice', 'swap');
  const commands = [
    fc.tuple(fc.array(act, { maxLength: 3 }), fc.nat(2)).map(([chosen, during]) => new Call(chosen, during)),
    fc.integer({ min: 1, max: 3 }).map((count) => new Release(count)),
    fc.constant(new Restart()),
  ];
  try {
    await fc.assert(
      fc.asyncProperty(fc.commands(commands, { maxCommands: 4 }), async (chosen) => {
        // A minute later the client may do handshakes again.
        time += 61_000;
        held = [];
        await fc.asyncModelRun(() => ({ model: {}, real: {} }), chosen);
        await release(held.length);
        for (const [name, count] of executed) assert.is(count, 1, name);
        executed.clear();
      }),
      { numRuns: runs },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.run();
