// The double that the other tests ask refuses what AWS would refuse: who calls it has signed just this request.
import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { it } from '../../../test/support/cases.ts';
import { failure } from '../../../test/support/problems.ts';
import { startKms } from './support/kms-double.ts';

interface Signed {
  body: string;
  headers: Record<string, string>;
}

/** What a call is refused with whose request is altered after it was signed. */
async function refusalOf(alter: (request: Signed, another: string) => void): Promise<string> {
  const kms = await startKms();
  const [{ arn }, { arn: another }] = [kms.addKey('P-256'), kms.addKey('P-256')];
  const client = kms.client();
  await client.send(new GetPublicKeyCommand({ KeyId: arn }));
  client.middlewareStack.add(
    (next) => (args) => {
      alter((args as unknown as { request: Signed }).request, another);
      return next(args);
    },
    { step: 'deserialize', priority: 'low' },
  );
  return ((await failure(client.send(new GetPublicKeyCommand({ KeyId: arn })))) as Error).name;
}

it('a request whose body, operation or token was changed after it was signed is refused', async () => {
  const alterations: ((request: Signed, another: string) => void)[] = [
    (request, another) => {
      request.body = JSON.stringify({ KeyId: another });
    },
    ({ headers }) => {
      headers['x-amz-target'] = 'TrentService.DeriveSharedSecret';
    },
    ({ headers }) => {
      headers['x-amz-security-token'] = 'another';
    },
  ];
  for (const alter of alterations) assert.is(await refusalOf(alter), 'InvalidSignatureException');
});

it('a request without a signature, or signed too long ago, is refused', async () => {
  const unsigned = await refusalOf(({ headers }) => {
    delete headers.authorization;
  });
  assert.is(unsigned, 'MissingAuthenticationTokenException');
  const kms = await startKms();
  const client = kms.client({ systemClockOffset: -16 * 60_000 });
  const error = await failure(client.send(new GetPublicKeyCommand({ KeyId: kms.addKey('P-256').arn })));
  assert.is((error as Error).name, 'InvalidSignatureException');
});

test.run();
