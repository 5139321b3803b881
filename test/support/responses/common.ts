import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import type { Question } from './matrix.ts';

/** GET, and HEAD of the same. */
export const both: readonly Question[] = [{}, { method: 'HEAD' }];

/** A GET with each of these fields. */
export function withField(...fields: [name: string, value: string][]): Question[] {
  return fields.map(([name, value]) => ({ fields: { [name]: value } }));
}

/** A stream of chunks that then fails, when they had time to arrive. */
export function failing(...chunks: string[]): Readable {
  let at = 0;
  return new Readable({
    read() {
      if (at < chunks.length) this.push(chunks[at++]);
      else setTimeout(() => this.destroy(new Error('on purpose')), 20);
    },
  });
}

// What Express and its kin watch responses with, from where they have it.
const ofCompression = createRequire(createRequire(import.meta.url).resolve('compression'));
export const onHeaders = ofCompression('on-headers') as (res: ServerResponse, listener: () => void) => void;
const ofExpress = createRequire(createRequire(import.meta.url).resolve('express'));
export const onFinished = ofExpress('on-finished') as {
  (res: ServerResponse, listener: (error: Error | null) => void): void;
  isFinished(res: ServerResponse): boolean;
};

export const cutIsAnEnd =
  'a stream that is destroyed without an error reads as complete over http2; sealed it does not';
