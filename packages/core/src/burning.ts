import { SealwireError } from './errors.ts';
import { type ExchangeName, isProven, type Repeat } from './repeat.ts';
import { repeatMemory, type SessionStore } from './session-store.ts';
import { isSafeMethod } from './target.ts';

/** How far ahead of the server a client's idea of its time may be, in milliseconds, as for `sealwire-time`. */
const maxLead = 30_000;

/**
 * Makes sure that the earlier attempts which a request names will never run, before the request itself is accepted: each
 * is marked as used in the window of its own session, by the same test-and-set that its execution would need.
 * @throws SealwireError `replayed` if one was used before, so may have run; `outcome-unknown` if that cannot be known;
 *   `malformed` for a proof that does not hold, `unavailable`
 */
export async function burnEarlier(
  store: SessionStore,
  repeats: readonly Repeat[],
  by: ExchangeName,
  method: string,
  now: number,
): Promise<void> {
  // Async: a store that throws at once for one must not leave the promise for another behind, whose failure nobody hears.
  const keys = await Promise.all(repeats.map(async ({ sid }) => store.repeatKey(sid, now)));
  // All proofs before the first mark: a request with a forged one burns nothing.
  for (const [i, repeat] of repeats.entries()) {
    const key = keys[i];
    if (key !== undefined && !(await isProven(key, repeat, by))) {
      throw new SealwireError('malformed', 'It names another exchange without a proof.');
    }
  }
  for (const [i, repeat] of repeats.entries()) {
    const burnt = keys[i] === undefined ? 'unknown' : await store.burn(repeat.sid, repeat.n, now);
    if (burnt === 'burned') continue;
    if (burnt === 'replayed') throw new SealwireError('replayed');
    if (burnt !== 'unknown') throw new SealwireError('unavailable');
    if (!isSafeMethod(method) && !(await cannotHaveRun(store, repeat, now))) {
      throw new SealwireError('outcome-unknown');
    }
  }
}

/**
 * A session that nobody knows took no exchange if it was begun, and could only have been lost, at a time since which
 * the store has forgotten none.
 */
async function cannotHaveRun(store: SessionStore, { at }: Repeat, now: number): Promise<boolean> {
  const since: unknown = await store.completeSince(now);
  // What is no time, `null` for example, says nothing.
  return typeof since === 'number' && at > since + maxLead && at <= now && now - at < repeatMemory;
}
