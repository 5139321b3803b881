import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

// Signature Version 4 as AWS describes it ("Create a signed AWS API request"), from the side that verifies. Written from
// that text and without the SDK's signer, so that one does not vouch for the other.

export interface Account {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
}

const service = 'kms';
const tolerance = 15 * 60_000;
const authorizationForm =
  /^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z]+)\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;
/** What has to be under the signature, or it says little. */
const necessary = ['host', 'x-amz-date', 'x-amz-target'];

/** The name of the error that AWS refuses a request with; undefined if its signature is right. */
export function signatureFault(req: IncomingMessage, body: Buffer, account: Account): string | undefined {
  const match = authorizationForm.exec(req.headers.authorization ?? '');
  if (match === null) return 'MissingAuthenticationTokenException';
  const [, accessKeyId, day, region, named, list, signature] = match as unknown as string[];
  if (accessKeyId !== account.accessKeyId) return 'UnrecognizedClientException';
  const signed = (list as string).split(';');
  const date = String(req.headers['x-amz-date']);
  const scope = `${day}/${account.region}/${service}/aws4_request`;
  if (region !== account.region || named !== service || !date.startsWith(`${day}T`)) return refused;
  if (!necessary.every((name) => signed.includes(name))) return refused;
  if (!(Math.abs(Date.now() - timeOf(date)) < tolerance)) return refused;

  const text = ['AWS4-HMAC-SHA256', date, scope, hash(canonicalRequest(req, body, signed))].join('\n');
  const signingKey = [...scope.split('/')].reduce<Buffer | string>(
    (key, part) => hmac(key, part),
    `AWS4${account.secretAccessKey}`,
  );
  const right = timingSafeEqual(hmac(signingKey, text), Buffer.from(signature as string, 'hex'));
  return right ? undefined : refused;
}

const refused = 'InvalidSignatureException';

function canonicalRequest(req: IncomingMessage, body: Buffer, signed: readonly string[]): string {
  const { pathname, searchParams } = new URL(req.url as string, 'http://localhost');
  searchParams.sort();
  const fields = signed.map((name) => `${name}:${String(req.headers[name]).trim().replace(/ +/g, ' ')}\n`);
  return [req.method, pathname, searchParams.toString(), fields.join(''), signed.join(';'), hash(body)].join(
    '\n',
  );
}

/** `20260102T030405Z` in milliseconds. */
function timeOf(date: string): number {
  return Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function hash(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
