import type { AuditEvent, AuditSink } from '@sealwire/core';

/** Gives every event to a function. `flush()` waits for the promises that it returned, and fails if one did. */
export function callbackSink(give: (event: AuditEvent) => void | Promise<void>): Required<AuditSink> {
  const running = new Set<Promise<void>>();
  let failure: { reason: unknown } | undefined;
  const fail = (reason: unknown) => {
    failure = { reason };
  };
  return {
    record(event) {
      try {
        const given = give(event);
        if (given === undefined) return;
        const settled: Promise<void> = given.catch(fail).finally(() => running.delete(settled));
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
