import type { IncomingMessage, ServerResponse } from 'node:http';
import { KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { isSecret } from '../../../../test/support/recording.ts';
import { afterwards } from '../../../../test/support/resources.ts';
import { listen } from '../../../../test/support/servers.ts';
import { type Fields, type KeyKind, KmsError, type KmsKey, newKey, operations } from './kms-keys.ts';
import { type Account, signatureFault } from './sigv4.ts';

// A server that speaks the protocol of AWS KMS (AWS JSON 1.1, operations `TrentService.*`, Signature Version 4), for the
// real SDK to call. It is a double of the protocol and not AWS: what AWS itself does was never asked.

/** How a call goes wrong. */
export type Fault =
  | KmsError
  | { readonly kind: 'reset' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'answer'; alter(answer: Fields): Fields | string };

export interface KmsDouble {
  readonly account: Account;
  readonly endpoint: string;
  /** Operations that arrived, in order. */
  readonly calls: string[];
  /** Requests whose caller hung up before they were answered. */
  readonly abandoned: string[];
  /** Operations that the caller may not do. */
  readonly denied: Set<string>;
  addKey(kind: KeyKind): KmsKey;
  /** The next call of an operation goes wrong, or the next ones. */
  next(operation: string, fault: Fault, times?: number): void;
  /** Holds answers back until the function that it returns is called. */
  hold(): () => void;
  client(config?: Partial<KMSClientConfig>): KMSClient;
}

const region = 'eu-central-1';
const account: Account = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI+K7MDENG', region };
export const sessionToken = 'a-session-token-that-nobody-shall-see';
for (const each of [account.secretAccessKey, sessionToken]) isSecret(each);

export async function startKms(): Promise<KmsDouble> {
  const keys = new Map<string, KmsKey>();
  const faults = new Map<string, Fault[]>();
  const calls: string[] = [];
  const abandoned: string[] = [];
  const denied = new Set<string>();
  let released: Promise<void> | undefined;

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await bodyOf(req);
    const operation = String(req.headers['x-amz-target']).replace(/^TrentService\./, '');
    calls.push(operation);
    res.once('close', () => {
      if (!res.writableEnded) abandoned.push(operation);
    });
    await released;
    const fault = faults.get(operation)?.shift();
    try {
      if (req.headers['content-type'] !== 'application/x-amz-json-1.1')
        throw new KmsError('SerializationException');
      const refusal = signatureFault(req, body, account);
      // As AWS does, it quotes what should have been signed.
      if (refusal !== undefined) throw new KmsError(refusal, quoted(req), 403);
      if (fault instanceof KmsError) throw fault;
      if (fault?.kind === 'reset') return void req.socket.resetAndDestroy();
      if (fault?.kind === 'silent') return;
      const answer = answerTo(operation, JSON.parse(body.toString()));
      send(res, 200, fault === undefined ? answer : fault.alter(answer));
    } catch (error) {
      if (!(error instanceof KmsError)) throw error;
      send(res, error.status, { __type: error.name, message: error.message });
    }
  }

  function answerTo(operation: string, request: Fields): Fields {
    const work = operations[operation];
    if (work === undefined) throw new KmsError('UnknownOperationException');
    const key = keys.get(String(request.KeyId));
    if (denied.has(operation)) throw new KmsError('AccessDeniedException');
    if (key === undefined) throw new KmsError('NotFoundException');
    if (key.state === 'Disabled') throw new KmsError('DisabledException');
    if (key.state === 'PendingDeletion') throw new KmsError('KMSInvalidStateException');
    return work(key, request);
  }

  const { origin: endpoint } = await listen(serve);
  return {
    account,
    endpoint,
    calls,
    abandoned,
    denied,
    addKey(kind) {
      const key = newKey(kind, region);
      keys.set(key.id, key).set(key.arn, key);
      return key;
    },
    next(operation, fault, times = 1) {
      faults.set(operation, [...(faults.get(operation) ?? []), ...Array<Fault>(times).fill(fault)]);
    },
    hold() {
      let release!: () => void;
      released = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    client(config = {}) {
      const credentials = { ...account, sessionToken };
      const client = new KMSClient({ endpoint, region, credentials, ...config });
      afterwards(() => client.destroy());
      return client;
    },
  };
}

async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function quoted(req: IncomingMessage): string {
  return `The canonical string should have been x-amz-security-token:${req.headers['x-amz-security-token']}`;
}

function send(res: ServerResponse, status: number, answer: Fields | string): void {
  res.writeHead(status, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': 'd5b6e2a0-0000-4000-8000-00000000c0de',
  });
  res.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
}
