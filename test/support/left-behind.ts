import * as assert from 'uvu/assert';
import { sleep } from './cases.ts';
import { afterwards } from './resources.ts';
import type { StackServer } from './stacks.ts';

/** What would have ended the process, from here to the end of the test. */
export function uncaught(): unknown[] {
  const errors: unknown[] = [];
  const keep = (error: unknown) => errors.push(error);
  for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, keep);
  afterwards(() => {
    for (const event of ['uncaughtException', 'unhandledRejection']) process.removeListener(event, keep);
  });
  return errors;
}

/** What keeps the process alive: sockets, timers, files, by their kinds; without as many as are in `others`. */
function resources(others: readonly string[] = []): string[] {
  const left = process.getActiveResourcesInfo();
  for (const kind of others) if (left.includes(kind)) left.splice(left.indexOf(kind), 1);
  return left;
}

/**
 * Watches the process from here on. The function that it returns ends the servers and asserts that nothing is left of
 * what clients did that are gone: no connection, no socket, timer or open file, no error that nobody handled.
 */
export function watch(): (...servers: StackServer[]) => Promise<void> {
  const errors = uncaught();
  const before = resources();
  return async (...servers) => {
    for (const server of servers) {
      await until(() => server.sockets.size === 0, 'its connections end');
      assert.is(await connectionsOf(server), 0);
      await server.close();
    }
    await until(() => resources(before).length === 0, 'what the exchanges held is given back').catch(() => {
      assert.equal(resources(before), []);
    });
    assert.equal(errors, []);
  };
}

function connectionsOf({ server }: StackServer): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

/** Resolves once something is so; fails if it does not become so. */
export async function until(holds: () => boolean, what: string, limit = 3000): Promise<void> {
  for (const end = performance.now() + limit; !holds(); await sleep(5)) {
    if (performance.now() > end) throw new Error(`did not happen in ${limit} ms: ${what}`);
  }
}
