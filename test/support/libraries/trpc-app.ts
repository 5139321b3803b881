import { EventEmitter, on, once } from 'node:events';
import { initTRPC, TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import type { Application } from 'express';

const t = initTRPC.create();

/** An input as it came; tRPC takes a function in the place of a schema. */
const named = t.procedure.input((value: unknown) => value as { name: string; length?: number });

function makeRouter() {
  const events = new EventEmitter();
  const waiting = once(events, 'waiting');
  const gone = once(events, 'gone');
  return t.router({
    hello: named.query(({ input }) => ({
      greeting: `hello ${input.name}`,
      text: 'x'.repeat(input.length ?? 0),
    })),
    add: named.mutation(({ input }) => {
      events.emit('note', input);
      return { id: '1', ...input };
    }),
    fail: named.mutation(({ input }): string => {
      throw new TRPCError({ code: 'CONFLICT', message: `there is a ${input.name}` });
    }),
    /** Waits until its caller has gone. */
    silent: t.procedure.query(async ({ signal }) => {
      const aborted = once(signal as AbortSignal, 'abort');
      events.emit('waiting');
      await aborted;
      events.emit('gone');
    }),
    waiting: t.procedure.query(async () => {
      await waiting;
      return 'waiting';
    }),
    gone: t.procedure.query(async () => {
      await gone;
      return 'gone';
    }),
    /** Two old notes after the one that the reader has, then each as it is added. */
    notes: t.procedure
      .input((value: unknown) => value as { after: number })
      .subscription(async function* ({ input, signal }) {
        const added = on(events, 'note', signal ? { signal } : {});
        for (let id = input.after + 1; id <= input.after + 2; id++) yield { id, name: 'old' };
        for await (const [note] of added) yield { id: 0, name: (note as { name: string }).name };
      }),
  });
}

export type AppRouter = ReturnType<typeof makeRouter>;

export function trpcRoutes(app: Application): void {
  app.use('/trpc', createExpressMiddleware({ router: makeRouter() }));
}
