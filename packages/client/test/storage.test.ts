// What is remembered over restarts: the newest configuration, nothing secret, and at no call's expense.
import { type ConfigurationPayload, decodeBase64Url, fromUtf8 } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep, unhandledRejections } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import {
  day,
  movableClock,
  newIdentity,
  publishing,
  recordingStorage,
} from '../../../test/support/configurations.ts';
import { until } from '../../../test/support/left-behind.ts';
import { thrown } from '../../../test/support/problems.ts';
import { keys, startSealedNode } from '../../../test/support/servers.ts';

const identity = await newIdentity();
const other = await newIdentity();

/** A server whose `seq`, and whatever else, a test sets. */
async function startServer(by = identity) {
  let change: Partial<ConfigurationPayload> = { seq: 1 };
  const server = await startSealedNode((_req, res) => res.end('hello'), {
    keys: publishing(keys, [by], () => change),
  });
  const sets = (changed: Partial<ConfigurationPayload>) => {
    change = changed;
  };
  return { server: { ...server, pin: by.pin }, sets };
}

function seqOf(text: string | undefined): number | undefined {
  try {
    const { payload } = JSON.parse(text ?? '') as { payload: string };
    return (JSON.parse(fromUtf8(decodeBase64Url(payload))) as ConfigurationPayload).seq;
  } catch {
    return undefined;
  }
}

/** Resolves when a storage remembers this `seq`: no call waits for that. */
function remembered(kept: Record<string, string>, { origin }: { origin: string }, seq: number) {
  return until(() => seqOf(kept[`sealwire:${origin}`]) === seq, `${seq} is remembered`);
}

it('an older configuration is refused after a restart, with a storage that promises or not', async () => {
  const { server, sets } = await startServer();
  const text = recordingStorage();
  const promising = {
    async get(name: string) {
      await sleep(2);
      return text.get(name) ?? null;
    },
    async set(name: string, value: string) {
      await sleep(2);
      text.set(name, value);
    },
  };
  const clock = movableClock();
  for (const [i, storage] of [text, promising].entries()) {
    const now = clock.now();
    sets({ seq: i * 10 + 2, iat: now, exp: now + day });
    assert.is((await clientOf(server, { storage, clock })('/')).status, 200);
    await remembered(text.kept, server, i * 10 + 2);
    assert.equal(Object.keys(text.kept), [`sealwire:${server.origin}`]);
    sets({ seq: i * 10 + 1, iat: now, exp: now + 7 * day });
    // What is remembered is still valid: it is used, and the older one is not.
    assert.is((await clientOf(server, { storage, clock })('/')).status, 200);
    clock.pass(2 * day);
    // Without the storage it would be taken.
    assert.is((await clientOf(server, { clock })('/')).status, 200);
    await thrown(clientOf(server, { storage, clock })('/'), 'configuration-outdated');
    sets({ seq: i * 10 + 3, iat: clock.now(), exp: clock.now() + day });
    assert.is((await clientOf(server, { storage, clock })('/')).status, 200);
  }
});

it('nothing but the signed configuration is kept, once for each', async () => {
  const { server, sets } = await startServer();
  const storage = recordingStorage();
  const sealedFetch = clientOf(server, { storage });
  for (let i = 0; i < 3; i++) await sealedFetch('/', { method: 'POST', body: 'secret' });
  await clientOf(server, { storage })('/');
  await remembered(storage.kept, server, 1);
  const [kept] = Object.values(storage.kept);
  assert.is(kept, await (await fetch(`${server.origin}/.well-known/sealwire`)).text());
  assert.is(storage.sets, 1);
  sets({ seq: 2 });
  await clientOf(server, { storage })('/');
  await remembered(storage.kept, server, 2);
  assert.is(storage.sets, 2);
});

it('what somebody else wrote there has no effect', async () => {
  const { server } = await startServer();
  const strange = await startServer(other);
  strange.sets({ seq: 1000, aud: [server.origin] });
  const stolen = await (await fetch(`${strange.server.origin}/.well-known/sealwire`)).text();
  const name = `sealwire:${server.origin}`;
  const wrong: unknown[] = [
    '',
    'null',
    '{"seq":1000}',
    '{"payload":"e30","signatures":[]}',
    stolen,
    'x'.repeat(1_000_000),
    7,
    null,
    {},
  ];
  for (const value of wrong) {
    const storage = recordingStorage({ [name]: value as string });
    assert.is((await clientOf(server, { storage })('/')).status, 200);
    await remembered(storage.kept, server, 1);
  }
});

it('of two clients with one storage none makes it forget the newer configuration', async () => {
  const { server, sets } = await startServer();
  const storage = recordingStorage();
  // The second one began before the first had written anything, and sees an older copy.
  let began = false;
  const early = {
    get(name: string) {
      const text = began ? storage.get(name) : undefined;
      began = true;
      return text;
    },
    set: storage.set,
  };
  sets({ seq: 2 });
  await clientOf(server, { storage })('/');
  await remembered(storage.kept, server, 2);
  sets({ seq: 1 });
  await clientOf(server, { storage: early })('/');
  await sleep(5);
  assert.is(seqOf(storage.kept[`sealwire:${server.origin}`]), 2);
  sets({ seq: 3 });
  await clientOf(server, { storage })('/');
  await remembered(storage.kept, server, 3);
});

it('a storage that fails, or never answers, breaks no call', async () => {
  const rejections = unhandledRejections();
  const { server } = await startServer();
  const fail = () => {
    throw new Error('QuotaExceededError');
  };
  const reject = () => Promise.reject(new Error('the disk is full'));
  const never = () => new Promise<never>(() => {});
  const ways = [fail, reject, never];
  await Promise.all(
    ways.flatMap((get) =>
      ways.map(async (set) => {
        const sealedFetch = clientOf(server, { storage: { get, set } });
        assert.is(await (await sealedFetch('/')).text(), 'hello');
        assert.is(await (await sealedFetch('/')).text(), 'hello');
      }),
    ),
  );
  await sleep(1100);
  assert.equal(rejections, []);
});

it('what contradicts the wall clock is used, but not remembered', async () => {
  const { server, sets } = await startServer();
  const storage = recordingStorage();
  // The server's clock was a year ahead when it signed.
  const now = Date.now();
  sets({ seq: 9, iat: now + 365 * day, exp: now + 366 * day });
  assert.is((await clientOf(server, { storage })('/')).status, 200);
  await sleep(5);
  assert.is(storage.sets, 0);
  sets({ seq: 2 });
  assert.is((await clientOf(server, { storage })('/')).status, 200);
});

test.run();
