import {
  type ConfigurationPayload,
  type ConfigurationSubject,
  clockTolerance,
  openConfiguration,
  type PublishedConfiguration,
  SealwireError,
  signConfiguration,
  utf8,
} from '@sealwire/core';
import type { Access } from './access-policy.ts';
import { pinOf, signingIdentities, signsOnline } from './identities.ts';
import type { LoadedKeys } from './loaded-keys.ts';
import { RingDraft } from './ring-draft.ts';
import type { RingView } from './ring-view.ts';
import type { Rotation } from './rotation-policy.ts';
import {
  isCurrent,
  lifeOf,
  nextPayload,
  type ReadConfiguration,
  readConfiguration,
  subjectName,
} from './signed-configuration.ts';
import type { RingState } from './storage.ts';
import { warn } from './warn.ts';

/** How long a cache keeps a configuration at most, in milliseconds. */
const cacheAge = 5 * 60_000;
/** A signing that failed is not tried again for this long, as long as there is a valid configuration, in milliseconds. */
const retryAfter = 1000;
/** In development each `Host` that is called makes a subject of its own. */
const maxSubjects = 16;

interface Kept extends ReadConfiguration {
  readonly body: string;
}

/** Publishes the signed configurations of a ring: the same bytes in every process that shares its storage. */
export class Publisher {
  readonly #view: RingView;
  readonly #loaded: LoadedKeys;
  readonly #access: Access;
  readonly #rotation: Rotation;
  /** Configurations of the state, read once each. */
  readonly #kept = new Map<string, Kept>();
  #failedAt = Number.NEGATIVE_INFINITY;
  readonly #signing = new Map<string, Promise<void>>();

  constructor(view: RingView, loaded: LoadedKeys, access: Access, rotation: Rotation) {
    this.#view = view;
    this.#loaded = loaded;
    this.#access = access;
    this.#rotation = rotation;
  }

  /** @throws SealwireError `keys-invalid` if there is none, and nobody here can sign */
  async publish(subject: ConfigurationSubject, now: number): Promise<PublishedConfiguration> {
    const name = subjectName(subject);
    const kept = this.#read(name, this.#view.state);
    const usable = kept !== undefined && now < kept.payload.exp;
    if (usable && (this.#leavesSigning || isCurrent(kept, this.#view.state, this.#rotation, now)))
      return published(kept, now);
    try {
      await this.#signOnce(name, subject, now);
    } catch (error) {
      // A storage that fails for a moment fails nobody as long as there is a valid configuration.
      if (!usable) throw error;
      this.#failedAt = performance.now();
      warn(error);
      return published(kept, now);
    }
    return published(this.#read(name, this.#view.state) as Kept, now);
  }

  /** What identities elsewhere have to sign. @throws SealwireError `keys-invalid` */
  async configurationToSign(subject: ConfigurationSubject, now: number): Promise<ConfigurationPayload> {
    return nextPayload(await this.#view.refresh(), subject, this.#rotation, now);
  }

  /**
   * Takes a configuration that was signed elsewhere.
   * @throws SealwireError of its verification; `keys-invalid` for one that does not fit the ring
   */
  async importSigned(text: string, now: number): Promise<void> {
    await this.#view.update(async (state) => {
      const { payload } = await this.#verify(text, state, now);
      const draft = new RingDraft(state, this.#rotation, now);
      for (const { kid } of payload.keys) draft.publish(kid);
      const { state: next = state } = draft.change ?? {};
      return { state: withSigned(next, subjectName(payload), text, payload) };
    });
  }

  /** True if others sign, or if it failed a moment ago. */
  get #leavesSigning(): boolean {
    return !this.#access.may('sign', 'identity') || performance.now() - this.#failedAt < retryAfter;
  }

  #read(name: string, state: RingState): Kept | undefined {
    const body = state.signed[name]?.body;
    if (body === undefined) return undefined;
    const known = this.#kept.get(name);
    if (known?.body === body) return known;
    if (this.#kept.size >= maxSubjects) this.#kept.clear();
    const kept = { body, ...readConfiguration(body) };
    this.#kept.set(name, kept);
    return kept;
  }

  #signOnce(name: string, subject: ConfigurationSubject, now: number): Promise<void> {
    let signing = this.#signing.get(name);
    if (signing === undefined) {
      signing = this.#sign(name, subject, now).finally(() => this.#signing.delete(name));
      this.#signing.set(name, signing);
    }
    return signing;
  }

  #sign(name: string, subject: ConfigurationSubject, now: number): Promise<void> {
    return this.#view.updateSigned(async (state) => {
      // Another process may have signed by now.
      const kept = this.#read(name, state);
      const valid = kept !== undefined && now < kept.payload.exp;
      if (valid && isCurrent(kept, state, this.#rotation, now)) return undefined;
      if (!signsOnline(state.entries))
        throw new SealwireError(
          'keys-invalid',
          'No configuration is valid, and the identity is elsewhere: have it sign configurationToSign(), and call importSigned().',
        );
      const identities = signingIdentities(state.entries).filter(({ elsewhere }) => elsewhere !== true);
      for (const identity of identities) this.#access.check('sign', identity);
      const signers = await Promise.all(identities.map((identity) => this.#loaded.signer(identity)));
      const payload = nextPayload(state, subject, this.#rotation, now);
      return withSigned(state, name, await signConfiguration(payload, signers), payload);
    });
  }

  async #verify(text: string, state: RingState, now: number): Promise<ReadConfiguration> {
    const origin = firstOrigin(text);
    // Clients pin one identity or the other, so each has to have signed.
    for (const identity of signingIdentities(state.entries))
      await openConfiguration(utf8(text), { identities: [pinOf(identity)], origin });
    const read = readConfiguration(text);
    const { seq, iat, exp, keys } = read.payload;
    const refuse = (detail: string) => {
      throw new SealwireError('keys-invalid', `The signed configuration ${detail}`);
    };
    const current = state.signed[subjectName(read.payload)];
    if (current !== undefined && current.body !== text && seq <= readConfiguration(current.body).payload.seq)
      refuse('is not newer than the one that is published: sign a new one.');
    const life = lifeOf(state, this.#rotation);
    if (now >= exp || now < iat - clockTolerance) refuse('is not valid at this time: sign a new one.');
    if (Math.max(exp, ...keys.map((key) => key.exp)) > now + life + clockTolerance)
      refuse(`is valid for longer than ${life} ms from now; the option \`rotation.overlap\` bounds it.`);
    const named = keys.map(({ kid }) => kid);
    for (const { id, status, purpose } of state.entries) {
      if (purpose !== 'kem') continue;
      if (status === 'active' && !named.includes(id)) refuse(`lacks the active key ${id}.`);
      if (status !== 'active' && status !== 'pending' && named.includes(id))
        refuse(`names the key ${id}, which is ${status}: sign a new one.`);
    }
    return read;
  }
}

/** The audience is verified together with everything else; any of its origins will do. */
function firstOrigin(text: string): string {
  try {
    return String(readConfiguration(text).payload.aud[0]);
  } catch {
    throw new SealwireError('configuration-invalid', 'It is not what signConfiguration() returns.');
  }
}

function withSigned(
  state: RingState,
  name: string,
  body: string,
  { seq, iat, exp }: ConfigurationPayload,
): RingState {
  const others = Object.entries(state.signed)
    .filter(([other]) => other !== name)
    .sort(([, one], [, other]) => other.iat - one.iat)
    .slice(0, maxSubjects - 1);
  const signed = { ...Object.fromEntries(others), [name]: { body, iat, exp } };
  return { ...state, seq: Math.max(state.seq, seq), signed };
}

/** Jitter, so that the clients of a popular page do not come back all at once. */
function published({ body, payload }: Kept, now: number): PublishedConfiguration {
  const ends = [payload.exp, ...payload.keys.filter(({ nbf }) => nbf <= now).map(({ exp }) => exp)];
  const left = Math.max(0, Math.min(...ends) - now);
  return { body, maxAge: Math.round(Math.min(left, cacheAge * (0.5 + Math.random() / 2))) };
}
