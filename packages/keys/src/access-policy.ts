import { type AuditSink, type KeyOperation, type KeyPurpose, SealwireError } from '@sealwire/core';
import { isPurpose } from './key-material.ts';
import type { KeyEntry } from './storage.ts';

/** Which actor may do what with the keys of each purpose. What is not listed is denied. */
export type AccessPolicy = Readonly<
  Record<string, Readonly<Partial<Record<KeyPurpose, readonly KeyOperation[]>>>>
>;

const operations: readonly KeyOperation[] = ['decapsulate', 'sign', 'unwrap', 'rotate', 'destroy', 'export'];

/** The one place that decides whether this process may do something with a key. */
export class Access {
  readonly actor: string;
  readonly #policy: AccessPolicy | undefined;
  readonly #audit: AuditSink | undefined;
  readonly #clock: () => number;

  /** @throws SealwireError `invalid-option` */
  constructor(
    actor: string,
    policy: AccessPolicy | undefined,
    audit: AuditSink | undefined,
    clock: () => number,
  ) {
    if (policy !== undefined) checkPolicy(policy);
    this.actor = actor;
    this.#policy = policy;
    this.#audit = audit;
    this.#clock = clock;
  }

  /** Without a policy everything but `export` is allowed. */
  may(operation: KeyOperation, purpose: KeyPurpose): boolean {
    if (this.#policy === undefined) return operation !== 'export';
    return this.#policy[this.actor]?.[purpose]?.includes(operation) ?? false;
  }

  /** @throws SealwireError `key-denied`, which the audit sink is told, too */
  check(
    operation: KeyOperation,
    { id, purpose }: Pick<KeyEntry, 'purpose'> & { readonly id?: string },
  ): void {
    if (this.may(operation, purpose)) return;
    const { actor } = this;
    this.#audit?.record({ type: 'key.denied', time: this.#clock(), kid: id, purpose, actor, operation });
    throw new SealwireError(
      'key-denied',
      `The actor ${JSON.stringify(actor)} needs the operation '${operation}' on '${purpose}' in the option \`policy\`.`,
    );
  }
}

function checkPolicy(policy: AccessPolicy): void {
  const invalid = (what: string) =>
    new SealwireError(
      'invalid-option',
      `\`policy\` ${what}; it looks like { server: { kem: ['decapsulate'] } }.`,
    );
  if (typeof policy !== 'object' || policy === null) throw invalid('is no object');
  for (const [actor, purposes] of Object.entries(policy)) {
    if (typeof purposes !== 'object' || purposes === null) throw invalid(`says nothing of ${actor}`);
    for (const [purpose, allowed] of Object.entries(purposes)) {
      if (!isPurpose(purpose))
        throw invalid(`names the purpose ${JSON.stringify(purpose)}, which there is not`);
      const wrong = Array.isArray(allowed) ? allowed.find((each) => !operations.includes(each)) : allowed;
      if (wrong !== undefined)
        throw invalid(`names ${JSON.stringify(wrong)} instead of one of ${operations.join(', ')}`);
    }
  }
}
