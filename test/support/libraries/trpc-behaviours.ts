import type { TRPCClientError } from '@trpc/client';
import { errorOf } from './errors.ts';
import { type Given, setUps } from './set-ups.ts';
import type { AppRouter } from './trpc-app.ts';

const links = ['tRPC, httpBatchLink', 'tRPC, httpLink', 'tRPC, httpBatchStreamLink'] as const;

export const trpcBehaviours: Record<string, (given: Given) => Promise<unknown>> = {
  ...Object.fromEntries(links.flatMap((link) => Object.entries(throughLink(link)))),
  async 'tRPC, httpSubscriptionLink: what is yielded arrives as it is yielded'(given) {
    const subscriber = setUps['tRPC, httpSubscriptionLink'](given);
    const caller = setUps['tRPC, httpLink'](given);
    const seen: { id: number; name: string }[] = [];
    await new Promise<void>((resolve, reject) => {
      const subscription = subscriber.notes.subscribe(
        { after: 3 },
        {
          async onData(note) {
            seen.push(note);
            // The next one is added when this one has been seen, so nothing can be held back.
            if (seen.length === 5) {
              subscription.unsubscribe();
              resolve();
            } else if (seen.length > 1) {
              await caller.add.mutate({ name: `new ${seen.length}` }).catch(reject);
            }
          },
          onError: reject,
        },
      );
    });
    return seen;
  },
};

function throughLink(link: (typeof links)[number]): Record<string, (given: Given) => Promise<unknown>> {
  return {
    [`${link}: queries and mutations, several at once`]: (given) => {
      const client = setUps[link](given);
      return Promise.all([
        client.hello.query({ name: 'ä 😀' }),
        client.add.mutate({ name: 'tea' }),
        client.hello.query({ name: 'b', length: 200_000 }),
        client.add.mutate({ name: 'x'.repeat(200_000) }),
      ]);
    },
    async [`${link}: an error of a procedure is the error of the client`](given) {
      const client = setUps[link](given);
      const error = await errorOf<TRPCClientError<AppRouter>>(client.fail.mutate({ name: 'tea' }));
      return [error.name, error.message, error.data?.code, error.data?.httpStatus];
    },
    async [`${link}: a signal ends a call, also for the server`](given) {
      // In a batch with the silent one, the others would wait for it.
      const other = setUps['tRPC, httpLink'](given);
      const controller = new AbortController();
      const silent = setUps[link](given).silent.query(undefined, { signal: controller.signal });
      const call = errorOf<Error>(silent);
      const waiting = await other.waiting.query();
      controller.abort();
      return [waiting, (await call).name, await other.gone.query()];
    },
  };
}
