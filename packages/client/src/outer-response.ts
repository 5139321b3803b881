import { type ErrorCode, problemCode, problemType, SealwireError } from '@sealwire/core';

// What comes back in plaintext is a hint at best: anyone on the path could have sent it.

/** Longest problem that is read, in bytes: a signed configuration may be embedded in it. */
const maxProblemLength = 98_304;

/** A problem that a server (or anyone else on the path) answered with in plaintext. */
export interface Hint {
  readonly code: ErrorCode;
  readonly members: Record<string, unknown>;
  /** Milliseconds to wait, at most a minute. */
  readonly retryAfter: number | undefined;
}

/** Content type without parameters, in lower case. */
export function mediaType(response: Response): string {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** Reads a body up to a limit; undefined if it is longer. */
export async function readLimited(
  response: Response,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  if (response.body === null) return new Uint8Array();
  const reader = response.body.getReader();
  const chunks: BlobPart[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(chunks).arrayBuffer());
    length += value.length;
    if (length > limit) {
      reader.cancel().catch(() => {});
      return undefined;
    }
    chunks.push(value);
  }
}

/** The hint in a plaintext answer; undefined for any other answer, whose body is then left alone. */
export async function readHint(response: Response): Promise<Hint | undefined> {
  if (mediaType(response) !== problemType) return undefined;
  const bytes = await readLimited(response.clone(), maxProblemLength);
  try {
    const members = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const code = problemCode(members);
    if (code === undefined) return undefined;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    return { code, members, retryAfter: seconds >= 0 ? Math.min(seconds, 60) * 1000 : undefined };
  } catch {
    return undefined;
  }
}

/** What proxies answer with when a header is too long for them. */
const headerTooLong = new Set([400, 414, 431, 494]);

/** What a response is, in words: of a redirect that it does not follow, a browser shows neither status nor location. */
export function inWords({ type, status }: Response): string {
  return type === 'opaqueredirect' ? 'A redirect' : `Status ${status}`;
}

/** The error of a call that was answered in plaintext; it carries the answer, which nothing vouches for. */
export function plaintextAnswer(response: Response, hint?: Hint): SealwireError & { untrusted: Response } {
  const advice =
    hint === undefined && headerTooLong.has(response.status)
      ? ' A proxy may have small header buffers: without a body, the `Sealwire` header has up to 6,200 characters.'
      : '';
  const error = new SealwireError(
    'plaintext-answer',
    `${inWords(response)}${hint ? `, "${hint.code}"` : ''}.${advice}`,
  );
  return Object.assign(error, { untrusted: response });
}
