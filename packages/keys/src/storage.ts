import type { KeyPurpose, Maybe, SuiteName } from '@sealwire/core';

/**
 * `pending`: made, perhaps published, not used yet. `active`: used and published. `retiring`: no longer published, still
 * usable by who knows it. `disabled`: kept, not usable. `destroyed`: the secret is gone, what it was is remembered.
 */
export type KeyStatus = 'pending' | 'active' | 'retiring' | 'disabled' | 'destroyed';

/** What a key computes with. */
export type KeyAlgorithm = SuiteName | 'Ed25519' | 'AES-256-GCM' | 'HMAC-SHA256';

/** What is known of a key beside its secret. Times: server time in milliseconds. */
export interface KeyEntry {
  /** kid of a KEM key, thumbprint of a signing key, a hash of the same form for symmetric ones. */
  readonly id: string;
  readonly purpose: KeyPurpose;
  readonly alg: KeyAlgorithm;
  /** Public half, base64url; none for symmetric keys. */
  readonly pub?: string;
  readonly status: KeyStatus;
  readonly created: number;
  /** Since when it is published, active, retiring, disabled, destroyed. */
  readonly published?: number;
  readonly promoted?: number;
  readonly retired?: number;
  readonly disabled?: number;
  readonly destroyed?: number;
  /** True if its sessions have to end: it was compromised. */
  readonly revoked?: boolean;
  /** True if its secret is not in the storage: it is in an HSM, in a KMS, or with an identity that signs elsewhere. */
  readonly elsewhere?: boolean;
  /** Handshakes that used a KEM key, as far as they were written down. */
  readonly handshakes?: number;
}

/** Everything a key ring remembers, but the secrets. */
export interface RingState {
  readonly version: 1;
  /** One more with every change. */
  readonly revision: number;
  /** The `seq` of the last signed configuration. */
  readonly seq: number;
  /** Signed configurations that are kept, by subject (a JSON text): instances that share a directory publish the same bytes. */
  readonly signed: Readonly<
    Record<string, { readonly body: string; readonly iat: number; readonly exp: number }>
  >;
  readonly entries: readonly KeyEntry[];
}

/** What a change leaves behind. */
export interface RingChange {
  readonly state: RingState;
  /** Secrets of new keys by id: 32 bytes of an X25519, P-256 or Ed25519 key, of an X-Wing seed, of a symmetric key. */
  readonly secrets?: ReadonlyMap<string, Uint8Array>;
  /** Ids of keys whose secrets are to be erased. */
  readonly erase?: readonly string[];
}

/** Where the keys of a ring are kept. */
export interface KeyStorage {
  /** True if nothing can be changed: an environment variable, a wrapped bundle. */
  readonly readOnly: boolean;
  /** @throws SealwireError `keys-invalid`, which names the place and the remedy */
  read(): Promise<RingState>;
  /** The secret of a key, verified to be that of its id; the caller zeroes it. */
  secret(entry: KeyEntry): Promise<Uint8Array>;
  /**
   * Changes the state: one process at a time among all that share the place, all or nothing. The storage counts
   * `revision`; `change` may call `secret`.
   * @returns the new state; the old one if `change` returns undefined
   */
  update(change: (state: RingState) => Maybe<RingChange | undefined>): Promise<RingState>;
  /** Calls the listener after others changed the state. @returns what ends it */
  watch(listener: () => void): () => void;
}
