// Two server processes and an operator's commands share a key directory: real processes, HTTP and files.
import { isSealwireError } from '@sealwire/core';
import { createKeyDirectory, type KeyEntry, KeyRing, type RotationPolicy } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { payloadOf } from '../packages/keys/test/support/rings.ts';
import { it, sleep } from './support/cases.ts';
import { startChild } from './support/child.ts';
import { clientOf } from './support/clients.ts';
import { temporaryFolder } from './support/folders.ts';
import { assertProblem, failure } from './support/problems.ts';
import { isSecret, secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { listen } from './support/servers.ts';
import { WireClient } from './support/wire-client.ts';

const passphrase = 'gooseberries are seldom shared';
isSecret(passphrase);
const broken = 'TypeError: fetch failed';
/** Characters of a kid. */
const kidLength = 43;

/** Two servers that share a new key directory. */
async function start(rotation: RotationPolicy = {}) {
  const folder = temporaryFolder();
  const ring = await KeyRing.create(secretStorage(await createKeyDirectory(folder, { passphrase })), {
    suites: ['X25519'],
    rotation,
  });
  ring.close();
  const [pin = ''] = ring.pins;
  const first = activeKid(ring.entries);
  const env = { KEYS_FOLDER: folder, KEYS_PASSPHRASE: passphrase, ROTATION: JSON.stringify(rotation) };
  // Both publish the origins of both.
  const free = await Promise.all([listen(), listen()]);
  await Promise.all(free.map((each) => each.close()));
  const origins = free.map(({ origin }) => origin);
  const children = free.map(({ port }) =>
    startChild('sharing-server.ts', { ...env, PORT: String(port), ORIGINS: JSON.stringify(origins) }),
  );
  afterwards(async () => {
    for (const child of children) child.process.kill('SIGTERM');
    await Promise.all(children.map(({ ended }) => ended));
  });
  assert.equal(await Promise.all(children.map(({ ready }) => ready)), origins);
  const servers = origins.map((origin) => ({ origin, pin }));
  return {
    servers,
    /** The key that is in use when they start. */
    first,
    /** What the servers said beyond their origins: warnings. */
    said: () => children.map(({ output }) => output.stderr + output.stdout.split('\n').slice(1).join('\n')),
    /** Does something to the keys in another process. @returns what they are then */
    async command(...args: string[]): Promise<KeyEntry[]> {
      const child = startChild('key-command.ts', env, args);
      assert.is(await child.ended, 0, child.output.stderr);
      assert.is(child.output.stderr, '');
      return JSON.parse(child.output.stdout);
    },
    published: () =>
      Promise.all(origins.map(async (origin) => (await fetch(`${origin}/.well-known/sealwire`)).text())),
    async executed(): Promise<Record<string, number>> {
      const counts = await Promise.all(
        origins.map(async (origin) => (await fetch(`${origin}/executed`)).json()),
      );
      return Object.assign({}, ...counts);
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

function activeKid(entries: readonly KeyEntry[]): string {
  return entries.find(({ purpose, status }) => purpose === 'kem' && status === 'active')?.id as string;
}

function kidsIn(body: string): string[] {
  return (payloadOf(body).keys as { kid: string }[]).map(({ kid }) => kid);
}

/** Resolves once both publish the same bytes, with this key in them. */
async function convergence({ published }: Started, kid: string): Promise<void> {
  for (const end = performance.now() + 5000; performance.now() < end; await sleep(50)) {
    const [one = '', other] = await published();
    if (one === other && kidsIn(one).includes(kid)) return;
  }
  throw new Error('the processes did not agree in 5 s');
}

/** Orders once. @returns the id of the key of the session, or why it failed */
async function order(client: ReturnType<typeof clientOf>, path: string, id: string): Promise<string> {
  const headers = { 'content-type': 'text/plain', 'idempotency-key': id };
  try {
    const answer = await (await client(path, { method: 'POST', headers, body: id })).text();
    const [kid = '', body] = answer.split(' ');
    return body === id ? kid : `another answer: ${answer}`;
  } catch (error) {
    return isSealwireError(error) ? error.code : String(error);
  }
}

/** Clients of both servers that order without a pause until they are told to end; every other one keeps its session. */
function traffic({ servers }: Started, perServer: number) {
  const outcomes = new Map<string, string>();
  const kids = new Set<string>();
  let done = false;

  const running = servers.flatMap((server, at) =>
    Array.from({ length: perServer }, async (_, number) => {
      let client = clientOf(server);
      for (let count = 0; !done; count++) {
        if (count % 5 === 0 && number % 2 === 0) client = clientOf(server);
        const id = `${at}-${number}-${count}`;
        const outcome = await order(client, '/orders', id);
        if (outcome.length === kidLength) kids.add(outcome);
        outcomes.set(id, outcome);
        await sleep(20);
      }
    }),
  );
  const end = async () => {
    done = true;
    await Promise.all(running);
  };
  afterwards(end);
  return { outcomes, kids, end };
}

it('they follow a rotation by commands without a restart, publish the same, and no call fails', async () => {
  // Milliseconds. Configurations last for half of the overlap.
  const started = await start({ maxAge: 1, publishLead: 1500, overlap: 8000, jitter: 0 });
  const { outcomes, kids, end } = traffic(started, 4);
  const bodies = new Map<unknown, string>();
  const newest = [0, 0];
  let kid = started.first;
  for (let rotations = 0; rotations < 2; ) {
    const active = activeKid(await started.command('rotate'));
    if (active !== kid) rotations++;
    kid = active;
    for (const [at, body] of (await started.published()).entries()) {
      const seq = payloadOf(body).seq as number;
      // One number never stands for two configurations, and no server goes back to an older one.
      assert.is(bodies.get(seq) ?? body, body);
      bodies.set(seq, body);
      assert.ok(seq >= (newest[at] as number));
      newest[at] = seq;
    }
  }
  await convergence(started, kid);
  // Of a client that comes now the first key is not the one any more.
  for (const server of started.servers)
    assert.is.not(await order(clientOf(server), '/orders', `late ${server.origin}`), started.first);
  await end();
  assert.equal(failures(outcomes), []);
  const executed = await started.executed();
  assert.is(Object.keys(executed).length, outcomes.size + started.servers.length);
  assert.ok(Object.values(executed).every((times) => times === 1));
  assert.ok(kids.size >= 2);
  assert.equal(started.said(), ['', '']);
});

it('an emergency ends the sessions of the key in both, breaks off what runs, and clients recover on the new key', async () => {
  const started = await start();
  const { servers, first: stolen } = started;
  const wires = await Promise.all(servers.map((server) => WireClient.connect(server)));
  const feeds = await Promise.all(servers.map(beginFeed));
  const slow = servers.flatMap((server, at) =>
    ['a', 'b', 'c'].map((name) => order(clientOf(server), '/orders?slowly', `slow-${at}-${name}`)),
  );
  const { outcomes, kids, end } = traffic(started, 3);
  while (Object.keys(await started.executed()).filter((id) => id.startsWith('slow')).length < slow.length)
    await sleep(20);

  const fresh = activeKid(await started.command('emergency', stolen));
  assert.is.not(fresh, stolen);
  for (const { ended } of feeds) assert.match(String(await ended), 'terminated');
  for (const wire of wires) assertProblem(await wire.send(await wire.seal()), 'unknown-session');
  await convergence(started, fresh);
  // A connection that breaks: whether they were executed nobody says, as with any fetch.
  assert.equal([...new Set(await Promise.all(slow))], [broken]);
  kids.clear();
  await sleep(1000);
  await end();

  // Who called all the time recovered, and of what was under way nothing ran twice.
  const executed = await started.executed();
  for (const times of Object.values(executed)) assert.is(times, 1);
  for (const failure of failures(outcomes)) assert.ok(['outcome-unknown', broken].includes(failure), failure);
  for (const [id, outcome] of outcomes) if (outcome.length === kidLength) assert.is(executed[id], 1);
  assert.equal([...kids], [fresh]);
  const [body = ''] = await started.published();
  assert.equal(kidsIn(body), [fresh]);
  assert.equal(started.said(), ['', '']);
});

function failures(outcomes: ReadonlyMap<string, string>): string[] {
  return [...outcomes.values()].filter((outcome) => outcome.length !== kidLength);
}

/** Begins to read an answer that does not end. @returns why it did */
async function beginFeed(server: Started['servers'][number]) {
  const reader = (await clientOf(server)('/feed')).body?.getReader();
  const first = await reader?.read();
  assert.is(Buffer.from(first?.value as Uint8Array).toString(), 'begun');
  return { ended: failure(reader?.read() as Promise<unknown>) };
}

test.run();
