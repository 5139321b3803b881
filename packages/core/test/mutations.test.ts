import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { signConfiguration, usableKeys, verifyConfiguration } from '../src/configuration.ts';
import { isSealwireError } from '../src/errors.ts';
import { beginHandshake } from '../src/handshake-client.ts';
import { answerHandshake } from '../src/handshake-server.ts';
import { formatPin } from '../src/identity.ts';
import type { ConfigurationPayload } from '../src/schemas.ts';
import { generateSigner } from '../src/signatures.ts';
import { type Suite, suites } from '../src/suites.ts';
import { bytesOf, day, now, origin, payloadWith } from './support/configurations.ts';
import { hpkeJs, oracleClient } from './support/oracle.ts';
import { createKey, jsonBytes, parseJsonBytes, serverWith } from './support/sessions.ts';

// Whatever anyone makes of a message, what is thrown is a SealwireError: callers branch on its code.

const [xwing, x25519, p256] = suites as [Suite, Suite, Suite];
const b64u = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

async function assertTyped(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    assert.ok(isSealwireError(error), (error as Error).stack ?? String(error));
  }
}

/** A message with up to three members replaced: by bytes of some length, by text, by any JSON. */
function mutations(message: Record<string, unknown>) {
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 70 }).map(b64u),
    fc
      .constantFrom(0, 1, 31, 32, 33, 64, 65, 66, 1119, 1120, 1216, 1217)
      .chain((length) =>
        fc.constantFrom(0, 2, 4, 255).map((byte) => b64u(new Uint8Array(length).fill(byte))),
      ),
    fc.string({ maxLength: 50 }),
    fc.jsonValue(),
  );
  const edit = fc.tuple(fc.constantFrom(...Object.keys(message), 'more'), value);
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) => ({ ...message, ...Object.fromEntries(edits) }));
}

const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });

function flipped(bytes: Uint8Array, edits: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, byte] of edits) copy[at % copy.length] = byte;
  return copy;
}

for (const suite of [x25519, p256, xwing]) {
  test(`a mutated handshake request fails with a typed error only (${suite.name})`, async () => {
    const key = await createKey(suite);
    const { body } = await beginHandshake(key, now, await generateSigner());
    await answerHandshake(body, serverWith(key));
    const anything = fc.oneof(
      mutations(parseJsonBytes(body)).map(jsonBytes),
      flips.map((edits) => flipped(body, edits)),
      fc.uint8Array({ maxLength: 100 }),
    );
    await fc.assert(
      fc.asyncProperty(anything, (changed) => assertTyped(() => answerHandshake(changed, serverWith(key)))),
      { numRuns: suite === xwing ? 100 : 400 },
    );
  });

  test(`a mutated hello fails with a typed error only (${suite.name})`, async () => {
    const key = await createKey(suite);
    const client = { alg: 'ES256', pub: b64u(new Uint8Array(65).fill(4)), sig: b64u(new Uint8Array(64)) };
    const sample = { eph: b64u(key.pub), time: now };
    const hello = fc.oneof(
      mutations(sample),
      fc.tuple(mutations(client), fc.constantFrom('Ed25519', 'ES256')).map(([claim, alg]) => ({
        ...sample,
        client: { ...claim, alg },
      })),
      fc.jsonValue(),
    );
    await fc.assert(
      fc.asyncProperty(hello, async (said) => {
        const { body } = await oracleClient({
          library: hpkeJs,
          kem: suite.kem,
          pub: key.pub,
          time: now,
          hello: () => said ?? {},
        });
        await assertTyped(() => answerHandshake(body, serverWith(key)));
      }),
      { numRuns: suite === xwing ? 40 : 200 },
    );
  });

  test(`a mutated reply fails with a typed error only (${suite.name})`, async () => {
    const key = await createKey(suite);
    const client = await beginHandshake(key, now);
    const reply = await answerHandshake(client.body, serverWith(key));
    await client.finish(reply);
    const anything = fc.oneof(
      mutations(parseJsonBytes(reply)).map(jsonBytes),
      flips.map((edits) => flipped(reply, edits)),
      fc.uint8Array({ maxLength: 100 }),
    );
    await fc.assert(
      fc.asyncProperty(anything, (changed) => assertTyped(() => client.finish(changed))),
      { numRuns: suite === xwing ? 100 : 400 },
    );
  });
}

test('a mutated configuration fails with a typed error only, signed or not', async () => {
  const identity = await generateSigner();
  const { kid, pub } = await createKey(x25519);
  const entry = { kid, kem: x25519.kem, pub: b64u(pub), suites: [x25519.id], nbf: now, exp: now + day };
  const payload = payloadWith({ keys: [entry] });
  const text = await signConfiguration(payload, [identity]);
  const read = async (bytes: Uint8Array) => {
    const check = { identities: [formatPin(identity.pub)], origin, now };
    const { payload: verified } = await verifyConfiguration(bytes, check);
    return usableKeys(verified, now);
  };
  assert.is((await read(bytesOf(text))).length, 1);

  const unsigned = fc.oneof(
    mutations(JSON.parse(text)).map(jsonBytes),
    flips.map((edits) => flipped(bytesOf(text), edits)),
    fc.uint8Array({ maxLength: 100 }),
  );
  await fc.assert(
    fc.asyncProperty(unsigned, (bytes) => assertTyped(() => read(bytes))),
    { numRuns: 500 },
  );

  const signed = fc.oneof(
    mutations({ ...payload }),
    mutations(entry).map((key) => ({ ...payload, keys: [entry, key] })),
    fc.jsonValue(),
  );
  await fc.assert(
    fc.asyncProperty(signed, async (content) => {
      const signature = await signConfiguration(content as ConfigurationPayload, [identity]);
      await assertTyped(() => read(bytesOf(signature)));
    }),
    { numRuns: 500 },
  );
});

test.run();
