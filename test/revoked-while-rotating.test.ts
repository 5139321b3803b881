// A client that is revoked while the keys of the server change stays out, and nobody else is kept out.
import { createClientKey } from '@sealwire/client/client-key';
import { isSealwireError } from '@sealwire/core';
import { KeyRing, memoryStorage } from '@sealwire/keys';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it, sleep } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { until } from './support/left-behind.ts';
import { EventList } from './support/recorded-events.ts';
import { secretStorage } from './support/recording.ts';
import { afterwards } from './support/resources.ts';
import { type Stack, stacks, startStack } from './support/stacks.ts';

/** Milliseconds: a key is replaced every 0.2 s. */
const rotation = { maxAge: 1, publishLead: 150, overlap: 6000, keepHistory: 50, jitter: 0 };

it('a client that is revoked while keys rotate stays out, and the others stay in', async () => {
  const signers = await Promise.all(Array.from({ length: 6 }, () => createClientKey()));
  const [revoked] = signers as [(typeof signers)[0]];
  const allowed = new Set(signers.map(({ thumbprint }) => thumbprint));
  const keyEvents = new EventList();
  const keys = await KeyRing.create(secretStorage(memoryStorage()), {
    suites: ['X25519'],
    rotation,
    audit: keyEvents,
  });
  afterwards(() => keys.close());
  const audit = new EventList();
  const server = await startStack(
    stacks[0] as Stack,
    { listener: (req, res) => void req.resume().on('end', () => res.end('answered')) },
    // It takes its time, so that handshakes are under way whenever a client is revoked.
    { options: { keys, audit, allowClients: (each) => sleep(20).then(() => allowed.has(each)) } },
  );
  keys.start();

  let done = false;
  afterwards(() => {
    done = true;
  });
  /** Calls without a pause, every other time with a new session. @returns what came of it, in order */
  async function outcomesOf(clientKey: (typeof signers)[0]): Promise<{ began: number; outcome: string }[]> {
    const outcomes: { began: number; outcome: string }[] = [];
    let sealedFetch = clientOf(server, { clientKey });
    for (let count = 0; !done; count++) {
      if (count % 2 === 0) sealedFetch = clientOf(server, { clientKey });
      const began = performance.now();
      const outcome = await sealedFetch('/', { method: 'POST', body: 'x' }).then(
        (response) => response.text(),
        (error) => (isSealwireError(error) ? error.code : String(error)),
      );
      outcomes.push({ began, outcome });
    }
    return outcomes;
  }
  const promoted = () => keyEvents.of('key.promoted').length;
  const calling = signers.flatMap((each) => [outcomesOf(each), outcomesOf(each)]);
  await until(() => promoted() >= 6, 'keys rotate', 10_000);
  allowed.delete(revoked.thumbprint);
  await server.operations?.revokeClient(revoked.thumbprint);
  const revokedAt = performance.now();
  const before = promoted();
  await until(() => promoted() >= before + 4, 'keys go on to rotate', 10_000);
  done = true;
  const all = await Promise.all(calling);

  for (const outcomes of all.slice(0, 2)) {
    assert.is(outcomes[0]?.outcome, 'answered');
    const [first, ...others] = outcomes.filter(({ began }) => began > revokedAt);
    // It may have gone out in the session that has ended, and then nobody tells whether it ran.
    assert.ok(['client-refused', 'outcome-unknown'].includes(first?.outcome as string), first?.outcome);
    assert.equal([...new Set(others.map(({ outcome }) => outcome))], ['client-refused']);
  }
  for (const { outcome } of all.slice(2).flat()) assert.is(outcome, 'answered');
  const ended = audit.of('session.ended');
  assert.equal(
    ended.map(({ reason, client }) => [reason, client]),
    [['client-revoked', revoked.thumbprint]],
  );
});

test.run();
