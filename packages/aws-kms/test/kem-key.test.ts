import { createECDH } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { kmsKemKey } from '../src/index.ts';
import { startKms } from './support/kms-double.ts';

it('a key in KMS agrees on the secret that the peer computes', async () => {
  const kms = await startKms();
  const key = await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  const peer = createECDH('prime256v1');
  assert.equal(await key.dh(peer.generateKeys()), peer.computeSecret(key.pub));
});

test.run();
