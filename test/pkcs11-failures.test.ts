// Tokens that lose their sessions, are pulled out, set up anew, or are not what they should be: SoftHSM, treated badly.
import { type KeyName, openToken } from '@sealwire/pkcs11';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sleep } from './support/cases.ts';
import { clientOf } from './support/clients.ts';
import { failure, thrown } from './support/problems.ts';
import { isSecret } from './support/recording.ts';
import { numbers, type PairAttributes, pin, type SoftHsm } from './support/softhsm.ts';
import { agrees, newHsm, onToken, openOrders, order, serveWith } from './support/tokens.ts';

const ways: [what: string, lose: (hsm: SoftHsm) => void][] = [
  [
    'sessions that were closed',
    (hsm) => {
      const { cryptoki, slot } = hsm.use('orders');
      cryptoki.C_CloseAllSessions(slot);
    },
  ],
  [
    'a login that was ended',
    (hsm) => hsm.session('orders', (cryptoki, session) => cryptoki.C_Logout(session)),
  ],
  ['a module that was finalized', (hsm) => hsm.use('orders').cryptoki.C_Finalize()],
];
for (const [what, lose] of ways) {
  onToken(`${what}: handshakes go on as if nothing had been`, async () => {
    const hsm = newHsm();
    const token = await openOrders(hsm);
    const key = await token.generateKemKey({ label: 'kem' });
    for (let round = 0; round < 3; round++) {
      lose(hsm);
      const results = await Promise.all(Array.from({ length: 6 }, () => agrees(key)));
      assert.ok(results.every(Boolean));
    }
    lose(hsm);
    assert.ok(await agrees(await token.kemKey({ label: 'kem' })));
  });
}

onToken('while a token is away, handshakes are unavailable; when it is back, they succeed', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  const key = await token.generateKemKey({ label: 'kem' });
  const server = await serveWith(key);
  const putBack = hsm.remove();
  const call = () => clientOf(server, { suites: ['P-256'] })('/orders', order('tea'));
  await thrown(call(), 'unavailable');
  const { message } = await thrown(agrees(key), 'unavailable');
  assert.match(
    message,
    /^What the server needs .* Key "kem".* There is no such token\. The module has none\.$/,
  );
  putBack();
  await until(() => agrees(key));
  assert.is((await call()).status, 200);
});

onToken('a key is found in a token that was away meanwhile', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  await token.generateKemKey({ label: 'kem' });
  // SoftHSM goes on with an empty token once it has looked for it in vain.
  const putBack = hsm.remove();
  await thrown(token.kemKey({ label: 'kem' }), 'keys-invalid');
  putBack();
  await until(async () => agrees(await token.kemKey({ label: 'kem' })));
});

onToken(
  'a token that was set up anew has no key, or another one of the same name: both are unavailable',
  async () => {
    const hsm = newHsm();
    const token = await openOrders(hsm);
    const key = await token.generateKemKey({ label: 'kem', id: '01' });
    hsm.initAgain('orders');
    const gone = await thrown(agrees(key), 'unavailable');
    assert.match(gone.message, 'no such');
    const other = await openOrders(hsm);
    await until(async () => (await other.generateKemKey({ label: 'kem', id: '01' })) !== undefined);
    assert.match(
      (await thrown(agrees(key), 'unavailable')).message,
      'The token has another key of this name.',
    );
  },
);

onToken('a wrong PIN is refused with a remedy, and is not offered to the token again', async () => {
  const hsm = newHsm();
  const wrong = 'gooseberry-0815';
  isSecret(wrong);
  const first = await thrown(openOrders(hsm, { pin: wrong }), 'keys-invalid');
  assert.match(
    first.message,
    'The token answered CKR_PIN_INCORRECT. The PIN is wrong. It is not offered again',
  );
  assert.not.match(`${first.stack}${JSON.stringify(first)}${first.cause}`, wrong);
  // A right PIN resets the token's count of wrong ones, which begins at the next of them.
  await (await openOrders(hsm)).close();
  const second = await thrown(openOrders(hsm, { pin: () => wrong }), 'keys-invalid');
  assert.match(second.message, 'The token refused this PIN before.');
  const token = await openOrders(hsm);
  const { cryptoki, slot } = hsm.use('orders');
  const { CKF_USER_PIN_COUNT_LOW = 0 } = numbers();
  assert.is(cryptoki.C_GetTokenInfo(slot).flags & CKF_USER_PIN_COUNT_LOW, 0);
  await token.close();
});

onToken('a PIN that was changed meanwhile is asked for when the sessions are lost', async () => {
  const hsm = newHsm();
  let current = pin;
  let asked = 0;
  const token = await openOrders(hsm, {
    pin: async () => {
      asked++;
      return current;
    },
  });
  const key = await token.generateKemKey({ label: 'kem' });
  const loseSessions = ways[0]?.[1] as (hsm: SoftHsm) => void;
  hsm.session('orders', (cryptoki, session) => cryptoki.C_SetPIN(session, pin, 'another-pin'));
  loseSessions(hsm);
  assert.match((await thrown(agrees(key), 'unavailable')).message, 'CKR_PIN_INCORRECT');
  assert.is(asked, 2);
  current = 'another-pin';
  await until(() => agrees(key));
});

onToken('keys are named by texts and by bytes in hexadecimal', async () => {
  const token = await openOrders(newHsm());
  for (const name of [{}, { label: '' }, { id: '' }, { id: '1' }, { id: 'xy' }, { label: 1 }, { id: 1 }])
    await thrown(token.kemKey(name as KeyName), 'invalid-option');
  await thrown(token.generateKemKey({ id: '01' } as unknown as { label: string }), 'invalid-option');
});

onToken('what is missing is named', async () => {
  const hsm = newHsm();
  const { module } = hsm;
  const token = await openOrders(hsm);
  await token.generateKemKey({ label: 'kem', id: '01' });
  const cases: [act: () => Promise<unknown>, says: string][] = [
    [
      () => openOrders(hsm, { module: '/none/such.so' }),
      'label "orders" of /none/such.so: The module cannot be loaded',
    ],
    [
      () => openToken({ module, label: 'none', pin }),
      `label "none" of ${module}: There is no such token. The module has "orders".`,
    ],
    [() => openToken({ module, serial: '00', pin }), 'serial "00"'],
    [() => openToken({ module, slot: 4711, pin }), 'slot 4711'],
    [
      () => token.kemKey({ label: 'none' }),
      `Key "none" in the token with label "orders" of ${module}: The token has no such private key.`,
    ],
    [() => token.kemKey({ label: 'kem', id: '02' }), 'Key "kem" with id 02'],
    [
      () => token.generateKemKey({ label: 'kem' }),
      'The token has a private key with this label or id already.',
    ],
    [() => token.generateKemKey({ label: 'other', id: '01' }), 'with this label or id already.'],
  ];
  for (const [act, says] of cases) assert.match((await thrown(act(), 'keys-invalid')).message, says);
  hsm.init('orders');
  await token.close();
  assert.match(
    (await thrown(openOrders(hsm), 'keys-invalid')).message,
    'several such tokens: name it by its `serial`',
  );
});

const fit = {
  CKA_PRIVATE: true,
  CKA_DERIVE: true,
  CKA_SENSITIVE: true,
  CKA_EXTRACTABLE: false,
  CKA_SIGN: false,
};
const p384 = '06052b81040022';
const unfit: [what: string, pair: PairAttributes, says: string][] = [
  ['of another curve', { curve: p384, private: fit }, 'no key of P-256'],
  [
    'that could be taken out',
    { private: { ...fit, CKA_EXTRACTABLE: true } },
    'Its CKA_EXTRACTABLE is not false, it can',
  ],
  ['that could be read', { private: { ...fit, CKA_SENSITIVE: false } }, 'Its CKA_SENSITIVE is not true'],
  ['that can also sign', { private: { ...fit, CKA_SIGN: true } }, 'Its CKA_SIGN is not false'],
  ['that cannot derive', { private: { ...fit, CKA_DERIVE: false } }, 'Its CKA_DERIVE is not true'],
];
for (const [what, pair, says] of unfit) {
  onToken(`a key ${what} is refused`, async () => {
    const hsm = newHsm();
    const token = await openOrders(hsm);
    const named = { CKA_LABEL: 'kem', CKA_ID: Buffer.from([1]) };
    hsm.generate('orders', { ...pair, public: named, private: { ...named, ...pair.private } });
    const { message } = await thrown(token.kemKey({ label: 'kem' }), 'keys-invalid');
    assert.match(message, says);
    hsm.generate('orders', { public: { CKA_LABEL: 'fit' }, private: { ...fit, CKA_LABEL: 'fit' } });
    assert.ok(await agrees(await token.kemKey({ label: 'fit' })));
  });
}

onToken('a key whose public half is missing, or that of another key, is refused', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  const id = (number: number) => ({ CKA_ID: Buffer.from([number]) });
  for (const [one, other] of [
    [1, 2],
    [2, 1],
    [3, 4],
  ] as const)
    hsm.generate('orders', { public: id(one), private: { ...fit, ...id(other) } });
  assert.match(
    (await thrown(token.kemKey({ id: '01' }), 'keys-invalid')).message,
    'Its public key is not the one',
  );
  assert.match((await thrown(token.kemKey({ id: '04' }), 'keys-invalid')).message, 'exactly one public key');
});

onToken('several keys of one name are refused', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  for (const number of [1, 2]) {
    const named = { CKA_LABEL: 'kem', CKA_ID: Buffer.from([number]) };
    hsm.generate('orders', { public: named, private: { ...fit, ...named } });
  }
  const { message } = await thrown(token.kemKey({ label: 'kem' }), 'keys-invalid');
  assert.match(message, 'The token has several such keys: name it by its `id`.');
  assert.ok(await agrees(await token.kemKey({ label: 'kem', id: '02' })));
});

onToken('after close(), handshakes are unavailable, those that wait included', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm, { sessions: 1 });
  const key = await token.generateKemKey({ label: 'kem' });
  const running = Promise.allSettled(Array.from({ length: 5 }, () => agrees(key)));
  await token.close();
  const [first, ...others] = await running;
  assert.equal(first, { status: 'fulfilled', value: true });
  for (const { reason } of [...(others as PromiseRejectedResult[]), { reason: await failure(agrees(key)) }])
    assert.match((reason as Error).message, /^What the server needs.*The token was closed\.$/);
  await token.close();
  assert.throws(() => hsm.use('orders'), /CKR_CRYPTOKI_NOT_INITIALIZED/);
});

/** Asks until it succeeds: a token that was away is looked for once a second. */
async function until(succeeds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; ; await sleep(100)) {
    try {
      assert.ok(await succeeds());
      return;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}

test.run();
