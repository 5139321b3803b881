import { createHmac, randomBytes } from 'node:crypto';
import type { Maybe } from '@sealwire/core';
import { isAboutPin, TokenFailure } from './failure.ts';
import type { Thread } from './thread.ts';

/** A PIN, or what asks for it at every login. */
export type Pin = string | (() => Maybe<string>);

const processKey = randomBytes(32);
/** PINs that a token refused in this process, as nobody can read them. */
const refused = new Set<string>();

/**
 * Logs a process in with a token. A PIN that was refused once is not offered to the same token again: tokens lock after
 * a few wrong ones, and a server that retries has used them up in a moment.
 * @throws TokenFailure; what a function that is asked for the PIN throws
 */
export async function logIn(thread: Thread, token: string, pin: Pin): Promise<void> {
  const offered: unknown = typeof pin === 'function' ? await pin() : pin;
  if (typeof offered !== 'string')
    throw new TokenFailure('no-pin', '`pin` answered something else than a text.');
  const mark = createHmac('sha256', processKey)
    .update(JSON.stringify([token, offered]))
    .digest('hex');
  if (refused.has(mark))
    throw new TokenFailure('pin-refused', 'The token refused this PIN before. It is not offered again.');
  try {
    await thread.ask('login', offered);
  } catch (error) {
    if (isAboutPin(error)) refused.add(mark);
    throw error;
  }
}
