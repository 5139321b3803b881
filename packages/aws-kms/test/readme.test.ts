// The code of the README, run as it stands there: only the port and the origin are replaced.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { remoteKemKey } from '@sealwire/core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { clientOf } from '../../../test/support/clients.ts';
import { script, whileServing } from '../../../test/support/commands.mjs';
import { temporaryFolder } from '../../../test/support/folders.ts';
import { readReadmes } from '../../../test/support/readmes.mjs';
import { listen } from '../../../test/support/servers.ts';
import { kmsKemKey, kmsUnwrap, kmsWrap } from '../src/index.ts';
import { type KmsDouble, sessionToken, startKms } from './support/kms-double.ts';

const readmes: Record<string, Record<string, string>> = readReadmes();
/** Where all that the code imports is installed. */
const cwd = fileURLToPath(new URL('../../../test/', import.meta.url));

function block(name: string): string {
  return readmes['packages/aws-kms/README.md']?.[name] as string;
}

/** How the SDK is told, by its environment alone, to call the double. */
function environment(kms: KmsDouble, others: Record<string, string>) {
  const { accessKeyId, secretAccessKey, region } = kms.account;
  return {
    ...process.env,
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    // On Node 20 the SDK warns that it will not support that for ever.
    NODE_NO_WARNINGS: '1',
    ...others,
  };
}

function module(text: string): string[] {
  return ['--import', 'tsx', '--conditions=sealwire-source', '--input-type=module', '--eval', text];
}

it('keys that were made and wrapped serve after a start', async () => {
  const folder = temporaryFolder();
  const kms = await startKms();
  const env = environment(kms, { ORDERS_KMS_KEY: kms.addKey('symmetric').arn });
  const file = JSON.stringify(join(folder, 'orders.keys'));
  await script(module(block('make-keys.js').replace("'orders.keys'", file)), { cwd, env });

  const { port, origin, close } = await listen();
  await close();
  const server = block('server.js')
    .replace("'orders.keys'", file)
    .replace('8080', String(port))
    .replace('https://api.example.com', origin);
  const ready = (output: string) => output.match(/^pin: (sw1\S+)$/m)?.[1];
  await whileServing(module(server), { cwd, env, ready }, async (pin: string) => {
    const response = await clientOf({ origin, pin })(`${origin}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"item":"tea"}',
    });
    assert.equal(await response.json(), { ordered: 'tea' });
  });
  assert.equal(kms.calls, ['GenerateDataKey', 'Decrypt']);
});

it('a key in KMS is named by its kid', async () => {
  const kms = await startKms();
  const { arn } = kms.addKey('P-256');
  const env = environment(kms, { ORDERS_KEM_KEY: arn });
  const { stdout } = await script(module(block('kem-key.js')), { cwd, env });
  const { kid } = await remoteKemKey(await kmsKemKey(kms.client(), arn));
  assert.is(stdout, `P-256 ${kid}\n`);
});

it('the policy allows what a server calls, and nothing else', async () => {
  const kms = await startKms();
  const options = { keyId: kms.addKey('symmetric').arn, encryptionContext: { app: 'orders' } };
  const wrapped = await kmsWrap(kms.client(), options)(Buffer.from('keys'));
  kms.calls.length = 0;
  await kmsUnwrap(kms.client(), options)(wrapped);
  await kmsKemKey(kms.client(), kms.addKey('P-256').arn);
  const { Statement } = JSON.parse(block('policy.json')) as { Statement: { Action: unknown }[] };
  assert.equal(
    Statement.flatMap(({ Action }) => Action),
    kms.calls.map((call) => `kms:${call}`),
  );
});

test.run();
