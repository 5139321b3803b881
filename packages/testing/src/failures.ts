import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Test } from 'supertest';

/** By which a request that arrives is told to be one of supertest's. The app does not see it. */
const idField = 'x-sealwire-test';

/** What superagent hands errors through, whoever asked for them. */
interface Calling {
  callback(error: unknown, response?: unknown): void;
}

/**
 * Why requests could not be relayed. A test is not to take that for an answer of its app: the connection ends, and
 * superagent is told this instead of what it makes of that.
 */
export class Failures {
  #made = 0;
  readonly #ids = new WeakMap<ServerResponse, string>();
  readonly #errors = new Map<string, unknown>();

  /** For `agent.use()`. */
  readonly plugin = (test: Test): void => {
    const calling = test as unknown as Calling;
    const { callback } = calling;
    const id = String(this.#made++);
    test.set(idField, id);
    calling.callback = (error, response) => {
      const failure = this.#errors.get(id);
      this.#errors.delete(id);
      callback.call(test, failure ?? error, response);
    };
  };

  /** Notes which request this is. */
  recognise(req: IncomingMessage, res: ServerResponse): void {
    const id = req.headers[idField];
    delete req.headers[idField];
    if (typeof id === 'string') this.#ids.set(res, id);
  }

  /** Ends a response that cannot be relayed. */
  readonly fail = (res: ServerResponse, error: unknown): void => {
    const id = this.#ids.get(res);
    // Of a connection that the app itself closed, and of a response that it broke off, superagent says what it always says.
    if (id !== undefined && !res.headersSent && !res.destroyed && !isReset(error)) {
      this.#errors.set(id, error);
    }
    res.destroy();
  };
}

function isReset(error: unknown): boolean {
  return ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET';
}
