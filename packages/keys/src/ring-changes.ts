import { type AuditEvent, isSealwireError, type Maybe, SealwireError, withinLimit } from '@sealwire/core';
import { type KeyEvent, RingDraft } from './ring-draft.ts';
import type { RingSettings } from './ring-options.ts';
import type { RingView } from './ring-view.ts';
import type { KeyEntry } from './storage.ts';

/** How long a sink may take to keep what it was told, in milliseconds: others may wait for the storage meanwhile. */
const flushLimit = 10_000;

/** Changes the keys of a ring, all or nothing. What changes is on record before: nothing happens that the record lacks. */
export class RingChanges {
  readonly #view: RingView;
  readonly #settings: RingSettings;

  constructor(view: RingView, settings: RingSettings) {
    this.#view = view;
    this.#settings = settings;
  }

  /** @returns what `edit` returned. @throws whatever it throws, SealwireError `audit-failed`; then nothing has changed */
  async make<T>(edit: (draft: RingDraft, now: number) => Maybe<T>): Promise<T> {
    const { rotation, clock } = this.#settings;
    let draft: RingDraft | undefined;
    let result: T | undefined;
    try {
      await this.#view.update(async (state) => {
        // Not before: others may have had the storage for a while, and taken steps meanwhile.
        const time = clock();
        draft = new RingDraft(state, rotation, time);
        result = await edit(draft, time);
        await this.#record(draft.events, time);
        return draft.change;
      });
    } finally {
      draft?.wipe();
    }
    return result as T;
  }

  /** Puts on record that the secrets of keys are about to be given out. @throws SealwireError `audit-failed` */
  async recordExport(entries: readonly KeyEntry[]): Promise<void> {
    const events = entries.map((entry) => ({ type: 'key.exported', entry }) as const);
    await this.#record(events, this.#settings.clock());
  }

  async #record(events: readonly KeyEvent[], time: number): Promise<void> {
    const { audit, access } = this.#settings;
    if (audit === undefined || events.length === 0) return;
    try {
      for (const { entry, ...event } of events) {
        const { id: kid, purpose } = entry;
        audit.record({ ...event, time, kid, purpose, actor: access.actor } as AuditEvent);
      }
      await withinLimit(() => audit.flush?.(), flushLimit);
    } catch (cause) {
      if (isSealwireError(cause, 'audit-failed')) throw cause;
      throw new SealwireError('audit-failed', 'Nothing was done.', { cause });
    }
  }
}
