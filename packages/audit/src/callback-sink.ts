import type { AuditEvent, AuditSink } from '@sealwire/core';
import { invalid } from './invalid.ts';

/**
 * Gives every event to a function. `flush()` waits for the promises that it returned, and fails if one did.
 * @throws SealwireError `invalid-option`
 */
export function callbackSink(give: (event: AuditEvent) => unknown): Required<AuditSink> {
  if (typeof give !== 'function') throw invalid('The argument is a function that takes an event.');
  const running = new Set<Promise<unknown>>();
  let failure: { reason: unknown } | undefined;
  const fail = (reason: unknown) => {
    failure = { reason };
  };
  return {
    record(event) {
      try {
        const given = give(event);
        if (typeof (given as PromiseLike<unknown> | undefined)?.then !== 'function') return;
        const settled = Promise.resolve(given)
          .catch(fail)
          .finally(() => running.delete(settled));
        running.add(settled);
      } catch (error) {
        fail(error);
      }
    },
    async flush() {
      await Promise.all(running);
      const failed = failure;
      failure = undefined;
      if (failed !== undefined) throw failed.reason;
    },
  };
}
