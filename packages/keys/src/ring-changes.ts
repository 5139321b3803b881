import type { AuditEvent, Maybe } from '@sealwire/core';
import { RingDraft } from './ring-draft.ts';
import type { RingSettings } from './ring-options.ts';
import type { RingView } from './ring-view.ts';

/** Changes the keys of a ring, all or nothing, and tells the audit sink what was done. */
export class RingChanges {
  readonly #view: RingView;
  readonly #settings: RingSettings;

  constructor(view: RingView, settings: RingSettings) {
    this.#view = view;
    this.#settings = settings;
  }

  /** @returns what `edit` returned. @throws whatever it throws; then nothing has changed */
  async make<T>(edit: (draft: RingDraft, now: number) => Maybe<T>): Promise<T> {
    const { rotation, clock, audit, access } = this.#settings;
    const time = clock();
    let draft: RingDraft | undefined;
    let result: T | undefined;
    try {
      await this.#view.update(async (state) => {
        draft = new RingDraft(state, rotation, time);
        result = await edit(draft, time);
        return draft.change;
      });
    } finally {
      draft?.wipe();
    }
    for (const { entry, ...event } of draft?.events ?? []) {
      const { id: kid, purpose } = entry;
      audit?.record({ ...event, time, kid, purpose, actor: access.actor } as AuditEvent);
    }
    return result as T;
  }
}
