// What a server is told that cannot use its key, and what it is not told: nothing of a secret.
import { inspect } from 'node:util';
import type { KMSClientConfig } from '@aws-sdk/client-kms';
import { type ErrorCode, isSealwireError } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { failure, thrown } from '../../../test/support/problems.ts';
import { listen } from '../../../test/support/servers.ts';
import { kmsKemKey, kmsUnwrap, kmsWrap } from '../src/index.ts';
import { type Fault, type KmsDouble, sessionToken, startKms } from './support/kms-double.ts';
import { type Fields, KmsError, type KmsKey } from './support/kms-keys.ts';

interface Case {
  readonly what: string;
  readonly set?: (kms: KmsDouble, key: KmsKey) => void;
  readonly config?: Partial<KMSClientConfig>;
  readonly code: ErrorCode;
  readonly says: RegExp;
}

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'another', sessionToken };
const cases: Case[] = [
  {
    what: 'GetPublicKey is denied',
    set: (kms) => kms.denied.add('GetPublicKey'),
    code: 'keys-invalid',
    says: /Allow kms:GetPublicKey on this key/,
  },
  {
    what: 'DeriveSharedSecret is denied',
    set: (kms) => kms.denied.add('DeriveSharedSecret'),
    code: 'keys-invalid',
    says: /Allow kms:DeriveSharedSecret on this key/,
  },
  {
    what: 'the key is disabled',
    set: (_, key) => {
      key.state = 'Disabled';
    },
    code: 'keys-invalid',
    says: /disabled: enable it/,
  },
  {
    what: 'the deletion of the key is pending',
    set: (_, key) => {
      key.state = 'PendingDeletion';
    },
    code: 'keys-invalid',
    says: /deletion is pending/,
  },
  {
    what: 'the secret of the credentials is wrong',
    config: { credentials },
    code: 'keys-invalid',
    says: /does not take the credentials/,
  },
  {
    what: 'the access key is not known',
    config: { credentials: { ...credentials, accessKeyId: 'AKIDOTHER' } },
    code: 'keys-invalid',
    says: /does not take the credentials/,
  },
  {
    what: 'requests are signed for another region',
    config: { region: 'eu-west-1' },
    code: 'keys-invalid',
    says: /the region \(eu-west-1\)/,
  },
  {
    what: 'there are no credentials',
    config: {
      credentials: async () => {
        throw Object.assign(new Error('none'), { name: 'CredentialsProviderError' });
      },
    },
    code: 'keys-invalid',
    says: /does not take the credentials/,
  },
  {
    what: 'there is no region',
    config: {
      region: async () => {
        throw new Error('Region is missing');
      },
    },
    code: 'keys-invalid',
    says: /has no region: set AWS_REGION/,
  },
  {
    what: 'the search for credentials does not end',
    config: { credentials: () => new Promise(() => {}) },
    code: 'unavailable',
    says: /did not do GetPublicKey/,
  },
  {
    what: 'KMS is silent',
    set: (kms) => kms.next('GetPublicKey', { kind: 'silent' }),
    code: 'unavailable',
    says: /did not do GetPublicKey/,
  },
  {
    what: 'KMS does not stop throttling',
    set: (kms) => kms.next('GetPublicKey', new KmsError('ThrottlingException'), 100),
    code: 'unavailable',
    says: /Try again later/,
  },
  {
    what: 'KMS has a fault of its own',
    set: (kms) => kms.next('GetPublicKey', new KmsError('KMSInternalException', 'x', 500), 100),
    code: 'unavailable',
    says: /Try again later/,
  },
  {
    what: 'KMS answers with an error that nobody knows',
    set: (kms) => kms.next('GetPublicKey', new KmsError('constructor')),
    code: 'unavailable',
    says: /Try again later/,
  },
  {
    what: 'connections break',
    set: (kms) => kms.next('GetPublicKey', { kind: 'reset' }, 100),
    code: 'unavailable',
    says: /Try again later/,
  },
];

for (const { what, set, config = {}, code, says } of cases) {
  it(`where ${what}, the start fails with the key and the remedy`, async () => {
    const kms = await startKms();
    const key = kms.addKey('P-256');
    set?.(kms, key);
    const options = code === 'unavailable' ? { timeLimit: 500 } : {};
    const error = await thrown(kmsKemKey(kms.client(config), key.arn, options), code);
    assert.match(error.message, says);
    if (what !== 'there is no region') assert.match(error.message, key.arn);
    assertNoSecret(error, kms);
  });
}

it('where there is no such key, the start names the region', async () => {
  const kms = await startKms();
  const error = await thrown(kmsKemKey(kms.client(), '1234abcd-12ab-34cd-56ef-1234567890ab'), 'keys-invalid');
  assert.match(error.message, 'no such key in eu-central-1');
});

it('where nothing listens, the start is `unavailable`', async () => {
  const kms = await startKms();
  const { origin: endpoint, close } = await listen();
  await close();
  const error = await thrown(kmsKemKey(kms.client({ endpoint }), kms.addKey('P-256').arn), 'unavailable');
  assert.match((error.cause as Error).message, 'ECONNREFUSED');
});

it('a start that failed for a moment succeeds later', async () => {
  const kms = await startKms();
  const { arn } = kms.addKey('P-256');
  const client = kms.client();
  kms.next('GetPublicKey', { kind: 'silent' });
  await thrown(kmsKemKey(client, arn, { timeLimit: 200 }), 'unavailable');
  await kmsKemKey(client, arn);
});

it('an error tells name, status and request of the answer', async () => {
  const kms = await startKms();
  kms.denied.add('GetPublicKey');
  const error = await thrown(kmsKemKey(kms.client(), kms.addKey('P-256').arn), 'keys-invalid');
  assert.is(
    String(error.cause),
    'AccessDeniedException: status 400, request d5b6e2a0-0000-4000-8000-00000000c0de, attempts 1',
  );
});

/** Faults whose answers hold a secret, which Node's and the SDK's errors quote. */
const leaking: [what: string, fault: (secrets: string[]) => Fault][] = [
  ['is cut off', (secrets) => answered(secrets, (answer) => JSON.stringify(answer).slice(0, -2))],
  ['has more behind it', (secrets) => answered(secrets, (answer) => `${JSON.stringify(answer)}x`)],
  ['is a text', (secrets) => answered(secrets, (answer) => String(secretOf(answer)))],
  ['has a secret that is too long', (secrets) => answered(secrets, longer)],
];

function answered(secrets: string[], alter: (answer: Fields) => Fields | string): Fault {
  return {
    kind: 'answer',
    alter(answer) {
      secrets.push(secretOf(answer));
      return alter(answer);
    },
  };
}

function secretOf({ SharedSecret, Plaintext }: Fields): string {
  return String(SharedSecret ?? Plaintext);
}

function longer(answer: Fields): Fields {
  const secret = `AAAA${secretOf(answer)}`;
  return {
    ...answer,
    ...(answer.Plaintext === undefined ? { SharedSecret: secret } : { Plaintext: secret }),
  };
}

for (const [what, fault] of leaking) {
  it(`where an answer ${what}, the secret in it is in no error`, async () => {
    const kms = await startKms();
    const client = kms.client();
    const keyId = kms.addKey('symmetric').arn;
    const options = { keyId, encryptionContext: { app: 'orders' } };
    const wrapped = await kmsWrap(client, options)(Buffer.from('keys'));
    const { arn } = kms.addKey('P-256');
    const calls: Record<string, () => Promise<unknown>> = {
      DeriveSharedSecret: () => kmsKemKey(client, arn),
      GenerateDataKey: () => kmsWrap(client, options)(Buffer.from('keys')),
      Decrypt: () => kmsUnwrap(client, options)(wrapped),
    };
    for (const [operation, call] of Object.entries(calls)) {
      const secrets: string[] = [];
      kms.next(operation, fault(secrets));
      const error = await failure(call());
      assert.ok(isSealwireError(error), `${operation}: ${error}`);
      assert.is(secrets.length, 1);
      assertNoSecret(error, kms, secrets);
    }
  });
}

it('a key shows nothing but its public half', async () => {
  const kms = await startKms();
  const key = await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  assert.equal(Object.keys(key), ['suite', 'pub', 'dh']);
  assertNoSecret(key, kms);
});

/** Nothing in the whole of a value is a secret, and nothing is a part of one. */
function assertNoSecret(value: unknown, { account }: KmsDouble, secrets: readonly string[] = []): void {
  const shown = inspect(value, { depth: Infinity, showHidden: true, maxStringLength: Infinity });
  for (const secret of [...secrets, account.secretAccessKey, sessionToken]) {
    assert.not.match(shown, secret.slice(0, 8));
    assert.not.match(shown, secret.slice(-8));
  }
}

test.run();
