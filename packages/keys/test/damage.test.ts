// What was damaged where it was kept is refused with a typed error, or is of no consequence: a server never starts with
// keys that fail it later.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { damaged, swapped, unlessRefused } from '../../../test/support/damage.ts';
import { openBundle } from '../src/bundle.ts';
import { KeyRing } from '../src/key-ring.ts';
import { decodeManifest, encodeManifest } from '../src/manifest.ts';
import { memoryStorage } from '../src/memory-storage.ts';
import { Passphrase } from '../src/passphrase.ts';
import type { KeyEntry, KeyStatus } from '../src/storage.ts';
import { passphrase } from './support/keys.ts';
import { assertRefused } from './support/refused.ts';

const subject = { aud: ['https://a.test'], fields: [] };
const purposes = ['kem', 'identity', 'store-wrap', 'ticket', 'audit'] as const;
const algorithms = ['MLKEM768-X25519', 'X25519', 'P-256', 'Ed25519', 'AES-256-GCM', 'HMAC-SHA256'] as const;
const statuses: readonly KeyStatus[] = ['pending', 'active', 'retiring', 'disabled', 'destroyed'];

/** What a bundle holds that is not encrypted. */
interface Bundle {
  state: { entries: KeyEntry[]; signed: Record<string, { body: string }> };
}

/** A bundle of a ring with a key for everything, and with a signed configuration. */
async function bundleOf(): Promise<Bundle> {
  const operations = ['decapsulate', 'sign', 'unwrap', 'rotate', 'export'] as const;
  const policy = { all: Object.fromEntries(purposes.map((purpose) => [purpose, operations])) };
  const ring = await KeyRing.create(memoryStorage(), { suites: ['X25519'], actor: 'all', policy });
  await ring.add({ purpose: 'identity' });
  for (const purpose of ['store-wrap', 'audit'] as const) await ring.add({ purpose });
  await ring.publish(subject);
  const text = await ring.exportBundle();
  ring.close();
  return JSON.parse(Buffer.from(text, 'base64url').toString());
}

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value));

/** Does with a bundle what a server does with its keys. */
async function serveWith(bundle: Uint8Array): Promise<string> {
  const ring = await KeyRing.open(await openBundle(Buffer.from(bundle).toString('base64url')));
  try {
    for (const { id } of ring.entries) {
      ring.nextStep(id);
      ring.exportPublic(id);
      await ring.findKey(id);
    }
    await ring.symmetricKey('audit');
    return `${ring.pins} ${(await ring.publish(subject)).body}`;
  } finally {
    ring.close();
  }
}

it('a bundle with a member of another type serves, or is refused', async () => {
  const bundle = await bundleOf();
  await serveWith(bytesOf(bundle));
  let refused = 0;
  for (const each of swapped(bundle)) {
    const text = JSON.stringify(each);
    if ((await unlessRefused(() => serveWith(bytesOf(each)), text)) === undefined) refused++;
  }
  assert.ok(refused > 700, `${refused} refused`);
});

it('a bundle with a changed or missing byte serves, or is refused', async () => {
  const bytes = bytesOf(await bundleOf());
  for (const each of damaged(bytes, 19)) await unlessRefused(() => serveWith(each), each);
});

it('a bundle whose keys are said to be of another kind serves, or is refused', async () => {
  const { state, ...others } = await bundleOf();
  const changes = [
    ...purposes.map((purpose) => ({ purpose })),
    ...algorithms.flatMap((alg) => [{ alg }, { alg, pub: undefined }]),
    ...['A', 'AB', 'A'.repeat(43), '_'.repeat(43)].map((pub) => ({ pub })),
  ];
  for (const [at, entry] of state.entries.entries())
    for (const change of changes)
      for (const status of statuses) {
        const entries = state.entries.with(at, { ...entry, ...change, status, elsewhere: true } as KeyEntry);
        const text = JSON.stringify({ ...others, state: { ...state, signed: {}, entries } });
        await unlessRefused(() => serveWith(Buffer.from(text)), text);
      }
});

it('a bundle whose signed configuration was changed is refused: no client would take it', async () => {
  const bundle = await bundleOf();
  const name = JSON.stringify([subject.aud, subject.fields]);
  const { body } = bundle.state.signed[name] as { body: string };
  const forged = body.replace(/(?<="signature":")./, (first) => (first === 'A' ? 'B' : 'A'));
  for (const wrong of ['', 'null', '{}', body.slice(1), forged]) {
    const signed = { ...bundle.state.signed, [name]: { body: wrong, iat: 1, exp: 2 } };
    const changed = bytesOf({ ...bundle, state: { ...bundle.state, signed } }).toString('base64url');
    await assertRefused(() => openBundle(changed), 'The key bundle', /does not have the form/);
  }
});

it('a manifest with a member of another type is refused before anything is computed of it', async () => {
  const { state } = await bundleOf();
  const phrase = new Passphrase(passphrase);
  const salt = Buffer.alloc(32, 'salt').toString('base64url');
  const text = await encodeManifest({ salt, state: state as never }, phrase);
  for (const each of swapped(JSON.parse(text)))
    await assertRefused(() => decodeManifest(JSON.stringify(each), phrase, 'it'), 'it', /does not/);
});

test.run();
