import {
  type ConfigurationPayload,
  concat,
  configurationPath,
  configurationType,
  isSealwireError,
  maxConfigurationLength,
  openConfiguration,
  readUnverified,
} from '@sealwire/core';
import { Failure } from '../failure.ts';

/** How long a server may take to answer, in milliseconds. */
export const answerLimit = 10_000;

type Fetch = (input: string, init: RequestInit) => Promise<Response>;

/** What a server answered at the well-known path, not believed yet. */
export interface FetchedConfiguration {
  readonly bytes: Uint8Array;
  readonly response: Response;
  readonly payload: ConfigurationPayload;
  /** Pins in its signatures, whether those are valid or not. */
  readonly named: readonly string[];
  /** Pins whose signatures are valid. */
  readonly signers: readonly string[];
}

/**
 * Fetches the key configuration of an origin and finds out who signed it.
 * @throws Failure `server-unreachable`, `configuration-unavailable`, `configuration-invalid`
 */
export async function fetchConfiguration(origin: string, fetch: Fetch): Promise<FetchedConfiguration> {
  const url = origin + configurationPath;
  let response: Response;
  let bytes: Uint8Array;
  try {
    response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(answerLimit) });
    bytes = await beginningOf(response);
  } catch (error) {
    throw new Failure(1, 'server-unreachable', `${origin} did not answer: ${reasonOf(error)}.`);
  }
  if (response.status !== 200) throw unavailable(url, response);
  const type = response.headers.get('content-type')?.split(';', 1)[0];
  if (type !== configurationType) {
    const text = `${url} answered ${type ?? 'something without a type'} instead of ${configurationType}.`;
    throw new Failure(
      1,
      'configuration-unavailable',
      `${text} Is it answered by something before sealwire()?`,
    );
  }
  const { payload, named } = read(bytes);
  return { bytes, response, payload, named, signers: await validSigners(bytes, payload, named) };
}

function unavailable(url: string, { status, headers }: Response): Failure {
  const text = `${url} answered ${status}.`;
  if (status >= 300 && status < 400)
    return new Failure(
      1,
      'configuration-unavailable',
      `${text} It leads to ${headers.get('location')}: use that origin.`,
    );
  const remedy =
    status === 404
      ? 'Mount sealwire() at the root, before every route; let the proxy in front pass /.well-known/sealwire.'
      : 'Let whatever stands in front pass /.well-known/sealwire as it is.';
  return new Failure(1, 'configuration-unavailable', `${text} ${remedy}`);
}

/** The text of what a platform or Node says about a connection that failed. */
export function reasonOf(error: unknown): string {
  const { cause, message, name } = error as Error;
  if (name === 'TimeoutError') return `nothing came for ${answerLimit / 1000} s`;
  return cause instanceof Error ? cause.message || (cause as { code?: string }).code || cause.name : message;
}

/** As much of a body as shows that it is too long: whoever answers may never stop. */
async function beginningOf({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxConfigurationLength) break;
  }
  return concat(...chunks);
}

/** What it says, before anything of it is verified. */
function read(bytes: Uint8Array): ReturnType<typeof readUnverified> {
  try {
    return readUnverified(bytes);
  } catch {
    throw new Failure(1, 'configuration-invalid', 'What came is no signed key configuration.');
  }
}

/** @throws SealwireError `configuration-invalid` for what no signature can mend */
async function validSigners(
  bytes: Uint8Array,
  { aud: [origin = ''] }: ConfigurationPayload,
  named: readonly string[],
): Promise<string[]> {
  const valid: string[] = [];
  for (const pin of named) {
    try {
      await openConfiguration(bytes, { identities: [pin], origin });
      valid.push(pin);
    } catch (error) {
      if (!isSealwireError(error, 'identity-mismatch')) throw error;
    }
  }
  return valid;
}
