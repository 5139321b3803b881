import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  configurationPath,
  configurationType,
  defaultHandshakePath,
  maxConfigurationLength,
  signConfiguration,
  verifyConfiguration,
} from '../src/configuration.ts';
import { formatPin } from '../src/identity.ts';
import type { ConfigurationPayload, Jws } from '../src/schemas.ts';
import { generateSigner } from '../src/signatures.ts';
import { bytesOf, day, hour, now, origin, payloadWith } from './support/configurations.ts';
import { refusal, refusalCode } from './support/refusal.ts';

const minute = 60_000;
const identity = await generateSigner();
const pin = formatPin(identity.pub);

async function verify(
  text: string,
  changes: { identities?: readonly string[] | undefined; origin?: string; now?: number } = {},
) {
  return verifyConfiguration(bytesOf(text), { identities: [pin], origin, now, ...changes });
}

const sign = (payload: ConfigurationPayload) => signConfiguration(payload, [identity]);

test('a signed configuration is verified as it was signed', async () => {
  const payload = payloadWith();
  const text = await sign(payload);
  const { payload: seen, signed } = await verify(text);
  assert.equal(seen, payload);
  assert.is(signed, (JSON.parse(text) as Jws).payload);
  assert.is(configurationPath, '/.well-known/sealwire');
  assert.is(defaultHandshakePath, '/.well-known/sealwire/handshake');
  assert.is(configurationType, 'application/jose+json');
});

test('any flipped bit of a signed configuration is refused', async () => {
  const bytes = bytesOf(await sign(payloadWith()));
  const check = { identities: [pin], origin, now };
  await verifyConfiguration(bytes, check);
  const expected = new Set(['configuration-invalid', 'identity-mismatch']);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice();
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.ok(expected.has(await refusalCode(() => verifyConfiguration(changed, check))), `bit ${bit}`);
  }
});

test('a configuration of an identity that is not pinned is refused, and the error names both', async () => {
  const stranger = await generateSigner();
  const text = await signConfiguration(payloadWith(), [stranger]);
  await verify(await sign(payloadWith()));
  const error = await refusal(() => verify(text));
  assert.is(error.code, 'identity-mismatch');
  assert.match(error.message, pin);
  assert.match(error.message, formatPin(stranger.pub));
  assert.is(await refusalCode(() => verify(text, { identities: [] })), 'identity-mismatch');
});

test('a signature by a stranger under the name of the pinned identity is refused', async () => {
  const stranger = await generateSigner();
  const forged = await signConfiguration(payloadWith(), [{ ...stranger, pub: identity.pub }]);
  await verify(await sign(payloadWith()));
  assert.is(await refusalCode(() => verify(forged)), 'identity-mismatch');
});

test('one valid signature of one pinned identity suffices, wherever it stands', async () => {
  const others = await Promise.all([generateSigner(), generateSigner(), generateSigner()]);
  for (let at = 0; at < 4; at++) {
    const signers = [...others.slice(0, at), identity, ...others.slice(at)];
    const text = await signConfiguration(payloadWith(), signers);
    assert.is((JSON.parse(text) as Jws).signatures.length, 4);
    await verify(text);
    await verify(text, { identities: [formatPin(new Uint8Array(32)), pin] });
    assert.is(
      await refusalCode(() => verify(text, { identities: [formatPin(new Uint8Array(32))] })),
      'identity-mismatch',
    );
  }
});

test('an identity is changed with clients that hold both pins', async () => {
  const next = await generateSigner();
  const both = { identities: [pin, formatPin(next.pub)] };
  await verify(await sign(payloadWith()), both);
  await verify(await signConfiguration(payloadWith(), [identity, next]), both);
  await verify(await signConfiguration(payloadWith(), [next]), both);
});

test('four signatures are taken, five refused', async () => {
  const signers = await Promise.all(Array.from({ length: 4 }, () => generateSigner()));
  await verify(await signConfiguration(payloadWith(), [identity, ...signers.slice(0, 3)]));
  const five = await signConfiguration(payloadWith(), [identity, ...signers]);
  assert.is(await refusalCode(() => verify(five)), 'configuration-invalid');
  assert.is(
    await refusalCode(async () => verify(await signConfiguration(payloadWith(), []))),
    'configuration-invalid',
  );
});

test('without pins any one valid signature is taken, none is not', async () => {
  const text = await sign(payloadWith());
  await verify(text, { identities: undefined });
  const jws = JSON.parse(text) as Jws;
  const other = JSON.parse(await sign(payloadWith({ seq: 8 }))) as Jws;
  const mixed = JSON.stringify({ payload: other.payload, signatures: jws.signatures });
  assert.is(await refusalCode(() => verify(mixed, { identities: undefined })), 'configuration-invalid');
  assert.is(await refusalCode(() => verify(mixed)), 'identity-mismatch');
});

test('a configuration for other origins is refused, and the error names the one that was called', async () => {
  const text = await sign(payloadWith({ aud: ['https://a.example', origin, 'https://b.example'] }));
  await verify(text);
  await verify(text, { origin: 'https://b.example' });
  for (const other of [
    'https://staging.example.com',
    'http://api.example.com',
    `${origin}:8443`,
    `${origin}/`,
    '',
  ]) {
    const error = await refusal(() => verify(text, { origin: other }));
    assert.is(error.code, 'audience-mismatch', other);
    assert.match(error.message, other);
  }
  assert.is(await refusalCode(async () => verify(await sign(payloadWith({ aud: [] })))), 'audience-mismatch');
});

test('clocks may differ by five minutes, and the error names by how much they do', async () => {
  const text = await sign(payloadWith({ iat: now, exp: now + day }));
  const at = (time: number) => verify(text, { now: time });
  for (const time of [now - 5 * minute, now, now + day - 1, now + day + 5 * minute - 1]) await at(time);
  const early = await refusal(() => at(now - 5 * minute - 1));
  assert.is(early.code, 'configuration-expired');
  assert.match(early.message, '300 s behind');
  const late = await refusal(() => at(now + day + 2 * hour));
  assert.is(late.code, 'configuration-expired');
  assert.match(late.message, '7200 s past');
  assert.is(await refusalCode(() => at(now + day + 5 * minute)), 'configuration-expired');
});

test('a configuration is valid for 7 days at most, and for some time', async () => {
  const lasting = async (life: number) => verify(await sign(payloadWith({ iat: now, exp: now + life })));
  for (const life of [1, hour, day, 7 * day]) await lasting(life);
  for (const life of [7 * day + 1, 365 * day, 0, -1]) {
    assert.is(await refusalCode(() => lasting(life)), 'configuration-invalid', `${life}`);
  }
});

test('a configuration has at most 64 KiB', async () => {
  assert.is(maxConfigurationLength, 65_536);
  const text = await sign(payloadWith());
  await verify(text.padEnd(65_536));
  assert.is(await refusalCode(() => verify(text.padEnd(65_537))), 'configuration-invalid');
});

test('a payload of another form is refused, though it is signed', async () => {
  await verify(await sign(payloadWith()));
  for (const changes of [
    { v: 2 },
    { v: '1' },
    { aud: origin },
    { aud: [1] },
    { seq: -1 },
    { seq: 1.5 },
    { seq: '7' },
    { seq: 2 ** 53 },
    { iat: undefined },
    { exp: `${now}` },
    { fields: undefined },
    { fields: [1] },
    { keys: {} },
    { keys: [{}] },
    { more: 1 },
  ]) {
    const text = await sign(payloadWith(changes as Partial<ConfigurationPayload>));
    assert.is(await refusalCode(() => verify(text)), 'configuration-invalid', JSON.stringify(changes));
  }
});

test('the path of the handshake is a plain path', async () => {
  const withPath = async (handshake: string) => verify(await sign(payloadWith({ handshake })));
  for (const path of ['/h', '/.well-known/sealwire/handshake', '/a-b/c_d/~e/f.g']) await withPath(path);
  for (const path of [
    '',
    '/',
    'h',
    '//h',
    '/h/',
    '/a//b',
    '/h?x',
    '/h#x',
    '/%2e',
    '/h h',
    '\\h',
    'https://x/h',
    '/é',
    '/h\n',
  ]) {
    assert.is(await refusalCode(() => withPath(path)), 'configuration-invalid', path);
  }
});

test('what is no configuration at all is refused', async () => {
  const text = await sign(payloadWith());
  await verify(text);
  const { payload, signatures } = JSON.parse(text) as Jws;
  const [first] = signatures as [Jws['signatures'][number]];
  for (const other of [
    '',
    'null',
    '[]',
    '{}',
    text.slice(1),
    `${text}x`,
    JSON.stringify({ payload, signatures: [] }),
    JSON.stringify({ payload, signatures: first }),
    JSON.stringify({ payload, ...first }),
    JSON.stringify({ payload, signatures, more: 1 }),
    JSON.stringify({ payload: `${payload}=`, signatures }),
    JSON.stringify({ payload: '', signatures }),
    JSON.stringify({ payload: 1, signatures }),
    `${first.protected}.${payload}.${first.signature}`,
  ]) {
    assert.is(await refusalCode(() => verify(other)), 'configuration-invalid', other.slice(0, 40));
  }
  assert.is(
    await refusalCode(() =>
      verifyConfiguration(Uint8Array.of(0xff, ...bytesOf(text)), { identities: [pin], origin, now }),
    ),
    'configuration-invalid',
  );
});

test.run();
