import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { temporaryFolder } from './folders.ts';
import { isSecret } from './recording.ts';

// A real PKCS#11 token in software: https://www.opendnssec.org/softhsm/

const modules = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/pkcs11/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

/** Path of SoftHSM's module; undefined if it, its tool, or pkcs11js (which has to be compiled) is missing. */
export function findSoftHsm(): string | undefined {
  if (spawnSync('softhsm2-util', ['--version']).status !== 0) return undefined;
  try {
    loadPkcs11js();
  } catch {
    return undefined;
  }
  return modules.find((path) => existsSync(path));
}

/** What tests call of pkcs11js themselves, behind the back of the package. */
interface Pkcs11 {
  load(path: string): void;
  C_Finalize(): void;
  C_GetSlotList(present: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { label: string; serialNumber: string; flags: number };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_CloseSession(session: Buffer): void;
  C_CloseAllSessions(slot: Buffer): void;
  C_SetPIN(session: Buffer, old: string, next: string): void;
  C_Logout(session: Buffer): void;
  C_FindObjectsInit(session: Buffer, template: Template): void;
  C_FindObjects(session: Buffer, count: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_GetAttributeValue(session: Buffer, object: Buffer, template: Template): { value: Buffer }[];
  C_GenerateKeyPair(
    session: Buffer,
    mechanism: object,
    publicTemplate: Template,
    privateTemplate: Template,
  ): { publicKey: Buffer; privateKey: Buffer };
}

type Template = { type: number; value?: unknown }[];

function loadPkcs11js(): { PKCS11: new () => Pkcs11 } & Record<string, number> {
  return createRequire(import.meta.url)('pkcs11js');
}

/** Numbers of the standard, as pkcs11js has them. */
export const numbers = (): Record<string, number> => loadPkcs11js();

export const pin = '4711-gooseberry';
const officerPin = 'gooseberry-officer';
for (const each of [pin, officerPin]) isSecret(each);

/** Attributes by their names, and the curve's object identifier in DER. Default: P-256. */
export interface PairAttributes {
  readonly curve?: string;
  readonly public?: Record<string, unknown>;
  readonly private?: Record<string, unknown>;
}

const p256 = '06082a8648ce3d030107';

const tokensIn = (folder: string) => join(folder, 'tokens');

/** Makes a place for tokens in a folder. @returns what `SOFTHSM2_CONF` has to say */
export function configureSoftHsm(folder: string): string {
  mkdirSync(tokensIn(folder));
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${tokensIn(folder)}\nlog.level = ERROR\n`);
  return configuration;
}

/** A folder of tokens, which is SoftHSM's until the end of the test. */
export class SoftHsm {
  readonly module = findSoftHsm() as string;
  readonly #folder = temporaryFolder();
  readonly #cryptoki = new (loadPkcs11js().PKCS11)();

  constructor() {
    process.env['SOFTHSM2_CONF'] = configureSoftHsm(this.#folder);
    this.#cryptoki.load(this.module);
  }

  /** Sets up a token. */
  init(label: string, userPin = pin): void {
    this.#run('--init-token', '--free', '--label', label, '--pin', userPin, '--so-pin', officerPin);
  }

  /** Sets a token up anew: its keys are gone. */
  initAgain(label: string, userPin = pin): void {
    this.#run('--init-token', '--token', label, '--label', label, '--pin', userPin, '--so-pin', officerPin);
  }

  /** Takes every token out. @returns what puts them back */
  remove(): () => void {
    const away = join(this.#folder, 'away');
    renameSync(this.#tokens, away);
    mkdirSync(this.#tokens);
    return () => {
      rmSync(this.#tokens, { recursive: true });
      renameSync(away, this.#tokens);
    };
  }

  /** How many files the tokens consist of: one for each object, and some more. */
  get files(): number {
    return readdirSync(this.#tokens, { recursive: true }).length;
  }

  /** The module, as another part of the application would use it, and the slot of a token. */
  use(label: string): { cryptoki: Pkcs11; slot: Buffer; serial: string } {
    const cryptoki = this.#cryptoki;
    const slot = cryptoki.C_GetSlotList(true).find((each) => this.#info(each).label === label) as Buffer;
    return { cryptoki, slot, serial: this.#info(slot).serial };
  }

  /** Does something in a session of its own, which is not logged in by itself. */
  session<T>(label: string, act: (cryptoki: Pkcs11, session: Buffer) => T): T {
    const { cryptoki, slot } = this.use(label);
    const { CKF_SERIAL_SESSION = 0, CKF_RW_SESSION = 0 } = numbers();
    const session = cryptoki.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
    try {
      return act(cryptoki, session);
    } finally {
      cryptoki.C_CloseSession(session);
    }
  }

  /** Makes a key pair with such attributes. The process has to be logged in. */
  generate(label: string, attributes: PairAttributes): void {
    const { CKM_EC_KEY_PAIR_GEN, CKA_EC_PARAMS = 0 } = numbers();
    const template = (given: Record<string, unknown> = {}) =>
      Object.entries({ CKA_TOKEN: true, ...given }).map(([name, value]) => ({
        type: numbers()[name] as number,
        value,
      }));
    const curve = Buffer.from(attributes.curve ?? p256, 'hex');
    this.session(label, (cryptoki, session) =>
      cryptoki.C_GenerateKeyPair(
        session,
        { mechanism: CKM_EC_KEY_PAIR_GEN, parameter: null },
        [...template(attributes.public), { type: CKA_EC_PARAMS, value: curve }],
        template(attributes.private),
      ),
    );
  }

  /** How many objects a session sees. */
  objects(label: string): number {
    return this.session(label, (cryptoki, session) => {
      cryptoki.C_FindObjectsInit(session, []);
      const { length } = cryptoki.C_FindObjects(session, 1000);
      cryptoki.C_FindObjectsFinal(session);
      return length;
    });
  }

  get #tokens(): string {
    return tokensIn(this.#folder);
  }

  #info(slot: Buffer): { label: string; serial: string } {
    const { label, serialNumber } = this.#cryptoki.C_GetTokenInfo(slot);
    return { label: label.trim(), serial: serialNumber.trim() };
  }

  #run(...args: string[]): void {
    execFileSync('softhsm2-util', args, { stdio: 'pipe' });
  }
}
