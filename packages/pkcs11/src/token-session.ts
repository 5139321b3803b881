import { createRequire } from 'node:module';
import { answerCode, type Cryptoki, ck, type Handle } from './cryptoki.ts';
import { TokenFailure } from './failure.ts';
import { derive, findKey, generateKey, type KeyName, type Session } from './kem-objects.ts';

/** Which token of a module: exactly one of these. */
export interface TokenName {
  readonly label?: string;
  readonly serial?: string;
  /** The number of its slot. */
  readonly slot?: number;
}

/**
 * One session of a token, in a thread of its own (worker.ts). Methods block until the token answers.
 * They throw TokenFailure, and what pkcs11js throws.
 */
export class TokenSession {
  #cryptoki: Cryptoki | undefined;
  #slot: Handle | undefined;
  #session: Handle | undefined;
  /** Handles of private keys by their public points in hexadecimal. They are good for as long as the session is. */
  readonly #keys = new Map<string, Handle>();

  /** Loads and initializes a module. @returns false if somebody in this process had initialized it already */
  initialize(module: string): boolean {
    this.#cryptoki ??= load(module);
    try {
      // Several threads call the module.
      this.#cryptoki.C_Initialize({ flags: ck.CKF_OS_LOCKING_OK });
      return true;
    } catch (error) {
      if (answerCode(error) === 'CKR_CRYPTOKI_ALREADY_INITIALIZED') return false;
      throw error;
    }
  }

  /** Opens the session, in place of the one before. */
  open(token: TokenName): { loggedIn: boolean; serial: string } {
    const cryptoki = this.#cryptoki as Cryptoki;
    this.close();
    const { slot, serial } = findSlot(cryptoki, token);
    this.#slot = slot;
    this.#session = cryptoki.C_OpenSession(slot, ck.CKF_SERIAL_SESSION);
    return { loggedIn: isLoggedIn(this.#current()), serial };
  }

  login(pin: string): void {
    const { cryptoki, handle } = this.#current();
    try {
      cryptoki.C_Login(handle, ck.CKU_USER, pin);
    } catch (error) {
      if (answerCode(error) !== 'CKR_USER_ALREADY_LOGGED_IN') throw error;
    }
  }

  /** The public point of a key, 65 bytes, once the key is found to be what it has to be. */
  find(name: KeyName): Uint8Array {
    return Uint8Array.from(this.#find(name).pub);
  }

  generate(label: string, id: string): void {
    const { cryptoki } = this.#current();
    const flags = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION;
    const handle = cryptoki.C_OpenSession(this.#slot as Handle, flags);
    try {
      generateKey({ cryptoki, handle }, label, id);
    } finally {
      cryptoki.C_CloseSession(handle);
    }
  }

  /** What the key with this name, whose public point is `pub`, has in common with a peer: 32 bytes. */
  derive(name: KeyName, pub: Uint8Array, peer: Uint8Array): Uint8Array {
    const point = Buffer.from(pub).toString('hex');
    let key = this.#keys.get(point);
    if (key === undefined) {
      const found = this.#find(name);
      // A token that was set up anew may have another key of this name.
      if (!found.pub.equals(pub))
        throw new TokenFailure('unfit-key', 'The token has another key of this name.');
      key = found.key;
      this.#keys.set(point, key);
    }
    return derive(this.#current(), key, peer);
  }

  /** Closes the session. The token logs a process out with its last one. */
  close(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#keys.clear();
    if (session === undefined) return;
    try {
      this.#cryptoki?.C_CloseSession(session);
    } catch {
      // It was gone already.
    }
  }

  /** Ends every session that this process has with tokens of the module. */
  finalize(): void {
    this.close();
    try {
      this.#cryptoki?.C_Finalize();
    } catch (error) {
      if (answerCode(error) !== 'CKR_CRYPTOKI_NOT_INITIALIZED') throw error;
    }
  }

  #current(): Session {
    if (this.#cryptoki === undefined || this.#session === undefined)
      throw new TokenFailure('CKR_SESSION_CLOSED', 'There is no session with the token.');
    return { cryptoki: this.#cryptoki, handle: this.#session };
  }

  #find(name: KeyName): { key: Handle; pub: Buffer } {
    const session = this.#current();
    // Without a login, private keys look as if they were not there.
    if (!isLoggedIn(session)) throw new TokenFailure('CKR_USER_NOT_LOGGED_IN', 'The login was lost.');
    return findKey(session, name);
  }
}

function load(module: string): Cryptoki {
  let cryptoki: Cryptoki;
  try {
    const { PKCS11 } = createRequire(import.meta.url)('pkcs11js') as { PKCS11: new () => Cryptoki };
    cryptoki = new PKCS11();
  } catch {
    const remedy = 'Run `npm install pkcs11js`, where there is a C++ compiler.';
    throw new TokenFailure('no-pkcs11js', `pkcs11js is not installed, or was not built. ${remedy}`);
  }
  try {
    cryptoki.load(module);
  } catch (error) {
    throw new TokenFailure('no-module', `The module cannot be loaded: ${(error as Error).message}.`);
  }
  return cryptoki;
}

/** All sessions of a process with a token are logged in, or none is. */
function isLoggedIn({ cryptoki, handle }: Session): boolean {
  const { state } = cryptoki.C_GetSessionInfo(handle);
  return state === ck.CKS_RO_USER_FUNCTIONS || state === ck.CKS_RW_USER_FUNCTIONS;
}

function findSlot(cryptoki: Cryptoki, { label, serial, slot }: TokenName): { slot: Handle; serial: string } {
  const present = cryptoki.C_GetSlotList(true).flatMap((handle) => {
    const info = tokenInfo(cryptoki, handle);
    return info === undefined ? [] : [{ ...info, handle }];
  });
  const [found, another] = present.filter((each) => {
    if (slot !== undefined) return numberOf(each.handle) === slot;
    return serial !== undefined ? each.serial === serial : each.label === label;
  });
  if (another !== undefined)
    throw new TokenFailure('no-token', 'There are several such tokens: name it by its `serial`.');
  if (found !== undefined) return { slot: found.handle, serial: found.serial };
  const others = present.map((each) => `"${each.label}"`).join(', ');
  throw new TokenFailure('no-token', `There is no such token. The module has ${others || 'none'}.`);
}

/** Undefined for a token that is not set up, or cannot be read: the module may have others. */
function tokenInfo(cryptoki: Cryptoki, slot: Handle): { label: string; serial: string } | undefined {
  try {
    const { label, serialNumber, flags } = cryptoki.C_GetTokenInfo(slot);
    if ((flags & ck.CKF_TOKEN_INITIALIZED) === 0) return undefined;
    return { label: padded(label), serial: padded(serialNumber) };
  } catch {
    return undefined;
  }
}

/** Texts of the standard are filled up with blanks. */
function padded(text: string): string {
  return text.replace(/[ \0]+$/, '');
}

/** A CK_SLOT_ID, as long as the platform's `unsigned long`. Every platform of Node has the lowest byte first. */
function numberOf(slot: Handle): number {
  return slot.readUIntLE(0, Math.min(slot.length, 6));
}
