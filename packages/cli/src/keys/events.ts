import type { KeyEntry } from '@sealwire/keys';
import type { Flags } from '../flags.ts';
import { writeJson } from '../json.ts';
import { prefixLength } from './ids.ts';
import type { KeyEvent } from './ring.ts';

/** Writes what was done to keys, a line for each step, or as JSON. */
export function writeEvents(
  flags: Flags,
  entries: readonly KeyEntry[],
  events: readonly KeyEvent[],
  nothing: string,
): void {
  if (flags.has('json')) {
    writeJson(events.map(({ type, kid, purpose }) => ({ type, id: kid, purpose })));
    return;
  }
  const length = prefixLength(entries);
  const lines = events.map(({ type, kid, purpose }) => {
    const entry = entries.find(({ id }) => id === kid);
    return `${kid.slice(0, length)}  ${type.replace('key.', '')}  ${purpose} ${entry?.alg ?? ''}`.trimEnd();
  });
  process.stdout.write(`${lines.length > 0 ? lines.join('\n') : nothing}\n`);
}
