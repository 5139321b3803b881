// KEM keys in a real PKCS#11 token: the package, SoftHSM, Express and the client together.
import { inspect } from 'node:util';
import { openToken } from '@sealwire/pkcs11';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startChild } from './support/child.ts';
import { clientOf } from './support/clients.ts';
import { numbers, pin } from './support/softhsm.ts';
import { agrees, newHsm, onToken, openOrders, order, serveWith } from './support/tokens.ts';

onToken('a call is sealed for a key that is in a token', async () => {
  const token = await openOrders(newHsm());
  const server = await serveWith(await token.generateKemKey({ label: 'kem' }));
  const sealedFetch = clientOf(server, { suites: ['P-256'] });
  const response = await sealedFetch('/orders', order('tea'));
  assert.equal(await response.json(), { ordered: 'tea', suite: 'P-256' });
});

onToken('more handshakes at once than there are sessions all succeed', async () => {
  const token = await openOrders(newHsm(), { sessions: 2 });
  const server = await serveWith(await token.generateKemKey({ label: 'kem' }));
  const items = Array.from({ length: 8 }, (_, index) => `tea ${index}`);
  const answers = await Promise.all(
    items.map(async (item) => {
      const response = await clientOf(server, { suites: ['P-256'] })('/orders', order(item));
      return ((await response.json()) as { ordered: string }).ordered;
    }),
  );
  assert.equal(answers, items);
});

onToken('a key is found by its label, by its id, and by both, also after a restart', async () => {
  const hsm = newHsm();
  const first = await openOrders(hsm);
  const { pub } = await first.generateKemKey({ label: 'kem', id: '01af' });
  await first.generateKemKey({ label: 'other', id: '02' });
  await first.close();
  const token = await openOrders(hsm, { pin: async () => pin });
  for (const name of [{ label: 'kem' }, { id: '01af' }, { label: 'kem', id: '01AF' }]) {
    const key = await token.kemKey(name);
    assert.equal(key.pub, pub);
    assert.ok(await agrees(key));
  }
});

onToken('a token is found by its label, its serial number and its slot', async () => {
  const hsm = newHsm();
  hsm.init('another');
  let logins = 0;
  const token = await openOrders(hsm, {
    pin: () => {
      logins++;
      return pin;
    },
  });
  const { pub } = await token.generateKemKey({ label: 'kem' });
  const { serial, slot } = hsm.use('orders');
  for (const name of [{ serial }, { slot: slot.readUInt32LE() }]) {
    const other = await openToken({ module: hsm.module, pin, sessions: 1, ...name });
    assert.equal((await other.kemKey({ label: 'kem' })).pub, pub);
    await other.close();
  }
  // Another token of the module was closed, but not what this one has.
  assert.ok(await agrees(await token.kemKey({ label: 'kem' })));
  assert.is(logins, 1);
});

onToken('the token does not hand out a private key that was made in it', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  await token.generateKemKey({ label: 'kem', id: '01' });
  const ck = numbers();
  const [yes, no] = ['01', '00'];
  const expected = {
    CKA_TOKEN: yes,
    CKA_PRIVATE: yes,
    CKA_SENSITIVE: yes,
    CKA_ALWAYS_SENSITIVE: yes,
    CKA_EXTRACTABLE: no,
    CKA_NEVER_EXTRACTABLE: yes,
    CKA_LOCAL: yes,
    CKA_DERIVE: yes,
    CKA_SIGN: no,
    CKA_DECRYPT: no,
    CKA_UNWRAP: no,
    CKA_ID: '01',
  };
  hsm.session('orders', (cryptoki, session) => {
    cryptoki.C_FindObjectsInit(session, [{ type: ck.CKA_CLASS as number, value: ck.CKO_PRIVATE_KEY }]);
    const [key] = cryptoki.C_FindObjects(session, 1) as [Buffer];
    cryptoki.C_FindObjectsFinal(session);
    const read = (name: string) =>
      cryptoki.C_GetAttributeValue(session, key, [{ type: ck[name] as number }])[0]?.value.toString('hex');
    const found = Object.fromEntries(Object.keys(expected).map((name) => [name, read(name)]));
    assert.equal(found, expected);
    assert.throws(() => read('CKA_VALUE'), /CKR_ATTRIBUTE_SENSITIVE/);
  });
});

onToken('handshakes leave nothing behind in the token', async () => {
  const hsm = newHsm();
  const token = await openOrders(hsm);
  const key = await token.generateKemKey({ label: 'kem' });
  const [objects, files] = [hsm.objects('orders'), hsm.files];
  assert.is(objects, 2);
  const results = await Promise.all(Array.from({ length: 200 }, () => agrees(key)));
  assert.ok(results.every(Boolean));
  assert.is(hsm.objects('orders'), objects);
  assert.is(hsm.files, files);
});

onToken('a process ends when its token is closed, and when it only has nothing to do any more', async () => {
  const hsm = newHsm();
  for (const closing of ['yes', 'no']) {
    const child = startChild('token-process.ts', {
      TEST_MODULE: hsm.module,
      TEST_PIN: pin,
      TEST_CLOSING: closing,
    });
    assert.is(await child.ended, 0, child.output.stderr);
    assert.is(child.output.stdout, 'true\n');
  }
});

onToken('neither the PIN nor handles are in what is inspected', async () => {
  const token = await openOrders(newHsm());
  const key = await token.generateKemKey({ label: 'kem' });
  for (const each of [token, key]) {
    const shown = inspect(each, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(each);
    assert.not.match(shown, pin);
    assert.not.match(shown, 'connections');
  }
});

test.run();
