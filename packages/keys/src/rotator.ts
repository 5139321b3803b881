import { SealwireError } from '@sealwire/core';
import { type DueStep, dueSteps } from './due.ts';
import type { RingChanges } from './ring-changes.ts';
import type { RingDraft } from './ring-draft.ts';
import type { RingSettings } from './ring-options.ts';
import type { RingView } from './ring-view.ts';
import type { KeyEntry } from './storage.ts';
import { warn } from './warn.ts';

/** How often it is looked what is due, in milliseconds. */
const [shortestPeriod, longestPeriod] = [20, 60_000];

/** Does what is due, when it is due. */
export class Rotator {
  readonly #view: RingView;
  readonly #changes: RingChanges;
  readonly #settings: RingSettings;
  /** Handshakes of this process that are not written down yet. */
  #handshakes = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(view: RingView, changes: RingChanges, settings: RingSettings) {
    this.#view = view;
    this.#changes = changes;
    this.#settings = settings;
  }

  /** Counts handshakes. */
  count(kid: string, more = 1): void {
    this.#handshakes.set(kid, (this.#handshakes.get(kid) ?? 0) + more);
  }

  /** @throws SealwireError `keys-invalid`, `key-denied` */
  async rotate(): Promise<void> {
    this.#check();
    await this.#view.refresh();
    const handshakes = this.#handshakesToWrite();
    if (handshakes.size === 0 && this.#due(this.#view.state.entries, this.#settings.clock()) === undefined)
      return;
    try {
      await this.#changes.make(async (draft, now) => {
        draft.count(handshakes);
        for (;;) {
          const due = this.#due(draft.entries, now);
          if (due === undefined) return;
          await take(draft, due);
        }
      });
    } catch (error) {
      // They were not written down, and are the next time.
      for (const [kid, count] of handshakes) this.count(kid, count);
      throw error;
    }
  }

  /** @throws SealwireError `keys-invalid`, `key-denied` */
  start(): void {
    this.#check();
    if (this.#timer === undefined && !this.#stopped) this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #check(): void {
    if (this.#view.readOnly)
      throw new SealwireError(
        'keys-invalid',
        'They cannot be rotated here: rotate them where they come from.',
      );
    this.#settings.access.check('rotate', { purpose: 'kem' });
  }

  #schedule(): void {
    const { maxAge, publishLead, overlap } = this.#settings.rotation;
    const period = Math.min(
      longestPeriod,
      Math.max(shortestPeriod, Math.min(maxAge, publishLead, overlap) / 4),
    );
    // Not all processes at once.
    this.#timer = setTimeout(() => this.#tick(), period * (0.75 + Math.random() / 2)).unref();
  }

  async #tick(): Promise<void> {
    await this.rotate().catch(warn);
    if (!this.#stopped) this.#schedule();
  }

  /** The first thing that is due, of those that this process may do. */
  #due(entries: readonly KeyEntry[], now: number): DueStep | undefined {
    const { access, rotation } = this.#settings;
    for (const due of dueSteps(entries, rotation, now)) {
      const purpose = due.step === 'add' ? due.purpose : due.entry.purpose;
      const operation = due.step === 'destroy' || due.step === 'forget' ? 'destroy' : 'rotate';
      if (access.may(operation, purpose)) return due;
    }
    return undefined;
  }

  /** They are written down rarely: when they are a hundredth of what makes a key due. */
  #handshakesToWrite(): ReadonlyMap<string, number> {
    const least = this.#settings.rotation.maxHandshakes / 100;
    const due = new Map([...this.#handshakes].filter(([, count]) => count >= least));
    for (const id of due.keys()) this.#handshakes.delete(id);
    return due;
  }
}

async function take(draft: RingDraft, due: DueStep): Promise<void> {
  switch (due.step) {
    case 'add':
      await draft.addNew(due.purpose, due.alg, 'pending');
      return;
    case 'disable':
      return draft.disable(due.entry.id, 'policy');
    default:
      return draft[due.step](due.entry.id);
  }
}
