import {
  createSealedFetch,
  isSealwireError,
  type PlatformFetch,
  type SealedFetch,
  type SealwireError,
} from '@sealwire/client';
import { type ConfigurationPayload, type SuiteName, suiteByKem } from '@sealwire/core';
import { answerLimit, reasonOf } from '../config/fetched.ts';
import type { Finding, Findings } from './finding.ts';

/** What is needed to call the server as its clients do. */
export interface Caller {
  readonly origin: string;
  readonly trust: { readonly identity: readonly string[] } | { readonly trust: 'tls' };
  readonly fetch: PlatformFetch;
}

/** A path that no application has: what is asked for here does nothing. */
export const harmlessPath = '/.well-known/sealwire/doctor';

/** A handshake in each suite that the server offers and this program knows. */
export async function* checkHandshakes(caller: Caller, { keys }: ConfigurationPayload): Findings {
  const names = new Set(keys.map(({ kem }) => suiteByKem(kem)?.name).filter((name) => name !== undefined));
  for (const name of names) {
    const began = performance.now();
    const failed = await failureOf(() => fetchWith(caller, [name]).ready());
    const took = Math.round(performance.now() - began);
    yield failed === undefined
      ? { check: 'handshake', level: 'ok', text: `${name}, ${took} ms` }
      : explained('handshake', `${name}: ${failed.text}`, failed.error);
  }
  if (!names.has('MLKEM768-X25519')) {
    const text = 'No post-quantum suite is offered: what is recorded today may be read one day.';
    yield { check: 'suites', level: 'warning', text };
  }
}

/** Whether sealed messages come through in each of the three places where they travel. */
export async function* checkExchanges(caller: Caller, path: string): Findings {
  const sealedFetch = fetchWith(caller);
  yield await exchange('GET', sealedFetch, path, {});
  yield await exchange('body', sealedFetch, harmlessPath, { method: 'POST', body: 'x'.repeat(100_000) });
  // As long as the header gets: the accept-language of a well-travelled user stands for cookies and long queries.
  yield await exchange('long header', sealedFetch, path, {
    headers: { 'accept-language': 'x'.repeat(4300) },
  });
}

function fetchWith({ origin, trust, fetch }: Caller, suites?: readonly SuiteName[]): SealedFetch {
  return createSealedFetch({ origin, fetch, ...trust, ...(suites && { suites }) } as Parameters<
    typeof createSealedFetch
  >[0]);
}

async function exchange(
  check: string,
  sealedFetch: SealedFetch,
  path: string,
  init: RequestInit,
): Promise<Finding> {
  let status = 0;
  const failed = await failureOf(async () => {
    const options = { ...init, redirect: 'manual' as const, signal: AbortSignal.timeout(answerLimit) };
    const response = await sealedFetch(path, options);
    status = response.status;
    await response.arrayBuffer();
  });
  const what = `${init.method ?? 'GET'} ${path}`;
  if (failed === undefined)
    return { check, level: 'ok', text: `${what} was sealed both ways, status ${status}` };
  return explained(check, `${what}: ${failed.text}`, failed.error);
}

async function failureOf(
  action: () => Promise<unknown>,
): Promise<{ text: string; error: unknown } | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    return { text: isSealwireError(error) ? `${error.code}. ${error.message}` : reasonOf(error), error };
  }
}

/** What mends the mistakes that proxies and set-ups make, by the code of the error. */
const remedies: Partial<Record<string, string>> = {
  'target-mismatch':
    'A proxy in front rewrites the path or the query: see the options stripPrefix, addPrefix, ignoreQuery of sealwire().',
  rejected:
    'Something on the way changes bodies: it has to honour "no-transform" and leave application/vnd.sealwire alone.',
  truncated: 'Something on the way cuts bodies short: look for limits of size and time.',
  malformed: 'Something on the way changes the header Sealwire, the content type, or the body.',
  expired: 'Requests arrive too late, or the clocks of several servers disagree.',
  'unknown-session':
    'Several servers answer, and they do not share their sessions: lead a client always to the same one.',
  'handshake-failed': 'Something on the way changes the body of the handshake.',
  'too-many-handshakes': 'Behind a proxy, tell the server by the option trustedProxies.',
};

/** Plaintext that came instead: the server's own word names what got lost on the way. */
const plaintextRemedies: [in_: RegExp, remedy: string][] = [
  [/"sealed-required"/, 'Something on the way drops the header Sealwire: let it pass.'],
  [/"malformed"/, 'Something on the way changes the header Sealwire, the content type, or the body.'],
  [
    /Status (?:400|414|431|494)/,
    'A proxy takes no header of 6,200 characters: raise its limit (nginx: large_client_header_buffers).',
  ],
  [/Status 413/, 'A proxy takes no body of 100 kB: raise its limit (nginx: client_max_body_size).'],
  [/Status 403/, 'A firewall refuses it: let it pass application/vnd.sealwire and /.well-known/sealwire.'],
  [/Status 50[234]/, 'A proxy does not reach the server.'],
  [
    /Status [23]/,
    'This path is answered before sealwire(), by a static page or a cache: choose another --path, or mount it first.',
  ],
];

function explained(check: string, text: string, error: unknown): Finding {
  const code = isSealwireError(error) ? (error as SealwireError).code : undefined;
  const remedy =
    code === 'plaintext-answer'
      ? (plaintextRemedies.find(([sign]) => sign.test(text))?.[1] ?? 'Something in front answers by itself.')
      : remedies[code ?? ''];
  return { check, level: 'problem', text, ...(remedy !== undefined && { remedy }) };
}
