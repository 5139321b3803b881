import { createECDH, randomBytes } from 'node:crypto';
import { type ErrorCode, type KemPrivateKey, SealwireError } from '@sealwire/core';
import type { Connections } from './connections.ts';
import { explained, TokenFailure } from './failure.ts';
import type { KeyName } from './kem-objects.ts';
import { checkKeyName } from './options.ts';

/** For how long a handshake waits for the token, in milliseconds; the server gives a key 5 s. */
const deriveLimit = 4500;
/** For how long everything else does, in milliseconds. */
const otherLimit = 30_000;

/** A token whose keys serve handshakes. Made by `openToken()`. */
export class Token {
  readonly #connections: Connections;
  readonly #name: string;

  /** @internal */
  constructor(connections: Connections, name: string) {
    this.#connections = connections;
    this.#name = name;
  }

  /**
   * Makes a key pair of P-256 that never leaves the token: sensitive, not extractable, for key derivation only.
   * @param name a label, and an id in hexadecimal (default: 16 random bytes) that no private key in the token has
   * @throws SealwireError `invalid-option`, `keys-invalid`
   */
  async generateKemKey(name: { readonly label: string; readonly id?: string }): Promise<KemPrivateKey> {
    checkKeyName(name);
    if (name.label === undefined) throw new SealwireError('invalid-option', 'A new key needs a `label`.');
    const { label, id = randomBytes(16).toString('hex') } = name;
    await this.#setUp(name, () =>
      this.#connections.run((thread) => thread.ask('generate', label, id), otherLimit),
    );
    return this.kemKey({ label, id });
  }

  /**
   * A key of the token, for `remoteKemKey()`, found by its label, its id (in hexadecimal) or both.
   * @throws SealwireError `invalid-option`; `keys-invalid` if it is not there, no key of P-256, not usable, or could
   * leave the token
   */
  async kemKey(name: KeyName): Promise<KemPrivateKey> {
    checkKeyName(name);
    const { label, id } = name;
    const wanted = { ...(label !== undefined && { label }), ...(id !== undefined && { id }) };
    return this.#setUp(wanted, async () => {
      const pub = await this.#connections.run((thread) => thread.ask('find', wanted), otherLimit);
      await this.#probe(wanted, pub);
      const dh = (peer: Uint8Array) => this.#dh(wanted, pub, peer);
      return Object.freeze({ suite: 'P-256', pub, dh } as const);
    });
  }

  /** Ends sessions and threads. Handshakes with its keys are `unavailable` from then on. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  /** The public half is another object of the token, which could be that of another key. */
  async #probe(name: KeyName, pub: Uint8Array): Promise<void> {
    const ecdh = createECDH('prime256v1');
    const peer = ecdh.generateKeys();
    const shared = await this.#derive(name, pub, peer);
    if (!ecdh.computeSecret(pub).equals(shared))
      throw new TokenFailure('unfit-key', 'Its public key is not the one that goes with it.');
  }

  async #dh(name: KeyName, pub: Uint8Array, peer: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#derive(name, pub, peer);
    } catch (cause) {
      throw this.#error('unavailable', name, cause);
    }
  }

  #derive(name: KeyName, pub: Uint8Array, peer: Uint8Array): Promise<Uint8Array> {
    // A copy: what passes to a thread takes everything with it that shares its memory.
    const point = Uint8Array.from(peer);
    return this.#connections.run((thread) => thread.ask('derive', name, pub, point), deriveLimit);
  }

  async #setUp<R>(name: KeyName, act: () => Promise<R>): Promise<R> {
    try {
      return await act();
    } catch (cause) {
      throw this.#error('keys-invalid', name, cause);
    }
  }

  #error(code: ErrorCode, { label, id }: KeyName, cause: unknown): SealwireError {
    const key = [label !== undefined && `"${label}"`, id !== undefined && `with id ${id}`].filter(Boolean);
    return tokenError(code, `Key ${key.join(' ')} in ${this.#name}`, cause);
  }
}

/** The error about something of a token, which says what happened to it. */
export function tokenError(code: ErrorCode, what: string, cause: unknown): SealwireError {
  const detail = cause instanceof TokenFailure ? explained(cause) : 'It cannot be used; see the cause.';
  return new SealwireError(code, `${what}: ${detail}`, { cause });
}
